-- Layers that GAN papers brought: gradients of both orders, modes, what they save, what they refuse. Their numbers: tests/gold.
local torch = require 'gantry.torch'
local native = require 'gantry.native'
local nn = require 'gantry.nn'
local nets = require 'gantry.gan.nets'
local autograd = require 'gantry.autograd'
local ops = require 'gantry.autograd.ops'
local helper = require 'tests.nn.helper'
local numbers = require 'tests.support.numbers'

local value, near = autograd.value, helper.near

local function conv(from, to, k) return nn.SpatialConvolution(from, to, k, k, 1, 1, (k - 1) / 2, (k - 1) / 2) end
local function images(n, c, h, w) return numbers.signed(n, c, h or 3, w or 2) end

local labels = torch.LongTensor {2, 1, 2}

--- name -> layer, inputs (labels follow where the layer takes them)
local cases = {
  GroupNormalization = {nn.GroupNormalization(2, 4), images(2, 4)},
  LayerNormalization = {nn.LayerNormalization(3), images(2, 3)},
  InstanceNormalization = {nn.InstanceNormalization(2), images(2, 2)},
  PixelNormalization = {nn.PixelNormalization(), images(2, 3)},
  MinibatchStandardDeviation = {nn.MinibatchStandardDeviation(), images(3, 2)},
  MinibatchDiscrimination = {nn.MinibatchDiscrimination(4, 2, 2), numbers.signed(3, 4)},
  SelfAttention = {nn.SelfAttention(2), images(2, 2)},
  Residual = {nn.Residual(conv(2, 2, 3)), images(2, 2)},
  EqualizedLearningRate = {nn.EqualizedLearningRate(conv(2, 3, 3)), images(2, 2)},
  SpectralNorm = {nn.SpectralNorm(conv(2, 3, 3)):evaluate(), images(2, 2)},
  ['SpectralNorm full'] = {nn.SpectralNorm(nn.SpatialFullConvolution(2, 3, 4, 4, 2, 2, 1, 1)):track(false), images(2, 2)},
  ['SpectralNorm linear'] = {nn.SpectralNorm(nn.Linear(3, 2)):track(false), numbers.signed(2, 3)},
  AdaptiveInstanceNormalization = {nn.AdaptiveInstanceNormalization(2, 3), images(2, 2), numbers.signed(2, 3)},
  SpatialModulatedConvolution = {nn.SpatialModulatedConvolution(2, 3, 2, 3), images(2, 2), numbers.signed(2, 2)},
  VirtualBatch = {nn.VirtualBatch(nn.Sequential():add(conv(2, 2, 1)):add(nn.VirtualBatchNormalization(2)), images(3, 2)), images(2, 2)},
  PixelShuffle = {nn.PixelShuffle(2), images(2, 4)},
  NoiseInjection = {nn.NoiseInjection(2, 5):evaluate(), images(3, 2)},
  StyleTruncation = {nn.StyleTruncation(3):evaluate():truncate(0.4), numbers.signed(2, 3)},
  ConditionalBatchNormalization = {nn.ConditionalBatchNormalization(2, 3), images(3, 2), labels},
  Projection = {nn.Projection(4, 2), numbers.signed(3, 4), labels},
  ConditionalSequential = {
    nn.ConditionalSequential():add(conv(2, 2, 3)):add(nn.ConditionalBatchNormalization(2, 2)):add(nn.Tanh()):add(nn.Residual(
      nn.ConditionalSequential():add(nn.ConditionalBatchNormalization(2, 2)):add(conv(2, 2, 1)))), images(3, 2), labels,
  },
}

