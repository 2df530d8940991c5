--- nn.GradientReversal: x going forward; going back, gradients times -lambda (Ganin and Lempitsky 2015, arXiv 1409.7495).
-- @module gantry.nn.gradient_reversal
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local GradientReversal, parent = torch.class('nn.GradientReversal', 'nn.Module')

--- @function nn.GradientReversal
-- @number[opt=1] lambda
function GradientReversal:__init(lambda)
  parent.__init(self)
  kernel.numbers(self, {lambda = lambda})
  self.lambda = lambda or 1
end

--- Another lambda.
function GradientReversal:setLambda(lambda) self.lambda = lambda end

function GradientReversal:call(input) return ops.reverse_gradient(input, self.lambda) end

return GradientReversal
