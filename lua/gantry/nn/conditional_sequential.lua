--- nn.ConditionalSequential: modules one after another, like nn.Sequential, for an input {x, y}: each module is given the output of the
-- one before, and those that take a condition (nn.ConditionalBatchNormalization, nn.AdaptiveInstanceNormalization ...) are given y with
-- it. y is class labels, a LongTensor of N numbers from 1 on, or what else the layers in it take; a list: of as many conditions as there
-- are such layers, one for each (nn.StyleMixing gives one). Images go through it in the inner layout of the convolutions, and leave it as
-- they came.
-- @module gantry.nn.conditional_sequential
local autograd = require 'gantry.autograd'
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local layout = require 'gantry.nn.layout'
require 'gantry.nn.composite'

local ConditionalSequential = torch.class('nn.ConditionalSequential', 'nn.Composite')

ConditionalSequential.conditional = true

--- @function nn.ConditionalSequential
-- A layer of your own takes a condition where its field `conditional` is true.
-- @usage local body = nn.ConditionalSequential():add(nn.ConditionalBatchNormalization(64, 10)):add(nn.ReLU())
-- body:forward {x, labels}

-- The condition of each module that takes one, by the module's number.
local function conditions(self, y)
  local list, each, n = type(y) == 'table' and not autograd.is_value(y), {}, 0
  for i, m in ipairs(self.modules) do
    if m.conditional then
      n = n + 1
      each[i] = list and y[n] or not list and y or nil
    end
  end
  if list and #y ~= n then native.fail('%s: got a list of %d conditions for %d layers', torch.type(self), #y, n) end
  return each
end

function ConditionalSequential:call(input)
  local x, y = self:pair(input, 'condition')
  local inner, each = layout.is_inner(x), conditions(self, y)
  for i = 1, #self.modules do x = self:run(i, layout.enter(self.modules[i], x), each[i]) end
  return inner and x or layout.leave(x)
end

return ConditionalSequential
