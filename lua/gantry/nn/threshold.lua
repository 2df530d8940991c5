--- nn.Threshold: x where x > threshold, else a constant.
-- @module gantry.nn.threshold
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local Threshold, parent = torch.class('nn.Threshold', 'nn.Module')

--- @function nn.Threshold
-- @number[opt=1e-6] threshold what x has to exceed
-- @number[opt=0] v the constant
-- @bool[opt=false] inplace accepted as in Torch7; results always have memory of their own
function Threshold:__init(threshold, v, inplace)
  parent.__init(self)
  kernel.numbers(self, {threshold = threshold, v = v})
  self.threshold, self.val = threshold or 1e-6, v or 0
  self.inplace = inplace or false
end

function Threshold:call(input) return ops.threshold(input, self.threshold, self.val) end

return Threshold
