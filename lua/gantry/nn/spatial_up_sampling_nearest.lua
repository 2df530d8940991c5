--- nn.SpatialUpSamplingNearest: every pixel of C x H x W or N x C x H x W repeated.
-- @module gantry.nn.spatial_up_sampling_nearest
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local SpatialUpSamplingNearest, parent = torch.class('nn.SpatialUpSamplingNearest', 'nn.Module')

--- @function nn.SpatialUpSamplingNearest
-- @int scale how many times in each direction
function SpatialUpSamplingNearest:__init(scale)
  parent.__init(self)
  if type(scale) ~= 'number' or scale < 1 or scale % 1 ~= 0 then
    native.fail('SpatialUpSamplingNearest: the scale is %s, wanted a whole number of at least 1', tostring(scale))
  end
  self.scale_factor = scale
end

function SpatialUpSamplingNearest:call(input)
  kernel.want(input.data, self, 4, 3)
  return ops.upsample_nearest(input, self.scale_factor)
end

function SpatialUpSamplingNearest:__tostring__() return ('%s(%d)'):format(torch.type(self), self.scale_factor) end

return SpatialUpSamplingNearest
