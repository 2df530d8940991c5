--- nn.AbsCriterion: the mean absolute difference; its gradient is 0 where there is none.
-- @module gantry.nn.abs_criterion
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
require 'gantry.nn.criterion'

local AbsCriterion, parent = torch.class('nn.AbsCriterion', 'nn.Criterion')

--- @function nn.AbsCriterion
-- @bool[opt=true] sizeAverage the mean over elements, else the sum
function AbsCriterion:__init(sizeAverage)
  parent.__init(self)
  self.sizeAverage = sizeAverage ~= false
end

function AbsCriterion:call(input, target)
  target = self:match(input, target)
  return (self.sizeAverage and ops.mean or ops.sum)(ops.abs(ops.sub(input, target)))
end

return AbsCriterion
