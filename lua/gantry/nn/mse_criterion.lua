--- nn.MSECriterion: the squared difference, averaged.
-- @module gantry.nn.mse_criterion
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.criterion'

local subtract, square, scale_by = kernel.binary 'sub', kernel.unary 'square', kernel.unary 'mul'

local MSECriterion, parent = torch.class('nn.MSECriterion', 'nn.Criterion')

--- @function nn.MSECriterion
-- @bool[opt=true] sizeAverage the mean over elements, else the sum
function MSECriterion:__init(sizeAverage)
  parent.__init(self)
  self.sizeAverage = sizeAverage ~= false
end

local function norm(self, input) return self.sizeAverage and 1 / input:nElement() or 1 end

function MSECriterion:call(input, target)
  target = self:match(input, target)
  local loss = ops.mse(input, target)
  return self.sizeAverage and loss or ops.mul(loss, input:nElement())
end

function MSECriterion:updateOutput(input, target)
  target = self:match(input, target)
  local terms = self:buffer_like(input)
  subtract(terms, input, target, 1)
  square(terms, terms)
  self.output = self:sum(terms) * norm(self, input)
  return self.output
end

function MSECriterion:updateGradInput(input, target)
  target = self:match(input, target)
  subtract(self.gradInput, input, target, 1)
  scale_by(self.gradInput, self.gradInput, 2 * norm(self, input))
  return self.gradInput
end

return MSECriterion
