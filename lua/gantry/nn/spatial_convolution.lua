--- nn.SpatialConvolution: cross-correlation of images with a bank of kernels.
-- @module gantry.nn.spatial_convolution
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local fused = require 'gantry.nn.fused'
local kernel = require 'gantry.nn.kernel'
local spatial = require 'gantry.nn.spatial'
require 'gantry.nn.module'

local C, check = native.C, native.check

local SpatialConvolution, parent = torch.class('nn.SpatialConvolution', 'nn.Module')

SpatialConvolution.prefers_inner = true   -- images in the inner layout (gantry.nn.layout)

--- @function nn.SpatialConvolution
-- Input N x nInputPlane x H x W (or without N); output N x nOutputPlane x floor((H + 2 padH - kH) / dH + 1) x ...
-- The weight is nOutputPlane x nInputPlane x kH x kW.
-- @int nInputPlane planes in
-- @int nOutputPlane planes out
-- @int kW kernel width
-- @int kH kernel height
-- @int[opt=1] dW step
-- @int[opt=1] dH step
-- @int[opt=0] padW zeros on either side
-- @int[opt=padW] padH zeros above and below
-- @usage nn.SpatialConvolution(3, 64, 4, 4, 2, 2, 1, 1)
function SpatialConvolution:__init(nInputPlane, nOutputPlane, kW, kH, dW, dH, padW, padH)
  parent.__init(self)
  spatial.set_kernel(self, nInputPlane, nOutputPlane, kW, kH, dW, dH, padW or 0, padH or padW or 0)
  spatial.make_parameters(self, nOutputPlane, nInputPlane, nOutputPlane)
  self:reset()
end

--- Without a bias from now on.
-- @treturn table self
function SpatialConvolution:noBias()
  self.bias, self.gradBias = nil, nil
  return self
end

--- Draws weight, then bias (gantry.nn.spatial says from what).
function SpatialConvolution:reset(stdv)
  spatial.draw(self, stdv)
end

local function apply(x, self, slope)
  local weight = self:param 'weight'
  if weight:dim() == 2 then weight = ops.view(weight, self.nOutputPlane, self.nInputPlane, self.kH, self.kW) end
  if not self.bias then return ops.conv(x, weight, spatial.shape(self), slope) end
  return spatial.add_bias(ops.conv(x, weight, spatial.shape(self)), self:param 'bias', slope)
end

--- On a value, with the activation that follows (gantry.nn.fused).
-- @param input value
-- @number slope of the activation below 0; 1: there is none
function SpatialConvolution:activated(input, slope)
  spatial.want(self, input.data)
  return spatial.call(input, apply, self, slope)
end

function SpatialConvolution:call(input) return self:activated(input, 1) end

local leaky_relu = kernel.unary 'leaky_relu'

--- On a tensor, with the activation that follows.
function SpatialConvolution:updateActivated(input, slope)
  spatial.want(self, input)
  check(C.gt_conv(self.output, spatial.batch(input), spatial.kernel(self, self.weight), spatial.shape(self)))
  if self.bias then
    check(C.gt_add_bias(self.output, self.output, self.bias, slope))
  elseif slope ~= 1 then
    leaky_relu(self.output, self.output, slope)
  end
  return spatial.unbatch(self.output, input)
end

function SpatialConvolution:updateOutput(input) return self:updateActivated(input, 1) end

function SpatialConvolution:updateGradInput(input, gradOutput)
  check(C.gt_conv_input(self.gradInput, spatial.batch(gradOutput), spatial.kernel(self, self.weight), spatial.shape(self),
    input.shape[input.rank - 2], input.shape[input.rank - 1]))
  return spatial.unbatch(self.gradInput, input)
end

function SpatialConvolution:accGradParameters(input, gradOutput, scale)
  local g, gradWeight = spatial.batch(gradOutput), spatial.kernel(self, self.gradWeight)
  check(C.gt_conv_weight(gradWeight, spatial.batch(input), g, spatial.shape(self), self.kH, self.kW, 1, scale or 1))
  if self.bias then check(C.gt_bias_grad(self.gradBias, g, 1, scale or 1)) end
end

function SpatialConvolution:__tostring__() return spatial.describe(self, '') end

-- Without a bias the result has to show the sign of what the activation was given.
fused.layer(SpatialConvolution, function(self, slope) return self.bias ~= nil or slope >= 0 end)

return SpatialConvolution
