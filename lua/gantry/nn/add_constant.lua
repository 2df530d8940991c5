--- nn.AddConstant: x plus a number.
-- @module gantry.nn.add_constant
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
require 'gantry.nn.module'

local AddConstant, parent = torch.class('nn.AddConstant', 'nn.Module')

--- @function nn.AddConstant
-- @number constant_scalar the number
-- @bool[opt=false] inplace accepted as in Torch7; results always have memory of their own
function AddConstant:__init(constant_scalar, inplace)
  parent.__init(self)
  if type(constant_scalar) ~= 'number' then native.fail('AddConstant: got a %s, wanted a number', torch.type(constant_scalar)) end
  self.constant_scalar, self.inplace = constant_scalar, inplace or false
end

function AddConstant:call(input) return ops.add(input, self.constant_scalar) end

return AddConstant
