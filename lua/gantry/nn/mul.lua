--- nn.Mul: x times one learned number.
-- @module gantry.nn.mul
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
require 'gantry.nn.module'

local Mul, parent = torch.class('nn.Mul', 'nn.Module')

function Mul:__init()
  parent.__init(self)
  self.weight, self.gradWeight = torch.Tensor(1), torch.Tensor(1):zero()
  self:reset()
end

--- Draws the number uniformly; stdv is the standard deviation, by default the bound is 1.
function Mul:reset(stdv)
  stdv = stdv and stdv * math.sqrt(3) or 1
  self.weight:uniform(-stdv, stdv)
end

function Mul:call(input) return ops.mul(input, self:param 'weight') end

return Mul
