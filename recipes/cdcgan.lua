-- The conditional DCGAN of the DCGAN paper. Radford, Metz, Chintala 2015, "Unsupervised Representation Learning with Deep Convolutional
-- Generative Adversarial Networks", arXiv 1511.06434, appendix 8.1: digits by class. The class, one-hot, is joined to every layer
-- of both networks (Mirza and Osindero 2014, arXiv 1411.1784), as rows and as maps; batch norm has neither scale nor shift; 5x5
-- kernels of stride 2, a hidden layer of 1024 in both. At 28x28 with 10 classes G has 6.82 million weights, D 6.69.
local gantry = require 'gantry'
local gan, nn, nets = gantry.gan, gantry.nn, require 'gantry.gan.nets'
local losses = gan.losses

-- {h, class} -> {layers(h joined with the class), class}
local function stage(o, ...)
  local path = nn.Sequential():add(nn.JoinLabels(o.classes))
  for _, layer in ipairs {...} do path:add(layer) end
  return nn.ConcatTable():add(path):add(nn.SelectTable(2))
end

-- {h, class} -> h
local function last(o, ...) return stage(o, ...).modules[1] end

local function rows(from, to, o) return nn.Linear(from + o.classes, to, false) end
local function norm(n) return nn.BatchNormalization(n, 1e-5, 0.1, false) end
local function map_norm(n) return nn.SpatialBatchNormalization(n, 1e-5, 0.1, false) end
local function up(from, to, o) return nn.SpatialFullConvolution(from + o.classes, to, 5, 5, 2, 2, 2, 2, 1, 1):noBias() end
local function down(from, to, o) return nn.SpatialConvolution(from + o.classes, to, 5, 5, 2, 2, 2, 2):noBias() end

-- The maps that two halvings leave: 7x7 of a digit's 28x28.
local function quarter(o)
  local h, w = gan.sides(o.size)
  if h % 4 ~= 0 or w % 4 ~= 0 then error(('cdcgan: size is %s, wanted sides that can be halved twice'):format(o.size), 0) end
  return h / 4, w / 4
end

return gan.recipe {
  name = 'cdcgan',
  about = "the DCGAN paper's digits by class: the class joined to every layer",
  labels = 'data',
  options = gan.options {
    size = 28, channels = 1, weight_decay = 2.5e-5, schedule = 'linear', decay_from = 0.5,
    classes = {0, 'classes; 0: those of the data', min = 0, integer = true},
    base = {64, 'maps of the layers next to the image; twice as many at the next', min = 1, integer = true},
    hidden = {1024, 'units of the hidden layers', min = 1, integer = true},
  },

  generator = function(o)
    local h, w = quarter(o)
    local maps = 2 * o.base
    return nets.init(nn.Sequential()
      :add(stage(o, rows(o.z_size, o.hidden, o), norm(o.hidden), nn.ReLU(true)))
      :add(stage(o, rows(o.hidden, maps * h * w, o), norm(maps * h * w), nn.ReLU(true), nn.View(maps, h, w):setNumInputDims(1)))
      :add(stage(o, up(maps, o.base, o), map_norm(o.base), nn.ReLU(true)))
      :add(last(o, up(o.base, o.channels, o), nn.Sigmoid(), nn.MulConstant(2), nn.AddConstant(-1)))) -- 0..1 as in the paper, seen as -1..1
  end,

  discriminator = function(o)
    local h, w = quarter(o)
    local maps, leak = 2 * o.base, function() return nn.LeakyReLU(0.2, true) end
    return nets.init(nn.Sequential()
      :add(nn.ParallelTable():add(nn.Sequential():add(nn.AddConstant(1)):add(nn.MulConstant(0.5))):add(nn.Identity()))
      :add(stage(o, down(o.channels, o.base, o), leak()))
      :add(stage(o, down(o.base, maps, o), map_norm(maps), leak(), nn.View(maps * h * w):setNumInputDims(3)))
      :add(stage(o, rows(maps * h * w, o.hidden, o), norm(o.hidden), leak()))
      :add(last(o, rows(o.hidden, 1, o))))
  end,

  d_loss = function(s) return losses.minimax_d(s.D(s.real, s.labels), s.D(s.fake, s.fake_labels)) end,
  g_loss = function(s) return losses.non_saturating_g(s.D(s.fake, s.fake_labels)) end,
}
