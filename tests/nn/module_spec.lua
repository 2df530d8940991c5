--- What all modules share: parameters, copies, types, saving, freezing, modules of a user's own.
local torch = require 'gantry.torch'
local nn = require 'gantry.nn'
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local ops = require 'gantry.autograd.ops'
local helper = require 'tests.nn.helper'

local near = helper.near

local function small_net()
  return nn.Sequential()
    :add(nn.SpatialConvolution(2, 3, 3, 3, 2, 2, 1, 1)):add(nn.SpatialBatchNormalization(3)):add(nn.LeakyReLU(0.2, true))
    :add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(12, 1)):add(nn.Sigmoid())
end

local Gain, gain_parent = torch.class('nn.TestGain', 'nn.Module')
function Gain:__init(n)
  gain_parent.__init(self)
  self.weight = torch.Tensor(n):fill(2)
end
function Gain:call(x) return ops.tanh(x * self:param 'weight') end

local Double = torch.class('nn.TestDouble', 'nn.Linear')
function Double:updateOutput(input)
  self.output = nn.Linear.updateOutput(self, input):mul(2)
  return self.output
end
function Double:updateGradInput(input, gradOutput) return nn.Linear.updateGradInput(self, input, gradOutput):mul(2) end
function Double:accGradParameters(input, gradOutput, scale) nn.Linear.accGradParameters(self, input, gradOutput, 2 * (scale or 1)) end

local Two = torch.class('nn.TestTwo', 'nn.Module')
function Two.call(_, x) return ops.mul(x[1], x[2]) end

--- Torch7's methods only; a list in, a nested list out: {{x, y}, x y}.
local Pairs, pairs_parent = torch.class('nn.TestPairs', 'nn.Module')
function Pairs:__init()
  pairs_parent.__init(self)
  self.weight, self.gradWeight = torch.Tensor {3}, torch.Tensor(1):zero()
end
function Pairs:updateOutput(x)
  self.output = {{x[1] * self.weight[1], x[2]}, torch.cmul(x[1], x[2])}
  return self.output
end
function Pairs:updateGradInput(x, g)
  self.gradInput = {g[1][1] * self.weight[1] + torch.cmul(g[2], x[2]), g[1][2] + torch.cmul(g[2], x[1])}
  return self.gradInput
end
function Pairs:accGradParameters(x, g, scale) self.gradWeight[1] = self.gradWeight[1] + (scale or 1) * x[1]:dot(g[1][1]) end

