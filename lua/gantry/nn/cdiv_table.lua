--- nn.CDivTable: the first of two tensors over the second.
-- @module gantry.nn.cdiv_table
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local nested = require 'gantry.nn.nested'
require 'gantry.nn.module'

local CDivTable = torch.class('nn.CDivTable', 'nn.Module')

function CDivTable:call(input)
  nested.want_list(self, input)
  if #input ~= 2 then native.fail('%s: the input is a list of %d, wanted 2', torch.type(self), #input) end
  return ops.div(input[1], input[2])
end

return CDivTable
