-- What a chain passes on from module to module: its memory goes as soon as no gradient needs it, and what others hold stays.
local torch = require 'gantry.torch'
local nn = require 'gantry.nn'
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'

local value = autograd.value

local function chain()
  return nn.Sequential()
    :add(nn.SpatialConvolution(3, 8, 4, 4, 2, 2, 1, 1):noBias()):add(nn.LeakyReLU(0.2, true))
    :add(nn.SpatialConvolution(8, 16, 4, 4, 2, 2, 1, 1):noBias()):add(nn.SpatialBatchNormalization(16)):add(nn.LeakyReLU(0.2, true))
    :add(nn.SpatialFullConvolution(16, 3, 4, 4, 2, 2, 1, 1)):add(nn.Tanh()):add(nn.View(-1):setNumInputDims(3))
end

local function images() return torch.FloatTensor(16, 3, 16, 16):uniform(-1, 1) end

-- The library's bytes in use, with nothing collected between two looks at them.
local function live() return native.memory().live end

local function without_collector(fn)
  collectgarbage()
  collectgarbage 'stop'
  local ok, problem = pcall(fn)
  collectgarbage 'restart'
  assert(ok, problem)
end

describe('what a chain passes on', function()
  it('is gone after a backward pass, though nothing was collected', function()
    local net, x = chain(), images()
    net:forward(value(x)):sum():backward()
    without_collector(function()
      local before = live()
      local y = net:forward(value(x))
      local loss = y:sum()
      local full = live() - before
      loss:backward()
      local left = live() - before
      -- The result, an image, is the program's; so are small tensors, which wait for the collector.
      assert.is_true(left < 3 * 4 * y:nElement(), ('%d of %d bytes are left'):format(left, full))
      assert.is_true(full > 4 * left)
      assert.equal(16, y:size(1))
      assert.is_true(loss:item() == loss:item())
    end)
  end)

  it('goes during the forward pass where no gradient will read it', function()
    local net, x = chain(), images()
    local function bytes_of(run)
      local before = live()
      local y = run()
      return live() - before, y
    end
    without_collector(function()
      local learning, a = bytes_of(function() return net:forward(value(x, true)) end)
      net:freeze()
      local frozen, b = bytes_of(function() return net:forward(value(x, true)) end)
      local nothing, c = bytes_of(function() return net:forward(value(x)) end)
      net:unfreeze()
      -- Batch norm's output, 16 x 16 x 4 x 4, is read by a weight's gradient alone.
      assert.is_true(learning - frozen >= 4 * 16 * 16 * 4 * 4)
      assert.is_true(nothing < 3 * 4 * c:nElement())
      assert.equal(0, (a.data - b.data):abs():max())
      assert.equal(0, (a.data - c.data):abs():max())
    end)
  end)

  it('gives the gradients that modules one by one give, also twice and of second order', function()
    local net, x = chain(), value(images(), true)
    local function apart(input)
      for _, m in ipairs(net.modules) do input = m:forward(input) end
      return input
    end
    local _, gradients = net:getParameters()
    for _, order in ipairs {1, 2} do
      local found = {}
      for i, run in ipairs {function(input) return net:forward(input) end, apart} do
        gradients:zero()
        x.grad = nil
        local loss = run(x):pow(2):sum()
        if order == 2 then
          local g = autograd.grad(loss, x, {create_graph = true})
          loss = loss + g:pow(2):sum()
        end
        loss:backward(nil, {retain_graph = true})
        loss:backward()
        found[i] = {gradients:clone(), x.grad:clone()}
      end
      for k = 1, 2 do
        assert.is_true((found[1][k] - found[2][k]):norm() <= 1e-4 * found[2][k]:norm(), ('order %d, %d'):format(order, k))
      end
    end
  end)

  it('is not kept in autograd.lean where it is cheap to compute again, and the gradients have the same bits', function()
    local net, x = chain(), images()
    local _, gradients = net:getParameters()
    local function run(how, order)
      gradients:zero()
      local input, before = value(x, true), live()
      local y = how(net.forward, net, input)
      local kept = live() - before
      local loss = y:pow(2):sum()
      if order == 2 then
        loss = loss + autograd.grad(loss, input, {create_graph = true}):pow(2):sum()
      else
        loss:backward(nil, {retain_graph = true})
      end
      loss:backward()
      return kept, gradients:clone(), input.grad:clone()
    end
    local function plainly(fn, ...) return fn(...) end
    for order = 1, 2 do
      without_collector(function()
        local much, wanted, wanted_x = run(plainly, order)
        local little, got, got_x = run(autograd.lean, order)
        -- Batch norm's result, 16 x 16 x 4 x 4.
        assert.is_true(much - little > 0.75 * 4 * 16 * 16 * 4 * 4, ('%d and %d bytes'):format(much, little))
        assert.equal(0, (got - wanted):abs():max())
        assert.equal(0, (got_x - wanted_x):abs():max())
      end)
    end
    assert.error_matches(function() autograd.lean(3) end, 'lean: got 3, wanted a function')
  end)

  it('stays where a module of the program may have kept it', function()
    local Keeps, parent = torch.class('spec.KeepsInput', 'nn.Module')
    function Keeps:__init() parent.__init(self) end
    function Keeps:call(x)
      self.seen = x
      return x * 2
    end
    local keeps = Keeps()
    local net = nn.Sequential():add(nn.SpatialConvolution(3, 4, 3, 3)):add(keeps):add(nn.SpatialConvolution(4, 1, 3, 3))
    net:forward(value(images())):sum():backward()
    assert.is_true(keeps.seen.data:norm() > 0)
    -- ... and where a method of a layer was changed.
    local first, seen = net:get(1), nil
    local call = first.call
    function first.call(...)
      seen = call(...)
      return seen
    end
    net:remove(2)
    net:forward(value(images())):sum():backward()
    assert.is_true(seen.data:norm() > 0)
  end)
end)
