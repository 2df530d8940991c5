--- nn.BatchNormalization, of the columns of N x C, and the base of nn.SpatialBatchNormalization (Ioffe and Szegedy 2015).
-- In training a batch is normalised by its own mean and (biased) variance and moves the running ones; in evaluation by those.
-- m:track(false) leaves the running ones alone.
-- @module gantry.nn.batch_normalization
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local fused = require 'gantry.nn.fused'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local C, check, fail = native.C, native.check, native.fail

local BatchNormalization, parent = torch.class('nn.BatchNormalization', 'nn.Module')

BatchNormalization.nDim = 2                     -- dimensions of the input
BatchNormalization.__version = 2

--- @function nn.BatchNormalization
-- @int nOutput columns (planes)
-- @number[opt=1e-5] eps added to the variance
-- @number[opt=0.1] momentum weight of the new batch in the running statistics
-- @bool[opt=true] affine whether the result is scaled by `weight` and shifted by `bias`
function BatchNormalization:__init(nOutput, eps, momentum, affine)
  parent.__init(self)
  kernel.whole(self, 1, 'nOutput', nOutput)
  kernel.numbers(self, {eps = eps, momentum = momentum})
  self.affine = affine ~= false
  self.eps = eps or 1e-5
  self.train = true
  self.momentum = momentum or 0.1
  self.running_mean = torch.Tensor(nOutput):zero()
  self.running_var = torch.Tensor(nOutput):fill(1)
  if self.affine then
    self.weight, self.gradWeight = torch.Tensor(nOutput), torch.Tensor(nOutput):zero()
    self.bias, self.gradBias = torch.Tensor(nOutput), torch.Tensor(nOutput):zero()
    self:reset()
  end
end

--- Draws the weight, uniformly from 0 to 1; bias 0, running mean 0 and variance 1.
function BatchNormalization:reset()
  if self.weight then self.weight:uniform() end
  if self.bias then self.bias:zero() end
  self.running_mean:zero()
  self.running_var:fill(1)
end

local function want(self, input)
  kernel.want(input, self, self.nDim)
  if input:size(2) ~= self.running_mean:nElement() then
    fail('%s: the input is %s, wanted %d in dimension 2', torch.type(self), kernel.sizes(input), self.running_mean:nElement())
  end
  -- Networks saved long ago kept 1 / deviation.
  if self.running_std then
    self.running_var = self.running_std:clone():pow(-2):add(-self.eps)
    self.running_std = nil
  end
end

local function training(self) return self.train ~= false end

--- On a value, with the activation that follows (gantry.nn.fused).
-- @param input value
-- @number slope of the activation below 0; 1: there is none
function BatchNormalization:activated(input, slope)
  want(self, input.data)
  local train = training(self)
  local statistics = not train or self:is_tracking()
  return (ops.batch_norm(input, self:param 'weight', self:param 'bias', {
    train = train, eps = self.eps, momentum = self.momentum,
    running_mean = statistics and self.running_mean or nil, running_var = statistics and self.running_var or nil, slope = slope,
  }))
end

function BatchNormalization:call(input) return self:activated(input, 1) end

--- On a tensor, with the activation that follows.
function BatchNormalization:updateActivated(input, slope)
  want(self, input)
  local train = training(self)
  local statistics = not train or self:is_tracking()
  self.save_mean, self.save_std = self.save_mean or kernel.buffer(self), self.save_std or kernel.buffer(self)
  check(C.gt_batch_norm(self.output, self.save_mean, self.save_std, input, self.weight, self.bias,
    statistics and self.running_mean or nil, statistics and self.running_var or nil, train and 1 or 0, self.momentum, self.eps,
    slope))
  return self.output
end

function BatchNormalization:updateOutput(input) return self:updateActivated(input, 1) end

function BatchNormalization:updateGradInput(input, gradOutput)
  check(C.gt_batch_norm_grad(self.gradInput, nil, nil, gradOutput, input, self.weight, self.bias, nil, self.save_mean,
    self.save_std, training(self) and 1 or 0, 1, 0, 1))
  return self.gradInput
end

function BatchNormalization:accGradParameters(input, gradOutput, scale)
  if not self.gradWeight then return end
  check(C.gt_batch_norm_grad(nil, self.gradWeight, self.gradBias, gradOutput, input, self.weight, self.bias, nil, self.save_mean,
    self.save_std, training(self) and 1 or 0, 1, 1, scale or 1))
end

--- Both gradients in one pass over the batch.
function BatchNormalization:backward(input, gradOutput, scale)
  check(C.gt_batch_norm_grad(self.gradInput, self.gradWeight, self.gradBias, gradOutput, input, self.weight, self.bias, nil, self.save_mean,
    self.save_std, training(self) and 1 or 0, 1, 1, scale or 1))
  return self.gradInput
end

function BatchNormalization:clearState()
  self.save_mean, self.save_std = nil, nil
  return parent.clearState(self)
end

function BatchNormalization:__tostring__()
  return ('%s (%dD) (%d)'):format(torch.type(self), self.nDim, self.running_mean:nElement())
end

fused.layer(BatchNormalization)

return BatchNormalization
