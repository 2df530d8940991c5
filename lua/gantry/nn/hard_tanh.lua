--- nn.HardTanh: x held within [min_value, max_value]; no gradient where it is held or at a bound.
-- @module gantry.nn.hard_tanh
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
require 'gantry.nn.module'

local HardTanh, parent = torch.class('nn.HardTanh', 'nn.Module')

--- @function nn.HardTanh
-- @number[opt=-1] min_value lower bound
-- @number[opt=1] max_value upper bound
-- @bool[opt=false] inplace accepted as in Torch7; results always have memory of their own
function HardTanh:__init(min_value, max_value, inplace)
  parent.__init(self)
  self.min_val, self.max_val = min_value or -1, max_value or 1
  self.inplace = inplace or false
  for name, bound in pairs {lower = self.min_val, upper = self.max_val} do
    if type(bound) ~= 'number' then native.fail('%s: the %s bound is a %s, wanted a number', torch.type(self), name, torch.type(bound)) end
  end
  if self.max_val <= self.min_val then
    native.fail('%s: the bounds are %g and %g, wanted the lower one first', torch.type(self), self.min_val, self.max_val)
  end
end

function HardTanh:call(input) return ops.hard_tanh(input, self.min_val, self.max_val) end

return HardTanh
