--- Residual networks for images with and without classes: those of projection discriminators (Miyato and Koyama 2018, arXiv
-- 1802.05637, figure 14) and, with attention, of SAGAN (Zhang et al. 2018, arXiv 1805.08318), as functions of the image size and the
-- maps next to the image.
-- @module gantry.gan.nets_residual
local nn = require 'gantry.nn'
local nets = require 'gantry.gan.nets'

local residual = {}

local function plain(layer) return nets.init(layer) end
local function spectral(layer) return nn.SpectralNorm(nets.init(layer)) end
local function conv(from, to, k) return nn.SpatialConvolution(from, to, k, k, 1, 1, (k - 1) / 2, (k - 1) / 2) end

-- Attention whose four layers are spectrally normalised.
local function attention(planes, wrap)
  local inner = math.max(1, math.floor(planes / 8))
  return nn.SelfAttention {
    wrap(conv(planes, inner, 1)), wrap(conv(planes, inner, 1)), wrap(conv(planes, inner, 1)), wrap(conv(inner, planes, 1)),
  }
end

--- G: z (or {z, classes}) to images. Batch norm, of each class's own scale and shift where there are classes.
-- @tparam table o size, channels, base (maps next to the image), z_size
-- @tparam[opt] table how classes: how many; spectral: every layer is normalised; attention: before the last doubling
-- @return a network
-- @usage local G = residual.generator({size = 32, channels = 3, base = 32, z_size = 100}, {classes = 10})
function residual.generator(o, how)
  how = how or {}
  local n, h, w = nets.stages(o)
  local wrap = how.spectral and spectral or plain
  local function norm(maps)
    return nets.init(how.classes and nn.ConditionalBatchNormalization(maps, how.classes) or nn.SpatialBatchNormalization(maps))
  end
  local function sequence() return how.classes and nn.ConditionalSequential() or nn.Sequential() end
  local function double(from, to)
    local body = sequence():add(norm(from)):add(nn.ReLU()):add(nn.SpatialUpSamplingNearest(2)):add(wrap(conv(from, to, 3)))
      :add(norm(to)):add(nn.ReLU()):add(wrap(conv(to, to, 3)))
    return nn.Residual(body, nn.Sequential():add(nn.SpatialUpSamplingNearest(2)):add(wrap(conv(from, to, 1))))
  end
  local maps = o.base * 2 ^ (n - 1)
  local net = sequence():add(wrap(nn.Linear(o.z_size, maps * h * w))):add(nn.View(maps, h, w):setNumInputDims(1))
  for k = 1, n do
    local to = k == n and o.base or math.max(o.base, maps / 2)
    if how.attention and k == n then net:add(attention(maps, wrap)) end
    net:add(double(maps, to))
    maps = to
  end
  return net:add(nets.init(nn.SpatialBatchNormalization(maps))):add(nn.ReLU()):add(wrap(conv(maps, o.channels, 3))):add(nn.Tanh())
end

--- D: images (or {images, classes}) to one number each, every layer spectrally normalised; classes enter by projection.
-- @tparam table o size, channels, base
-- @tparam[opt] table how classes: how many; attention: after the first halving
-- @return a network
function residual.discriminator(o, how)
  how = how or {}
  local n, h, w = nets.stages(o)
  local function halve(from, to, first)
    local body = nn.Sequential()
    if not first then body:add(nn.ReLU()) end
    body:add(spectral(conv(from, to, 3))):add(nn.ReLU()):add(spectral(conv(to, to, 3))):add(nn.SpatialAveragePooling(2, 2, 2, 2))
    return nn.Residual(body, nn.Sequential():add(spectral(conv(from, to, 1))):add(nn.SpatialAveragePooling(2, 2, 2, 2)))
  end
  local net, maps = how.classes and nn.ConditionalSequential() or nn.Sequential(), o.base
  net:add(halve(o.channels, maps, true))
  if how.attention then net:add(attention(maps, spectral)) end
  for _ = 2, n do
    net:add(halve(maps, 2 * maps))
    maps = 2 * maps
  end
  net:add(nn.Residual(nn.Sequential():add(nn.ReLU()):add(spectral(conv(maps, maps, 3))):add(nn.ReLU()):add(spectral(conv(maps, maps, 3)))))
  net:add(nn.ReLU()):add(nn.View(maps, h * w):setNumInputDims(3)):add(nn.Sum(2, 2))
  if how.classes then return net:add(nn.Projection {spectral(nn.Linear(maps, 1)), spectral(nn.LookupTable(how.classes, maps))}) end
  return net:add(spectral(nn.Linear(maps, 1)))
end

return residual
