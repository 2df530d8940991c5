--- nn.CMulTable: the product of the tensors of a list, element by element.
-- @module gantry.nn.cmul_table
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local nested = require 'gantry.nn.nested'
require 'gantry.nn.module'

local CMulTable = torch.class('nn.CMulTable', 'nn.Module')

function CMulTable:call(input)
  nested.want_list(self, input)
  local y = input[1]
  for i = 2, #input do y = ops.mul(y, input[i]) end
  return y
end

return CMulTable
