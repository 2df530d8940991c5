--- nn.MinibatchDiscrimination: features joined by how close they are to those of the other images of the batch, for a discriminator
-- that is to see a lack of variety (Salimans, Goodfellow, Zaremba, Cheung, Radford and Chen 2016, arXiv 1606.03498, section 3.2).
-- @module gantry.nn.minibatch_discrimination
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local MinibatchDiscrimination, parent = torch.class('nn.MinibatchDiscrimination', 'nn.Module')

--- @function nn.MinibatchDiscrimination
-- Input N x inputSize, output N x (inputSize + kernels). The weight is the paper's tensor T, inputSize x (kernels * dimensions).
-- @int inputSize the paper's A
-- @int[opt=100] kernels its B
-- @int[opt=5] dimensions its C
-- @usage nn.MinibatchDiscrimination(512, 50):forward(torch.randn(16, 512))   -- 16 x 562
function MinibatchDiscrimination:__init(inputSize, kernels, dimensions)
  parent.__init(self)
  self.kernels, self.dimensions = kernels or 100, dimensions or 5
  kernel.whole(self, 1, 'inputSize', inputSize, 'kernels', self.kernels, 'dimensions', self.dimensions)
  local columns = self.kernels * self.dimensions
  self.weight, self.gradWeight = torch.Tensor(inputSize, columns), torch.Tensor(inputSize, columns):zero()
  self:reset()
end

--- Draws the weight from a normal distribution; by default of standard deviation 1/sqrt(inputSize).
function MinibatchDiscrimination:reset(stdv) self.weight:normal(0, stdv or 1 / math.sqrt(self.weight:size(1))) end

function MinibatchDiscrimination:call(input)
  kernel.want(input.data, self, 2)
  if input:size(2) ~= self.weight:size(1) then
    native.fail('%s: the input is %s, wanted %d numbers in each row', torch.type(self), kernel.sizes(input.data), self.weight:size(1))
  end
  local m = ops.view(ops.matmul(input, self:param 'weight'), -1, self.kernels, self.dimensions)
  return ops.cat({input, ops.minibatch_similarity(m)}, 2)
end

function MinibatchDiscrimination:__tostring__()
  return ('%s(%d, %d kernels of %d)'):format(torch.type(self), self.weight:size(1), self.kernels, self.dimensions)
end

return MinibatchDiscrimination
