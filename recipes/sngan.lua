-- SN-GAN. Miyato, Kataoka, Koyama, Yoshida 2018, "Spectral Normalization for Generative Adversarial Networks", arXiv 1802.05957: every
-- layer of D is divided by its largest singular value, so that D as a whole is not steeper than 1; hinge losses (equations 16 and 17).
-- The networks are the paper's standard ones (table 3): in D 3x3 kernels and 4x4 ones of stride 2 in turn, twice as many maps at each
-- halving; in G a matrix, 4x4 kernels of stride 2 with half as many maps at each doubling, and 3x3 ones at the end.
local gantry = require 'gantry'
local gan, nn, nets = gantry.gan, gantry.nn, require 'gantry.gan.nets'
local losses = gan.losses

local function spectral(layer) return nn.SpectralNorm(nets.init(layer)) end
local function same(from, to) return spectral(nn.SpatialConvolution(from, to, 3, 3, 1, 1, 1, 1)) end
local function half(from, to) return spectral(nn.SpatialConvolution(from, to, 4, 4, 2, 2, 1, 1)) end

return gan.recipe {
  name = 'sngan',
  about = 'every layer of D normalised by its largest singular value: Miyato et al. (2018)',
  options = gan.options {
    batch = 64, z = 'normal', z_size = 128,
    base = {64, 'maps of the layers next to the image; twice as many at each halving', min = 1, integer = true},
  },

  generator = function(o)
    local n, h, w = nets.stages(o)
    local maps = o.base * 2 ^ n
    local net = nn.Sequential():add(nn.Linear(o.z_size, maps * h * w, false)):add(nn.BatchNormalization(maps * h * w)):add(nn.ReLU(true))
      :add(nn.View(maps, h, w):setNumInputDims(1))
    for _ = 1, n do
      maps = maps / 2
      net:add(nn.SpatialFullConvolution(2 * maps, maps, 4, 4, 2, 2, 1, 1):noBias()):add(nn.SpatialBatchNormalization(maps))
        :add(nn.ReLU(true))
    end
    return nets.init(net:add(nn.SpatialConvolution(maps, o.channels, 3, 3, 1, 1, 1, 1)):add(nn.Tanh()))
  end,

  discriminator = function(o)
    local n, h, w = nets.stages(o)
    local maps = o.base
    local net = nn.Sequential():add(same(o.channels, maps)):add(nn.LeakyReLU(0.1, true))
    for _ = 1, n do
      net:add(half(maps, maps)):add(nn.LeakyReLU(0.1, true)):add(same(maps, 2 * maps)):add(nn.LeakyReLU(0.1, true))
      maps = 2 * maps
    end
    return net:add(nn.View(maps * h * w):setNumInputDims(3)):add(spectral(nn.Linear(maps * h * w, 1)))
  end,
  score = 'critic',
  d_loss = function(s) return losses.hinge_d(s.D(s.real), s.D(s.fake)) end,
  g_loss = function(s) return losses.hinge_g(s.D(s.fake)) end,
}
