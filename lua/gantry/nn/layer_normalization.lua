--- nn.LayerNormalization: all numbers of each image normalised by their mean and variance, then scaled and shifted channel by channel
-- (Ba, Kiros and Hinton 2016, arXiv 1607.06450): what WGAN-GP's critic has in place of batch norm.
-- @module gantry.nn.layer_normalization
local torch = require 'gantry.torch'
require 'gantry.nn.group_normalization'

local LayerNormalization, parent = torch.class('nn.LayerNormalization', 'nn.GroupNormalization')

--- @function nn.LayerNormalization
-- Input N x nChannels, or N x nChannels x ...: images of any size, since the weight is a number for each channel.
-- @int nChannels
-- @number[opt=1e-5] eps added to the variance
-- @bool[opt=true] affine
-- @usage nn.LayerNormalization(64)
function LayerNormalization:__init(nChannels, eps, affine) parent.__init(self, 1, nChannels, eps, affine) end

function LayerNormalization:__tostring__() return ('%s(%d)'):format(torch.type(self), self.channels) end

return LayerNormalization
