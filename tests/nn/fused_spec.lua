-- A layer and the activation behind it, run as one: nobody can tell, neither from numbers nor from what the modules hold.
local torch = require 'gantry.torch'
local nn = require 'gantry.nn'
local autograd = require 'gantry.autograd'
local bridge = require 'gantry.nn.bridge'
local fused = require 'gantry.nn.fused'

local layers = {
  ['batch norm'] = function() return nn.SpatialBatchNormalization(5), {17, 5, 4, 3} end,
  ['batch norm of rows'] = function() return nn.BatchNormalization(7), {6, 7} end,
  ['batch norm without weights'] = function() return nn.SpatialBatchNormalization(3, nil, nil, false), {4, 3, 5, 2} end,
  ['a convolution'] = function() return nn.SpatialConvolution(3, 6, 4, 4, 2, 2, 1, 1), {18, 3, 8, 6} end,
  ['a convolution of one image'] = function() return nn.SpatialConvolution(3, 6, 4, 4, 2, 2, 1, 1), {3, 8, 6} end,
  ['a fractional-strided convolution'] = function() return nn.SpatialFullConvolution(3, 6, 4, 4, 2, 2, 1, 1), {18, 3, 4, 3} end,
  ['a matrix'] = function() return nn.Linear(4, 5), {6, 4} end,
  ['a matrix times a vector'] = function() return nn.Linear(4, 5), {4} end,
}
local activations = {
  ReLU = function() return nn.ReLU(true) end,
  LeakyReLU = function() return nn.LeakyReLU(0.2, true) end,
  ['LeakyReLU upside down'] = function() return nn.LeakyReLU(-0.5) end,
}

local function copy_of(layer)
  local copy = layer:clone()
  for _, name in ipairs {'bias', 'weight'} do
    if layer[name] then layer[name]:uniform(-1, 1) end
    if layer[name] then copy[name]:copy(layer[name]) end
  end
  return copy
end

--- The same two modules in a chain, and by hand.
local function both(layer, activation)
  return nn.Sequential():add(layer):add(activation), {copy_of(layer), activation:clone()}
end

local function equal(a, b, what)
  assert.same(a:size():totable(), b:size():totable(), what)
  assert.equal(0, a:nElement() == 0 and 0 or (a - b):abs():max(), what)
end

local function near(a, b, tolerance, what)
  local scale = math.max(1, b:clone():abs():max())
  assert.is_true((a - b):abs():max() <= tolerance * scale, what)
end

--- Sums may run in another order: only one of the two may be in the inner layout.
local function equal_modules(layer, other)
  for _, name in ipairs {'gradWeight', 'gradBias', 'running_mean', 'running_var'} do
    if layer[name] then near(layer[name], other[name], layer[name]:type() == 'torch.DoubleTensor' and 1e-13 or 1e-6, name) end
  end
end

--- Loss, gradient, and the gradient of the gradient's norm.
local function two_orders(fn, x, layer)
  local input = autograd.value(x, true)
  local y = fn(input)
  local seed = autograd.value(torch.linspace(-1, 1, y:nElement()):type(x:type()):view(unpack(y:size():totable())))
  local first = autograd.grad((y * y * seed):sum(), input, {create_graph = true})
  local loss = first:norm(3) + (y * y * seed):sum()
  loss:backward()
  return {y = y.data, first = first.data, second = input.grad, layer = layer}
end

