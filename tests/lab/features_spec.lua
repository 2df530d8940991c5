-- Features of the convolutions: how many, of which layers, against PyTorch's on the authors' weights, and as a file.
local lfs = require 'lfs'
local torch = require 'gantry.torch'
local nn = require 'gantry.nn'
local data = require 'gantry.data'
local nets = require 'gantry.gan.nets'
local npy = require 'gantry.data.npy'
local features = require 'gantry.lab.features'
local layers = require 'gantry.lab.layers'
local pooling = require 'gantry.lab.pooling'
local command = require 'tests.support.command'
local gold = require 'tests.support.gold'
local helper = require 'tests.nn.helper'

local svhn = helper.data 'svhn-dcgan'

-- The discriminator of the paper's ImageNet model.
local function imagenet()
  local net, from = nn.Sequential(), 3
  for k, to in ipairs {128, 128, 256, 256, 512, 512} do
    local stride = k % 2 == 1 and 1 or 2
    net:add(nn.SpatialConvolution(from, to, 3, 3, stride, stride, 1, 1):noBias())
    if k > 1 then net:add(nn.SpatialBatchNormalization(to)) end
    net:add(nn.LeakyReLU(0.2, true))
    from = to
  end
  return nets.init(net:add(nn.View(8192):setNumInputDims(3)):add(nn.Linear(8192, 1)))
end

-- What tests/gold/make_lab_gold.py calls pictures(n).
local function pictures(n)
  local function hashed(k)
    k = (k * 7919 + 12345) % 65521
    return (k * k) % 65521
  end
  local x = torch.FloatTensor(n, 3, 32, 32)
  local p, at = x:data(), 0
  for i = 0, n - 1 do
    for c = 0, 2 do
      for row = 0, 31 do
        for column = 0, 31 do
          local block = hashed(((i * 3 + c) * 8 + math.floor(row / 4)) * 8 + math.floor(column / 4)) % 200
          local fine = hashed(((i * 3 + c) * 32 + row) * 32 + column) % 56
          p[at], at = (block + fine) / 127.5 - 1, at + 1
        end
      end
    end
  end
  return x
end

local function authors()
  local function load(name) return npy.load(('%s/discrim_%02d.npy'):format(svhn, name)) end
  local backwards = torch.LongTensor {5, 4, 3, 2, 1}
  local net, from = nn.Sequential(), 3
  for k, to in ipairs {64, 128, 256} do
    local conv = nn.SpatialConvolution(from, to, 5, 5, 2, 2, 2, 2):noBias()
    local first = k == 1 and 1 or 3 * k - 4
    conv.weight:copy(load(first):index(3, backwards):index(4, backwards)) -- theirs are true convolutions
    net:add(conv)
    if k > 1 then
      local norm = nn.SpatialBatchNormalization(to, 1e-8)
      norm.weight:copy(load(first + 1))
      norm.bias:copy(load(first + 2))
      net:add(norm)
    end
    net:add(nn.LeakyReLU(0.2))
    from = to
  end
  return net:add(nn.View(4096):setNumInputDims(3)):add(nn.Linear(4096, 1, false))
end

