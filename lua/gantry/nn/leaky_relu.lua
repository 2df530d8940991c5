--- nn.LeakyReLU: x where x > 0, else x times a small slope.
-- @module gantry.nn.leaky_relu
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local fused = require 'gantry.nn.fused'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local forward, backward = kernel.unary 'leaky_relu', kernel.binary 'leaky_relu_grad'

local LeakyReLU, parent = torch.class('nn.LeakyReLU', 'nn.Module')

--- @function nn.LeakyReLU
-- @number[opt=0.01] negval the slope below 0
-- @bool[opt=false] inplace write the result over the input, and the gradient over gradOutput (on tensors only)
function LeakyReLU:__init(negval, inplace)
  parent.__init(self)
  if type(negval) == 'boolean' then negval, inplace = nil, negval end
  kernel.numbers(self, {negval = negval})
  self.negval = negval or 1 / 100
  self.inplace = inplace or false
  if self.inplace and self.negval < 0 then native.fail('LeakyReLU: in place the slope has to be 0 or more, got %g', self.negval) end
end

function LeakyReLU:call(input) return ops.leaky_relu(input, self.negval) end

function LeakyReLU:updateOutput(input)
  kernel.want(input, self)
  if self.inplace then self.output:set(input) end
  forward(self.output, input, self.negval)
  return self.output
end

function LeakyReLU:updateGradInput(input, gradOutput)
  if self.inplace then self.gradInput:set(gradOutput) end
  backward(self.gradInput, gradOutput, input, self.negval)
  return self.gradInput
end

function LeakyReLU:__tostring__()
  return ('%s(%g)'):format(torch.type(self), self.negval)
end

fused.activation(LeakyReLU, function(self) return self.negval end)

return LeakyReLU
