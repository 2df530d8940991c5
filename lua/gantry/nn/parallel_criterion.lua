--- nn.ParallelCriterion: the weighted sum of losses of the entries of a list: criterion i gets input i and target i.
-- @module gantry.nn.parallel_criterion
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local nested = require 'gantry.nn.nested'
require 'gantry.nn.criterion'

local ParallelCriterion, parent = torch.class('nn.ParallelCriterion', 'nn.Criterion')

--- @function nn.ParallelCriterion
-- @bool[opt=false] repeatTarget every criterion gets the whole target
function ParallelCriterion:__init(repeatTarget)
  parent.__init(self)
  self.criterions, self.weights, self.gradInput, self.repeatTarget = {}, {}, {}, repeatTarget or false
end

--- Adds a criterion.
-- @param criterion any criterion
-- @number[opt=1] weight of its loss
-- @treturn table self
function ParallelCriterion:add(criterion, weight)
  if not torch.isTypeOf(criterion, 'nn.Criterion') then native.fail('add: got a %s, wanted a criterion', torch.type(criterion)) end
  table.insert(self.criterions, criterion)
  table.insert(self.weights, weight or 1)
  return self
end

local function target_of(self, i, target)
  if self.repeatTarget then return target end
  return target[i]
end

function ParallelCriterion:call(input, target)
  local total
  for i, criterion in ipairs(self.criterions) do
    local loss = ops.mul(criterion:forward(nested.values(input[i]), target_of(self, i, target)), self.weights[i])
    total = total and ops.add(total, loss) or loss
  end
  return total
end

function ParallelCriterion:updateOutput(input, target)
  self.output = 0
  for i, criterion in ipairs(self.criterions) do
    self.output = self.output + self.weights[i] * criterion:updateOutput(input[i], target_of(self, i, target))
  end
  return self.output
end

function ParallelCriterion:updateGradInput(input, target)
  self.gradInput = nested.copy(self.gradInput, input)
  nested.each(self.gradInput, self.gradInput, function(t) t:zero() end)
  for i, criterion in ipairs(self.criterions) do
    local weight = self.weights[i]
    nested.each(self.gradInput[i], criterion:updateGradInput(input[i], target_of(self, i, target)), function(sum, g) sum:add(weight, g) end)
  end
  return self.gradInput
end

return ParallelCriterion
