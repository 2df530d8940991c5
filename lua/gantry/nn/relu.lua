--- nn.ReLU: max(x, 0).
-- @module gantry.nn.relu
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local fused = require 'gantry.nn.fused'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local forward, backward = kernel.unary 'relu', kernel.binary 'relu_grad'

local ReLU, parent = torch.class('nn.ReLU', 'nn.Module')

--- @function nn.ReLU
-- @bool[opt=false] inplace write the result over the input, and the gradient over gradOutput (on tensors only)
function ReLU:__init(inplace)
  parent.__init(self)
  self.threshold, self.val = 0, 0
  self.inplace = inplace or false
end

function ReLU.call(_, input) return ops.relu(input) end

function ReLU:updateOutput(input)
  kernel.want(input, self)
  if self.inplace then self.output:set(input) end
  forward(self.output, input)
  return self.output
end

function ReLU:updateGradInput(input, gradOutput)
  if self.inplace then self.gradInput:set(gradOutput) end
  backward(self.gradInput, gradOutput, input)
  return self.gradInput
end

fused.activation(ReLU, function() return 0 end)

return ReLU
