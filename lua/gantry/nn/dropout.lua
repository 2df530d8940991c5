--- nn.Dropout: in training, sets each number to 0 with probability p and scales the others by 1/(1-p).
-- @module gantry.nn.dropout
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local multiply, scale_by, divide_by = kernel.binary 'mul', kernel.unary 'mul', kernel.unary 'div'

local Dropout, parent = torch.class('nn.Dropout', 'nn.Module')

--- @function nn.Dropout
-- @number[opt=0.5] p probability of dropping a number
-- @bool[opt=false] v1 scale in evaluation (by 1-p) rather than in training
-- @bool[opt=false] inplace write the result over the input, and the gradient over gradOutput (on tensors only)
-- @bool[opt=false] stochasticInference drop in evaluation too
function Dropout:__init(p, v1, inplace, stochasticInference)
  parent.__init(self)
  self.p = p or 0.5
  self.train = true
  self.inplace = inplace or false
  self.stochastic_inference = stochasticInference or false
  self.v2 = not v1
  if type(self.p) ~= 'number' or not (self.p >= 0 and self.p < 1) then
    native.fail('Dropout: the probability is %s, wanted 0 or more and less than 1', tostring(self.p))
  end
  self.noise = torch.Tensor()
end

local function drops(self) return self.p > 0 and (self.train ~= false or self.stochastic_inference) end

function Dropout:call(input)
  if drops(self) then
    local y = ops.dropout(input, self.p, torch.defaultGenerator())
    return self.v2 and y or ops.mul(y, 1 - self.p)
  end
  return self.v2 and input or ops.mul(input, 1 - self.p)
end

function Dropout:updateOutput(input)
  kernel.want(input, self)
  if self.inplace then self.output:set(input) else self.output:resizeAs(input):copy(input) end
  if drops(self) then
    self.noise:resizeAs(input):bernoulli(1 - self.p)
    if self.v2 then divide_by(self.noise, self.noise, 1 - self.p) end
    multiply(self.output, self.output, self.noise)
  elseif not self.v2 then
    scale_by(self.output, self.output, 1 - self.p)
  end
  return self.output
end

function Dropout:updateGradInput(_, gradOutput)
  if self.inplace then self.gradInput:set(gradOutput) else self.gradInput:resizeAs(gradOutput):copy(gradOutput) end
  if drops(self) then
    multiply(self.gradInput, self.gradInput, self.noise)
  elseif not self.v2 then
    scale_by(self.gradInput, self.gradInput, 1 - self.p)
  end
  return self.gradInput
end

--- Another probability.
function Dropout:setp(p) self.p = p end

function Dropout:clearState()
  kernel.clear(self, 'noise')
  return parent.clearState(self)
end

function Dropout:__tostring__()
  return ('%s(%f)'):format(torch.type(self), self.p)
end

return Dropout
