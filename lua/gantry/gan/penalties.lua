--- Regularisers of adversarial networks: terms that a loss adds. Those of gradients are recorded with create_graph, so that the
-- loss's gradient goes through them.
-- @module gantry.gan.penalties
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local ops = require 'gantry.autograd.ops'
local torch = require 'gantry.torch'

local penalties = {}

local function data_of(x, what)
  if autograd.is_value(x) then return x.data end
  if torch.isTensor(x) then return x end
  native.fail('%s is a %s, wanted a value or a tensor', what, type(x))
end

-- ---- points to look at ------------------------------------------------------------------------------------------------------------

--- Points on the lines between two batches, one uniform position for each pair; gradients with respect to them may be asked for.
-- Draws from torch's generator.
-- @param a a batch, value or tensor
-- @param b another of the same size
-- @return value
-- @usage local x = gan.mix(s.real, s.fake)
--   local g = gantry.grad(s.D(x):sum(), x, {create_graph = true})
function penalties.mix(a, b)
  local x, y = data_of(a, 'mix: the first batch'), data_of(b, 'mix: the second batch')
  local shape = {x:size(1)}
  for d = 2, x:dim() do shape[d] = 1 end
  local t = torch.rand(x:size(1)):type(x:type()):view(unpack(shape))
  return autograd.value(y + ops.mul(x - y, t), true)
end

--- The same images as a new value that gradients may be asked for.
-- @param x a value or tensor
-- @return value
-- @usage local x = gan.input(s.real)
function penalties.input(x) return autograd.value(data_of(x, 'input: the batch'), true) end

-- ---- penalties of D's gradient ----------------------------------------------------------------------------------------------------

-- The gradient of D's (first) output with respect to each image: N x everything.
local function slopes(D, x)
  local out = D(x)
  if type(out) == 'table' and not autograd.is_value(out) then out = out[1] end
  if not autograd.is_value(out) then native.fail('the penalty of a gradient: D gave a %s, wanted a value', torch.type(out)) end
  return autograd.grad(out:sum(), x, {create_graph = true}):flatten(2)
end

--- WGAN-GP: the mean squared difference of the gradient's length from 1, at points between real and generated images.
-- Gulrajani et al. 2017 (arXiv 1704.00028), equation 3, without its weight (10 in the paper).
-- @func D s.D, or any function from images to scores
-- @param real images
-- @param fake images
-- @return value
-- @usage return losses.wasserstein_d(s.D(s.real), s.D(s.fake)) + 10 * penalties.gradient(s.D, s.real, s.fake)
function penalties.gradient(D, real, fake)
  return (slopes(D, penalties.mix(real, fake)):norm(2, 2) - 1):pow(2):mean()
end

--- DRAGAN: the same near real images: x + a c std(x) u, where u is uniform in 0..1 for each pixel, std(x) one number for the batch
-- and a uniform in 0..1 for each image. Kodali et al. 2017 (arXiv 1705.07215), section 2.4, as in its authors' program: the paper
-- itself writes normal noise of covariance c I.
-- @func D s.D
-- @param real images
-- @number[opt=0.5] c
-- @return value
function penalties.dragan(D, real, c)
  local x = data_of(real, 'dragan: the batch')
  local noise = torch.rand(x:nElement()):type(x:type()):viewAs(x)
  local near = x + noise * ((c or 0.5) * x:std())
  return (slopes(D, penalties.mix(near, x)):norm(2, 2) - 1):pow(2):mean()
end

--- R1: half the mean squared length of the gradient at real images. Mescheder et al. 2018 (arXiv 1801.04406), equation 9, without
-- its weight.
-- @func D s.D; with classes: function(x) return s.D(x, s.labels) end
-- @param real images
-- @return value
function penalties.r1(D, real) return slopes(D, penalties.input(real)):pow(2):sum(2):mean() * 0.5 end

--- A term that is computed in every n-th step only, and counts n times there: lazy regularisation. Karras et al. 2019 (arXiv 1912.04958),
-- appendix B.
-- @param s the step
-- @int every n
-- @func term returns the term
-- @return value; the number 0 in the steps between
-- @usage loss + penalties.lazy(s, 16, function() return gamma * penalties.r1(s.D, s.real) end)
function penalties.lazy(s, every, term)
  if type(every) ~= 'number' or every < 1 or every % 1 ~= 0 then
    native.fail('lazy: got every %s steps, wanted a whole number from 1', tostring(every))
  end
  if s.number % every ~= 0 then return 0 end
  return term() * every
end

-- ---- and of its weights, and noise ------------------------------------------------------------------------------------------------

--- Historical averaging: the squared distance of a network's weights from their mean over all updates before. Salimans et al. 2016
-- (arXiv 1606.03498), section 3.3. The mean is part of checkpoints.
-- @param s the step
-- @string name 'D' or 'G': the network that is being updated
-- @return value; 0 in the first update
function penalties.history(s, name)
  local w = s:weights(name)
  local count = s:keep('history_updates_' .. name, function() return torch.DoubleTensor(1):zero() end)
  local mean = s:keep('history_' .. name, function() return w.data:clone():zero() end)
  local n = count[1]
  local distance = n > 0 and (w - autograd.value(mean:clone())):pow(2):sum() or w:narrow(1, 1, 1):sum() * 0
  count[1] = n + 1
  mean:mul(n / (n + 1)):add(1 / (n + 1), w.data)
  return distance
end

--- Instance noise: images with normal noise on every pixel, real and generated ones alike. Sonderby et al. 2016 (arXiv 1610.04490),
-- section 3.1; Arjovsky and Bottou 2017 (arXiv 1701.04862), section 3. Draws from torch's generator.
-- @param x images, a value
-- @number deviation of the noise; 0: x itself. Usually it falls to 0 in the course of training
-- @return value
-- @usage local noise = 0.1 * math.max(0, 1 - 2 * s.number / s.options.steps)
--   return losses.minimax_d(s.D(penalties.noise(s.real, noise)), s.D(penalties.noise(s.fake, noise)))
function penalties.noise(x, deviation)
  if type(deviation) ~= 'number' or deviation ~= deviation or deviation < 0 then
    native.fail('noise: the deviation is %s, wanted a number from 0', tostring(deviation))
  end
  if deviation == 0 then return x end
  local t = data_of(x, 'noise: the batch')
  local y = x + torch.randn(t:nElement()):type(t:type()):viewAs(t) * deviation
  y.origin = x.origin
  return y
end

return penalties
