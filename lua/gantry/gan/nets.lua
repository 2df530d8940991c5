--- The networks of the DCGAN paper (Radford, Metz, Chintala 2015, arXiv 1511.06434) as functions of image size, channels,
-- base width and kernel.
--
-- kernel 5 is the paper's own: z times a matrix, batch norm over each of its outputs, 5x5 kernels with padding 2. kernel 4 is
-- dcgan.torch's: z as a 1x1 image, 4x4 kernels with padding 1, and a last convolution instead of a matrix in D.
-- D ends in logits. No layer has a bias besides batch norm's: what follows would take it out again.
-- @module gantry.gan.nets
local native = require 'gantry.native'
local nn = require 'gantry.nn'

local nets = {}

--- Halvings between the image and the smallest maps, and the side of those: 4 to 7 pixels.
local function stages(size)
  local side, n = size, 0
  while side > 7 and side % 2 == 0 do side, n = side / 2, n + 1 end
  if side < 4 or side > 7 or n < 1 then
    native.fail('nets: size is %g, wanted 4, 5, 6 or 7 times a power of two: 16, 28, 32, 48, 64, 96, 128 ...', size)
  end
  return n, side
end

local function geometry(o)
  if o.kernel == 4 then return 1, 0 end
  if o.kernel == 5 then return 2, 1 end
  native.fail('nets: kernel is %s, wanted 4 or 5', tostring(o.kernel))
end

local function conv(from, to, k, stride, pad) return nn.SpatialConvolution(from, to, k, k, stride, stride, pad, pad):noBias() end

local function up(from, to, k, stride, pad, adjust)
  return nn.SpatialFullConvolution(from, to, k, k, stride, stride, pad, pad, adjust, adjust):noBias()
end

--- The paper's initial weights: N(0, 0.02) for matrices and kernels; batch norm's scale N(1, 0.02), its shift 0.
-- Draws from torch's generator, module after module.
-- @param net any module
-- @return net
function nets.init(net)
  for _, m in ipairs(net:listModules()) do
    if m.weight and not m.modules then
      local norm = m.running_mean ~= nil
      m.weight:normal(norm and 1 or 0, 0.02)
      if m.bias then m.bias:zero() end
    end
  end
  return net
end

--- G: z (N x z_size) to images (N x channels x size x size) in -1..1.
-- @tparam table o size, channels, base (maps next to the image), kernel (4 or 5), z_size
-- @return nn.Sequential
-- @usage local G = nets.dcgan_generator {size = 32, channels = 3, base = 64, kernel = 5, z_size = 100}
function nets.dcgan_generator(o)
  local n, side = stages(o.size)
  local pad, adjust = geometry(o)
  local width = o.base * 2 ^ (n - 1)
  local net = nn.Sequential()
  if o.kernel == 5 then
    net:add(nn.Linear(o.z_size, width * side * side, false)):add(nn.BatchNormalization(width * side * side)):add(nn.ReLU(true))
    net:add(nn.View(width, side, side):setNumInputDims(1))
  else
    net:add(nn.View(o.z_size, 1, 1):setNumInputDims(1))
    net:add(up(o.z_size, width, side, 1, 0, 0)):add(nn.SpatialBatchNormalization(width)):add(nn.ReLU(true))
  end
  for _ = 2, n do
    net:add(up(width, width / 2, o.kernel, 2, pad, adjust)):add(nn.SpatialBatchNormalization(width / 2)):add(nn.ReLU(true))
    width = width / 2
  end
  net:add(up(width, o.channels, o.kernel, 2, pad, adjust)):add(nn.Tanh())
  return nets.init(net)
end

--- D: images (N x channels x size x size) to logits (N x 1): how much more likely real than generated.
-- @tparam table o size, channels, base (maps next to the image), kernel (4 or 5)
-- @tparam[opt] table how norm: 'batch' (default) or 'none'
-- @return nn.Sequential
function nets.dcgan_discriminator(o, how)
  local norm = how and how.norm or 'batch'
  if norm ~= 'batch' and norm ~= 'none' then native.fail("nets: norm is '%s', wanted 'batch' or 'none'", tostring(norm)) end
  local n, side = stages(o.size)
  local pad = geometry(o)
  local width = o.base
  local net = nn.Sequential()
  net:add(conv(o.channels, width, o.kernel, 2, pad)):add(nn.LeakyReLU(0.2, true))
  for _ = 2, n do
    net:add(conv(width, width * 2, o.kernel, 2, pad))
    width = width * 2
    if norm == 'batch' then net:add(nn.SpatialBatchNormalization(width)) end
    net:add(nn.LeakyReLU(0.2, true))
  end
  if o.kernel == 5 then
    net:add(nn.View(width * side * side):setNumInputDims(3)):add(nn.Linear(width * side * side, 1, false))
  else
    net:add(conv(width, 1, side, 1, 0)):add(nn.View(1):setNumInputDims(3))
  end
  return nets.init(net)
end

return nets
