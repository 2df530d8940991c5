--- Networks that turn images into images, and judges of patches: those of pix2pix (Isola et al. 2016, arXiv 1611.07004, appendix 6.1) and
-- CycleGAN (Zhu et al. 2017, arXiv 1703.10593, appendix 7.2).
-- @module gantry.gan.nets_translation
local native = require 'gantry.native'
local nn = require 'gantry.nn'
local nets = require 'gantry.gan.nets'
local options = require 'gantry.gan.options'

local translation = {}

local function down(from, to) return nn.SpatialConvolution(from, to, 4, 4, 2, 2, 1, 1) end
local function up(from, to) return nn.SpatialFullConvolution(from, to, 4, 4, 2, 2, 1, 1) end

-- x joined with what a network makes of it.
local function with_skip(net) return nn.Sequential():add(nn.ConcatTable():add(nn.Identity()):add(net)):add(nn.JoinTable(2)) end

-- One level of the U: half as large, what is within, and back to `from` maps.
local function level(from, to, within, dropout)
  local net = nn.Sequential():add(nn.LeakyReLU(0.2)):add(down(from, to))
  if within then net:add(nn.SpatialBatchNormalization(to)):add(within) end
  net:add(nn.ReLU()):add(up(within and 2 * to or to, from)):add(nn.SpatialBatchNormalization(from))
  return dropout and net:add(nn.Dropout(0.5)) or net
end

--- A U-Net: images to images of the same size, through ever smaller maps and back, where each level also sees what came in at its
-- size. Dropout in the inner levels is the noise.
-- @tparam table o size, channels, base (maps next to the image)
-- @return nn.Sequential
function translation.unet(o)
  local h, w = options.sides(o.size)
  local depth = 0
  while h % 2 ^ (depth + 1) == 0 and w % 2 ^ (depth + 1) == 0 and math.min(h, w) / 2 ^ (depth + 1) >= 2 do depth = depth + 1 end
  if depth < 2 then native.fail('unet: size is %s, wanted sides that can be halved at least twice', tostring(o.size)) end
  local function maps(k) return o.base * math.min(8, 2 ^ (k - 1)) end
  local within
  for k = depth, 2, -1 do
    within = with_skip(level(maps(k - 1), maps(k), within, k > depth - 2 and k > 2))
  end
  return nets.init(nn.Sequential():add(down(o.channels, o.base)):add(within):add(nn.ReLU()):add(up(2 * o.base, o.channels)):add(nn.Tanh()))
end

--- A judge of patches: images to one logit for each patch, on a map.
-- @tparam table o base
-- @int channels of what it sees
-- @string[opt='batch'] norm 'batch' or 'instance'
-- @return nn.Sequential
function translation.patches(o, channels, norm)
  local b = o.base
  local normalise = norm == 'instance' and nn.InstanceNormalization or nn.SpatialBatchNormalization
  return nets.init(nn.Sequential():add(down(channels, b)):add(nn.LeakyReLU(0.2))
    :add(down(b, 2 * b)):add(normalise(2 * b)):add(nn.LeakyReLU(0.2))
    :add(nn.SpatialConvolution(2 * b, 4 * b, 3, 3, 1, 1, 1, 1)):add(normalise(4 * b)):add(nn.LeakyReLU(0.2))
    :add(nn.SpatialConvolution(4 * b, 1, 3, 3, 1, 1, 1, 1)))
end

-- A convolution that leaves the size as it is, the image reflected beyond its edges.
local function same(from, to, k)
  local pad = (k - 1) / 2
  return nn.Sequential():add(nn.SpatialReflectionPadding(pad, pad, pad, pad)):add(nn.SpatialConvolution(from, to, k, k))
end

--- Two halvings, residual blocks, two doublings, all with instance norm: images to images of the same size.
-- @tparam table o size, channels, base (maps next to the image), blocks
-- @return nn.Sequential
function translation.resnet(o)
  local h, w = options.sides(o.size)
  if h % 4 ~= 0 or w % 4 ~= 0 then native.fail('resnet: size is %s, wanted sides that can be halved twice', tostring(o.size)) end
  local b = o.base
  local function finish(net, maps) return net:add(nn.InstanceNormalization(maps)):add(nn.ReLU()) end
  local net = finish(nn.Sequential():add(same(o.channels, b, 7)), b)
  for _, maps in ipairs {b, 2 * b} do finish(net:add(nn.SpatialConvolution(maps, 2 * maps, 3, 3, 2, 2, 1, 1)), 2 * maps) end
  for _ = 1, o.blocks do
    local body = finish(nn.Sequential():add(same(4 * b, 4 * b, 3)), 4 * b)
    net:add(nn.Residual(body:add(same(4 * b, 4 * b, 3)):add(nn.InstanceNormalization(4 * b))))
  end
  for _, maps in ipairs {4 * b, 2 * b} do
    finish(net:add(nn.SpatialFullConvolution(maps, maps / 2, 3, 3, 2, 2, 1, 1, 1, 1)), maps / 2)
  end
  return nets.init(net:add(same(b, o.channels, 7)):add(nn.Tanh()))
end

return translation
