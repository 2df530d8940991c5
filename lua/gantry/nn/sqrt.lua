--- nn.Sqrt: square root; its gradient at 0 is 0.
-- @module gantry.nn.sqrt
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local Sqrt, parent = torch.class('nn.Sqrt', 'nn.Module')

--- @function nn.Sqrt
-- @number[opt=0] eps kept as in Torch7, where it is not used either
function Sqrt:__init(eps)
  parent.__init(self)
  kernel.numbers(self, {eps = eps})
  self.eps = eps or 0
end

function Sqrt.call(_, input) return ops.sqrt(input) end

return Sqrt
