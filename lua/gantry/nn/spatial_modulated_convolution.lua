--- nn.SpatialModulatedConvolution: a convolution whose kernels are scaled, input plane by input plane, by what a linear layer makes of a
-- style vector, and brought back to unit length (Karras, Laine, Aittala, Hellsten, Lehtinen and Aila 2020, StyleGAN2, arXiv 1912.04958,
-- section 2.2). It takes {x, style}.
-- @module gantry.nn.spatial_modulated_convolution
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
local spatial = require 'gantry.nn.spatial'
require 'gantry.nn.composite'
require 'gantry.nn.linear'

local SpatialModulatedConvolution, parent = torch.class('nn.SpatialModulatedConvolution', 'nn.Composite')

SpatialModulatedConvolution.conditional = true
SpatialModulatedConvolution.prefers_inner = true   -- images in the inner layout (gantry.nn.layout)

local nn = require 'gantry.nn.namespace'

--- @function nn.SpatialModulatedConvolution
-- Input {N x nInputPlane x H x W, N x nStyle}, output N x nOutputPlane x H x W: zeros are padded all round. The linear layer gives what is
-- added to scales of 1, as in the authors' program; its bias starts at 0. The convolution's bias is added last, and is not scaled.
-- @int nInputPlane
-- @int nOutputPlane
-- @param nStyle how many numbers a style has; or a layer to use in place of the linear one, from N x nStyle to N x nInputPlane
-- @int k width and height of the kernels, odd
-- @bool[opt=true] demodulate whether kernels are brought back to unit length; not where colours are made
-- @usage nn.SpatialModulatedConvolution(64, 32, 128, 3):forward {torch.randn(8, 64, 4, 4), torch.randn(8, 128)}
function SpatialModulatedConvolution:__init(nInputPlane, nOutputPlane, nStyle, k, demodulate)
  parent.__init(self)
  kernel.whole(self, 1, 'k', k)
  if k % 2 == 0 then native.fail('SpatialModulatedConvolution: the kernel is %d, wanted an odd number', k) end
  spatial.set_kernel(self, nInputPlane, nOutputPlane, k, k, 1, 1, (k - 1) / 2, (k - 1) / 2)
  self.demodulate = demodulate ~= false
  spatial.make_parameters(self, nOutputPlane, nInputPlane, nOutputPlane)
  spatial.draw(self)
  self.bias:zero()
  if type(nStyle) == 'table' then
    self.modules[1] = self:want_layer(nStyle)
    return
  end
  kernel.whole(self, 1, 'nStyle', nStyle)
  self.modules[1] = nn.Linear(nStyle, nInputPlane)
  self.modules[1].bias:zero()
end

--- Draws the kernels (gantry.nn.spatial says from what) and the linear layer; both biases 0.
function SpatialModulatedConvolution:reset(stdv)
  parent.reset(self, stdv)
  if self.modules[1].bias then self.modules[1].bias:zero() end
  spatial.draw(self, stdv)
  self.bias:zero()
end

function SpatialModulatedConvolution:call(input)
  local x, style = self:pair(input, 'style')
  kernel.want(x.data, self, 4)
  spatial.want(self, x.data)
  local scale = self:run(1, style)
  if scale:dim() ~= 2 or scale:size(1) ~= x:size(1) or scale:size(2) ~= self.nInputPlane then
    native.fail('%s: %s numbers made of styles of %s, wanted %dx%d', torch.type(self), kernel.sizes(scale.data), kernel.sizes(style.data),
      x:size(1), self.nInputPlane)
  end
  local y = ops.modulated_conv(x, self:param 'weight', ops.add(scale, 1), spatial.shape(self), self.demodulate)
  return ops.add_bias(y, self:param 'bias')
end

function SpatialModulatedConvolution:__tostring__()
  return ('%s(%d -> %d, %dx%d, %s)'):format(torch.type(self), self.nInputPlane, self.nOutputPlane, self.kW, self.kH,
    tostring(self.modules[1]))
end

return SpatialModulatedConvolution
