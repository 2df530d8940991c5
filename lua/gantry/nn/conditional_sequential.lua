--- nn.ConditionalSequential: modules one after another, like nn.Sequential, for an input {x, y}: each module is given the output of the
-- one before, and those that take a condition (nn.ConditionalBatchNormalization, nn.AdaptiveInstanceNormalization ...) are given y with
-- it. y is class labels, a LongTensor of N numbers from 1 on, or what else the layers in it take. Images go through it in the inner
-- layout of the convolutions, and leave it as they came.
-- @module gantry.nn.conditional_sequential
local torch = require 'gantry.torch'
local layout = require 'gantry.nn.layout'
require 'gantry.nn.composite'

local ConditionalSequential = torch.class('nn.ConditionalSequential', 'nn.Composite')

ConditionalSequential.conditional = true

--- @function nn.ConditionalSequential
-- A layer of your own takes a condition where its field `conditional` is true.
-- @usage local body = nn.ConditionalSequential():add(nn.ConditionalBatchNormalization(64, 10)):add(nn.ReLU())
-- body:forward {x, labels}

function ConditionalSequential:call(input)
  local x, y = self:pair(input, 'condition')
  local inner = layout.is_inner(x)
  for i = 1, #self.modules do x = self:run(i, layout.enter(self.modules[i], x), y) end
  return inner and x or layout.leave(x)
end

return ConditionalSequential
