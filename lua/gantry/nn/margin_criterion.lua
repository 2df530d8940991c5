--- nn.MarginCriterion: the hinge max(0, margin - target * input), averaged; targets are 1 and -1.
-- @module gantry.nn.margin_criterion
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.criterion'

local MarginCriterion, parent = torch.class('nn.MarginCriterion', 'nn.Criterion')

--- @function nn.MarginCriterion
-- @number[opt=1] margin
-- @bool[opt=true] sizeAverage the mean over elements, else the sum
function MarginCriterion:__init(margin, sizeAverage)
  parent.__init(self)
  if type(margin) == 'boolean' then margin, sizeAverage = nil, margin end
  kernel.numbers(self, {margin = margin})
  self.margin, self.sizeAverage = margin or 1, sizeAverage ~= false
end

function MarginCriterion:call(input, target)
  if type(target) ~= 'number' then target = self:match(input, target) end
  local loss = ops.relu(ops.sub(self.margin, ops.mul(input, target)))
  return (self.sizeAverage and ops.mean or ops.sum)(loss)
end

return MarginCriterion
