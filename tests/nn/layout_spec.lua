--- Chains of modules keep images in the convolutions' inner layout inside and give contiguous ones outside, with the same numbers as
-- their modules one by one.
local torch = require 'gantry.torch'
local nn = require 'gantry.nn'
local autograd = require 'gantry.autograd'
local native = require 'gantry.native'

local C, value = native.C, autograd.value

local function is_inner(t) return C.gt_is_inner(t) ~= 0 end

local function chain()
  local inside = nn.Sequential():add(nn.SpatialBatchNormalization(6)):add(nn.LeakyReLU(0.2))
    :add(nn.SpatialConvolution(6, 8, 3, 3, 1, 1, 1, 1))
  local net = nn.Sequential()
  net:add(nn.View(5, 1, 1):setNumInputDims(1)):add(nn.SpatialFullConvolution(5, 7, 4, 4))
  net:add(nn.SpatialBatchNormalization(7)):add(nn.ReLU(true))
  net:add(nn.SpatialFullConvolution(7, 6, 4, 4, 2, 2, 1, 1)):add(inside):add(nn.Tanh())
  return net:double(), inside
end

--- The same network without a chain: each module is given contiguous images.
local function one_by_one(net)
  local modules = {}
  local function collect(m)
    if torch.type(m) == 'nn.Sequential' then
      for _, child in ipairs(m.modules) do collect(child) end
    else
      modules[#modules + 1] = m
    end
  end
  collect(net)
  return modules
end

local function near(a, b, bound)
  assert.same(a:size():totable(), b:size():totable())
  local difference = (a:contiguous() - b:contiguous()):abs():max()
  assert(difference < (bound or 1e-12), ('off by %g'):format(difference))
end

describe('a chain of modules', function()
  local n = 18
  local x, target
  before_each(function()
    torch.manualSeed(3)
    x, target = torch.DoubleTensor(n, 5):normal(), torch.DoubleTensor(n, 8, 8, 8):normal()
  end)

  it('on tensors: inner layout inside, contiguous outside, the numbers of its modules one by one', function()
    local net, inside = chain()
    local twin = net:clone()
    local y = net:forward(x)
    assert.is_true(y:isContiguous())
    assert.is_true(is_inner(net:get(5).output))
    assert.is_true(is_inner(inside.output))
    net:zeroGradParameters()
    local gx = net:backward(x, target)
    assert.is_true(gx:isContiguous())

    local modules, inputs, t = one_by_one(twin), {}, x
    twin:zeroGradParameters()
    for i, m in ipairs(modules) do
      inputs[i] = t
      t = m:forward(t):clone()
    end
    near(y, t)
    local g = target
    for i = #modules, 1, -1 do g = modules[i]:backward(inputs[i], g):clone() end
    near(gx, g)
    local _, mine = net:parameters()
    local _, theirs = twin:parameters()
    for i = 1, #mine do near(mine[i], theirs[i], 1e-10) end
    -- updateGradInput and accGradParameters apart give what backward gives
    local again = net:clone()
    again:zeroGradParameters()
    again:forward(x)
    near(again:updateGradInput(x, target), gx)
    again:accGradParameters(x, target)
    local _, apart = again:parameters()
    for i = 1, #mine do near(apart[i], mine[i], 1e-10) end
  end)

  it('on recorded values: the same numbers and gradients of both orders', function()
    local net = chain()
    local twin = net:clone()
    local v = value(x, true)
    local y = net(v)
    assert.is_true(y.data:isContiguous())
    near(y.data, twin:forward(x))
    twin:zeroGradParameters()
    local gx = twin:backward(x, target)
    local found = autograd.grad(y, v, {grad_outputs = target, create_graph = true})
    near(found.data, gx)
    -- its gradient's gradient: as with few images, which stay contiguous throughout
    net:zeroGradParameters()
    found:pow(2):sum():backward()
    local _, all = net:parameters()
    assert.is_true(all[1]:clone():abs():max() > 0)
    net:evaluate()
    local sums = {}
    for _, part in ipairs {{1, 18}, {1, 9}, {10, 9}} do
      local w = value(x:narrow(1, part[1], part[2]):clone(), true)
      local g = autograd.grad(net(w), w, {grad_outputs = target:narrow(1, part[1], part[2]):clone(), create_graph = true})
      net:zeroGradParameters()
      g:pow(2):sum():backward()
      sums[#sums + 1] = {}
      for i, p in ipairs((select(2, net:parameters()))) do sums[#sums][i] = p:clone() end
    end
    for i = 1, #sums[1] do near(sums[1][i], sums[2][i] + sums[3][i], 1e-9) end
  end)

  it('on tensors: a view behind a convolution, forward and backward', function()
    local conv, view = nn.SpatialConvolution(3, 4, 3, 3):double(), nn.View(64):setNumInputDims(3):double()
    local net = nn.Sequential():add(conv:clone()):add(view:clone())
    local images, g = torch.DoubleTensor(n, 3, 6, 6):normal(), torch.DoubleTensor(n, 64):normal()
    near(net:forward(images), view:forward(conv:forward(images)))
    near(net:backward(images, g), conv:backward(images, view:backward(conv.output, g)))
    assert.is_true(is_inner(net:get(1).output))
  end)

  it('leaves few images, and what is no batch of images, as they are', function()
    local net = nn.Sequential():add(nn.SpatialConvolution(3, 4, 3, 3)):add(nn.ReLU())
    assert.is_false(is_inner(net:forward(torch.Tensor(15, 3, 5, 5):normal())))
    assert.is_false(is_inner(net:get(1).output))
    assert.same({4, 3, 3}, net:forward(torch.Tensor(3, 5, 5):normal()):size():totable())
    net:forward(torch.Tensor(16, 3, 5, 5):normal())
    assert.is_true(is_inner(net:get(1).output))
  end)

  it('gives a chain that it is in what it was given: inner stays inner', function()
    local net = nn.Sequential():add(nn.SpatialConvolution(3, 4, 3, 3)):add(nn.ReLU())
    local inner = autograd.ops.inner(torch.Tensor(16, 3, 5, 5):normal())
    assert.is_true(is_inner(net:forward(inner)))
    assert.is_true(is_inner(net(value(inner)).data))
  end)

  it('is saved and cloned without what it keeps on the side', function()
    local net = chain()
    net:forward(x)
    local y = net:forward(x):clone()
    local file = os.tmpname()
    torch.save(file, net)
    near(torch.load(file):forward(x), y)
    os.remove(file)
    near(net:clone():clearState():forward(x), y)
  end)
end)
