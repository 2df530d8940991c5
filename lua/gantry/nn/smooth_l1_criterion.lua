--- nn.SmoothL1Criterion: half the squared difference below 1, the difference less a half above (Huber), averaged.
-- @module gantry.nn.smooth_l1_criterion
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
require 'gantry.nn.criterion'

local SmoothL1Criterion, parent = torch.class('nn.SmoothL1Criterion', 'nn.Criterion')

--- @function nn.SmoothL1Criterion
-- @bool[opt=true] sizeAverage the mean over elements, else the sum
function SmoothL1Criterion:__init(sizeAverage)
  parent.__init(self)
  self.sizeAverage = sizeAverage ~= false
end

function SmoothL1Criterion:call(input, target)
  target = self:match(input, target)
  return (self.sizeAverage and ops.mean or ops.sum)(ops.smooth_l1(ops.sub(input, target)))
end

return SmoothL1Criterion
