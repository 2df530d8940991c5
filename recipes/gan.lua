-- The first GAN. Goodfellow et al. 2014, "Generative Adversarial Networks", arXiv 1406.2661: fully connected networks, maxout
-- (Goodfellow et al. 2013, arXiv 1302.4389) and dropout in D, gradient descent with momentum. The settings are those of the authors'
-- program for MNIST: 1200 rectified units twice and a logistic end in G, 240 maxout units of 5 pieces twice in D, weights drawn uniformly,
-- and G begins at the mean image. G's loss is -log D(G(z)), as the paper's section 3 advises. Their step size falls by a factor of 1.000004
-- with each step, which is a tenth in 25,000 of them; their momentum grows to 0.7 in 125,000. Here both stay.
local gantry = require 'gantry'
local gan, nn, torch = gantry.gan, gantry.nn, gantry.torch

local function pixels(o)
  local h, w = gan.sides(o.size)
  return h, w, o.channels * h * w
end

-- Uniform weights in -range..range, biases 0.
local function uniform(net, range)
  for _, m in ipairs(net:listModules()) do
    if m.weight then m.weight:uniform(-range, range) end
    if m.bias then m.bias:zero() end
  end
  return net
end

-- Makes rows longer than `longest` as short (Hinton et al. 2012, arXiv 1207.0580, section 2).
local function shorten(weight, longest)
  local lengths = weight:norm(2, 2)
  weight:cmul((lengths:clamp(longest, math.huge):pow(-1) * longest):expandAs(weight))
end

-- The biases with which G's logistic end gives the mean of some images.
local function begin_at_mean(s)
  local last = s.players.G.net:findModules 'nn.Linear'[3]
  local on = (s.real.data:sum(1):view(-1) / s.real:size(1) + 1) / 2      -- how much of each pixel's 0..1
  on:mul(s.real:size(1)):add(1):div(s.real:size(1) + 2)                  -- never quite 0 or 1
  last.bias:copy(torch.log(on)):add(-1, torch.log(1 - on))
end

-- Half the cross-entropy, as in the authors' program.
local function d_loss(s) return gan.losses.minimax_d(s.D(s.real), s.D(s.fake)) * 0.5 end

return gan.recipe {
  name = 'gan',
  about = 'the first GAN, fully connected, with maxout: Goodfellow et al. (2014)',
  options = gan.options {
    size = 28, channels = 1, batch = 100, optimizer = 'sgd', lr = 0.1, momentum = 0.5,
    units = {1200, "G's units in each layer", min = 1, integer = true},
    maxout = {240, "D's maxout units in each layer", min = 1, integer = true},
    pieces = {5, 'linear pieces of a maxout unit', min = 1, integer = true},
    range = {0.05, "how far G's weights are from 0 at most when it begins", min = 0},
    longest = {1.9365, "how long the weights of one of D's units may be together", min = 1e-3},
  },

  generator = function(o)
    local h, w, n = pixels(o)
    return uniform(nn.Sequential():add(nn.MulConstant(math.sqrt(3))) -- z of variance 1, as in the authors' program
      :add(nn.Linear(o.z_size, o.units)):add(nn.ReLU(true)):add(nn.Linear(o.units, o.units)):add(nn.ReLU(true))
      :add(nn.Linear(o.units, n)):add(nn.Sigmoid()):add(nn.MulConstant(2)):add(nn.AddConstant(-1)) -- the images are -1..1
      :add(nn.View(o.channels, h, w):setNumInputDims(1)), o.range)
  end,

  discriminator = function(o)
    local _, _, n = pixels(o)
    return uniform(nn.Sequential()
      :add(nn.View(n):setNumInputDims(3)):add(nn.AddConstant(1)):add(nn.MulConstant(0.5))
      :add(nn.Dropout(0.2)):add(nn.Maxout(n, o.maxout, o.pieces)):add(nn.Dropout(0.5)):add(nn.Maxout(o.maxout, o.maxout, o.pieces))
      :add(nn.Dropout(0.5)):add(nn.Linear(o.maxout, 1)), 0.005)
  end,

  step = function(s)
    if s.number == 1 then
      s:draw()
      begin_at_mean(s)
    end
    for _ = 1, s.options.critic_steps do -- the k of the paper's algorithm 1
      s:draw()
      s:update_d(d_loss)
      for _, m in ipairs(s.players.D.net:listModules()) do
        if m.weight then shorten(m.weight, s.options.longest) end
      end
    end
    s:update_g(gan.g_loss)
  end,
}
