--- nn.CAddTable: the sum of the tensors of a list, element by element.
-- @module gantry.nn.cadd_table
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local nested = require 'gantry.nn.nested'
require 'gantry.nn.module'

local CAddTable, parent = torch.class('nn.CAddTable', 'nn.Module')

--- @function nn.CAddTable
-- @bool[opt=false] inplace accepted as in Torch7; results always have memory of their own
function CAddTable:__init(inplace)
  parent.__init(self)
  self.inplace = inplace or false
end

function CAddTable:call(input)
  nested.want_list(self, input)
  local y = input[1]
  for i = 2, #input do y = ops.add(y, input[i]) end
  return y
end

return CAddTable
