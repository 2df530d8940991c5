--- nn.BCEWithLogitsCriterion: the cross-entropy of logits and targets between 0 and 1, as one stable formula,
-- max(x, 0) - x t + log(1 + e^-|x|), averaged: what nn.Sigmoid and nn.BCECriterion mean, without their overflow.
-- @module gantry.nn.bce_with_logits_criterion
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.criterion'

local entropy, gradient = kernel.binary 'bce_with_logits', kernel.binary 'bce_with_logits_grad'
local scale_by = kernel.unary 'mul'

local BCEWithLogitsCriterion, parent = torch.class('nn.BCEWithLogitsCriterion', 'nn.Criterion')

--- @function nn.BCEWithLogitsCriterion
-- @bool[opt=true] sizeAverage the mean over elements, else the sum
function BCEWithLogitsCriterion:__init(sizeAverage)
  parent.__init(self)
  self.sizeAverage = sizeAverage ~= false
end

local function norm(self, input) return self.sizeAverage and 1 / input:nElement() or 1 end

function BCEWithLogitsCriterion:call(input, target)
  if type(target) ~= 'number' then target = self:match(input, target) end
  local loss = ops.bce_with_logits(input, target)
  return self.sizeAverage and loss or ops.mul(loss, input:nElement())
end

function BCEWithLogitsCriterion:updateOutput(input, target)
  target = self:match(input, target)
  local terms = self:buffer_like(input)
  entropy(terms, input, target)
  self.output = self:sum(terms) * norm(self, input)
  return self.output
end

function BCEWithLogitsCriterion:updateGradInput(input, target)
  target = self:match(input, target)
  gradient(self.gradInput, input, target)
  scale_by(self.gradInput, self.gradInput, norm(self, input))
  return self.gradInput
end

return BCEWithLogitsCriterion
