--- nn.ClassNLLCriterion: minus the log-probability of the right class, averaged over the batch.
-- @module gantry.nn.class_nll_criterion
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local autograd = require 'gantry.autograd'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.criterion'

local ClassNLLCriterion, parent = torch.class('nn.ClassNLLCriterion', 'nn.Criterion')

--- @function nn.ClassNLLCriterion
-- Inputs are log-probabilities, N x C or C (nn.LogSoftMax gives them); targets are classes 1..C, as a tensor of N of them or a number.
-- @param[opt] weights one number for each class
-- @bool[opt=true] sizeAverage the mean over the batch (weighted), else the sum
function ClassNLLCriterion:__init(weights, sizeAverage)
  parent.__init(self)
  if type(weights) == 'boolean' then weights, sizeAverage = nil, weights end
  self.weights, self.sizeAverage = weights, sizeAverage ~= false
end

--- The targets as a LongTensor of N x 1, checked.
local function classes(self, target, n, count)
  if autograd.is_value(target) then target = target.data end
  if type(target) == 'number' then target = torch.LongTensor {target} end
  if not torch.isTensor(target) or target:nElement() ~= n then
    native.fail('%s: wanted a target for each of %d inputs, got %s', torch.type(self), n,
      torch.isTensor(target) and kernel.sizes(target) or 'a ' .. torch.type(target))
  end
  local index = target:long():contiguous():view(n, 1)
  local low, high = index:min(), index:max()
  if low < 1 or high > count then
    native.fail('%s: target %d is outside 1..%d', torch.type(self), low < 1 and low or high, count)
  end
  return index
end

function ClassNLLCriterion:call(input, target)
  kernel.want(input.data, self, 2, 1)
  local x = input:dim() == 1 and ops.view(input, 1, -1) or input
  local n, count = x:size(1), x:size(2)
  local index = classes(self, target, n, count)
  local picked, total = ops.gather(x, 2, index), n
  if self.weights then
    if self.weights:nElement() ~= count then
      native.fail('%s: %d weights for %d classes', torch.type(self), self.weights:nElement(), count)
    end
    local weights = self.weights:type(x:type()):index(1, index:view(n)):view(n, 1)
    picked, total = ops.mul(picked, weights), weights:sum()
  end
  return ops.scale(ops.sum(picked), self.sizeAverage and -1 / total or -1)
end

return ClassNLLCriterion
