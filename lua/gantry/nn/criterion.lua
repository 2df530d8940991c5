--- nn.Criterion: what all losses share. On tensors forward gives a number; on recorded values a value of one element.
--
-- A loss of your own defines either Torch7's `updateOutput` and `updateGradInput`, or one `call(input, target)` written with ops,
-- from which both follow.
-- @module gantry.nn.criterion
local ffi = require 'ffi'
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local autograd = require 'gantry.autograd'
local ops = require 'gantry.autograd.ops'
local bridge = require 'gantry.nn.bridge'
local duplicate = require 'gantry.nn.duplicate'
local kernel = require 'gantry.nn.kernel'
local nested = require 'gantry.nn.nested'
require 'gantry.nn.namespace'

local C, check, fail = native.C, native.check, native.fail

local Criterion = torch.class('nn.Criterion')

function Criterion:__init()
  self.gradInput = torch.Tensor()
  self.output = 0
  self._type = self.gradInput:type()
end

--- The loss.
-- @param input a tensor, or a value
-- @param target what input should be
-- @return a number, or a value
function Criterion:forward(input, target)
  if bridge.is_recorded(input) or bridge.is_recorded(target) then return self:call(input, target) end
  return self:updateOutput(input, target)
end

--- The gradient of the loss with respect to input, for tensors.
function Criterion:backward(input, target)
  return self:updateGradInput(input, target)
end

--- The loss of recorded values, written with ops. Losses define it.
-- @param input a value
-- @param target a value, tensor or number
-- @return a value of one element
function Criterion:call()
  fail('%s: it takes no recorded values, having updateOutput and updateGradInput but no call(input, target)', torch.type(self))
end

local traces = setmetatable({}, {__mode = 'k'}) -- criterion -> the values of its last forward

--- Whether Torch7's methods follow from `call`.
local function follows(self) return self.call ~= Criterion.call and self.updateOutput == Criterion.updateOutput end

--- Computes self.output, a number, from tensors.
function Criterion:updateOutput(input, target)
  if not follows(self) then return self.output end
  local wrapped = nested.map(input, function(t) return torch.isTensor(t) and autograd.value(t, true) or t end)
  local loss = self:call(wrapped, target)
  traces[self] = {input = wrapped, loss = loss}
  self.output = loss:item()
  return self.output
end

--- Computes self.gradInput; forward was called with the same input and target.
function Criterion:updateGradInput()
  if not follows(self) then return self.gradInput end
  local trace = traces[self]
  if not trace then fail('%s: backward was called before forward', torch.type(self)) end
  local inputs, gradients = {}, {}
  nested.each(trace.input, trace.input, function(v) inputs[#inputs + 1] = v end)
  local found = autograd.grad(trace.loss, inputs, {retain_graph = true, allow_unused = true})
  for i, v in ipairs(inputs) do gradients[v] = found[i] and found[i].data end
  self.gradInput = nested.map(trace.input, function(v) return gradients[v] or v.data:clone():zero() end)
  return self.gradInput
end

--- criterion(input, target) is the loss, and on tensors the gradient too.
function Criterion:__call__(input, target)
  if bridge.is_recorded(input) or bridge.is_recorded(target) then return self:call(input, target) end
  self.output = self:forward(input, target)
  self.gradInput = self:backward(input, target)
  return self.output, self.gradInput
end

--- A deep copy.
function Criterion:clone() return duplicate.copy(self, {}) end

--- The type of its tensors, or converts it.
function Criterion:type(name, memo)
  if name == nil then return self._type end
  duplicate.convert(self, name, memo or {})
  self._type = name
  return self
end

--- Converts to Float.
function Criterion:float(memo) return self:type('torch.FloatTensor', memo) end
--- Converts to Double.
function Criterion:double(memo) return self:type('torch.DoubleTensor', memo) end

function Criterion:__tostring__() return torch.type(self) end

local function data(x) return autograd.is_value(x) and x.data or x end

--- Checks that input and target are tensors (or values) with the same number of elements.
-- @return target, in the sizes of input: elements pair in order, they do not broadcast
function Criterion:match(input, target)
  local x, t = data(input), data(target)
  kernel.want(x, self)
  if not torch.isTensor(t) then fail('%s: the target is a %s, wanted a tensor', torch.type(self), torch.type(t)) end
  if x:nElement() ~= t:nElement() or x:nElement() == 0 then
    fail('%s: the input is %s, the target %s', torch.type(self), kernel.sizes(x), kernel.sizes(t))
  end
  if C.gt_same_shape(x, t) ~= 0 then return target end
  return ops.reshape_as(target, input)
end

local total = ffi.new 'double[1]'
local sum = C.gt_reduce_code 'sum'

--- The sum of a tensor's elements, in double.
function Criterion.sum(_, t)
  check(C.gt_reduce_all(sum, total, t, 0))
  return total[0]
end

--- A layer's buffer for one number for each element.
function Criterion:buffer_like(t)
  if not self.buffer or self.buffer.dtype ~= t.dtype then self.buffer = native.new_tensor(t.dtype) end
  return self.buffer
end

--- Multiplies t by the criterion's weights: of t's size, or one for each column of a batch.
function Criterion:weigh(t)
  local weights = self.weights
  if not weights then return end
  if weights:nElement() ~= t:nElement() then
    if t:dim() < 2 or weights:nElement() ~= t:size(2) then
      fail('%s: the input is %s, the weights %s', torch.type(self), kernel.sizes(t), kernel.sizes(weights))
    end
    weights = weights:view(1, weights:nElement()):expand(t:size(1), weights:nElement())
  end
  t:cmul(weights)
end

return Criterion
