--- nn.EqualizedLearningRate: a layer whose weights are drawn from N(0, 1) and scaled when they are used, by what He's initialisation would
-- draw them with, so that an optimizer that looks at the size of gradients moves all of them at one speed (Karras, Aila, Laine and
-- Lehtinen 2018, arXiv 1710.10196, section 4.1; He, Zhang, Ren and Sun 2015, arXiv 1502.01852).
-- @module gantry.nn.equalized_learning_rate
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
require 'gantry.nn.composite'

local EqualizedLearningRate, parent = torch.class('nn.EqualizedLearningRate', 'nn.Composite')

--- The modules in a layer, itself included, whose weights are scaled, and how many numbers each of their outputs is made of.
local function scaled(layer)
  local found = {}
  for _, m in ipairs(layer:listModules()) do
    if torch.isTensor(m.weight) and m.weight:dim() > 1 and not m.normalizes then
      local outputs = m.weight:size(torch.isTypeOf(m, 'nn.SpatialFullConvolution') and 2 or 1)
      found[#found + 1] = {module = m, inputs = m.weight:nElement() / outputs}
    end
  end
  return found
end

--- @function nn.EqualizedLearningRate
-- @param layer a layer with a weight of at least two dimensions, or layers in it that have one
-- @number[opt=2] variance weights are scaled by sqrt(variance / inputs): 2 before rectifiers, 1 elsewhere
-- @number[opt=1] rate what weights and biases are scaled by besides: the layer learns at so many times the rate (0.01 in StyleGAN's
-- mapping network)
-- @usage nn.EqualizedLearningRate(nn.SpatialConvolution(64, 64, 3, 3, 1, 1, 1, 1))
function EqualizedLearningRate:__init(layer, variance, rate)
  parent.__init(self)
  self.modules[1] = self:want_layer(layer)
  self.variance, self.rate = variance or 2, rate or 1
  self:be_like(layer)
  local found = scaled(layer)
  if #found == 0 then
    native.fail('EqualizedLearningRate: %s has no weight of two dimensions or more, nor has a layer in it', torch.type(layer))
  end
  for _, s in ipairs(found) do
    if not s.module:has_call() then
      native.fail("EqualizedLearningRate: %s has only Torch7's methods, wanted a layer that defines call(x)", torch.type(s.module))
    end
    s.module.equalized = true
  end
  self:draw()
end

--- Draws the weights from N(0, 1) / rate; sets biases to 0.
function EqualizedLearningRate:draw()
  for _, s in ipairs(scaled(self.modules[1])) do
    s.module.weight:normal(0, 1 / self.rate)
    if s.module.bias then s.module.bias:zero() end
  end
end

--- Draws everything in the layer again.
function EqualizedLearningRate:reset(stdv)
  parent.reset(self, stdv)
  self:draw()
end

--- Runs the layer with the weights of the i-th scaled module, and of those after it, scaled.
local function run_from(self, found, i, input)
  local s = found[i]
  if not s then return self:run(1, input) end
  local m = s.module
  local values = {weight = ops.scale(m:param 'weight', self.rate * math.sqrt(self.variance / s.inputs))}
  if m.bias and self.rate ~= 1 then values.bias = ops.scale(m:param 'bias', self.rate) end
  return m:with_values(values, run_from, self, found, i + 1, input)
end

function EqualizedLearningRate:call(input) return run_from(self, scaled(self.modules[1]), 1, input) end

function EqualizedLearningRate:__tostring__() return ('%s(%s)'):format(torch.type(self), tostring(self.modules[1])) end

return EqualizedLearningRate
