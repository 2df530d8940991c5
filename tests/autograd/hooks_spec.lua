-- Hooks on values, gradients kept in the middle, indices, and when the memory of a history comes back.
local torch = require 'gantry.torch'
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'

local ops, value, grad = autograd.ops, autograd.value, autograd.grad

local function leaf(...) return value(torch.DoubleTensor {...}, true) end

describe('a hook', function()
  it('sees the whole gradient, once a pass', function()
    local x = leaf(1, 2)
    local y = x * 3
    local seen = {}
    y:register_hook(function(g) seen[#seen + 1] = g.data:totable() end)
    local z = (y * y + y):sum() -- two uses: 2 y + 1
    z:backward(nil, {retain_graph = true})
    assert.same({{7, 13}}, seen)
    assert.same({21, 39}, x.grad:totable())
    z:backward()
    assert.same(2, #seen)
  end)

  it('may put another gradient in its place: what it returns goes on', function()
    local x, other = leaf(1, 2), torch.DoubleTensor {5, 5}
    local y = x * 3
    y:register_hook(function(g) return g * 10 end)
    y:register_hook(function(g) return g + 1 end) -- after the first
    y:register_hook(function() return other end) -- a tensor will do
    y:register_hook(function(g) return g:clamp(-1, 4) end)
    ;(y * 1):sum():backward()
    assert.same({12, 12}, x.grad:totable())
    assert.same({5, 5}, other:totable()) -- still the caller's
  end)

  it('of a leaf comes before its grad is added to', function()
    local x = leaf(1, 2)
    x.grad = torch.DoubleTensor {100, 100}
    local handle = x:register_hook(function(g) return g * 2 end)
    ;(x * 3 + x):sum():backward()
    assert.same({108, 108}, x.grad:totable())
    assert.same({8, 8}, grad((x * 4):sum(), x).data:totable())
    handle:remove()
    assert.same({4, 4}, grad((x * 4):sum(), x).data:totable())
  end)

  it('changes what grad finds for a value in the middle, and before it', function()
    local x = leaf(1, 2)
    local y = x * 3
    y:register_hook(function(g) return -g end)
    local found = grad((y * 2):sum(), {y, x})
    assert.same({-2, -2}, found[1].data:totable())
    assert.same({-6, -6}, found[2].data:totable())
  end)

  it('is recorded with create_graph', function()
    local x = leaf(3)
    local y = x * x
    y:register_hook(function(g) return g * y end)
    local g = grad(y * 1, x, {create_graph = true}) -- y * 2 x
    assert.equal(54, g:item())
    -- The hook is on the way of the second pass too: 2 x through y becomes 2 x y before it is multiplied by 2 x; and 2 y.
    assert.equal(6 * 9 * 6 + 18, grad(g, x):item())
  end)

  it('can be removed, also while it runs', function()
    local x, calls = leaf(1), 0
    local handle
    handle = x:register_hook(function()
      calls = calls + 1
      handle:remove()
    end)
    x:register_hook(function() calls = calls + 10 end)
    for _ = 1, 3 do (x * 2):backward() end
    assert.equal(31, calls)
  end)

  it('may run a pass of its own', function()
    local function run(retain)
      local x = leaf(2)
      local h = x * x
      local y, other = h * h, h * 3
      y:register_hook(function(g) return g + grad(other, x, {retain_graph = retain}) end) -- 1 + 12
      y:backward()
      return x.grad[1]
    end
    assert.equal(13 * 2 * 4 * 4, run(true))
    assert.error_matches(function() run(false) end, 'a pass inside this one used the history up')
  end)

  it('is told what is wrong with what it returns, and where it cannot be', function()
    local x = leaf(1, 2)
    x:register_hook(function() return torch.DoubleTensor {1} end)
    assert.error_matches(function() (x * 2):sum():backward() end, 'the hook returned a torch.DoubleTensor, wanted nothing or a gradient')
    assert.error_matches(function() value(torch.DoubleTensor {1}):register_hook(print) end, 'requires no gradient')
    assert.error_matches(function() x:register_hook(3) end, 'register_hook: got a number, wanted a function')
    local broken = leaf(1)
    broken:register_hook(function() error 'inside the hook' end)
    assert.error_matches(function() (broken * 2):backward() end, 'inside the hook')
    assert.is_true(autograd.is_recording())
  end)
end)

describe('retain_grad', function()
  it('fills grad in the middle', function()
    local x = leaf(1, 2)
    local y = (x * 3):retain_grad()
    local z = y * y
    z:sum():backward(nil, {retain_graph = true})
    assert.same({6, 12}, y.grad:totable())
    z:sum():backward()
    assert.same({12, 24}, y.grad:totable())
    assert.same(x, x:retain_grad())
  end)
end)

describe('indices of a value', function()
  it('name its parts, and errors name them', function()
    local x = value(torch.DoubleTensor {{1, 2, 3}, {4, 5, 6}}, true)
    assert.same({4, 5, 6}, x[2].data:totable())
    assert.equal(6, x[{-1, 3}]:item())
    assert.same({{2, 3}}, x[{{1}, {2, 3}}].data:totable())
    assert.same({2, 5}, x[{{}, 2}].data:totable())
    x[{{}, 2}]:sum():backward()
    assert.same({{0, 1, 0}, {0, 1, 0}}, x.grad:totable())
    assert.error_matches(function() return x[3] end, 'index: 3 is outside 1..2 of dimension 1')
    assert.error_matches(function() return x[1.5] end, 'index: an index is 1.5')
    assert.error_matches(function() return x[{1, 2, 3}] end, 'got 3 indices for 2 dimensions')
    assert.error_matches(function() return x[{{2, 1}}] end, 'is empty')
    assert.error_matches(function() return x[true] end, 'indexed with a boolean')
    assert.error_matches(function() x[1] = 3 end, 'value: its elements cannot be assigned')
    assert.is_nil(x.no_such_method)
  end)
end)

describe("a history's memory", function()
  local n, length = 2 ^ 20, 40 -- 8 MB a tensor

  local function chain(x, op)
    local y = x
    for _ = 1, length do y = op(y) end
    return y
  end

  local function live()
    collectgarbage()
    collectgarbage()
    return native.memory().live
  end

  --- Live tensors, before backward, at its end and after it, while nobody asks for garbage to be collected.
  local function course(op, before_hook)
    local x = value(torch.DoubleTensor(n):fill(0.5), true)
    local base, at_end = live(), nil
    local y = chain(x, op)
    local loss = y:sum()
    local before = native.memory().live - base
    x:register_hook(function() at_end = native.memory().live - base end)
    if before_hook then before_hook(y) end
    y = nil -- luacheck: ignore 311
    loss:backward()
    local after = native.memory().live - base
    return before / (8 * n), at_end / (8 * n), after / (8 * n), loss
  end

  it('comes back as backward passes, without waiting for the end', function()
    for _, scoped in ipairs {false, true} do
      local before, at_end, after, loss
      local function go() before, at_end, after, loss = course(ops.tanh) end
      if scoped then autograd.scope(go) else go() end
      assert.is_true(before >= length, before)
      assert.is_true(at_end < length * 0.6, at_end)
      assert.is_true(after < length * 0.6, after)
      if not scoped then assert.is_true(loss:item() > 0) end -- the program holds it: it is still there
    end
  end)

  it('that an op saved for itself is given back at once', function()
    collectgarbage 'stop'
    local ok, problem = pcall(function()
      local x = value(torch.DoubleTensor(n):fill(0.5), true)
      local base = native.memory().live
      local y = ops.cmax(x, torch.DoubleTensor(1):fill(0.2)) -- saves a mask
      assert.is_true(native.memory().live - base >= 2 * 8 * n)
      y:backward(torch.DoubleTensor(n):fill(1))
      assert.is_true(native.memory().live - base < 3.5 * 8 * n) -- y, x.grad and what backward started from
      assert.equal(0.5, y.data[1])
    end)
    collectgarbage 'restart'
    assert(ok, problem)
  end)

  it('that a gradient of a gradient still needs stays', function()
    local x, v = leaf(1, 2, 3), leaf(4, 5, 6)
    local y = ops.cmax(x, torch.DoubleTensor {2, 2, 2}) -- its mask goes into what create_graph records
    local g = grad(y, x, {grad_outputs = v, create_graph = true})
    y:sum():backward()
    ;(g * g):sum():backward()
    assert.same({0, 10, 12}, v.grad:totable())
  end)

  it('with retain_graph stays usable', function()
    local _, _, after = course(ops.tanh, function(y) y:sum():backward(nil, {retain_graph = true}) end)
    assert.is_true(after < length, after)
  end)
end)
