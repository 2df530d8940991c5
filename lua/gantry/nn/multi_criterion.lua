--- nn.MultiCriterion: the weighted sum of several losses of one input and target.
-- @module gantry.nn.multi_criterion
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local nested = require 'gantry.nn.nested'
require 'gantry.nn.criterion'

local MultiCriterion, parent = torch.class('nn.MultiCriterion', 'nn.Criterion')

function MultiCriterion:__init()
  parent.__init(self)
  self.criterions, self.weights, self.gradInput = {}, {}, {}
end

--- Adds a criterion.
-- @param criterion any criterion
-- @number[opt=1] weight of its loss
-- @treturn table self
function MultiCriterion:add(criterion, weight)
  if not torch.isTypeOf(criterion, 'nn.Criterion') then native.fail('add: got a %s, wanted a criterion', torch.type(criterion)) end
  table.insert(self.criterions, criterion)
  table.insert(self.weights, weight or 1)
  return self
end

function MultiCriterion:call(input, target)
  local total
  for i, criterion in ipairs(self.criterions) do
    local loss = ops.mul(criterion:forward(input, target), self.weights[i])
    total = total and ops.add(total, loss) or loss
  end
  return total
end

function MultiCriterion:updateOutput(input, target)
  self.output = 0
  for i, criterion in ipairs(self.criterions) do
    self.output = self.output + self.weights[i] * criterion:updateOutput(input, target)
  end
  return self.output
end

function MultiCriterion:updateGradInput(input, target)
  self.gradInput = nested.copy(self.gradInput, input)
  nested.each(self.gradInput, self.gradInput, function(t) t:zero() end)
  for i, criterion in ipairs(self.criterions) do
    local weight = self.weights[i]
    nested.each(self.gradInput, criterion:updateGradInput(input, target), function(sum, g) sum:add(weight, g) end)
  end
  return self.gradInput
end

return MultiCriterion
