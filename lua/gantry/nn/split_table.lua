--- nn.SplitTable: the slices of a dimension, as a list.
-- @module gantry.nn.split_table
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local SplitTable, parent = torch.class('nn.SplitTable', 'nn.Module')

--- @function nn.SplitTable
-- @int dimension counts from the end if negative
-- @int[opt] nInputDims how many dimensions one input has; with one more, the first is a batch and `dimension` counts after it
function SplitTable:__init(dimension, nInputDims)
  parent.__init(self)
  if type(dimension) ~= 'number' then native.fail('SplitTable: the dimension is a %s, wanted a number', torch.type(dimension)) end
  kernel.numbers(self, {nInputDims = nInputDims})
  self.dimension, self.nInputDims = dimension, nInputDims
end

function SplitTable:call(input)
  local d = kernel.dimension(self, input.data, self.dimension, self.nInputDims)
  local list = {}
  for i = 1, input:size(d) do list[i] = ops.select(input, d, i) end
  return list
end

return SplitTable
