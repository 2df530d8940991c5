--- nn.NoiseInjection: one image of noise added to all channels, times a learned number for each: what a generator may make details of
-- that the style does not say (Karras, Laine and Aila 2018, arXiv 1812.04948, section 2 and figure 1b).
-- @module gantry.nn.noise_injection
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local autograd = require 'gantry.autograd'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local NoiseInjection, parent = torch.class('nn.NoiseInjection', 'nn.Module')

local SEEDS = 2 ^ 29

--- @function nn.NoiseInjection
-- Input and output N x nChannels x H x W. The weight, nChannels numbers, starts at 0. In training every image gets noise of its own,
-- normal, from torch's generator; in evaluation all get the same, which `seed` says, so that a z gives one image.
-- @int nChannels
-- @int[opt] seed of the noise in evaluation, 1 to 2^29; default: drawn
-- @usage nn.NoiseInjection(64):forward(torch.randn(8, 64, 4, 4))
function NoiseInjection:__init(nChannels, seed)
  parent.__init(self)
  self.seed = seed or torch.random(1, SEEDS)
  kernel.whole(self, 1, 'nChannels', nChannels, 'seed', self.seed)
  self.weight, self.gradWeight = torch.Tensor(nChannels):zero(), torch.Tensor(nChannels):zero()
end

function NoiseInjection:reset() self.weight:zero() end

function NoiseInjection:call(input)
  local x = input.data
  kernel.want(x, self, 4)
  if x:size(2) ~= self.weight:size(1) then
    native.fail('%s: the input is %s, wanted %d in dimension 2', torch.type(self), kernel.sizes(x), self.weight:size(1))
  end
  local noise
  if self.train ~= false then
    noise = x.new(x:size(1), 1, x:size(3), x:size(4)):normal(0, 1)
  else
    noise = x.new(1, 1, x:size(3), x:size(4)):normal(torch.Generator(self.seed), 0, 1)
  end
  return ops.add(input, ops.mul(autograd.value(noise), ops.per_channel(self:param 'weight', x)))
end

function NoiseInjection:__tostring__() return ('%s(%d)'):format(torch.type(self), self.weight:size(1)) end

return NoiseInjection
