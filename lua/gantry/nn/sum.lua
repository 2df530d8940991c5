--- nn.Sum: sums over a dimension.
-- @module gantry.nn.sum
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local Sum, parent = torch.class('nn.Sum', 'nn.Module')

--- @function nn.Sum
-- @int[opt=1] dimension counts from the end if negative
-- @int[opt] nInputDims how many dimensions one input has; with one more, the first is a batch and `dimension` counts after it
-- @bool[opt=false] sizeAverage the mean instead
-- @bool[opt=true] squeeze the dimension disappears, else it stays with size 1
function Sum:__init(dimension, nInputDims, sizeAverage, squeeze)
  parent.__init(self)
  kernel.numbers(self, {dimension = dimension, nInputDims = nInputDims})
  self.dimension, self.nInputDims = dimension or 1, nInputDims
  self.sizeAverage, self.squeeze = sizeAverage or false, squeeze ~= false
end

function Sum:call(input)
  local d = kernel.dimension(self, input.data, self.dimension, self.nInputDims)
  return (self.sizeAverage and ops.mean or ops.sum)(input, d, self.squeeze == false)
end

return Sum
