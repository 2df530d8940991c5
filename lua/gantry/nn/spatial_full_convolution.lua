--- nn.SpatialFullConvolution: the fractional-strided convolution (the gradient of a convolution as a layer).
-- @module gantry.nn.spatial_full_convolution
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local fused = require 'gantry.nn.fused'
local kernel = require 'gantry.nn.kernel'
local spatial = require 'gantry.nn.spatial'
require 'gantry.nn.module'

local C, check, fail = native.C, native.check, native.fail

local SpatialFullConvolution, parent = torch.class('nn.SpatialFullConvolution', 'nn.Module')

SpatialFullConvolution.prefers_inner = true   -- images in the inner layout (gantry.nn.layout)

--- @function nn.SpatialFullConvolution
-- Input N x nInputPlane x H x W (or without N); output N x nOutputPlane x ((H - 1) dH - 2 padH + kH + adjH) x ...
-- The weight is nInputPlane x nOutputPlane x kH x kW.
-- @int nInputPlane planes in
-- @int nOutputPlane planes out
-- @int kW kernel width
-- @int kH kernel height
-- @int[opt=1] dW step
-- @int[opt=1] dH step
-- @int[opt=0] padW what is cut off on either side
-- @int[opt=0] padH what is cut off above and below
-- @int[opt=0] adjW columns added at the right, fewer than dW
-- @int[opt=0] adjH rows added below, fewer than dH
-- @usage nn.SpatialFullConvolution(128, 64, 4, 4, 2, 2, 1, 1)   -- doubles the size
function SpatialFullConvolution:__init(nInputPlane, nOutputPlane, kW, kH, dW, dH, padW, padH, adjW, adjH)
  parent.__init(self)
  spatial.set_kernel(self, nInputPlane, nOutputPlane, kW, kH, dW, dH, padW or 0, padH or 0)
  self.adjW, self.adjH = adjW or 0, adjH or 0
  kernel.whole(self, 0, 'adjW', self.adjW, 'adjH', self.adjH)
  if self.adjW > self.dW - 1 or self.adjH > self.dH - 1 then
    fail('SpatialFullConvolution: adjW, adjH are %d, %d, wanted less than dW, dH, which are %d, %d', self.adjW, self.adjH, self.dW, self.dH)
  end
  spatial.make_parameters(self, nInputPlane, nOutputPlane, nOutputPlane)
  self:reset()
end

--- Without a bias from now on.
-- @treturn table self
function SpatialFullConvolution:noBias()
  self.bias, self.gradBias = nil, nil
  return self
end

--- Draws weight, then bias (gantry.nn.spatial says from what).
function SpatialFullConvolution:reset(stdv)
  spatial.draw(self, stdv)
end

local function output_size(self, input)
  local h, w = tonumber(input.shape[input.rank - 2]), tonumber(input.shape[input.rank - 1])
  local oh = (h - 1) * self.dH - 2 * (self.padH or 0) + self.kH + (self.adjH or 0)
  local ow = (w - 1) * self.dW - 2 * (self.padW or 0) + self.kW + (self.adjW or 0)
  if oh < 1 or ow < 1 then fail('%s: the input is %s, which would give images of %dx%d', torch.type(self), kernel.sizes(input), oh, ow) end
  return oh, ow
end

local function apply(x, self, slope)
  local y = ops.conv_input(x, self:param 'weight', spatial.shape(self), output_size(self, x.data))
  return self.bias and spatial.add_bias(y, self:param 'bias', slope) or y
end

--- On a value, with the activation that follows the bias (gantry.nn.fused).
-- @param input value
-- @number slope of the activation below 0; 1: there is none
function SpatialFullConvolution:activated(input, slope)
  spatial.want(self, input.data)
  return spatial.call(input, apply, self, slope)
end

function SpatialFullConvolution:call(input) return self:activated(input, 1) end

--- On a tensor, with the activation that follows the bias.
function SpatialFullConvolution:updateActivated(input, slope)
  spatial.want(self, input)
  check(C.gt_conv_input(self.output, spatial.batch(input), self.weight, spatial.shape(self), output_size(self, input)))
  if self.bias then check(C.gt_add_bias(self.output, self.output, self.bias, slope)) end
  return spatial.unbatch(self.output, input)
end

function SpatialFullConvolution:updateOutput(input) return self:updateActivated(input, 1) end

function SpatialFullConvolution:updateGradInput(input, gradOutput)
  check(C.gt_conv(self.gradInput, spatial.batch(gradOutput), self.weight, spatial.shape(self)))
  return spatial.unbatch(self.gradInput, input)
end

function SpatialFullConvolution:accGradParameters(input, gradOutput, scale)
  local g = spatial.batch(gradOutput)
  check(C.gt_conv_weight(self.gradWeight, g, spatial.batch(input), spatial.shape(self), self.kH, self.kW, 1, scale or 1))
  if self.bias then check(C.gt_bias_grad(self.gradBias, g, 1, scale or 1)) end
end

function SpatialFullConvolution:__tostring__()
  local adjusted = (self.adjW or 0) ~= 0 or (self.adjH or 0) ~= 0
  return spatial.describe(self, adjusted and (', %d,%d'):format(self.adjW, self.adjH) or '')
end

fused.layer(SpatialFullConvolution, function(self) return self.bias ~= nil end)

return SpatialFullConvolution
