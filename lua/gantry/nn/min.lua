--- nn.Min: the smallest along a dimension, which disappears.
-- @module gantry.nn.min
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local Min, parent = torch.class('nn.Min', 'nn.Module')

--- @function nn.Min
-- @int[opt=1] dimension counts from the end if negative
-- @int[opt] nInputDims how many dimensions one input has; with one more, the first is a batch and `dimension` counts after it
function Min:__init(dimension, nInputDims)
  parent.__init(self)
  kernel.numbers(self, {dimension = dimension, nInputDims = nInputDims})
  self.dimension, self.nInputDims = dimension or 1, nInputDims
end

function Min:call(input)
  return (ops.min(input, kernel.dimension(self, input.data, self.dimension, self.nInputDims)))
end

return Min
