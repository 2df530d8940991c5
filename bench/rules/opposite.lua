-- The architecture rules of the DCGAN paper (Radford, Metz, Chintala 2015, arXiv 1511.06434, section 3), each turned into its opposite:
-- the paper's networks with kernels of 5, and what `rule` changes in them. With `rule: paper` this is the recipe dcgan.
-- bench/rules.lua trains all of them.
local gantry = require 'gantry'
local gan, nn, torch = gantry.gan, gantry.nn, gantry.torch
local nets = require 'gantry.gan.nets'

local HIDDEN = 512 -- units of a hidden fully connected layer

-- Replaces each module of a class by what `make` gives for it.
local function swap(net, class, make)
  return net:replace(function(m) return torch.type(m) == class and make(m) or m end)
end

-- Batch norm's bias is left: the layers before it have none.
local function without_norm(net)
  swap(net, 'nn.BatchNormalization', function(m) return nn.CAdd(m.running_mean:size(1)) end)
  return swap(net, 'nn.SpatialBatchNormalization', function(m) return nn.CAdd(m.running_mean:size(1), 1, 1) end)
end

-- A convolution that keeps its input's sides, without a bias, as the one whose maps it gets.
local function keeping(m) return nn.SpatialConvolution(m.nInputPlane, m.nOutputPlane, m.kW, m.kH, 1, 1, m.padW, m.padH):noBias() end

local opposites = {
  paper = {},
  ['no-norm'] = {G = without_norm, D = without_norm},
  ['norm-everywhere'] = {
    G = function(net, o) return net:insert(nn.SpatialBatchNormalization(o.channels), net:size()) end, -- before the tanh
    D = function(net, o) return net:insert(nn.SpatialBatchNormalization(o.base), 2) end,
  },
  pooling = {
    G = function(net)
      return swap(net, 'nn.SpatialFullConvolution', function(m)
        return nn.Sequential():add(nn.SpatialUpSamplingNearest(2)):add(keeping(m))
      end)
    end,
    D = function(net)
      return swap(net, 'nn.SpatialConvolution', function(m)
        return nn.Sequential():add(keeping(m)):add(nn.SpatialMaxPooling(2, 2, 2, 2))
      end)
    end,
  },
  hidden = { -- one more layer between z and the maps, and between the maps and the answer
    G = function(net, o)
      local outputs = net:remove(1).weight:size(1)
      return net:insert(nn.Linear(HIDDEN, outputs, false), 1):insert(nn.ReLU(true), 1):insert(nn.BatchNormalization(HIDDEN), 1)
        :insert(nn.Linear(o.z_size, HIDDEN, false), 1)
    end,
    D = function(net)
      local inputs = net:remove().weight:size(2)
      return net:add(nn.Linear(inputs, HIDDEN, false)):add(nn.BatchNormalization(HIDDEN)):add(nn.LeakyReLU(0.2, true))
        :add(nn.Linear(HIDDEN, 1, false))
    end,
  },
  average = {
    D = function(net, o)
      local _, h, w = nets.stages(o)
      local maps = net:remove().weight:size(2) / (h * w)
      net:remove()
      return net:add(nn.SpatialAveragePooling(w, h)):add(nn.View(maps):setNumInputDims(3)):add(nn.Linear(maps, 1, false))
    end,
  },
  linear = {G = function(net)
    net:remove()
    return net
  end},
  relu = {D = function(net) return swap(net, 'nn.LeakyReLU', function() return nn.ReLU(true) end) end},
}

local names = {}
for name in pairs(opposites) do names[#names + 1] = name end
table.sort(names)

-- The paper's network, changed, with the paper's initial weights.
local function changed(which, make)
  return function(o)
    local change, net = opposites[o.rule][which], make(o)
    if not change then return net end
    net = nets.init(change(net, o))
    for _, m in ipairs(net:findModules 'nn.CAdd') do m.bias:zero() end
    return net
  end
end

return gan.recipe {
  name = 'opposite',
  about = 'one rule of the DCGAN paper turned into its opposite',
  options = gan.options('dcgan', {
    size = 32, channels = 1, base = 16, batch = 64, steps = 1500, sample_every = 0, checkpoint_every = 0,
    rule = {'paper', 'which one', one_of = names},
  }),
  generator = changed('G', nets.dcgan_generator),
  discriminator = changed('D', nets.dcgan_discriminator),
}
