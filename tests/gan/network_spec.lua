-- Every layer of nn as data and back: the same description, the same outputs.
local cjson = require 'cjson'
local nn = require 'gantry.nn'
local torch = require 'gantry.torch'
local classes = require 'gantry.gan.network_classes'
local network = require 'gantry.gan.network'
local safetensors = require 'gantry.gan.safetensors'
local command = require 'tests.support.command'

local function through_file(net)
  local entries = {}
  network.tensors(net, 'N', function(name, t) entries[#entries + 1] = {name, t} end)
  local path = command.folder() .. '/n.safetensors'
  safetensors.write(path, entries, {net = cjson.encode(network.describe(net))})
  local file = safetensors.open(path)
  return network.build(cjson.decode(file.metadata.net), 'N', file)
end

--- Makes a layer's input: sizes, a tensor, or a list of them.
local function input(sizes)
  if torch.isTensor(sizes) then return sizes end
  if type(sizes[1]) == 'number' then return torch.rand(torch.LongStorage(sizes)) + 0.1 end
  local list = {}
  for i, s in ipairs(sizes) do list[i] = input(s) end
  return list
end

local function each(a, b, f)
  if type(a) ~= 'table' then return f(a, b) end
  assert.equal(#a, #b)
  for i = 1, #a do each(a[i], b[i], f) end
end

local images, rows = {2, 3, 4, 5}, {4, 3}
local cases = {
  {images, nn.PReLU(3), nn.ELU(0.5, true), nn.SoftPlus(2), nn.LogSigmoid(), nn.SoftSign(), nn.HardTanh(-0.5, 0.25), nn.Clamp(-2, 0.3),
    nn.Threshold(0.2, -1), nn.Abs(), nn.Square(), nn.Sqrt(), nn.Power(1.5), nn.Exp(), nn.Log(), nn.MulConstant(3), nn.AddConstant(3),
    nn.GradientReversal(0.5), nn.SoftMax(), nn.LogSoftMax(), nn.CMul(3, 1, 5), nn.CAdd(1, 4, 5), nn.Mul(), nn.Add(60), nn.Add(1, true),
    nn.Sum(1, 3, true, false), nn.Sum(-1), nn.Mean(2), nn.Max(1, 3), nn.Min(3), nn.Narrow(3, 2, -1), nn.Select(-1, 2),
    nn.Transpose({1, 2}, {2, 3}):setNumInputDims(3), nn.Transpose {2, 3}, nn.Unsqueeze(1, 3), nn.Replicate(2, 1, 3), nn.Contiguous(),
    nn.Padding(1, -2, 3, 0.5, 2), nn.SpatialZeroPadding(1, 2, -1, 0), nn.SpatialReflectionPadding(1),
    nn.SpatialReplicationPadding(1, 0, 2, 3),
    nn.SpatialUpSamplingNearest(2), nn.SpatialUpSamplingBilinear(2), nn.SpatialUpSamplingBilinear {oheight = 3, owidth = 9},
    nn.SplitTable(1, 3), nn.ConcatTable():add(nn.Identity()):add(nn.Abs()),
    nn.Concat(2):add(nn.SpatialConvolution(3, 2, 1, 1)):add(nn.Sequential():add(nn.Tanh()))},
  {rows, nn.Maxout(3, 2, 4), nn.Normalize(3, 1e-3), nn.Normalize(math.huge), nn.PReLU()},
  {{1, 3, 1, 2}, nn.Squeeze(), nn.Squeeze(3), nn.Squeeze(nil, 3)},
  {{rows, rows}, nn.CAddTable(true), nn.CSubTable(), nn.CMulTable(), nn.CDivTable(), nn.CMaxTable(), nn.CMinTable(), nn.JoinTable(2),
    nn.SelectTable(-1), nn.NarrowTable(2, 1), nn.FlattenTable(), nn.ParallelTable():add(nn.Linear(3, 2)):add(nn.Linear(3, 1, false))},
}

-- Those of GAN papers.
local function conv(from, to) return nn.SpatialConvolution(from, to, 3, 3, 1, 1, 1, 1) end
local labels, style = torch.LongTensor {3, 1}, {2, 5}
local function conditional(layer) return {{images, labels}, layer} end
for _, case in ipairs {
  {images, nn.GroupNormalization(3, 3, 1e-3), nn.GroupNormalization(1, 3, 1e-5, false), nn.LayerNormalization(3, 1e-3),
    nn.InstanceNormalization(3, 1e-3, false), nn.PixelNormalization(1e-3), nn.MinibatchStandardDeviation(2),
    nn.SpectralNorm(conv(3, 2), 2), nn.SelfAttention(3, 2),
    nn.SelfAttention {nn.SpectralNorm(conv(3, 2)), conv(3, 2), conv(3, 1), nn.SpectralNorm(conv(1, 3))},
    nn.EqualizedLearningRate(conv(3, 2), 1, 0.5), nn.Residual(nn.Sequential():add(nn.ReLU()):add(conv(3, 3))),
    nn.Residual(conv(3, 2), conv(3, 2)),
    nn.VirtualBatch(nn.Sequential():add(conv(3, 2)):add(nn.VirtualBatchNormalization(2, 1e-3)), torch.rand(3, 3, 4, 5))},
  {rows, nn.MinibatchDiscrimination(3, 2, 4), nn.PixelNormalization(), nn.SpectralNorm(nn.Linear(3, 2, false))},
  {{2, 8, 3, 3}, nn.PixelShuffle(2)}, {labels, nn.LookupTable(4, 3)},
  conditional(nn.JoinLabels(4)), conditional(nn.ConditionalBatchNormalization(3, 4, 1e-3, 0.2)),
  conditional(nn.ConditionalSequential():add(conv(3, 2)):add(nn.ReLU())
    :add(nn.ConditionalBatchNormalization(2, 3)):add(nn.Residual(nn.ConditionalSequential():add(nn.ConditionalBatchNormalization(2, 3))))),
  {{rows, torch.LongTensor {1, 2, 2, 1}}, nn.Projection(3, 2), nn.Projection {nn.SpectralNorm(nn.Linear(3, 1)), nn.LookupTable(2, 3)}},
  {{images, style}, nn.AdaptiveInstanceNormalization(3, 5, 1e-3), nn.SpatialModulatedConvolution(3, 2, 5, 3),
    nn.EqualizedLearningRate(nn.SpatialModulatedConvolution(3, 4, 5, 1, false)),
    nn.SpectralNorm(nn.SpatialModulatedConvolution(3, 4, 5, 3)),
    nn.ConditionalSequential():add(nn.NoiseInjection(3)):add(nn.AdaptiveInstanceNormalization(3, 5))},
  {images, nn.NoiseInjection(3, 7):evaluate()}, {style, nn.StyleTruncation(5, 0.1), nn.StyleMixing(3, 0), nn.StyleMixing(1, 0.5)},
} do
  cases[#cases + 1] = case
end

describe('as data and back', function()
  teardown(command.clean)
  local seen = {Identity = true, ReLU = true, LeakyReLU = true, Sigmoid = true, Dropout = true, SpatialFullConvolution = true,
    BatchNormalization = true, SpatialBatchNormalization = true, SpatialMaxPooling = true, SpatialAveragePooling = true, View = true,
    Reshape = true} -- those of checkpoint_spec

  for _, case in ipairs(cases) do
    for i = 2, #case do
      local layer = case[i]
      layer:apply(function(m) seen[torch.type(m):match '^nn%.(%w+)$'] = true end)
      it(tostring(layer):match '[^\n]*', function()
        torch.manualSeed(3)
        local x = input(case[1])
        local copy = through_file(layer)
        assert.same(network.describe(layer), network.describe(copy))
        each(layer:forward(x), copy:forward(x), function(a, b)
          assert.same(a:size():totable(), b:size():totable())
          assert.equal(0, (a - b):abs():max())
        end)
      end)
    end
  end

  it('goes every layer that there is', function()
    local count = 0
    for name, class in pairs(nn) do
      local layer = type(class) == 'table' and rawget(class, '__typename') and not (name:find 'Criterion' or name:find '^Test')
      if layer and name ~= 'Module' and name ~= 'Container' and name ~= 'Branches' and name ~= 'Composite' then
        assert(classes[name], 'nn.' .. name .. ' cannot be described')
        assert(seen[name], 'nn.' .. name .. ' has no case')
        count = count + 1
      end
    end
    assert.is_true(count > 60)
  end)

  it('an untrained twin has the modules and none of the weights or statistics, and draws from no other generator', function()
    local D = require 'gantry.gan.nets'.dcgan_discriminator {size = 16, channels = 3, base = 4, kernel = 4}
    D:training():forward(torch.rand(4, 3, 16, 16))
    local state = torch.getRNGState()
    local twin, again = network.untrained(D, 5), network.untrained(D, 5)
    assert.equal(tostring(D), tostring(twin))
    local a, b, c = D:parameters()[1], twin:parameters()[1], again:parameters()[1]
    assert.equal(0, (b - c):abs():max())
    assert.is_true((a - b):abs():max() > 0.01)
    assert.near(0.02, b:std(), 0.005)
    assert.is_true(D:get(4).running_mean:norm() > 0)
    assert.equal(0, twin:get(4).running_mean:norm())
    assert.is_false(twin.train)
    assert.is_true(torch.getRNGState():eq(state):all())
  end)

  it('a lie about a size costs no memory', function()
    local description = network.describe(nn.Maxout(3, 2, 4))
    description.arguments = {2 ^ 29, 2 ^ 29, 2 ^ 29}
    local path = command.folder() .. '/n.safetensors'
    safetensors.write(path, {{'N.weight', torch.zeros(2)}}, {})
    assert.error_matches(function() network.build(description, 'N', safetensors.open(path)) end, 'N.weight is 2 in the file, wanted')
  end)
end)
