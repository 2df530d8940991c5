--- nn.Replicate: repeats the input along a new dimension, as a label has to be to stand beside an image.
-- @module gantry.nn.replicate
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local Replicate, parent = torch.class('nn.Replicate', 'nn.Module')

--- @function nn.Replicate
-- @int nFeatures how many times
-- @int[opt=1] dim the new dimension
-- @int[opt=0] ndim how many dimensions one input has; with more, the first is a batch and dim counts after it
function Replicate:__init(nFeatures, dim, ndim)
  parent.__init(self)
  if type(nFeatures) ~= 'number' then native.fail('Replicate: the number of copies is a %s, wanted a number', torch.type(nFeatures)) end
  kernel.numbers(self, {dim = dim, ndim = ndim})
  self.nfeatures, self.dim, self.ndim = nFeatures, dim or 1, ndim or 0
end

function Replicate:call(input)
  local batch = self.ndim > 0 and input:dim() > self.ndim
  local d = self.dim + (batch and 1 or 0)
  local y = ops.unsqueeze(input, d)
  local sizes = y:size():totable()
  sizes[d] = self.nfeatures
  return ops.expand(y, sizes)
end

return Replicate
