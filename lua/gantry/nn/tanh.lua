--- nn.Tanh.
-- @module gantry.nn.tanh
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local fused = require 'gantry.nn.fused'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local forward, backward = kernel.unary 'tanh', kernel.binary 'tanh_grad'

local Tanh = torch.class('nn.Tanh', 'nn.Module')

function Tanh.call(_, input) return ops.tanh(input) end

function Tanh:updateOutput(input)
  kernel.want(input, self)
  forward(self.output, input)
  return self.output
end

function Tanh:updateGradInput(_, gradOutput)
  backward(self.gradInput, gradOutput, self.output)
  return self.gradInput
end

fused.other(Tanh)

return Tanh
