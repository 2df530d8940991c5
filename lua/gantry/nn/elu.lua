--- nn.ELU: x where x > 0, else alpha (e ^ x - 1) (Clevert et al. 2016, arXiv 1511.07289).
-- @module gantry.nn.elu
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local ELU, parent = torch.class('nn.ELU', 'nn.Module')

--- @function nn.ELU
-- @number[opt=1] alpha how far below 0 it goes
-- @bool[opt=false] inplace accepted as in Torch7; results always have memory of their own
function ELU:__init(alpha, inplace)
  parent.__init(self)
  kernel.numbers(self, {alpha = alpha})
  self.alpha = alpha or 1
  self.inplace = inplace or false
end

function ELU:call(input) return ops.elu(input, self.alpha) end

function ELU:__tostring__() return ('%s (alpha:%f)'):format(torch.type(self), self.alpha) end

return ELU