describe('lab.features', function()
  teardown(command.clean)

  it("are 28,672 numbers of the paper's ImageNet network and 7,168 of its SVHN one", function()
    local x = torch.FloatTensor(2, 3, 32, 32):uniform(-1, 1)
    local e = features.extractor(imagenet(), x, {statistics = false})
    assert.equal(28672, e.count)
    assert.same({1, 28672}, e:of(x:narrow(1, 1, 1)):size():totable())
    local D = nets.dcgan_discriminator {size = 32, channels = 3, base = 64, kernel = 5}
    e = features.extractor(D, x, {statistics = false})
    assert.equal(7168, e.count)
    assert.same({name = 'nn.LeakyReLU', channels = 128, height = 8, width = 8, numbers = 2048}, e.layers[2])
  end)

  it("agree with PyTorch's on the authors' SVHN discriminator", function()
    if not svhn then return pending 'no svhn-dcgan in the data folder' end
    local x, wanted = pictures(256), gold.open('lab').svhn.rows:float()
    local net = authors()
    for _, how in ipairs {{}, {windows = {4, 2, 1}}} do
      local e = features.extractor(net, x, how)
      assert.equal(7168, e.count)
      local got = e:of(x:narrow(1, 1, 2))
      assert.is_true((got - wanted):abs():max() < 1e-4)
      assert.is_true(wanted:std() > 0.1)
    end
    assert.equal(0, torch.abs(net:get(4).running_mean):max()) -- the network was left as it is
  end)

  it('are the largest activations of regions, whatever the sides', function()
    local x = torch.FloatTensor(2, 3, 5, 7):uniform(-1, 1)
    local y = pooling.regions(x, 4)
    for i = 1, 4 do
      for j = 1, 4 do
        local best = -2
        for r = math.floor((i - 1) * 5 / 4), math.ceil(i * 5 / 4) - 1 do
          for c = math.floor((j - 1) * 7 / 4), math.ceil(j * 7 / 4) - 1 do best = math.max(best, x[2][3][r + 1][c + 1]) end
        end
        assert.equal(best, y[2][3][i][j])
      end
    end
    local small = pooling.regions(torch.FloatTensor {{{{1, 2}, {3, 4}}}}, 4)
    assert.same({1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4}, small:view(-1):totable())
    assert.same({2, 3, 2, 3}, pooling.windows(x, 2):size():totable())
    assert.error_matches(function() pooling.windows(x, 6) end, 'a window of 6 pixels on maps of 5x7')
  end)

  it('are found behind normalisation, in blocks and in wrapped layers; what a network gives in the end is not among them', function()
    local block = nn.Residual(nn.Sequential():add(nn.ReLU()):add(nn.SpatialConvolution(4, 4, 3, 3, 1, 1, 1, 1)):add(nn.ReLU(true))
      :add(nn.SpatialConvolution(4, 4, 3, 3, 1, 1, 1, 1)))
    local net = nn.Sequential():add(nn.SpectralNorm(nn.SpatialConvolution(3, 4, 3, 3, 1, 1, 1, 1))):add(nn.LeakyReLU(0.2, true)):add(block)
      :add(nn.ReLU(true)):add(nn.SpatialConvolution(4, 1, 8, 8)):add(nn.Sigmoid())
    local x = torch.FloatTensor(3, 3, 8, 8):uniform(-1, 1)
    local found = layers.activations(net:evaluate(), x)
    assert.equal(3, #found) -- behind the first layer, in the block, behind the block
    local h = net:get(2):forward(net:get(1):forward(x)):clone()
    assert.is_true((found[1].output - h):abs():max() < 1e-6)
    assert.is_true((found[3].output - net:get(4):forward(net:get(3):forward(h))):abs():max() < 1e-5)
    -- Nor is what is only brought into another shape after that, and a nonlinearity may be one of the seldom ones.
    net = nn.Sequential():add(nn.SpatialConvolution(3, 4, 4, 4, 2, 2, 1, 1)):add(nn.SpatialConvolution(4, 6, 1, 1)):add(nn.HardTanh())
      :add(nn.SpatialConvolution(6, 5, 4, 4)):add(nn.ReLU()):add(nn.SpatialConvolution(5, 1, 1, 1)):add(nn.Sigmoid())
      :add(nn.View(1):setNumInputDims(3))
    local all = layers.of(net, x)
    local function told(list)
      local words = {}
      for k, l in ipairs(list) do words[k] = ('%s, %s, %d of %dx%d'):format(l.name, torch.type(l.module), l.channels, l.height, l.width) end
      return words
    end
    local alone = 'convolution 1, nn.SpatialConvolution, 4 of 4x4'
    assert.same({alone, 'convolution 2, nn.HardTanh, 6 of 4x4', 'convolution 3, nn.ReLU, 5 of 1x1'}, told(all))
    assert.same({select(2, unpack(told(all)))}, told(layers.activations(net, x)))
    local plain = nn.Sequential():add(nn.Linear(3, 2))
    assert.error_matches(function() features.extractor(plain, torch.randn(4, 3)) end, 'there is no convolution')
  end)

  it('stand on statistics of the training set, averaged over batches', function()
    local net = nn.Sequential():add(nn.SpatialConvolution(1, 2, 1, 1)):add(nn.SpatialBatchNormalization(2, 0)):add(nn.Tanh())
      :add(nn.View(32):setNumInputDims(3)):add(nn.Linear(32, 1))
    net:get(1).weight:fill(1)
    net:get(1).bias:zero()
    net:get(2).weight:fill(1)
    local x = torch.FloatTensor(300, 1, 4, 4):normal(2, 3)
    local e = features.extractor(net, x)
    local mean, variance = 0, 0
    for k = 0, 1 do -- two whole batches
      local part = x:narrow(1, 1 + 128 * k, 128):double()
      mean, variance = mean + part:mean() / 2, variance + part:var() * (2047 / 2048) / 2
    end
    local wanted = torch.tanh((x:narrow(1, 290, 1):view(-1) - mean) / math.sqrt(variance))
    assert.is_true((e:of(x:narrow(1, 290, 1)):narrow(2, 1, 16):view(-1) - wanted):abs():max() < 1e-5)
  end)

  it('go into a file, with classes, and the same from a data set as from its images', function()
    local dir = command.folder()
    local images = torch.ByteTensor(150, 3, 32, 32):random(0, 255)
    npy.save(dir .. '/x.npy', images)
    local labels = torch.LongTensor(150):random(0, 4)
    npy.save(dir .. '/x.labels.npy', labels)
    local set = data.open(dir .. '/x.npy')
    local D = nets.dcgan_discriminator {size = 32, channels = 3, base = 4, kernel = 4}
    local e = features.extractor(D, set)
    local rows, classes = e:write(set, dir .. '/rows.npy')
    assert.same({150, 16 * (4 + 8 + 16)}, rows:size():totable())
    assert.equal(0, (classes - 1 - labels):double():abs():max())
    assert.same(npy.load(dir .. '/rows.labels.npy'):totable(), labels:totable())
    local all = {}
    for i = 1, 150 do all[i] = i end
    assert.is_true((rows - features.extractor(D, set:batch(all)):of(set:batch(all))):abs():max() < 1e-4)
    local even = features.write(features.standardiser(rows), rows, dir .. '/even.npy')
    assert.is_true(torch.abs(even:mean(1)):max() < 1e-3 and (even:var(1) - 150 / 149):abs():max() < 0.02)
    assert.error_matches(function() e:write(set, dir .. '/rows.txt') end, 'wanted a name that ends in .npy')
    assert.error_matches(function() e:write(torch.FloatTensor(3, 1, 32, 32), dir .. '/bad.npy') end, '1')
    for name in lfs.dir(dir) do assert.is_nil(name:find 'tmp') end
  end)

  it('says what is wrong', function()
    local D = nets.dcgan_discriminator {size = 32, channels = 3, base = 4, kernel = 4}
    local x = torch.FloatTensor(4, 3, 32, 32):zero()
    assert.error_matches(function() features.extractor(D, x, {windows = {4, 2}}) end, 'got 2 windows, wanted one for each of 3 layers')
    assert.error_matches(function() features.extractor(D, x, {pool = 0.5}) end, 'pool is 0.5')
    assert.error_matches(function() features.extractor({}, x) end, 'wanted a run or a network')
    assert.error_matches(function() features.extractor(D, 3) end, 'wanted a data set or a tensor of images')
    -- A D that joins the class to the image, and one of a run with classes that does not.
    local joined = nn.Sequential():add(nn.ParallelTable():add(nn.Identity()):add(nn.Identity())):add(nn.JoinLabels(2))
      :add(nn.SpatialConvolution(5, 4, 3, 3)):add(nn.ReLU()):add(nn.SpatialConvolution(4, 1, 30, 30))
    local run = {path = 'r', checkpoint = {}, options = {}, classes = 2, D = joined:evaluate()}
    assert.error_matches(function() features.extractor(run, x) end, 'the discriminator of r is told the class of an image')
    run.D = D:evaluate()
    assert.equal(16 * (4 + 8 + 16), features.extractor(run, x).count)
  end)
end)
