--- nn.BCECriterion: the cross-entropy of probabilities and targets between 0 and 1,
-- -(t log(x + 1e-12) + (1 - t) log(1 - x + 1e-12)), averaged. The stable one on logits is nn.BCEWithLogitsCriterion.
-- @module gantry.nn.bce_criterion
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.criterion'

local EPS = 1e-12
local entropy, gradient, scale_by = kernel.binary 'bce', kernel.binary 'bce_grad', kernel.unary 'mul'

local BCECriterion, parent = torch.class('nn.BCECriterion', 'nn.Criterion')

--- @function nn.BCECriterion
-- @param[opt] weights of the elements: a tensor of the input's size, or of one number for each column
-- @bool[opt=true] sizeAverage the mean over elements, else the sum
function BCECriterion:__init(weights, sizeAverage)
  parent.__init(self)
  self.sizeAverage = sizeAverage ~= false
  self.weights = weights
end

local function norm(self, input) return self.sizeAverage and 1 / input:nElement() or 1 end

function BCECriterion:call(input, target)
  target = self:match(input, target)
  local one_minus = ops.sub(1, input)
  local yes = ops.mul(ops.log(ops.add(input, EPS)), target)
  local no = ops.mul(ops.log(ops.add(one_minus, EPS)), ops.sub(1, target))
  local loss = ops.neg(ops.add(yes, no))
  if self.weights then loss = ops.mul(loss, self.weights) end
  return ops.mul(ops.sum(loss), norm(self, input))
end

function BCECriterion:updateOutput(input, target)
  target = self:match(input, target)
  local terms = self:buffer_like(input)
  entropy(terms, input, target, EPS)
  self:weigh(terms)
  self.output = self:sum(terms) * norm(self, input)
  return self.output
end

function BCECriterion:updateGradInput(input, target)
  target = self:match(input, target)
  gradient(self.gradInput, input, target, EPS)
  self:weigh(self.gradInput)
  scale_by(self.gradInput, self.gradInput, norm(self, input))
  return self.gradInput
end

return BCECriterion
