--- nn.FlattenTable: a list of lists as one list.
-- @module gantry.nn.flatten_table
local torch = require 'gantry.torch'
local nested = require 'gantry.nn.nested'
require 'gantry.nn.module'

local FlattenTable = torch.class('nn.FlattenTable', 'nn.Module')

function FlattenTable:call(input)
  nested.want_list(self, input)
  local list = {}
  nested.each(input, input, function(x) list[#list + 1] = x end)
  return list
end

return FlattenTable
