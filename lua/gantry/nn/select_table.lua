--- nn.SelectTable: one entry of a list.
-- @module gantry.nn.select_table
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local nested = require 'gantry.nn.nested'
require 'gantry.nn.module'

local SelectTable, parent = torch.class('nn.SelectTable', 'nn.Module')

--- @function nn.SelectTable
-- @int index of the entry; counts from the end if negative
function SelectTable:__init(index)
  parent.__init(self)
  if type(index) ~= 'number' then native.fail('SelectTable: the index is a %s, wanted a number', torch.type(index)) end
  self.index = index
end

function SelectTable:call(input)
  nested.want_list(self, input)
  local index = self.index < 0 and #input + self.index + 1 or self.index
  if input[index] == nil then native.fail('%s: there is no entry %d in a list of %d', torch.type(self), self.index, #input) end
  return input[index]
end

return SelectTable
