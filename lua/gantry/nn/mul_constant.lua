--- nn.MulConstant: x times a number.
-- @module gantry.nn.mul_constant
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
require 'gantry.nn.module'

local MulConstant, parent = torch.class('nn.MulConstant', 'nn.Module')

--- @function nn.MulConstant
-- @number constant_scalar the number
-- @bool[opt=false] inplace accepted as in Torch7; results always have memory of their own
function MulConstant:__init(constant_scalar, inplace)
  parent.__init(self)
  if type(constant_scalar) ~= 'number' then native.fail('MulConstant: got a %s, wanted a number', torch.type(constant_scalar)) end
  self.constant_scalar, self.inplace = constant_scalar, inplace or false
end

function MulConstant:call(input) return ops.scale(input, self.constant_scalar) end

return MulConstant