describe('run as one', function()
  before_each(function() torch.manualSeed(4) end)

  for name, layer in pairs(layers) do
    for which, activation in pairs(activations) do
      for _, kind in ipairs {'torch.FloatTensor', 'torch.DoubleTensor'} do
        it(('%s and %s (%s)'):format(name, which, kind), function()
          local made, sizes = layer()
          made:type(kind)
          local net, apart = both(made, activation():type(kind))
          assert.truthy(fused.slope(net.modules[1], net.modules[2]))
          local x = torch.randn(unpack(sizes)):type(kind)

          -- on tensors, forward and backward
          local y = net:forward(x)
          equal(apart[2]:forward(apart[1]:forward(x)), y, 'output')
          for i = 1, 2 do equal(apart[i].output, net.modules[i].output, 'output of module ' .. i) end
          local g = torch.randn(unpack(y:size():totable())):type(kind)
          apart[1]:backward(x, apart[2]:backward(apart[1].output, g:clone()))
          net:backward(x, g)
          equal(apart[1].gradInput, net.gradInput, 'gradInput')
          equal(apart[2].gradInput, net.modules[2].gradInput, "the activation's gradInput")
          equal_modules(made, apart[1])

          -- recorded, to the second order: the first order's kernels give the same bits, the second's are sums in other orders
          if made.nDim then made:track(true) end
          local input = autograd.value(x, true)
          local other = autograd.value(x, true)
          local seed = torch.randn(unpack(y:size():totable())):type(kind)
          local out = net:forward(input)
          out:backward(seed)
          local out2 = apart[2]:forward(apart[1]:forward(other))
          out2:backward(seed)
          equal(out2.data, out.data, 'recorded output')
          equal(other.grad, input.grad, 'recorded gradient')
          equal_modules(made, apart[1])
          local a = two_orders(function(v) return net:forward(v) end, x)
          local b = two_orders(function(v) return apart[2]:forward(apart[1]:forward(v)) end, x)
          local tolerance = kind == 'torch.DoubleTensor' and 1e-10 or 1e-3
          for _, what in ipairs {'y', 'first', 'second'} do near(a[what], b[what], tolerance, what) end
          for _, field in ipairs {'gradWeight', 'gradBias'} do
            if made[field] then near(made[field], apart[1][field], tolerance, field) end
          end
        end)
      end
    end
  end

  it('in the inner layout inside a network, with statistics that move once', function()
    local net = nn.Sequential():add(nn.SpatialConvolution(3, 16, 4, 4, 2, 2, 1, 1)):add(nn.LeakyReLU(0.2, true))
      :add(nn.SpatialConvolution(16, 8, 4, 4, 2, 2, 1, 1):noBias()):add(nn.SpatialBatchNormalization(8)):add(nn.ReLU(true))
      :add(nn.SpatialConvolution(8, 1, 4, 4))
    local other = net:clone()
    local x = torch.FloatTensor(20, 3, 16, 16):uniform(-1, 1)
    local a, b = autograd.value(x, true), autograd.value(x, true)
    bridge.observer = nil
    local y = net:forward(a)
    local seen = 0
    bridge.observer = function() seen = seen + 1 end
    local ok, y2 = pcall(other.forward, other, b)
    bridge.observer = nil
    assert.is_true(ok)
    assert.equal(7, seen, 'whoever looks at each module sees each')
    equal(y2.data, y.data)
    y:sum():backward()
    y2:sum():backward()
    equal(b.grad, a.grad)
    for i = 1, 6 do equal_modules(net.modules[i], other.modules[i]) end
    local batch = other.modules[3]:forward(other.modules[2]:forward(other.modules[1]:forward(autograd.value(x)))).data
    local mean = batch:mean(1):mean(3):mean(4):view(8)
    assert.is_true((net.modules[4].running_mean - mean * 0.1):abs():max() < 1e-6)
    -- and on tensors
    equal(other:forward(x), net:forward(x))
    local g = torch.FloatTensor(20, 1, 1, 1):fill(1)
    net:backward(x, g:clone())
    other:backward(x, g)
    for i = 1, 6 do equal_modules(net.modules[i], other.modules[i]) end
  end)

  it('only where both are what they were announced as', function()
    local norm, relu = nn.SpatialBatchNormalization(3), nn.ReLU(true)
    assert.equal(0, fused.slope(norm, relu))
    assert.equal(0.3, fused.slope(norm, nn.LeakyReLU(0.3)))
    assert.is_nil(fused.slope(norm, nil))
    assert.is_nil(fused.slope(norm, nn.Tanh()))
    assert.is_nil(fused.slope(nn.Tanh(), relu))
    assert.is_nil(fused.slope(nn.Linear(2, 3, false), relu))
    assert.is_nil(fused.slope(nn.SpatialConvolution(1, 2, 3, 3):noBias(), relu))
    -- a program changes one module, or a class
    local guided = nn.ReLU(true)
    guided.updateGradInput = function(self, _, g) return self.gradInput:resizeAs(g):copy(g) end
    assert.is_nil(fused.slope(norm, guided))
    local before = nn.ReLU.updateGradInput
    nn.ReLU.updateGradInput = guided.updateGradInput
    local changed = fused.slope(norm, relu)
    nn.ReLU.updateGradInput = before
    assert.is_nil(changed)
    local Loud = torch.class('nn.TestLoudReLU', 'nn.ReLU')
    function Loud.call(_, x) return x * 100 end
    assert.is_nil(fused.slope(norm, nn.TestLoudReLU()))
    local y = nn.Sequential():add(norm):add(nn.TestLoudReLU()):forward(autograd.value(torch.randn(4, 3, 2, 2)))
    assert.is_true(y.data:min() < -10)
  end)

  it('names the layer in which something is wrong', function()
    local net = nn.Sequential():add(nn.Identity()):add(nn.SpatialBatchNormalization(3)):add(nn.ReLU(true))
    for _, x in ipairs {torch.randn(2, 4, 5, 5), autograd.value(torch.randn(2, 4, 5, 5))} do
      local ok, message = pcall(net.forward, net, x)
      assert.is_false(ok)
      assert.matches('%(in nn.SpatialBatchNormalization, 2 of nn.Sequential%)$', message)
    end
  end)
end)
