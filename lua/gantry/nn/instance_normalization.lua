--- nn.InstanceNormalization: each channel of each image normalised by its own mean and variance, then scaled and shifted (Ulyanov,
-- Vedaldi and Lempitsky 2016, arXiv 1607.08022).
-- @module gantry.nn.instance_normalization
local torch = require 'gantry.torch'
require 'gantry.nn.group_normalization'

local InstanceNormalization, parent = torch.class('nn.InstanceNormalization', 'nn.GroupNormalization')

--- @function nn.InstanceNormalization
-- Input N x nChannels x ..., more than one number in a channel.
-- @int nChannels
-- @number[opt=1e-5] eps added to the variance
-- @bool[opt=true] affine
-- @usage nn.InstanceNormalization(64)
function InstanceNormalization:__init(nChannels, eps, affine) parent.__init(self, nChannels, nChannels, eps, affine) end

function InstanceNormalization:__tostring__() return ('%s(%d)'):format(torch.type(self), self.channels) end

return InstanceNormalization
