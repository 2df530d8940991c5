--- nn.VirtualBatchNormalization: each image normalised by the statistics of a reference batch and itself (Salimans, Goodfellow, Zaremba,
-- Cheung, Radford and Chen 2016, arXiv 1606.03498, section 3.5), so that it does not depend on the images that happen to be beside it.
-- It stands in an nn.VirtualBatch, which has the reference batch.
-- @module gantry.nn.virtual_batch_normalization
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local VirtualBatchNormalization, parent = torch.class('nn.VirtualBatchNormalization', 'nn.Module')

VirtualBatchNormalization.normalizes = true

--- @function nn.VirtualBatchNormalization
-- Input N x nOutput (x ...), the reference batch in front.
-- @int nOutput channels
-- @number[opt=1e-5] eps added to the variance
function VirtualBatchNormalization:__init(nOutput, eps)
  parent.__init(self)
  kernel.whole(self, 1, 'nOutput', nOutput)
  self.eps = eps or 1e-5
  self.weight, self.gradWeight = torch.Tensor(nOutput), torch.Tensor(nOutput):zero()
  self.bias, self.gradBias = torch.Tensor(nOutput), torch.Tensor(nOutput):zero()
  self:reset()
end

function VirtualBatchNormalization:reset()
  self.weight:fill(1)
  self.bias:zero()
end

function VirtualBatchNormalization:call(input)
  local x = input.data
  kernel.want(x, self)
  if not self.references then native.fail('%s: has no reference batch; put its network in an nn.VirtualBatch', torch.type(self)) end
  if x.rank < 2 or x:size(2) ~= self.weight:size(1) then
    native.fail('%s: the input is %s, wanted %d in dimension 2', torch.type(self), kernel.sizes(x), self.weight:size(1))
  end
  local y = ops.virtual_batch_norm(input, self.references, self.eps)
  return ops.add(ops.mul(y, ops.per_channel(self:param 'weight', x)), ops.per_channel(self:param 'bias', x))
end

function VirtualBatchNormalization:__tostring__() return ('%s(%d)'):format(torch.type(self), self.weight:size(1)) end

return VirtualBatchNormalization
