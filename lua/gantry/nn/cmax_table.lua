--- nn.CMaxTable: the largest of the tensors of a list, element by element.
-- @module gantry.nn.cmax_table
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local nested = require 'gantry.nn.nested'
require 'gantry.nn.module'

local CMaxTable = torch.class('nn.CMaxTable', 'nn.Module')

function CMaxTable:call(input)
  nested.want_list(self, input)
  local y = input[1]
  for i = 2, #input do y = ops.cmax(y, input[i]) end
  return y
end

return CMaxTable