describe('nn.Module', function()
  before_each(function() torch.manualSeed(7) end)

  describe('getParameters', function()
    it('gives views of one storage', function()
      local net = small_net()
      local x = torch.randn(4, 2, 4, 4)
      local y = net:forward(x):clone()
      local p, g = net:getParameters()
      assert.equal(3 * 2 * 9 + 3 + 6 + 12 + 1, p:nElement())
      assert.equal(p:nElement(), g:nElement())
      near(net:forward(x), y, 0)
      local parts, grads, at = net:parameters(), select(2, net:parameters()), 1
      for i, t in ipairs(parts) do
        assert.equal(at, t:storageOffset())
        assert.equal(t:nElement(), grads[i]:nElement())
        at = at + t:nElement()
      end
      p:fill(0.5)
      assert.equal(0.5, net:get(5).weight[1][3])
      net:backward(x, y)
      assert.is_true(g:norm() > 0)
      net:zeroGradParameters()
      assert.equal(0, g:norm())
      g:fill(1)
      net:updateParameters(0.25)
      assert.equal(0.25, p[1])
    end)

    it('gives the same memory when it is called again', function()
      local net = small_net()
      local p = net:getParameters()
      local q = net:getParameters()
      assert.is_true(p:isSetTo(q))
      assert.equal(13, (net:get(5):getParameters()):nElement())
      net:get(5):getParameters():fill(3)
      assert.equal(3, p[p:nElement()])
    end)

    it('counts shared parameters once, and keeps them shared', function()
      local a, b = nn.Linear(3, 3), nn.Linear(3, 3)
      b:share(a, 'weight', 'gradWeight')
      local net = nn.Sequential():add(a):add(b)
      local p = net:getParameters()
      assert.equal(9 + 3 + 3, p:nElement())
      a.weight:fill(4)
      assert.equal(4, b.weight[2][2])
      assert.equal(4, p[1])
      local whole = torch.Tensor(6):fill(1)
      a.weight, b.weight = whole:narrow(1, 1, 4), whole:narrow(1, 3, 4)
      a.gradWeight, b.gradWeight = whole:clone():narrow(1, 1, 4), torch.Tensor(4)
      assert.error_matches(function() net:getParameters() end, 'getParameters: 12 parameters but 14 gradients')
      local c = torch.Tensor(6):zero()
      a.gradWeight, b.gradWeight = c:narrow(1, 1, 4), c:narrow(1, 3, 4)
      assert.equal(12, (net:getParameters()):nElement())
      a.weight[4] = 8
      assert.equal(8, b.weight[2])
    end)

    it('of a network without parameters is empty', function()
      local p, g = nn.Sequential():add(nn.Tanh()):getParameters()
      assert.equal(0, p:nElement())
      assert.equal(0, g:nElement())
    end)
  end)

  it('is cloned with what is shared inside it', function()
    local net = small_net()
    local p = net:getParameters()
    local copy = net:clone()
    local x = torch.randn(4, 2, 4, 4)
    near(copy:forward(x), net:forward(x), 0)
    local q = copy:getParameters()
    near(p, q, 0)
    q:fill(1)
    assert.is_true(helper.distance(p, q) > 0)
    local tied = net:clone('weight', 'bias')
    p:fill(0.125)
    assert.equal(0.125, tied:get(5).weight[1][1])
  end)

  it('is converted, keeping views', function()
    local net = small_net()
    net:getParameters()
    assert.equal('torch.FloatTensor', net:type())
    net:double()
    assert.equal('torch.DoubleTensor', net:get(1):type())
    assert.equal('torch.DoubleTensor', net:get(2).running_var:type())
    local p = net:getParameters()
    assert.is_true(p:storage():size() == p:nElement())
    p:fill(2)
    assert.equal(2, net:get(5).bias[1])
    assert.equal('torch.DoubleTensor', net:forward(torch.randn(4, 2, 4, 4):double()):type())
    assert.error_matches(function() net:type('torch.LongTensor') end, "type: got 'torch.LongTensor'")
  end)

  it('is saved and loaded', function()
    local net = small_net()
    local x = torch.randn(4, 2, 4, 4)
    local y = net:forward(x):clone()
    local name = os.tmpname()
    torch.save(name, {net = net, c = nn.BCECriterion()})
    local back = torch.load(name)
    os.remove(name)
    assert.equal('nn.Sequential', torch.type(back.net))
    assert.equal(tostring(net), tostring(back.net))
    near(back.net:get(2).running_mean, net:get(2).running_mean, 0)
    near(back.net:forward(x), y, 0)
    assert.equal('nn.BCECriterion', torch.type(back.c))
  end)

  it('forgets outputs, switches modes, draws again', function()
    local net = small_net()
    net:backward(torch.randn(4, 2, 4, 4), net:forward(torch.randn(4, 2, 4, 4)))
    net:clearState()
    for _, m in ipairs(net:listModules()) do
      assert.equal(0, m.output:nElement())
      assert.equal(0, m.gradInput:nElement())
    end
    net:evaluate()
    assert.is_false(net:get(2).train)
    net:training()
    assert.is_true(net:get(2).train)
    local before = net:get(1).weight:clone()
    net:reset()
    assert.is_true(helper.distance(before, net:get(1).weight) > 0)
  end)

  it('is walked', function()
    local net = nn.Sequential():add(small_net()):add(nn.Dropout())
    assert.equal(9, #net:listModules())
    local found, containers = net:findModules 'nn.Linear'
    assert.equal(1, #found)
    assert.equal(net:get(1), containers[1])
    net:replace(function(m) return torch.type(m) == 'nn.Dropout' and nn.Identity() or m end)
    assert.equal('nn.Identity', torch.type(net:get(2)))
    local names = {}
    net:apply(function(m) names[#names + 1] = torch.type(m) end)
    assert.equal('nn.Sequential', names[2])
  end)

  it('calls and steps as Torch7 did', function()
    local l = nn.Linear(3, 2)
    local x, g = torch.randn(4, 3), torch.randn(4, 2)
    local output, gradInput = l(x, g)
    assert.is_true(output:isSetTo(l.output) and gradInput:isSetTo(l.gradInput))
    local before, gradient = l.weight:clone(), l.gradWeight:clone()
    l:forward(x)
    l:backwardUpdate(x, g, 0.5)
    near(l.weight, before - gradient * 0.5, 1e-5)
    near(l.gradWeight, gradient, 0)
  end)

  describe('on recorded values', function()
    it('adds the gradients of several calls', function()
      local net = small_net():double()
      local a, b = torch.randn(4, 2, 4, 4):double(), torch.randn(4, 2, 4, 4):double()
      local _, g = net:getParameters()
      local ones = torch.DoubleTensor(4, 1):fill(1)
      net:forward(a)
      net:backward(a, ones)
      net:forward(b)
      net:backward(b, ones)
      local wanted = g:clone()
      g:zero()
      ops.add(net(autograd.value(a)):sum(), net(autograd.value(b)):sum()):backward()
      near(g, wanted)
    end)

    it('leaves frozen parameters alone', function()
      local net = small_net()
      local _, g = net:getParameters()
      net:freeze()
      local x = autograd.value(torch.randn(4, 2, 4, 4), true)
      net(x):sum():backward()
      assert.equal(0, g:norm())
      assert.is_true(x.grad:norm() > 0)
      assert.is_false(net(autograd.value(x.data)).requires_grad)
      net:unfreeze()
      net(x):sum():backward()
      assert.is_true(g:norm() > 0)
    end)

    it('keeps its leaves while the parameters stay the same tensors', function()
      local l = nn.Linear(2, 2)
      local leaf = l:param 'weight'
      l:getParameters()
      assert.equal(leaf, l:param 'weight')
      l:double()
      assert.are_not.equal(leaf, l:param 'weight')
      assert.is_nil(l:noBias():param 'bias')
    end)

    it('has second derivatives', function()
      local net = small_net():double()
      net:get(2).train = false
      assert.is_true(autograd.check(function(x) return net(x) end, {torch.randn(2, 2, 4, 4):double()}, {order = 2}))
    end)
  end)

  describe('with only call(x)', function()
    it('gets the other methods from the tape', function()
      helper.check_layer(nn.TestGain(4), torch.randn(3, 4))
      local net = nn.Sequential():add(nn.Linear(4, 4)):add(nn.TestGain(4)):add(nn.Linear(4, 2))
      helper.check_layer(net, torch.randn(3, 4))
      assert.equal(4, nn.TestGain(4):getParameters():nElement())
    end)

    it('takes lists', function()
      helper.check_layer(nn.TestTwo(), {torch.randn(3, 4), torch.randn(3, 4)})
    end)

    it('says when backward comes before forward', function()
      assert.error_matches(function() nn.TestGain(2):backward(torch.randn(2), torch.randn(2)) end, 'backward was called before forward')
    end)
  end)

  describe("with Torch7's three methods", function()
    it('is an op on recorded values', function()
      helper.check_layer(nn.TestDouble(4, 3), torch.randn(5, 4))
      local net = nn.Sequential():add(nn.TestDouble(4, 4)):add(nn.Tanh()):add(nn.TestDouble(4, 2))
      helper.check_layer(net, torch.randn(3, 4))
    end)

    it('stands beside the other kind in one container', function()
      local net = nn.Sequential()
        :add(nn.ConcatTable():add(nn.TestDouble(4, 4)):add(nn.Sequential():add(nn.Linear(4, 4)):add(nn.TestGain(4))))
        :add(nn.TestPairs()):add(nn.FlattenTable())
        :add(nn.ParallelTable():add(nn.TestGain(4)):add(nn.TestDouble(4, 4)):add(nn.Identity())):add(nn.CAddTable())
        :add(nn.TestDouble(4, 2))
      helper.check_layer(net, torch.randn(3, 4))
    end)

    it('takes and gives nested lists', function()
      local a, b = torch.randn(2, 3):double(), torch.randn(2, 3):double()
      local m = nn.TestPairs():double()
      local x, y = autograd.value(a, true), autograd.value(b, true)
      local out = m {x, y}
      local first = out[1][2]
      ;(out[1][1]:sum() + first:pow(2):sum() + out[2]:sum()):backward()
      near(x.grad, b + 3)
      near(y.grad, b * 2 + a)
      assert.is_true(math.abs(m.gradWeight[1] - a:sum()) < 1e-12)
    end)

    it('is frozen like any other', function()
      local m = nn.TestDouble(4, 3):freeze()
      local x = autograd.value(torch.randn(2, 4), true)
      m(x):sum():backward()
      assert.equal(0, m.gradWeight:norm())
      assert.is_true(x.grad:norm() > 0)
    end)
  end)

  it('names the place of an error in a network', function()
    local net = nn.Sequential():add(nn.Identity()):add(small_net())
    local ok, message = pcall(function() net:forward(torch.randn(2, 3, 4, 4)) end)
    assert.is_false(ok)
    assert.matches('module_spec.lua:%d+: nn.SpatialConvolution: ', message)
    assert.matches('%(in nn.SpatialConvolution, 1 of nn.Sequential, 2 of nn.Sequential%)$', message)
    assert.error_matches(function() net:add(3) end, 'add: got a number, wanted a module')
    assert.error_matches(function() net:forward('x') end, 'wanted a tensor')
  end)

  it('edits and prints a Sequential', function()
    local net = nn.Sequential():add(nn.Tanh()):insert(nn.Identity(), 1)
    assert.equal('nn.Sequential {\n  [input -> (1) -> (2) -> output]\n  (1): nn.Identity\n  (2): nn.Tanh\n}', tostring(net))
    assert.equal('nn.Identity', torch.type(net:remove(1)))
    assert.equal(1, net:size())
    assert.has_error(function() net:remove(3) end)
    local outer = nn.Sequential():add(net)
    local inner = 'nn.Sequential {\n    [input -> (1) -> output]\n    (1): nn.Tanh\n  }'
    assert.equal('nn.Sequential {\n  [input -> (1) -> output]\n  (1): ' .. inner .. '\n}', tostring(outer))
  end)

  it('refuses to go back with what is no tensor', function()
    local x = torch.randn(2, 3)
    local net = nn.Sequential():add(nn.Linear(3, 2)):add(nn.Tanh())
    local y = net:forward(x)
    assert.error_matches(function() net:backward(x, nil) end, 'nn.Tanh: the gradient is nil, wanted a tensor %(in nn.Tanh, 2 of')
    assert.error_matches(function() net:updateGradInput(x, nil) end, 'nn.Tanh: the gradient is nil')
    assert.error_matches(function() net:backward(x, {y}) end, 'nn.Tanh: the gradient is a table, wanted a tensor')
    assert.error_matches(function() net:backward(nil, y) end, 'nn.Linear: the input is nil, wanted a tensor')
    assert.error_matches(function() net:get(1):backward(3, y) end, 'nn.Linear: the input is a number')
  end)

  it('allocates nothing once it is warm', function()
    local net, criterion = small_net(), nn.BCECriterion()
    local x, t = torch.randn(8, 2, 4, 4), torch.rand(8)
    local _, g = net:getParameters()
    local function step()
      g:zero()
      criterion:forward(net:forward(x), t)
      net:backward(x, criterion:backward(net.output, t))
    end
    for _ = 1, 3 do step() end
    collectgarbage() -- what earlier tests left behind would be collected in between
    local mapped, live = native.memory().mapped, native.memory().live
    for _ = 1, 20 do step() end
    assert.equal(mapped, native.memory().mapped)
    assert.equal(live, native.memory().live)
  end)
end)
