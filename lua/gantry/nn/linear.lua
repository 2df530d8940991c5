--- nn.Linear: y = W x + b, for a vector or for each row of a matrix.
-- @module gantry.nn.linear
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local fused = require 'gantry.nn.fused'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local C, check, fail = native.C, native.check, native.fail

local Linear, parent = torch.class('nn.Linear', 'nn.Module')

--- @function nn.Linear
-- @int inputSize numbers in
-- @int outputSize numbers out
-- @bool[opt=true] bias whether there is one
function Linear:__init(inputSize, outputSize, bias)
  parent.__init(self)
  kernel.whole(self, 1, 'inputSize', inputSize, 'outputSize', outputSize)
  self.weight, self.gradWeight = torch.Tensor(outputSize, inputSize), torch.Tensor(outputSize, inputSize):zero()
  if bias ~= false then self.bias, self.gradBias = torch.Tensor(outputSize), torch.Tensor(outputSize):zero() end
  self:reset()
end

--- Without a bias from now on.
function Linear:noBias()
  self.bias, self.gradBias = nil, nil
  return self
end

--- Draws weight, then bias, uniformly with the given standard deviation (default: 1/sqrt(inputs) as the bound).
function Linear:reset(stdv)
  stdv = stdv and stdv * math.sqrt(3) or 1 / math.sqrt(self.weight:size(2))
  self.weight:uniform(-stdv, stdv)
  if self.bias then self.bias:uniform(-stdv, stdv) end
  return self
end

local function want_width(self, x)
  local width = tonumber(x.shape[x.rank - 1])
  if width ~= self.weight:size(2) then
    fail('%s: the input is %s, wanted %d numbers in each row', torch.type(self), kernel.sizes(x), self.weight:size(2))
  end
end

--- On a value, with the activation that follows the bias (gantry.nn.fused).
-- @param input value
-- @number slope of the activation below 0; 1: there is none
function Linear:activated(input, slope)
  kernel.want(input.data, self, 2, 1)
  want_width(self, input.data)
  local x = input:dim() == 1 and ops.view(input, 1, -1) or input
  local y = ops.matmul(x, self:param 'weight', false, true)
  if self.bias then y = ops.add_bias(y, self:param 'bias', slope) end
  return input:dim() == 1 and ops.view(y, -1) or y
end

function Linear:call(input) return self:activated(input, 1) end

--- On a tensor, with the activation that follows the bias.
function Linear:updateActivated(input, slope)
  kernel.want(input, self, 2, 1)
  want_width(self, input)
  if input.rank == 1 then
    check(C.gt_addmv(self.output, 0, nil, 1, self.weight, input))
  else
    check(C.gt_addmm(self.output, 0, nil, 1, input, self.weight:t()))
  end
  if self.bias then
    local rows = input.rank == 1 and kernel.view(self.output, {1, -1}) or self.output
    check(C.gt_add_bias(rows, rows, self.bias, slope))
  end
  return self.output
end

function Linear:updateOutput(input) return self:updateActivated(input, 1) end

function Linear:updateGradInput(input, gradOutput)
  if input.rank == 1 then
    check(C.gt_addmv(self.gradInput, 0, nil, 1, self.weight:t(), gradOutput))
  else
    check(C.gt_addmm(self.gradInput, 0, nil, 1, gradOutput, self.weight))
  end
  return self.gradInput
end

function Linear:accGradParameters(input, gradOutput, scale)
  scale = scale or 1
  if input.rank == 1 then
    check(C.gt_addr(self.gradWeight, 1, self.gradWeight, scale, gradOutput, input))
    if self.bias then self.gradBias:add(scale, gradOutput) end
  else
    check(C.gt_addmm(self.gradWeight, 1, self.gradWeight, scale, gradOutput:t(), input))
    if self.bias then check(C.gt_bias_grad(self.gradBias, gradOutput, 1, scale)) end
  end
end

function Linear:__tostring__()
  return ('%s(%d -> %d)%s'):format(torch.type(self), self.weight:size(2), self.weight:size(1), self.bias and '' or ' without bias')
end

fused.layer(Linear, function(self) return self.bias ~= nil end)

return Linear
