--- nn.Max: the largest along a dimension, which disappears.
-- @module gantry.nn.max
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local Max, parent = torch.class('nn.Max', 'nn.Module')

--- @function nn.Max
-- @int[opt=1] dimension counts from the end if negative
-- @int[opt] nInputDims how many dimensions one input has; with one more, the first is a batch and `dimension` counts after it
function Max:__init(dimension, nInputDims)
  parent.__init(self)
  kernel.numbers(self, {dimension = dimension, nInputDims = nInputDims})
  self.dimension, self.nInputDims = dimension or 1, nInputDims
end

function Max:call(input)
  return (ops.max(input, kernel.dimension(self, input.data, self.dimension, self.nInputDims)))
end

return Max
