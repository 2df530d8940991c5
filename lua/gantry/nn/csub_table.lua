--- nn.CSubTable: the first of two tensors less the second.
-- @module gantry.nn.csub_table
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local nested = require 'gantry.nn.nested'
require 'gantry.nn.module'

local CSubTable = torch.class('nn.CSubTable', 'nn.Module')

function CSubTable:call(input)
  nested.want_list(self, input)
  if #input ~= 2 then native.fail('%s: the input is a list of %d, wanted 2', torch.type(self), #input) end
  return ops.sub(input[1], input[2])
end

return CSubTable
