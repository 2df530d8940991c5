--- nn.CMinTable: the smallest of the tensors of a list, element by element.
-- @module gantry.nn.cmin_table
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local nested = require 'gantry.nn.nested'
require 'gantry.nn.module'

local CMinTable = torch.class('nn.CMinTable', 'nn.Module')

function CMinTable:call(input)
  nested.want_list(self, input)
  local y = input[1]
  for i = 2, #input do y = ops.cmin(y, input[i]) end
  return y
end

return CMinTable
