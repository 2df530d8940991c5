--- nn.SpatialBatchNormalization: batch normalisation of the planes of N x C x H x W.
-- @module gantry.nn.spatial_batch_normalization
local torch = require 'gantry.torch'
require 'gantry.nn.batch_normalization'

local SpatialBatchNormalization = torch.class('nn.SpatialBatchNormalization', 'nn.BatchNormalization')

SpatialBatchNormalization.nDim = 4

return SpatialBatchNormalization
