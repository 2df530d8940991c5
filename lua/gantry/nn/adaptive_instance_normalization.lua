--- nn.AdaptiveInstanceNormalization: instance norm whose scale and shift are made, by a linear layer, of a style vector (Huang and Belongie
-- 2017, arXiv 1703.06868; in generators: Karras, Laine and Aila 2019, arXiv 1812.04948, equation 1). It takes {x, style}.
-- @module gantry.nn.adaptive_instance_normalization
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.composite'
require 'gantry.nn.linear'

local AdaptiveInstanceNormalization, parent = torch.class('nn.AdaptiveInstanceNormalization', 'nn.Composite')

AdaptiveInstanceNormalization.conditional = true

local nn = require 'gantry.nn.namespace'

--- @function nn.AdaptiveInstanceNormalization
-- Input {N x nChannels x ..., N x nStyle}. The linear layer gives what is added to a scale of 1, then the shift: with its bias at 0 and a
-- style of 0 this is instance norm.
-- @int nChannels
-- @param nStyle how many numbers a style has; or a layer to use in place of the linear one, from N x nStyle to N x 2 nChannels
-- @number[opt=1e-5] eps added to the variance
-- @usage nn.AdaptiveInstanceNormalization(64, 128):forward {torch.randn(8, 64, 4, 4), torch.randn(8, 128)}
function AdaptiveInstanceNormalization:__init(nChannels, nStyle, eps)
  parent.__init(self)
  kernel.whole(self, 1, 'nChannels', nChannels)
  self.channels, self.eps = nChannels, eps or 1e-5
  if type(nStyle) == 'table' then
    self.modules[1] = self:want_layer(nStyle)
    return
  end
  kernel.whole(self, 1, 'nStyle', nStyle)
  self.modules[1] = nn.Linear(nStyle, 2 * nChannels)
  self.modules[1].bias:zero()
end

--- Draws the linear layer again, its bias 0.
function AdaptiveInstanceNormalization:reset(stdv)
  parent.reset(self, stdv)
  if self.modules[1].bias then self.modules[1].bias:zero() end
end

function AdaptiveInstanceNormalization:call(input)
  local x, style = self:pair(input, 'style')
  local t = x.data
  kernel.want(t, self)
  if t.rank < 3 or t:size(2) ~= self.channels then
    native.fail('%s: the input is %s, wanted N x %d x ...', torch.type(self), kernel.sizes(t), self.channels)
  end
  local both = self:run(1, style)
  if both:dim() ~= 2 or both:size(1) ~= t:size(1) or both:size(2) ~= 2 * self.channels then
    native.fail('%s: %s numbers made of styles of %s, wanted %dx%d', torch.type(self), kernel.sizes(both.data), kernel.sizes(style.data),
      t:size(1), 2 * self.channels)
  end
  local scale, shift = ops.narrow(both, 2, 1, self.channels), ops.narrow(both, 2, self.channels + 1, self.channels)
  return ops.affine_per_image(ops.group_norm(x, self.channels, nil, nil, self.eps), ops.add(scale, 1), shift)
end

return AdaptiveInstanceNormalization
