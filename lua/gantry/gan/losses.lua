--- Losses of the standard GAN on recorded values, and what variants need to write their own.
-- @module gantry.gan.losses
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local ops = require 'gantry.autograd.ops'
local torch = require 'gantry.torch'

local losses = {}

--- D's loss: the cross-entropy of calling real images real and generated ones generated, summed over the two batches' means.
-- Goodfellow et al. 2014 (arXiv 1406.2661), equation 1, on logits.
-- @param s a step: D, real, fake
-- @return value of one element
function losses.d_loss(s)
  return ops.softplus(-s.D(s.real)):mean() + ops.softplus(s.D(s.fake)):mean()
end

--- G's loss, the non-saturating one: -log D(G(z)). Goodfellow et al. 2014, section 3.
-- @param s a step: D, fake
-- @return value of one element
function losses.g_loss(s)
  return ops.softplus(-s.D(s.fake)):mean()
end

local function data_of(x, which)
  if autograd.is_value(x) then return x.data end
  if torch.isTensor(x) then return x end
  native.fail('mix: %s is a %s, wanted a value or a tensor', which, type(x))
end

--- Points on the lines between two batches, one uniform position for each pair; gradients with respect to them may be asked for.
-- Draws from torch's generator.
-- @param a a batch, value or tensor
-- @param b another of the same size
-- @return value
-- @usage local x = gan.mix(s.real, s.fake)
--   local g = gantry.grad(s.D(x):sum(), x, {create_graph = true})
function losses.mix(a, b)
  local x, y = data_of(a, 'the first batch'), data_of(b, 'the second batch')
  local shape = {x:size(1)}
  for d = 2, x:dim() do shape[d] = 1 end
  local t = torch.rand(x:size(1)):type(x:type()):view(unpack(shape))
  return autograd.value(y + ops.mul(x - y, t), true)
end

--- The same images as a new value that gradients may be asked for.
-- @param x a value or tensor
-- @return value
-- @usage local x = gan.input(s.real)                       -- for R1, the penalty of Mescheder et al. 2018
function losses.input(x) return autograd.value(data_of(x, 'the batch'), true) end

return losses
