-- A variational autoencoder (Kingma and Welling 2013, arXiv 1312.6114) of fully connected layers. On a few hundred pictures, for thousands
-- of epochs, it learns them by heart, which `gantry lab nearest` shows (docs/lab.md).
--
--     gantry train examples/dense_vae.lua --data mnist:DIR@1..200 --out runs/few
--     gantry lab nearest runs/few --test mnist:DIR@6001..8000
local gantry = require 'gantry'
local gan, nn, torch = gantry.gan, gantry.nn, gantry.torch

local function pixels(o)
  local h, w = gan.sides(o.size)
  return o.channels * h * w, h, w
end

local function loss(s)
  local n = s.options.z_size
  local said = s.encoder(s.real)
  local mean, log_variance = said:narrow(2, 1, n), said:narrow(2, n + 1, n)
  local images = s.G(mean + (log_variance * 0.5):exp() * gantry.value(torch.randn(mean:size(1), n)))
  local error = (images - s.real):pow(2):flatten(2):sum(2):mean() / (2 * s.options.deviation ^ 2)
  return error + (mean:pow(2) + log_variance:exp() - log_variance - 1):sum(2):mean() * 0.5
end

return gan.recipe {
  name = 'dense_vae',
  options = gan.options('dcgan', {
    size = 16, channels = 1, z = 'normal', z_size = 3, batch = 50, steps = 16000, lr = 2e-3, beta1 = 0.9, schedule = 'linear',
    deviation = {0.2, 'of the pixels around what G makes', min = 1e-3},
    hidden = {256, 'units of the hidden layers', min = 1, integer = true},
  }, {'critic_steps', 'lr_d', 'reuse_fake'}),
  generator = function(o)
    local n, h, w = pixels(o)
    return nn.Sequential():add(nn.Linear(o.z_size, o.hidden)):add(nn.ReLU(true)):add(nn.Linear(o.hidden, o.hidden)):add(nn.ReLU(true))
      :add(nn.Linear(o.hidden, n)):add(nn.Tanh()):add(nn.View(o.channels, h, w):setNumInputDims(1))
  end,
  networks = {encoder = function(o)
    local n = pixels(o)
    return nn.Sequential():add(nn.View(n):setNumInputDims(3)):add(nn.Linear(n, o.hidden)):add(nn.ReLU(true))
      :add(nn.Linear(o.hidden, 2 * o.z_size))
  end},
  step = function(s)
    s:draw()
    s:update_g(loss, {'encoder'})
  end,
}
