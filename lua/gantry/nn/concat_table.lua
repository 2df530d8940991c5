--- nn.ConcatTable: gives the input to every module, and a list of their outputs.
-- @module gantry.nn.concat_table
local torch = require 'gantry.torch'
require 'gantry.nn.branches'

local ConcatTable = torch.class('nn.ConcatTable', 'nn.Branches')

function ConcatTable.combine(_, outputs) return outputs end
function ConcatTable.combine_values(_, outputs) return outputs end
function ConcatTable.part(_, i, gradOutput) return gradOutput[i] end

return ConcatTable
