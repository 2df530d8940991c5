--- nn.PixelShuffle: larger images made of many channels (Shi, Caballero, Huszar, Totz, Aitken, Bishop, Rueckert and Wang 2016, arXiv
-- 1609.05158): a convolution before it is a sub-pixel convolution.
-- @module gantry.nn.pixel_shuffle
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local PixelShuffle, parent = torch.class('nn.PixelShuffle', 'nn.Module')

--- @function nn.PixelShuffle
-- Input N x (C r^2) x H x W, output N x C x (H r) x (W r).
-- @int upscaleFactor r
-- @usage nn.PixelShuffle(2):forward(torch.randn(1, 12, 4, 4))   -- 1 x 3 x 8 x 8
function PixelShuffle:__init(upscaleFactor)
  parent.__init(self)
  kernel.whole(self, 1, 'upscaleFactor', upscaleFactor)
  self.upscaleFactor = upscaleFactor
end

function PixelShuffle:call(input)
  kernel.want(input.data, self, 4)
  local block = self.upscaleFactor ^ 2
  if input:size(2) % block ~= 0 then
    native.fail('%s: the input is %s, wanted a multiple of %d in dimension 2', torch.type(self), kernel.sizes(input.data), block)
  end
  return ops.pixel_shuffle(input, self.upscaleFactor)
end

function PixelShuffle:__tostring__() return ('%s(%d)'):format(torch.type(self), self.upscaleFactor) end

return PixelShuffle
