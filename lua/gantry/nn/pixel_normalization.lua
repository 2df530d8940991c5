--- nn.PixelNormalization: every pixel's vector of channels divided by its root mean square (Karras, Aila, Laine and Lehtinen 2018,
-- arXiv 1710.10196, section 4.2). Of N x C it normalises the rows: z, say.
-- @module gantry.nn.pixel_normalization
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local PixelNormalization, parent = torch.class('nn.PixelNormalization', 'nn.Module')

--- @function nn.PixelNormalization
-- @number[opt=1e-8] eps added to the mean square
function PixelNormalization:__init(eps)
  parent.__init(self)
  self.eps = eps or 1e-8
end

function PixelNormalization:call(input)
  kernel.want(input.data, self)
  if input:dim() < 2 then native.fail('%s: the input is %s, wanted N x C x ...', torch.type(self), kernel.sizes(input.data)) end
  return ops.pixel_norm(input, self.eps)
end

return PixelNormalization
