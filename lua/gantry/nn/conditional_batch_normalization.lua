--- nn.ConditionalBatchNormalization: batch norm whose scale and shift are each class's own (Dumoulin, Shlens and Kudlur 2017, arXiv
-- 1610.07629; for GANs: Miyato and Koyama 2018, arXiv 1802.05637). It takes {x, labels}.
-- @module gantry.nn.conditional_batch_normalization
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
local composite = require 'gantry.nn.composite'

local ConditionalBatchNormalization, parent = torch.class('nn.ConditionalBatchNormalization', 'nn.Module')

ConditionalBatchNormalization.conditional = true -- takes {x, y}
ConditionalBatchNormalization.normalizes = true

--- @function nn.ConditionalBatchNormalization
-- Input {N x nOutput (x ...), a LongTensor of N labels in 1..nClasses}. In training a batch is normalised by its own statistics, over
-- all classes, and moves the running ones (unless track(false)); in evaluation by those.
-- @int nOutput channels
-- @int nClasses
-- @number[opt=1e-5] eps added to the variance
-- @number[opt=0.1] momentum weight of the new batch in the running statistics
-- @usage nn.ConditionalBatchNormalization(64, 10):forward {torch.randn(8, 64, 4, 4), torch.LongTensor(8):random(1, 10)}
function ConditionalBatchNormalization:__init(nOutput, nClasses, eps, momentum)
  parent.__init(self)
  kernel.whole(self, 1, 'nOutput', nOutput, 'nClasses', nClasses)
  self.eps, self.momentum, self.train = eps or 1e-5, momentum or 0.1, true
  self.running_mean, self.running_var = torch.Tensor(nOutput), torch.Tensor(nOutput)
  self.weight, self.gradWeight = torch.Tensor(nClasses, nOutput), torch.Tensor(nClasses, nOutput):zero()
  self.bias, self.gradBias = torch.Tensor(nClasses, nOutput), torch.Tensor(nClasses, nOutput):zero()
  self:reset()
end

--- Scales 1, shifts 0, running mean 0 and variance 1.
function ConditionalBatchNormalization:reset()
  self.weight:fill(1)
  self.bias:zero()
  self.running_mean:zero()
  self.running_var:fill(1)
end

function ConditionalBatchNormalization:call(input)
  local x, labels = composite.pair(self, input, 'labels')
  local t = x.data
  kernel.want(t, self)
  local classes, channels = self.weight:size(1), self.weight:size(2)
  if t.rank < 2 or t:size(2) ~= channels then
    native.fail('%s: the input is %s, wanted %d in dimension 2', torch.type(self), kernel.sizes(t), channels)
  end
  labels = kernel.labels(self, labels, t:size(1), classes)
  local train = self.train ~= false
  local statistics = not train or self:is_tracking()
  local y = ops.batch_norm(x, nil, nil, {
    train = train, eps = self.eps, momentum = self.momentum,
    running_mean = statistics and self.running_mean or nil, running_var = statistics and self.running_var or nil,
  })
  return ops.affine_per_image(y, ops.index_select(self:param 'weight', 1, labels), ops.index_select(self:param 'bias', 1, labels))
end

function ConditionalBatchNormalization:__tostring__()
  return ('%s(%d, %d classes)'):format(torch.type(self), self.weight:size(2), self.weight:size(1))
end

return ConditionalBatchNormalization
