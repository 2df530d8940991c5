--- nn.CrossEntropyCriterion: nn.LogSoftMax and nn.ClassNLLCriterion in one.
-- @module gantry.nn.cross_entropy_criterion
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local nn = require 'gantry.nn.namespace'
require 'gantry.nn.log_softmax'
require 'gantry.nn.class_nll_criterion'

local CrossEntropyCriterion, parent = torch.class('nn.CrossEntropyCriterion', 'nn.Criterion')

--- @function nn.CrossEntropyCriterion
-- Inputs are scores, N x C or C; targets are classes 1..C, as a tensor of N of them or a number.
-- @param[opt] weights one number for each class
-- @bool[opt=true] sizeAverage the mean over the batch (weighted), else the sum
function CrossEntropyCriterion:__init(weights, sizeAverage)
  parent.__init(self)
  self.lsm = nn.LogSoftMax()
  self.nll = nn.ClassNLLCriterion(weights, sizeAverage)
end

function CrossEntropyCriterion:call(input, target)
  local x = ops.squeeze(input)
  if type(target) ~= 'number' and input:dim() > 1 and input:size(1) == 1 then x = ops.view(x, 1, -1) end
  return self.nll:call(self.lsm:call(x), target)
end

return CrossEntropyCriterion
