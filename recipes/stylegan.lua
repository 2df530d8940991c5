-- A small StyleGAN. Karras, Laine, Aila 2018, "A Style-Based Generator Architecture for Generative Adversarial Networks", arXiv
-- 1812.04948, with the modulated convolutions, the residual D and the lazy R1 of Karras et al. 2019, "Analyzing and Improving the
-- Image Quality of StyleGAN", arXiv 1912.04958: z becomes a style by some layers; images grow out of a learned constant, every
-- convolution in that style, and noise after each that styles do not say. In training some images change from one style to another
-- on the way (mixing regularisation); `gantry sample --truncation` moves styles towards their mean. Without path length regularisation.
local gantry = require 'gantry'
local gan, nn, nets = gantry.gan, gantry.nn, require 'gantry.gan.nets'
local losses, penalties = gan.losses, gan.penalties

-- Weights are drawn from N(0, 1) and scaled where they are used.
local function equal(layer, gain, rate) return nn.EqualizedLearningRate(layer, gain, rate) end
local function conv(from, to, k) return equal(nn.SpatialConvolution(from, to, k, k, 1, 1, (k - 1) / 2, (k - 1) / 2)) end

-- z to a style for each of the layers that take one.
local function mapping(o, layers)
  local net, from = nn.Sequential():add(nn.PixelNormalization()), o.z_size
  for _ = 1, o.mapping do
    net:add(equal(nn.Linear(from, o.style), nil, 0.01)):add(nn.LeakyReLU(0.2, true))
    from = o.style
  end
  return net:add(nn.StyleTruncation(o.style)):add(nn.StyleMixing(layers, o.mixing))
end

-- The learned constant that images grow out of: zeros for each image, and a bias, normal as all weights.
local function constant(maps, h, w)
  local n = maps * h * w
  local bias = nn.Add(n)
  bias.bias:normal(0, 1)
  return nn.Sequential():add(nn.Narrow(2, 1, 1)):add(nn.MulConstant(0)):add(nn.Padding(2, n - 1)):add(bias)
    :add(nn.View(maps, h, w):setNumInputDims(1))
end

-- A convolution in a style; with noise and a rectifier that keeps what is normal as large as it was.
local function modulated(o, from, to, k, demodulate)
  return equal(nn.SpatialModulatedConvolution(from, to, o.style, k, demodulate), 1)
end

local function styled(o, net, from, to)
  return net:add(modulated(o, from, to, 3)):add(nn.NoiseInjection(to)):add(nn.LeakyReLU(0.2, true)):add(nn.MulConstant(math.sqrt(2), true))
end

local function halve(from, to)
  local body = nn.Sequential():add(conv(from, from, 3)):add(nn.LeakyReLU(0.2)):add(conv(from, to, 3)):add(nn.LeakyReLU(0.2))
    :add(nn.SpatialAveragePooling(2, 2, 2, 2))
  local shortcut = nn.Sequential():add(nn.SpatialAveragePooling(2, 2, 2, 2)):add(equal(nn.SpatialConvolution(from, to, 1, 1), 1))
  return nn.Sequential():add(nn.Residual(body, shortcut)):add(nn.MulConstant(math.sqrt(0.5)))
end

return gan.recipe {
  name = 'stylegan',
  about = 'images grow out of a constant, in a style: Karras et al. (2018, 2019), small',
  options = gan.options {
    batch = 32, lr = 2e-3, beta1 = 0, beta2 = 0.99, ema = 0.999, z = 'normal', z_size = 64,
    base = {32, 'maps of the layers next to the image; twice as many at each halving', min = 1, integer = true},
    style = {64, 'numbers of a style', min = 1, integer = true},
    mapping = {4, 'layers from z to the style', min = 1, integer = true},
    mixing = {0.9, 'part of the images that change from one style to another', min = 0, max = 1},
    r1 = {1, 'weight of R1', min = 0},
    r1_every = {16, 'steps from one R1 to the next', min = 1, integer = true},
  },

  generator = function(o)
    local n, h, w = nets.stages(o)
    local maps = o.base * 2 ^ (n - 1)
    local first, net = constant(maps, h, w), styled(o, nn.ConditionalSequential(), maps, maps)
    for _ = 1, n do
      local to = math.max(o.base, maps / 2)
      styled(o, styled(o, net:add(nn.SpatialUpSamplingBilinear(2)), maps, to), to, to)
      maps = to
    end
    net:add(modulated(o, maps, o.channels, 1, false)):add(nn.Tanh())
    return nn.Sequential():add(nn.ConcatTable():add(first):add(mapping(o, 2 * n + 2))):add(net)
  end,

  discriminator = function(o)
    local n, h, w = nets.stages(o)
    local maps = o.base
    local net = nn.Sequential():add(conv(o.channels, maps, 1)):add(nn.LeakyReLU(0.2, true))
    for k = 1, n do
      local to = k == 1 and maps or 2 * maps
      net:add(halve(maps, to))
      maps = to
    end
    return net:add(nn.MinibatchStandardDeviation()):add(conv(maps + 1, maps, 3)):add(nn.LeakyReLU(0.2, true))
      :add(nn.View(maps * h * w):setNumInputDims(3)):add(equal(nn.Linear(maps * h * w, maps))):add(nn.LeakyReLU(0.2, true))
      :add(equal(nn.Linear(maps, 1), 1))
  end,

  d_loss = function(s)
    local r1 = penalties.lazy(s, s.options.r1_every, function() return penalties.r1(s.D, s.real) end)
    return losses.minimax_d(s.D(s.real), s.D(s.fake)) + s.options.r1 * r1
  end,
  g_loss = function(s) return losses.non_saturating_g(s.D(s.fake)) end,
}
