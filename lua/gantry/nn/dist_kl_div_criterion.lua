--- nn.DistKLDivCriterion: the divergence of a target distribution from one given as logarithms, t (log t - x), averaged over
-- elements; elements with target 0 count nothing.
-- @module gantry.nn.dist_kl_div_criterion
local torch = require 'gantry.torch'
local autograd = require 'gantry.autograd'
local ops = require 'gantry.autograd.ops'
require 'gantry.nn.criterion'

local DistKLDivCriterion, parent = torch.class('nn.DistKLDivCriterion', 'nn.Criterion')

--- @function nn.DistKLDivCriterion
-- @bool[opt=true] sizeAverage the mean over elements, else the sum
function DistKLDivCriterion:__init(sizeAverage)
  parent.__init(self)
  self.sizeAverage = sizeAverage ~= false
end

function DistKLDivCriterion:call(input, target)
  target = self:match(input, target)
  local t = autograd.is_value(target) and target.data or target
  local present = torch.gt(t, 0):typeAs(t)
  -- Where the target is 0 or less, 1 stands in for it: its logarithm is 0.
  local safe = ops.add(ops.mul(target, present), torch.csub(present:clone():fill(1), present))
  local terms = ops.mul(ops.mul(target, present), ops.sub(ops.log(safe), input))
  return (self.sizeAverage and ops.mean or ops.sum)(terms)
end

return DistKLDivCriterion
