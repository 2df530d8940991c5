--- nn.SpatialUpSamplingBilinear: larger images (C x H x W or N x C x H x W), corner pixels staying where they are.
-- @module gantry.nn.spatial_up_sampling_bilinear
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local SpatialUpSamplingBilinear, parent = torch.class('nn.SpatialUpSamplingBilinear', 'nn.Module')

--- @function nn.SpatialUpSamplingBilinear
-- @param scale a whole number: how many times larger; or {oheight = , owidth = }: the sizes to give
function SpatialUpSamplingBilinear:__init(scale)
  parent.__init(self)
  if type(scale) == 'table' then
    self.oheight, self.owidth = scale.oheight, scale.owidth
    if type(self.oheight) ~= 'number' or type(self.owidth) ~= 'number' then
      native.fail('SpatialUpSamplingBilinear: wanted a scale, or {oheight = , owidth = }')
    end
  elseif type(scale) == 'number' and scale >= 1 and scale % 1 == 0 then
    self.scale_factor = scale
  else
    native.fail('SpatialUpSamplingBilinear: the scale is %s, wanted a whole number of at least 1', tostring(scale))
  end
end

function SpatialUpSamplingBilinear:call(input)
  kernel.want(input.data, self, 4, 3)
  local rank, times = input:dim(), self.scale_factor
  local height, width = self.oheight or input:size(rank - 1) * times, self.owidth or input:size(rank) * times
  return ops.interpolate(ops.interpolate(input, rank - 1, height), rank, width)
end

return SpatialUpSamplingBilinear
