--- Each layer's shapes, gradients and agreement between tensors and recorded values.
local torch = require 'gantry.torch'
local nn = require 'gantry.nn'
local autograd = require 'gantry.autograd'
local helper = require 'tests.nn.helper'

local check, near = helper.check_layer, helper.near

local function sizes(t) return t:size():totable() end

describe('nn layers', function()
  before_each(function() torch.manualSeed(3) end)

  it('Identity', function() check(nn.Identity(), torch.randn(3, 4)) end)

  it('Linear', function()
    check(nn.Linear(4, 3), torch.randn(5, 4))
    check(nn.Linear(4, 3), torch.randn(4))
    check(nn.Linear(4, 3):noBias(), torch.randn(2, 4))
    check(nn.Linear(4, 3), torch.randn(4, 5):t())
    assert.equal('nn.Linear(4 -> 3)', tostring(nn.Linear(4, 3)))
    assert.equal('nn.Linear(4 -> 3) without bias', tostring(nn.Linear(4, 3, false)))
    assert.has_error(function() nn.Linear(4, 3):forward(torch.randn(2, 5)) end)
  end)

  it('View', function()
    check(nn.View(6), torch.randn(4, 2, 3))
    check(nn.View(-1):setNumInputDims(2), torch.randn(4, 2, 3))
    assert.same({4, 6}, sizes(nn.View(6):forward(torch.randn(4, 2, 3))))
    assert.same({4, 6}, sizes(nn.View(-1):setNumInputDims(2):forward(torch.randn(4, 2, 3))))
    assert.same({24}, sizes(nn.View(-1):forward(torch.randn(4, 2, 3))))
    assert.same({1, 6}, sizes(nn.View(6):setNumInputDims(2):forward(torch.randn(1, 2, 3))))
    assert.same({6}, sizes(nn.View(6):forward(torch.randn(1, 2, 3))))
    assert.same({4, 1}, sizes(nn.View(1):setNumInputDims(3):forward(torch.randn(4, 1, 1, 1))))
    assert.same({4, 3, 2}, sizes(nn.View(torch.LongStorage {3, 2}):forward(torch.randn(4, 6))))
    assert.has_error(function() nn.View(5):forward(torch.randn(4, 6)) end)
    assert.has_error(function() nn.View(-1, -1) end)
  end)

  it('Reshape', function()
    check(nn.Reshape(2, 3), torch.randn(4, 6))
    check(nn.Reshape(6), torch.randn(3, 4, 2):transpose(1, 2):contiguous():transpose(1, 2):narrow(2, 1, 3))
    assert.same({2, 3}, sizes(nn.Reshape(2, 3):forward(torch.randn(6))))
    assert.same({1, 2, 3}, sizes(nn.Reshape(2, 3):forward(torch.randn(1, 6))))
    assert.same({2, 3}, sizes(nn.Reshape(2, 3, false):forward(torch.randn(1, 6))))
    assert.has_error(function() nn.Reshape(2, 3):forward(torch.randn(4, 5)) end)
  end)

  it('JoinTable', function()
    check(nn.JoinTable(2), {torch.randn(3, 2), torch.randn(3, 4)})
    check(nn.JoinTable(1, 3), {torch.randn(2, 1, 3, 3), torch.randn(2, 2, 3, 3)})
    assert.same({2, 3, 3, 3}, sizes(nn.JoinTable(1, 3):forward {torch.randn(2, 1, 3, 3), torch.randn(2, 2, 3, 3)}))
    assert.same({3, 6}, sizes(nn.JoinTable(-1):forward {torch.randn(3, 2), torch.randn(3, 4)}))
    assert.has_error(function() nn.JoinTable(3):forward {torch.randn(3, 2), torch.randn(3, 4)} end)
  end)

  it('SpatialConvolution', function()
    check(nn.SpatialConvolution(2, 3, 4, 4, 2, 2, 1, 1), torch.randn(2, 2, 8, 6))
    check(nn.SpatialConvolution(2, 3, 3, 2, 1, 2, 1, 0):noBias(), torch.randn(2, 2, 5, 6))
    check(nn.SpatialConvolution(2, 3, 3, 3, 1, 1, 1, 1), torch.randn(2, 5, 4))
    local c = nn.SpatialConvolution(3, 8, 5, 5, 2, 2, 2, 2)
    assert.same({8, 3, 5, 5}, sizes(c.weight))
    assert.same({4, 8, 16, 16}, sizes(c:forward(torch.randn(4, 3, 32, 32))))
    assert.same({8, 16, 16}, sizes(c:forward(torch.randn(3, 32, 32))))
    assert.equal('nn.SpatialConvolution(3 -> 8, 5x5, 2,2, 2,2)', tostring(c))
    assert.equal('nn.SpatialConvolution(3 -> 8, 5x5) without bias', tostring(nn.SpatialConvolution(3, 8, 5, 5):noBias()))
    assert.error_matches(function() c:forward(torch.randn(4, 2, 32, 32)) end, 'wanted 3 planes, got 2')
    assert.error_matches(function() c:forward(torch.randn(4, 2)) end, 'wanted 3 or 4 dimensions')
  end)

  it('are not made with anything but whole numbers where sizes are wanted', function()
    for message, make in pairs {
      ['nn.Linear: outputSize is nil, wanted a whole number of at least 1'] = function() nn.Linear(3) end,
      ['nn.SpatialConvolution: kW is nil, wanted a whole number'] = function() nn.SpatialConvolution(3, 4) end,
      ['nn.SpatialConvolution: padW is %-1, wanted a whole number'] = function() nn.SpatialConvolution(3, 4, 5, 5, 1, 1, -1) end,
      ['nn.SpatialFullConvolution: nInputPlane is a string, wanted'] = function() nn.SpatialFullConvolution('a', 4, 5, 5) end,
      ['nn.SpatialMaxPooling: kH is nil, wanted'] = function() nn.SpatialMaxPooling(2) end,
      ['nn.SpatialAveragePooling: dW is 0, wanted'] = function() nn.SpatialAveragePooling(2, 2, 0) end,
      ['nn.SpatialBatchNormalization: nOutput is 1.5, wanted'] = function() nn.SpatialBatchNormalization(1.5) end,
      ['JoinTable: the dimension is a nil, wanted a number'] = function() nn.JoinTable() end,
      ['Dropout: the probability is x, wanted 0 or more'] = function() nn.Dropout 'x' end,
    } do assert.error_matches(make, message) end
  end)

  it('take the defaults of Torch7 for the vertical step and padding', function()
    local c, f = nn.SpatialConvolution(1, 1, 4, 4, 2, nil, 1), nn.SpatialFullConvolution(1, 1, 4, 4, 2, nil, 1)
    assert.same({2, 1, 1, 1}, {c.dW, c.dH, c.padW, c.padH})
    assert.same({2, 1, 1, 0}, {f.dW, f.dH, f.padW, f.padH})
  end)

  it('SpatialFullConvolution', function()
    check(nn.SpatialFullConvolution(3, 2, 4, 4, 2, 2, 1, 1), torch.randn(2, 3, 3, 4))
    check(nn.SpatialFullConvolution(3, 2, 5, 5, 2, 2, 2, 2, 1, 1), torch.randn(2, 3, 3, 2))
    check(nn.SpatialFullConvolution(3, 2, 4, 4):noBias(), torch.randn(2, 3, 1, 1))
    check(nn.SpatialFullConvolution(3, 2, 3, 2, 1, 2), torch.randn(3, 2, 3))
    local c = nn.SpatialFullConvolution(8, 3, 5, 5, 2, 2, 2, 2, 1, 1)
    assert.same({8, 3, 5, 5}, sizes(c.weight))
    assert.same({2, 3, 8, 8}, sizes(c:forward(torch.randn(2, 8, 4, 4))))
    assert.equal('nn.SpatialFullConvolution(8 -> 3, 5x5, 2,2, 2,2, 1,1)', tostring(c))
    assert.has_error(function() nn.SpatialFullConvolution(3, 2, 4, 4, 2, 2, 1, 1, 2, 2) end)
  end)

  it('BatchNormalization', function()
    check(nn.BatchNormalization(4), torch.randn(6, 4), {tolerance = 1e-5})
    check(nn.BatchNormalization(4, 1e-3, 0.1, false), torch.randn(6, 4), {tolerance = 1e-5})
    check(nn.BatchNormalization(4):evaluate(), torch.randn(6, 4))
    check(nn.SpatialBatchNormalization(3), torch.randn(4, 3, 2, 3), {tolerance = 1e-5})
    assert.error_matches(function() nn.SpatialBatchNormalization(3):forward(torch.randn(4, 3)) end, 'wanted 4 dimensions')
    assert.error_matches(function() nn.SpatialBatchNormalization(3):forward(torch.randn(4, 2, 3, 3)) end, 'wanted 3 in dimension 2')
  end)

  it('moves running statistics once a training forward, unbiased', function()
    local bn = nn.BatchNormalization(2):double()
    local x = torch.DoubleTensor {{1, 10}, {2, 20}, {3, 60}}
    bn:forward(x)
    near(bn.running_mean, torch.DoubleTensor {0.2, 3})
    near(bn.running_var, torch.DoubleTensor {0.9 + 0.1 * 1, 0.9 + 0.1 * 700})
    bn:forward(autograd.value(x))
    near(bn.running_mean, torch.DoubleTensor {0.38, 5.7})
    local mean, var = bn.running_mean:clone(), bn.running_var:clone()
    local y = bn:forward(x):clone()
    bn.running_mean:copy(mean)
    bn.running_var:copy(var)
    nn.Sequential():add(bn):track(false)
    near(bn:forward(x), y)
    near(bn:forward(autograd.value(x)).data, y)
    near(bn.running_mean, mean)
    near(bn.running_var, var)
    bn:track(true):forward(x)
    assert.is_true(helper.distance(bn.running_mean, mean) > 0)
    mean:copy(bn.running_mean)
    bn:evaluate():forward(x)
    near(bn.running_mean, mean)
  end)

  it('reads the running deviation of old networks', function()
    local bn = nn.BatchNormalization(2):double():evaluate()
    bn.running_var, bn.running_std = nil, torch.DoubleTensor {1 / math.sqrt(4 + 1e-5), 1 / math.sqrt(9 + 1e-5)}
    near(bn:forward(torch.DoubleTensor {{2 * math.sqrt(4 + 1e-5), 3 * math.sqrt(9 + 1e-5)}}),
      torch.DoubleTensor {{2 * bn.weight[1], 3 * bn.weight[2]}})
  end)

  it('ReLU and LeakyReLU, in place or not', function()
    check(nn.ReLU(), torch.randn(3, 5))
    check(nn.ReLU(true), torch.randn(3, 5))
    check(nn.LeakyReLU(0.2), torch.randn(3, 5))
    check(nn.LeakyReLU(0.2, true), torch.randn(3, 5))
    local x = torch.randn(4)
    assert.is_true(nn.ReLU(true):forward(x):isSetTo(x))
    assert.is_false(nn.ReLU():forward(x):isSetTo(x))
    local v = autograd.value(torch.FloatTensor {-1, 2})
    assert.same({-0.5, 2}, nn.LeakyReLU(0.5, true):forward(v).data:totable())
    assert.same({-1, 2}, v.data:totable())
    assert.equal('nn.LeakyReLU(0.2)', tostring(nn.LeakyReLU(0.2)))
    assert.equal('nn.ReLU', tostring(nn.ReLU()))
  end)

  it('Tanh and Sigmoid', function()
    check(nn.Tanh(), torch.randn(3, 5))
    check(nn.Sigmoid(), torch.randn(3, 5))
  end)

  it('Dropout', function()
    check(nn.Dropout(0.3), torch.randn(5, 5))
    check(nn.Dropout(0.3, true), torch.randn(5, 5))
    check(nn.Dropout(0.3, true):evaluate(), torch.randn(5, 5))
    check(nn.Dropout(0.3):evaluate(), torch.randn(5, 5))
    check(nn.Dropout(0), torch.randn(2, 2))
    local d = nn.Dropout(0.75)
    torch.manualSeed(5)
    local y = d:forward(torch.ones(1000))
    torch.manualSeed(5)
    near(y, torch.FloatTensor(1000):bernoulli(0.25) * 4, 0)
    assert.has_error(function() nn.Dropout(1) end)
    assert.equal('nn.Dropout(0.500000)', tostring(nn.Dropout()))
  end)

  it('SpatialMaxPooling', function()
    check(nn.SpatialMaxPooling(2, 2), torch.randn(2, 3, 6, 4))
    check(nn.SpatialMaxPooling(3, 2, 2, 1, 1, 1):ceil(), torch.randn(2, 5, 6))
    local m = nn.SpatialMaxPooling(2, 2, 2, 2)
    assert.same({1, 1, 3, 3}, sizes(m:forward(torch.randn(1, 1, 7, 7))))
    assert.same({1, 1, 4, 4}, sizes(m:ceil():forward(torch.randn(1, 1, 7, 7))))
    m:forward(torch.range(1, 4):view(1, 2, 2))
    assert.equal(4, m.indices[1][1][1])
    assert.equal('nn.SpatialMaxPooling(2x2, 2,2)', tostring(m))
  end)

  it('SpatialAveragePooling', function()
    check(nn.SpatialAveragePooling(2, 2, 2, 2), torch.randn(2, 3, 6, 4))
    check(nn.SpatialAveragePooling(3, 3, 2, 2, 1, 1):setCountExcludePad(), torch.randn(2, 5, 6))
    local m = nn.SpatialAveragePooling(2, 2)
    m.divide = false
    check(m, torch.randn(1, 2, 3, 3))
    assert.same({1, 1, 6, 6}, sizes(m:forward(torch.DoubleTensor(1, 1, 7, 7):zero())))
  end)

  it('draw parameters in Torch7\'s order', function()
    torch.manualSeed(9)
    local c, l, b = nn.SpatialFullConvolution(3, 2, 4, 4), nn.Linear(4, 2), nn.SpatialBatchNormalization(5)
    torch.manualSeed(9)
    local bound = 1 / math.sqrt(3 * 16)
    near(c.weight, torch.FloatTensor(3, 2, 4, 4):uniform(-bound, bound), 0)
    near(c.bias, torch.FloatTensor(2):uniform(-bound, bound), 0)
    near(l.weight, torch.FloatTensor(2, 4):uniform(-0.5, 0.5), 0)
    near(l.bias, torch.FloatTensor(2):uniform(-0.5, 0.5), 0)
    near(b.weight, torch.FloatTensor(5):uniform(), 0)
    near(b.bias, torch.FloatTensor(5):zero(), 0)
  end)

  it('accept two-dimensional kernels and missing fields of old networks', function()
    local c = nn.SpatialConvolution(2, 3, 3, 3, 1, 1, 1, 1):double()
    local x = torch.randn(2, 2, 4, 4):double()
    local y = c:forward(x):clone()
    c.weight, c.gradWeight = c.weight:view(3, 18), c.gradWeight:view(3, 18)
    c.padding, c.padW, c.padH = 1, nil, nil
    near(c:forward(x), y)
    check(c, x)
  end)

  it('refuse to be made with what is no number', function()
    for message, f in pairs {
      ['nn.ELU: alpha is a table, wanted a number'] = function() nn.ELU {} end,
      ['nn.LeakyReLU: negval is a table'] = function() nn.LeakyReLU {} end,
      ['nn.Clamp: the upper bound is a string'] = function() nn.Clamp(0, 'x') end,
      ['nn.Max: nInputDims is a table'] = function() nn.Max(1, {}) end,
      ['nn.PReLU: nOutputPlane is a table, wanted a whole number'] = function() nn.PReLU {} end,
      ['nn.SpatialReflectionPadding: pad_r is a table'] = function() nn.SpatialReflectionPadding(1, {}) end,
      ['nn.BatchNormalization: eps is a string'] = function() nn.BatchNormalization(3, 'x') end,
    } do
      local ok, problem = pcall(f)
      assert.is_false(ok)
      assert.truthy(problem:find(message, 1, true), problem)
      assert.truthy(problem:find('layers_spec.lua', 1, true), problem)
    end
  end)
end)
