--- nn.Mean: the mean over a dimension.
-- @module gantry.nn.mean
local torch = require 'gantry.torch'
require 'gantry.nn.sum'

local Mean, parent = torch.class('nn.Mean', 'nn.Sum')

--- @function nn.Mean
-- @int[opt=1] dimension counts from the end if negative
-- @int[opt] nInputDims how many dimensions one input has; with one more, the first is a batch and `dimension` counts after it
function Mean:__init(dimension, nInputDims) parent.__init(self, dimension, nInputDims, true) end

return Mean
