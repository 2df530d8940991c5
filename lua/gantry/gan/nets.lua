--- The networks of the DCGAN paper (Radford, Metz, Chintala 2015, arXiv 1511.06434) as functions of image height, width and
-- channels, maps next to the image, and kernel.
--
-- kernel 5 is the paper's own: z times a matrix, batch norm over each of its outputs, 5x5 kernels with padding 2. kernel 4 is
-- dcgan.torch's: z as a 1x1 image, 4x4 kernels with padding 1, and a last convolution instead of a matrix in D.
-- D ends in logits. Where there is batch norm no layer has a bias besides: what follows would take it out again.
-- @module gantry.gan.nets
local native = require 'gantry.native'
local nn = require 'gantry.nn'
local options = require 'gantry.gan.options'

local nets = {}

--- A size near h x w that there is a network for.
local function near(h, w)
  local unit = 2 ^ math.max(1, math.floor(math.log(math.min(h, w) / 4) / math.log(2)))
  local function rounded(side) return math.max(4, math.floor(side / unit + 0.5)) * unit end
  return rounded(h), rounded(w)
end

--- Halvings between the image and the smallest maps, and the sides of those: 4 to 7 pixels for the shorter one.
-- @tparam table o size
-- @treturn int halvings
-- @treturn int height of the smallest maps
-- @treturn int their width
-- @raise where there is no network for the size
function nets.stages(o)
  local h, w = options.sides(o.size)
  if not h then native.fail('nets: size is %s, wanted a number or HEIGHTxWIDTH', tostring(o.size)) end
  local n, to_h, to_w = 0, h, w
  while math.min(to_h, to_w) > 7 and to_h % 2 == 0 and to_w % 2 == 0 do to_h, to_w, n = to_h / 2, to_w / 2, n + 1 end
  local shorter = math.min(to_h, to_w)
  if shorter >= 4 and shorter <= 7 and n >= 1 then return n, to_h, to_w end
  if h == w then
    native.fail('nets: size is %g, wanted 4, 5, 6 or 7 times a power of two, as %d', h, (near(h, w)))
  end
  native.fail('nets: size is %dx%d, wanted sides that halve together until the shorter is 4 to 7, as %dx%d', h, w, near(h, w))
end

local function geometry(o)
  if o.kernel == 4 then return 1, 0 end
  if o.kernel == 5 then return 2, 1 end
  native.fail('nets: kernel is %s, wanted 4 or 5', tostring(o.kernel))
end

local function down(from, to, k, pad, bias)
  local conv = nn.SpatialConvolution(from, to, k, k, 2, 2, pad, pad)
  return bias and conv or conv:noBias()
end

local function up(from, to, k, pad, adjust) return nn.SpatialFullConvolution(from, to, k, k, 2, 2, pad, pad, adjust, adjust):noBias() end

--- The paper's initial weights: N(0, 0.02) for matrices and kernels; normalisations' scale N(1, 0.02), their shift 0. Weights in an
-- nn.EqualizedLearningRate stay what they are.
-- Draws from torch's generator, module after module.
-- @param net any module
-- @return net
function nets.init(net)
  for _, m in ipairs(net:listModules()) do
    if m.weight and not m.modules and not m.equalized then
      local norm = m.running_mean ~= nil or m.normalizes
      m.weight:normal(norm and 1 or 0, 0.02)
      if m.bias then m.bias:zero() end
    end
  end
  return net
end

--- G: z (N x z_size) to images (N x channels x height x width) in -1..1.
-- @tparam table o size (a number or 'HEIGHTxWIDTH'), channels, base (maps next to the image), kernel (4 or 5), z_size
-- @return nn.Sequential
-- @usage local G = nets.dcgan_generator {size = 32, channels = 3, base = 64, kernel = 5, z_size = 100}
function nets.dcgan_generator(o)
  local n, h, w = nets.stages(o)
  local pad, adjust = geometry(o)
  local width = o.base * 2 ^ (n - 1)
  local net = nn.Sequential()
  if o.kernel == 5 then
    net:add(nn.Linear(o.z_size, width * h * w, false)):add(nn.BatchNormalization(width * h * w)):add(nn.ReLU(true))
    net:add(nn.View(width, h, w):setNumInputDims(1))
  else
    net:add(nn.View(o.z_size, 1, 1):setNumInputDims(1))
    net:add(nn.SpatialFullConvolution(o.z_size, width, w, h):noBias()):add(nn.SpatialBatchNormalization(width)):add(nn.ReLU(true))
  end
  for _ = 2, n do
    net:add(up(width, width / 2, o.kernel, pad, adjust)):add(nn.SpatialBatchNormalization(width / 2)):add(nn.ReLU(true))
    width = width / 2
  end
  net:add(up(width, o.channels, o.kernel, pad, adjust)):add(nn.Tanh())
  return nets.init(net)
end

--- G for classes: {z, classes} to images. The class, one-hot, is joined to z.
-- @tparam table o as for dcgan_generator, and classes
-- @return nn.Sequential
function nets.class_generator(o)
  local joined = {size = o.size, channels = o.channels, base = o.base, kernel = o.kernel, z_size = o.z_size + o.classes}
  return nn.Sequential():add(nn.JoinLabels(o.classes)):add(nets.dcgan_generator(joined))
end

local norms = {batch = nn.SpatialBatchNormalization, layer = nn.LayerNormalization, none = false}

--- D: images (N x channels x height x width) to logits (N x 1): how much more likely real than generated.
-- @tparam table o size (a number or 'HEIGHTxWIDTH'), channels, base (maps next to the image), kernel (4 or 5)
-- @tparam[opt] table how norm: 'batch' (default), 'layer', or 'none': then every layer but the last has a bias; outputs: numbers for each
-- image (1)
-- @return nn.Sequential
function nets.dcgan_discriminator(o, how)
  local norm = how and how.norm or 'batch'
  local normalise = norms[norm]
  if normalise == nil then native.fail("nets: norm is '%s', wanted 'batch', 'layer' or 'none'", tostring(norm)) end
  local n, h, w = nets.stages(o)
  local pad = geometry(o)
  local width, outputs, bias = o.base, how and how.outputs or 1, not normalise
  local net = nn.Sequential()
  net:add(down(o.channels, width, o.kernel, pad, bias)):add(nn.LeakyReLU(0.2, true))
  for _ = 2, n do
    net:add(down(width, width * 2, o.kernel, pad, bias))
    width = width * 2
    if normalise then net:add(normalise(width)) end
    net:add(nn.LeakyReLU(0.2, true))
  end
  if o.kernel == 5 then
    net:add(nn.View(width * h * w):setNumInputDims(3)):add(nn.Linear(width * h * w, outputs, false))
  else
    net:add(nn.SpatialConvolution(width, outputs, w, h):noBias()):add(nn.View(outputs):setNumInputDims(3))
  end
  return nets.init(net)
end

return nets
