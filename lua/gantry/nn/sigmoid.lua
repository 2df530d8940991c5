--- nn.Sigmoid: 1 / (1 + e^-x).
-- @module gantry.nn.sigmoid
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local fused = require 'gantry.nn.fused'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local forward, backward = kernel.unary 'sigmoid', kernel.binary 'sigmoid_grad'

local Sigmoid = torch.class('nn.Sigmoid', 'nn.Module')

function Sigmoid.call(_, input) return ops.sigmoid(input) end

function Sigmoid:updateOutput(input)
  kernel.want(input, self)
  forward(self.output, input)
  return self.output
end

function Sigmoid:updateGradInput(_, gradOutput)
  backward(self.gradInput, gradOutput, self.output)
  return self.gradInput
end

fused.other(Sigmoid)

return Sigmoid