describe('gradients of both orders of', function()
  for name, case in pairs(cases) do
    it('nn.' .. name .. ' agree with central differences', function()
      local layer = case[1]:double()
      layer:apply(function(m) -- away from where it starts: gamma 0, scales 1
        if m.weight then m.weight:add(m.weight:clone():uniform(-0.3, 0.3)) end
      end)
      local inputs = {}
      for i = 2, #case do
        if case[i] ~= labels then inputs[#inputs + 1] = case[i] end
      end
      local given = #inputs
      for _, m in ipairs(layer:listModules()) do
        for _, field in ipairs {'weight', 'bias'} do
          if m[field] then inputs[#inputs + 1] = m[field] end
        end
      end
      -- As a function of inputs and parameters: the same module, with values in the parameters' places.
      local function fn(...)
        local xs, k = {...}, given
        local list = {}
        for i = 1, given do list[i] = xs[i] end
        if case[#case] == labels then list[#list + 1] = labels end
        local modules = layer:listModules()
        local function run_from(i)
          local instead = {}
          if not modules[i] then return layer(#list > 1 and list or list[1]) end
          for _, field in ipairs {'weight', 'bias'} do
            if modules[i][field] then
              k = k + 1
              instead[field] = xs[k]
            end
          end
          return modules[i]:with_values(instead, run_from, i + 1)
        end
        return run_from(1)
      end
      assert(autograd.check(fn, inputs, {order = 2, tolerance = 1e-5}))
    end)
  end

  it('nn.LookupTable: gradients add up where a number comes twice', function()
    local m = nn.LookupTable(3, 2):double()
    local y = m(value(torch.LongTensor {{3, 1}, {3, 3}}))
    assert.same({2, 2, 2}, y:size():totable())
    y:sum():backward()
    assert.same({{1, 1}, {0, 0}, {3, 3}}, m.gradWeight:totable())
    assert.same({2}, m:forward(torch.LongTensor {1})[1]:size():totable())
  end)
end)

describe('nn.SpectralNorm', function()
  --- The largest singular value, by many iterations on W' W.
  local function largest(matrix)
    local v = torch.DoubleTensor(matrix:size(2)):fill(1)
    for i = 1, v:nElement() do v[i] = 1 + 0.1 * i end
    for _ = 1, 2000 do
      v = torch.mv(matrix:t(), torch.mv(matrix, v))
      v:div(v:norm())
    end
    return torch.mv(matrix, v):norm()
  end

  it('comes to the largest singular value, whatever the layer', function()
    for _, layer in ipairs {
      nn.Linear(7, 5), nn.SpatialConvolution(3, 4, 3, 3), nn.SpatialFullConvolution(3, 4, 2, 2), nn.LookupTable(5, 3),
    } do
      local m = nn.SpectralNorm(layer):double()
      local w = layer.weight
      if torch.type(layer) == 'nn.SpatialFullConvolution' then w = w:transpose(1, 2) end
      local expected = largest(w:contiguous():view(w:size(1), -1))
      local x = torch.type(layer) == 'nn.Linear' and torch.randn(2, 7):double() or torch.type(layer) == 'nn.LookupTable' and labels
        or torch.randn(2, 3, 4, 4):double()
      for _ = 1, 300 do m:forward(x) end
      assert.is_true(math.abs(m:sigma() / expected - 1) < 1e-6, torch.type(layer))
      m:evaluate()
      layer = layer:clone()
      layer.weight:div(expected)
      near(m:forward(x), layer:forward(x), 1e-5)
    end
  end)

  it('moves its vectors once a forward in training, not in evaluation, nor where statistics stand still', function()
    local m = nn.SpectralNorm(nn.Linear(6, 4)):double()
    local x = torch.randn(2, 6):double()
    local function moves(run)
      local u, v = m.u:clone(), m.v:clone()
      run()
      return (m.u - u):norm() > 0 or (m.v - v):norm() > 0
    end
    m.modules[1].weight:uniform(-1, 1)
    assert.is_true(moves(function() m:forward(x) end))
    assert.is_true(moves(function() m:forward(value(x)) end))
    m:track(false)
    assert.is_false(moves(function() m:forward(value(x)) end))
    m:track(true):evaluate()
    assert.is_false(moves(function() m:forward(x) end))
    m:training():freeze()
    assert.is_true(moves(function() m:forward(value(x)) end))
    m:unfreeze()
    -- Once: exactly algorithm 1.
    local w, u = m.modules[1].weight, m.u:clone()
    local v = torch.mv(w:t(), u)
    v:div(v:norm())
    u = torch.mv(w, v)
    m:forward(x)
    near(m.v, v, 1e-10)
    near(m.u, u / u:norm(), 1e-10)
  end)

  it('may be called several times before backward, and in a gradient penalty', function()
    local D = nn.Sequential():add(conv(1, 3, 3)):add(nn.LeakyReLU(0.2)):add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(12, 1))
    D:replace(function(m) return m.weight and m.weight:dim() > 1 and nn.SpectralNorm(m) or m end):double()
    assert.equal('nn.SpectralNorm', torch.type(D:get(1)))
    local real, fake = value(torch.randn(3, 1, 2, 2):double()), value(torch.randn(3, 1, 2, 2):double(), true)
    local loss = D(real):mean() - D(fake):mean()
    D:track(false)
    local g = autograd.grad(D(fake):sum(), fake, {create_graph = true})
    D:track(true)
    ;(loss + (g:flatten(2):norm(2, 2) - 1):pow(2):mean()):backward()
    local _, gradients = D:parameters()
    for _, gradient in ipairs(gradients) do assert.is_true(gradient:norm() < math.huge) end
    assert.is_true(gradients[1]:norm() > 0)
  end)

  it('has the gradients of the layer, which is the one that has parameters', function()
    local m = nn.SpectralNorm(nn.Linear(3, 2)):double()
    local parameters, gradients = m:parameters()
    assert.same({2, 2}, {#parameters, #gradients})
    m:forward(torch.randn(4, 3):double())
    m:backward(torch.randn(4, 3):double(), torch.randn(4, 2):double())
    assert.is_true(gradients[1]:norm() > 0)
    m:zeroGradParameters()
    assert.equal(0, gradients[1]:norm())
    local copy = m:clone()
    near(copy.u, m.u)
    copy.u:zero()
    assert.is_true(m.u:norm() > 0)
  end)

  it('refuses what it cannot wrap', function()
    assert.error_matches(function() nn.SpectralNorm(nn.ReLU()) end, 'SpectralNorm: nn.ReLU has no weight of two dimensions')
    assert.error_matches(function() nn.SpectralNorm(nn.Sequential():add(nn.Linear(2, 2))) end, 'nn.Sequential has no weight')
    assert.error_matches(function() nn.SpectralNorm(3) end, 'nn.SpectralNorm: got a number, wanted a module')
    local Old, parent = torch.class('nn.TestOld', 'nn.Module')
    function Old:__init()
      parent.__init(self)
      self.weight = torch.Tensor(2, 2)
    end
    function Old.updateOutput(_, x) return x end
    assert.error_matches(function() nn.SpectralNorm(nn.TestOld()) end, "nn.TestOld has only Torch7's methods")
  end)
end)

describe('layers made of layers', function()
  it('zero, move and share their own parameters with those of the layers in them', function()
    local m = nn.SelfAttention(8):double()
    local parameters, gradients = m:parameters()
    assert.same({5, 5}, {#parameters, #gradients})
    for _, g in ipairs(gradients) do g:fill(1) end
    m:updateParameters(0.5)
    assert.equal(-0.5, m.weight[1])
    m:zeroGradParameters()
    for _, g in ipairs(gradients) do assert.equal(0, g:norm()) end
    local twin = m:clone('weight', 'bias')
    m.weight:fill(7)
    assert.equal(7, twin.weight[1])
    local flat = m:getParameters()
    assert.equal(1 + 4 * 8, flat:nElement())
  end)

  it('begin as what they are around', function()
    local x = torch.randn(2, 8, 3, 3):double()
    near(nn.SelfAttention(8):double():forward(x), x)
    local style = torch.zeros(2, 4):double()
    near(nn.AdaptiveInstanceNormalization(8, 4):double():forward {x, style}, nn.InstanceNormalization(8):double():forward(x))
    local batch_norm = nn.SpatialBatchNormalization(8, 1e-5, 0.1, false):double()
    near(nn.ConditionalBatchNormalization(8, 3):double():forward {x, torch.LongTensor {1, 3}}, batch_norm:forward(x), 1e-9)
  end)

  it('have their parts named in errors', function()
    local m = nn.Residual(nn.Sequential():add(nn.ReLU()):add(nn.Linear(3, 3)))
    assert.error_matches(function() m:forward(torch.randn(2, 4)) end, 'in nn.Linear, 2 of nn.Sequential, 1 of nn.Residual')
    assert.error_matches(function() nn.Residual(nn.Linear(3, 2)):forward(torch.randn(2, 3)) end,
      'nn.Residual: the body gives 2x2, the shortcut 2x3')
  end)

  it('draw their weights again', function()
    local m = nn.EqualizedLearningRate(nn.Linear(400, 100), 1, 0.01)
    local w = m.modules[1].weight
    assert.is_true(math.abs(w:std() / 100 - 1) < 0.05)
    nets.init(nn.Sequential():add(m)) -- not with these
    assert.is_true(math.abs(w:std() / 100 - 1) < 0.05)
    w:zero()
    m:reset()
    assert.is_true(math.abs(w:std() / 100 - 1) < 0.05)
    local y = m:forward(torch.randn(200, 400))
    assert.is_true(math.abs(y:std() - 1) < 0.1)
    local x, style = torch.randn(2, 3, 4, 4), torch.zeros(2, 5)
    for _, layer in ipairs {nn.AdaptiveInstanceNormalization(3, 5), nn.SpatialModulatedConvolution(3, 2, 5, 1, false)} do
      layer:reset()
      local at_zero = layer:forward({x, style}):clone()
      for _, linear in ipairs(layer:findModules 'nn.Linear') do linear.bias:fill(0.5) end
      assert.is_true((layer:forward {x, style} - at_zero):abs():max() > 0.1)
      layer:reset()
      for _, linear in ipairs(layer:findModules 'nn.Linear') do assert.equal(0, linear.bias:norm()) end
    end
    local norm = nn.LayerNormalization(500)
    nets.init(norm)
    assert.is_true(math.abs(norm.weight:mean() - 1) < 0.01)
    assert.error_matches(function() nn.EqualizedLearningRate(nn.Tanh()) end, 'nn.Tanh has no weight')
  end)
end)

describe('labels', function()
  local m = nn.ConditionalBatchNormalization(2, 3)
  local x = torch.randn(3, 2, 2, 2)

  it('are a LongTensor of numbers from 1 on, and nothing else', function()
    assert.error_matches(function() m:forward {x, torch.FloatTensor {1, 2, 3}} end, 'the labels are a torch.FloatTensor, wanted a')
    assert.error_matches(function() m:forward {x, torch.LongTensor {0, 2, 3}} end, 'nn.ConditionalBatchNormalization: label 0 is')
    assert.error_matches(function() m:forward {x, torch.LongTensor {1, 2, 4}} end, 'label 4 is outside 1..3')
    assert.error_matches(function() m:forward {x, torch.LongTensor {1, 2}} end, 'got 2 labels %(2%), wanted 3')
    assert.error_matches(function() m:forward(x) end, 'the input is 3x2x2x2, wanted {x, labels}')
    assert.error_matches(function() m:forward {x} end, 'the input is a list of 1, wanted {x, labels}')
    assert.error_matches(function() nn.Projection(4, 3):forward {torch.randn(2, 4), torch.LongTensor {1, 9}} end,
      'nn.LookupTable: label 9 is outside 1..3 %(in nn.LookupTable, 2 of nn.Projection%)')
    assert.error_matches(function() nn.LookupTable(3, 2):forward(torch.FloatTensor {1}) end, 'nn.LookupTable: the labels are')
  end)

  it('of n x 1 will do, and a view of something larger', function()
    local table_of = torch.LongTensor {{1, 9}, {2, 9}, {3, 9}}
    local expected = m:forward({x, torch.LongTensor {1, 2, 3}}):clone()
    near(m:forward {x, table_of:narrow(2, 1, 1)}, expected)
    near(m:forward {x, table_of:select(2, 1)}, expected)
  end)

  it('move the running statistics in training, unless told not to', function()
    local before = m.running_mean:clone()
    m:track(false):forward {x + 5, torch.LongTensor {1, 2, 3}}
    near(m.running_mean, before)
    m:track(true):evaluate():forward {x + 5, torch.LongTensor {1, 2, 3}}
    near(m.running_mean, before)
    m:training():forward {x + 5, torch.LongTensor {1, 2, 3}}
    assert.is_true((m.running_mean - before):min() > 0.1)
  end)
end)

describe('styles', function()
  it('are mixed in training: from a layer on some images have the style of the next one', function()
    local m, w = nn.StyleMixing(4, 0.5), torch.DoubleTensor(200, 1)
    for i = 1, 200 do w[i] = i end
    torch.manualSeed(3)
    local styles, mixed, first = m:double():forward(w), 0, {}
    assert.equal(4, #styles)
    near(styles[1], w)
    for i = 1, 200 do
      local own = true
      for k = 2, 4 do
        local is_own = styles[k][i][1] == i
        assert.is_true(is_own or styles[k][i][1] == i % 200 + 1)
        assert.is_true(own or not is_own, 'an image went back to its own style')
        if own and not is_own then mixed, first[k] = mixed + 1, (first[k] or 0) + 1 end
        own = is_own
      end
    end
    assert.near(100, mixed, 25)
    for k = 2, 4 do assert.near(mixed / 3, first[k], 20) end
    local state = torch.getRNGState()
    for _, y in ipairs(m:evaluate():forward(w)) do near(y, w) end
    assert.is_true(torch.getRNGState():eq(state):all(), 'evaluation drew')
    assert.error_matches(function() nn.StyleMixing(2, 1.5) end, 'the probability is 1.5, wanted a number from 0 to 1')
  end)

  it('that are mixed have gradients of both orders', function()
    local m = nn.StyleMixing(3, 0.7)
    assert(autograd.check(function(w)
      torch.manualSeed(5)
      local styles = m(w)
      return ops.cat({styles[1], styles[2]:pow(2), styles[3]:pow(3)}, 2)
    end, {numbers.signed(5, 2)}, {order = 2, tolerance = 1e-5}))
  end)

  it('have a running mean, which truncation moves them towards', function()
    local m, w = nn.StyleTruncation(2, 0.5):double(), torch.DoubleTensor {{1, 2}, {3, 6}}
    near(m:forward(w), w)
    near(m.running_mean, torch.DoubleTensor {1, 2})
    m:track(false):forward(value(w))
    near(m.running_mean, torch.DoubleTensor {1, 2})
    near(m:evaluate():forward(w), w)
    near(m:truncate(0.5):forward(w), torch.DoubleTensor {{1, 2}, {2, 4}})
    near(m:truncate(0):forward(w), torch.DoubleTensor {{1, 2}, {1, 2}})
    near(m:training():forward(w), w)
    assert.error_matches(function() m:truncate(2) end, 'truncation: got 2, wanted a number from 0 to 1')
    assert.error_matches(function() m:forward(torch.zeros(2, 3):double()) end, 'the input is 2x3, wanted 2 in dimension 2')
  end)

  it('are given to layers one by one, or one to all', function()
    local function layer() return nn.SpatialModulatedConvolution(2, 2, 3, 1) end
    local a, b = layer(), layer()
    local both = nn.ConditionalSequential():add(a):add(nn.ReLU()):add(b)
    local x, v, w = torch.randn(2, 2, 3, 3), torch.randn(2, 3), torch.randn(2, 3)
    local function relu(t) return t:clone():cmax(0) end
    near(both:forward {x, w}, b:forward {relu(a:forward {x, w}), w}, 1e-6)
    near(both:forward {x, {v, w}}, b:forward {relu(a:forward {x, v}), w}, 1e-6)
    local g = both:backward({x, {v, w}}, torch.randn(2, 2, 3, 3))
    assert.same({2, 3}, g[2][2]:size():totable())
    assert.error_matches(function() both:forward {x, {w}} end, 'got a list of 1 conditions for 2 layers')
  end)
end)

describe('nn.NoiseInjection', function()
  local x = torch.randn(400, 2, 3, 4)

  it('adds nothing at first, then noise that is one for all channels and new for each image', function()
    local m = nn.NoiseInjection(2)
    near(m:forward(x), x)
    m.weight[1], m.weight[2] = 0.5, -2
    local noise = m:forward(x) - x
    near(noise:select(2, 1) * -4, noise:select(2, 2), 1e-4)
    assert.near(0.5, noise:select(2, 1):std(), 0.02)
    assert.is_true((noise[1] - noise[2]):abs():max() > 0.1)
    torch.manualSeed(1)
    local first = m:forward(x):clone()
    torch.manualSeed(1)
    near(m:forward(x), first)
    assert.error_matches(function() m:forward(torch.zeros(1, 3, 2, 2)) end, 'the input is 1x3x2x2, wanted 2 in dimension 2')
  end)

  it('adds the same to every image in evaluation, and draws nothing', function()
    local m, state = nn.NoiseInjection(2, 9):evaluate(), torch.getRNGState()
    m.weight:fill(1)
    local noise = m:forward(x) - x
    near(noise[1], noise[400], 1e-6)
    assert.is_true(noise[1]:std() > 0.5)
    near(nn.NoiseInjection(2, 9):evaluate():forward(x), x)
    near(m:forward(x) - x, noise, 1e-6)
    assert.is_true(torch.getRNGState():eq(state):all())
    m.seed = 10
    assert.is_true((m:forward(x) - x - noise):abs():max() > 0.1)
  end)
end)

describe('networks of them', function()
  --- Every layer whose result for an image does not depend on the batch.
  local function network()
    local body = nn.ConditionalSequential():add(nn.AdaptiveInstanceNormalization(8, 3)):add(nn.LeakyReLU(0.2, true))
      :add(nn.SpatialModulatedConvolution(8, 8, 3, 3)):add(nn.GroupNormalization(2, 8)):add(nn.ReLU(true)):add(conv(8, 8, 3))
    return nn.ConditionalSequential():add(nn.SpectralNorm(conv(2, 8, 3))):add(nn.InstanceNormalization(8)):add(nn.ReLU())
      :add(nn.SpatialUpSamplingNearest(2)):add(nn.Residual(body)):add(nn.SelfAttention(8)):add(nn.PixelNormalization())
      :add(nn.EqualizedLearningRate(conv(8, 4, 3))):add(nn.LayerNormalization(4)):add(nn.PixelShuffle(2)):double():evaluate()
  end

  it('give the same in the inner layout and contiguous, on values and on tensors', function()
    local net = network()
    net:findModules('nn.SelfAttention')[1].weight:fill(0.5)
    local x, style = torch.randn(16, 2, 3, 4):double(), torch.randn(16, 3):double() -- as many as the inner layout takes
    local g, wanted, parts = torch.randn(16, 1, 12, 16):double(), {}, {}
    local function gradients()
      local copy = {}
      for i, gradient in ipairs(select(2, net:parameters())) do copy[i] = gradient:clone() end
      net:zeroGradParameters()
      return copy
    end
    net:zeroGradParameters()
    for k = 0, 1 do -- eight at a time stay contiguous
      local v = value(x:narrow(1, 8 * k + 1, 8), true)
      local y = net {v, value(style:narrow(1, 8 * k + 1, 8))}
      assert.equal(1, native.C.gt_is_contiguous(y.data))
      y:backward(g:narrow(1, 8 * k + 1, 8))
      wanted[k + 1], parts[k + 1] = y.data, v.grad
    end
    local y, gx, weights = torch.cat(wanted, 1), torch.cat(parts, 1), gradients()
    local v = value(x, true)
    local out = net {v, value(style)}
    out:backward(g)
    near(out.data, y, 1e-9)
    near(v.grad, gx, 1e-8)
    for i, gradient in ipairs(gradients()) do near(gradient, weights[i], 1e-8) end
    near(net:forward {x, style}, y, 1e-9)
    near(net:backward({x, style}, g)[1], gx, 1e-8)
    for i, gradient in ipairs(gradients()) do near(gradient, weights[i], 1e-8) end
  end)
end)

describe('larger and smaller images', function()
  it('are the same from the inner layout, and stay in it', function()
    local x, inner_of = torch.randn(3, 4, 4, 6):double(), ops.inner
    for _, m in ipairs {nn.SpatialUpSamplingNearest(2), nn.SpatialUpSamplingBilinear(3), nn.SpatialAveragePooling(2, 2, 2, 2)} do
      local from_plain, from_inner = value(x, true), value(x, true)
      local plain, inner = m(from_plain), m(inner_of(from_inner))
      near(inner.data, plain.data, 1e-12)
      assert.equal(1, native.C.gt_is_inner(inner.data))
      plain:pow(2):sum():backward()
      inner:pow(2):sum():backward()
      near(from_inner.grad, from_plain.grad, 1e-10)
    end
  end)
end)

describe('layers that look at the batch', function()
  it('minibatch standard deviation: refuses groups that do not fit', function()
    assert.error_matches(function() nn.MinibatchStandardDeviation():forward(torch.randn(6, 2)) end, 'the input is 6x2, wanted N x C')
    assert.same({3, 3}, nn.MinibatchStandardDeviation():forward(torch.randn(3, 2)):size():totable())
  end)

  it('minibatch features are large for a batch that is one image', function()
    local m = nn.MinibatchDiscrimination(4, 3, 2)
    local same = m:forward(torch.ones(8, 4)):clone():narrow(2, 5, 3)
    near(same, torch.Tensor(8, 3):fill(8), 1e-5)
    assert.is_true(m:forward(torch.randn(8, 4) * 50):narrow(2, 5, 3):max() < 2)
  end)

  it('virtual batch norm gives an image the same whatever is beside it', function()
    local inner = nn.Sequential():add(conv(1, 2, 3)):add(nn.VirtualBatchNormalization(2)):add(nn.ReLU())
    local net = nn.VirtualBatch(inner, torch.randn(5, 1, 4, 4))
    local x = torch.randn(3, 1, 4, 4)
    local together = net:forward(x):clone()
    for i = 1, 3 do near(net:forward(x:narrow(1, i, 1)), together:narrow(1, i, 1), 1e-5) end
    assert.error_matches(function() nn.VirtualBatchNormalization(2):forward(torch.randn(2, 2)) end, 'has no reference batch')
    assert.error_matches(function() nn.VirtualBatch(nn.Linear(1, 1), torch.randn(2, 1)) end, 'there is no nn.VirtualBatchNormalization')
  end)

  it('self-attention lets every place reach every other', function()
    local m = nn.SelfAttention(2):double()
    m.weight:fill(1)
    local x = value(torch.randn(1, 2, 3, 3):double(), true)
    local g = autograd.grad(ops.sum(m(x)[{1, 1, 1, 1}]), x).data
    assert.is_true(g:clone():abs():min() > 0)
  end)
end)
