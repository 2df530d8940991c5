-- The tape: what is recorded, how gradients add up, what history costs and when memory comes back.
local torch = require 'gantry.torch'
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'

local ops, value, grad = autograd.ops, autograd.value, autograd.grad

local function vector(...) return torch.DoubleTensor {...} end
local function leaf(...) return value(vector(...), true) end
local function list(t)
  local out = {}
  for i = 1, t:nElement() do out[i] = t[i] end
  return out
end

--- The message of the error that fn raises.
local function message_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return tostring(message)
end

--- Bytes that the library has handed out, after everything unreachable has gone.
local function live()
  collectgarbage()
  collectgarbage()
  return native.memory().live
end

describe('backward', function()
  it('adds to what a leaf has', function()
    local x = leaf(1, 2, 3)
    ;(x * x):sum():backward()
    assert.same({2, 4, 6}, list(x.grad))
    ;(x * 3):sum():backward()
    assert.same({5, 7, 9}, list(x.grad))
  end)

  it('adds into the tensor of autograd.leaf', function()
    local gradient = vector(10, 20)
    local w = autograd.leaf(vector(1, 2), gradient)
    ;(w * w):sum():backward()
    assert.same({12, 24}, list(gradient))
    ;(w * w):sum():backward()
    assert.same({14, 28}, list(gradient))
    assert.same({1, 2}, list(w.data))
  end)

  it('adds up two leaves that share a gradient', function()
    local data, gradient = vector(2), vector(0)
    local a, b = autograd.leaf(data, gradient), autograd.leaf(data, gradient)
    ;(a * b):sum():backward()
    assert.same({4}, list(gradient))
  end)

  it('adds up every use of a value', function()
    local x = leaf(2)
    local total = x
    for _ = 1, 50 do total = total + x end
    total:backward()
    assert.same({51}, list(x.grad))
  end)

  it('goes through diamonds once a node', function()
    local x = leaf(1.5)
    local y = x
    for _ = 1, 40 do y = y * 0.5 + y * 0.5 end -- 2^40 paths
    y:backward()
    assert.same({1}, list(x.grad))
  end)

  it('goes through a use as both operands', function()
    local x = leaf(3)
    ;(x * x * x):backward()
    assert.same({27}, list(x.grad))
    local y = leaf(3)
    ;(y + y):backward()
    assert.same({2}, list(y.grad))
    local z = leaf(3)
    ;(z - z):backward()
    assert.same({0}, list(z.grad))
  end)

  it('takes a gradient to start from', function()
    local x = leaf(1, 2, 3)
    local seed = vector(1, 10, 100)
    ;(x * x):backward(seed)
    assert.same({2, 40, 600}, list(x.grad))
    assert.same({1, 10, 100}, list(seed)) -- and leaves it alone
  end)

  it('leaves forward values and inputs alone', function()
    local x = leaf(1, 2)
    local y = x + x
    local z = (y * y):sum()
    z:backward()
    assert.same({1, 2}, list(x.data))
    assert.same({2, 4}, list(y.data))
    assert.same({8, 16}, list(x.grad))
  end)

  it('does not share memory between gradients of leaves', function()
    local a, b = leaf(1, 2), leaf(3, 4)
    ;(a + b):sum():backward()
    a.grad:fill(7)
    assert.same({1, 1}, list(b.grad))
  end)

  it('of a leaf is one', function()
    local x = leaf(5)
    x:backward()
    assert.same({1}, list(x.grad))
  end)

  it('goes twice only where asked to', function()
    local x = leaf(3)
    local y = (x * x):tanh():sum()
    y:backward(nil, {retain_graph = true})
    y:backward()
    local g = x.grad[1]
    assert.near(2 * 6 * (1 - math.tanh(9) ^ 2), g, 1e-15)
    local message = message_of(y.backward, y)
    assert.truthy(message:find('retain_graph', 1, true))
  end)

  it('keeps the history of values that it is told of, and uses the rest up', function()
    local x = value(torch.DoubleTensor {1, 2}, true)
    local kept = x * x
    local sum = kept:sum() * 3
    sum:backward(nil, {retain_graph = {kept}})
    assert.same({6, 12}, x.grad:totable())
    assert.error_matches(function() sum:backward() end, 'was used up')
    kept:sum():backward()
    assert.same({8, 16}, x.grad:totable())
    assert.error_matches(function() kept:sum():backward() end, 'was used up')
  end)

  it('goes to the leaves of some vectors of gradients only', function()
    local all = torch.DoubleTensor(4):zero()
    local a, b = autograd.leaf(vector(1, 2), all:narrow(1, 1, 2)), autograd.leaf(vector(3, 4), all:narrow(1, 3, 2))
    local c = autograd.leaf(vector(5, 6), vector(0, 0))
    local d = leaf(7, 8)
    local y = (a * b * ops.exp(c - 5) * d):sum()
    y:backward(nil, {into = {all}, retain_graph = true})
    assert.is_true(all:min() > 0)
    assert.same({0, 0}, c.grad:totable())
    assert.is_nil(d.grad)
    y:backward(nil, {into = {c.grad}})
    assert.is_true(c.grad:min() > 0)
  end)

  it('keeps the parts of a history that it did not go through', function()
    local z, w = leaf(0.5), leaf(2)
    local fake = (z * 3):tanh()
    local g = grad((fake * w):sum(), fake) -- stops at fake
    assert.same({2}, list(g.data))
    fake:backward(g.data) -- what led to fake is still there
    assert.near(2 * 3 * (1 - math.tanh(1.5) ^ 2), z.grad[1], 1e-15)
  end)

  it('goes through a list op, whatever happens to the list', function()
    local a, b = leaf(1, 2), leaf(3)
    local parts = {a, vector(9), b, a}
    local y = ops.cat(parts, 1)
    parts[1], parts[4] = nil, nil
    y:backward(vector(1, 2, 3, 4, 5, 6))
    assert.same({6, 8}, list(a.grad))
    assert.same({4}, list(b.grad))
  end)

  it('survives an op that gives one tensor to two inputs', function()
    local both = autograd.op {name = 'spec both', arity = 2, second = true, forward = function(a, b) return a + b end,
      backward = function(_, g)
        local h = ops.mul(g, g)
        return h, h
      end}
    local x = leaf(1)
    local y = x * 2
    ;(both(y, x) + both(y, y)):backward()
    assert.same({7}, list(x.grad))
  end)
end)

describe('grad', function()
  it('gives a value for one input and a list for a list', function()
    local x, y = leaf(2), leaf(3)
    local z = x * x * y
    local g = grad(z, x, {retain_graph = true})
    assert.is_true(autograd.is_value(g))
    assert.equal(12, g:item())
    assert.is_false(g.requires_grad)
    local gs = grad(z, {y, x})
    assert.same({4, 12}, {gs[1]:item(), gs[2]:item()})
    assert.is_nil(x.grad)
  end)

  it('adds up several outputs', function()
    local x = leaf(2)
    assert.equal(7, grad({x * x, x * 3}, x):item())
    local y = leaf(1, 2)
    local g = grad({y * y, y * 3}, y, {grad_outputs = {vector(1, 1), vector(10, 20)}})
    assert.same({32, 64}, list(g.data))
    local w = y * 2
    assert.same({6, 6}, list(grad({w, w}, y, {grad_outputs = {vector(1, 1), value(vector(2, 2))}}).data))
  end)

  it('says which input is not reached, or gives nil', function()
    local x, y = leaf(2), leaf(3)
    local message = message_of(grad, x * x, {x, y})
    assert.truthy(message:find('input 2', 1, true))
    local gs = grad(x * x, {x, y}, {allow_unused = true})
    assert.equal(4, gs[1]:item())
    assert.is_nil(gs[2])
  end)

  it('goes to values in the middle', function()
    local x = leaf(2)
    local y = x * x
    local z = y * y
    local gs = grad(z, {y, x, z})
    assert.same({8, 32, 1}, {gs[1]:item(), gs[2]:item(), gs[3]:item()})
  end)

  it('leaves grads of leaves alone and computes only what was asked for', function()
    local calls = 0
    local watched = autograd.op {name = 'spec watched', second = true, forward = function(x) return x * 1 end,
      backward = function(_, g)
        calls = calls + 1
        return g
      end}
    local x, w = leaf(2), leaf(3)
    grad(x * watched(w), x)
    assert.equal(0, calls)
    assert.is_nil(w.grad)
  end)

  it('gives third derivatives', function()
    local x = leaf(3)
    local y = x ^ 4
    local d1 = grad(y, x, {create_graph = true})
    local d2 = grad(d1, x, {create_graph = true})
    local d3 = grad(d2, x, {create_graph = true})
    local d4 = grad(d3, x)
    assert.same({108, 108, 72, 24}, {d1:item(), d2:item(), d3:item(), d4:item()})
  end)

  it('gives mixed second derivatives through backward', function()
    local x, y = leaf(2), leaf(5)
    local dx = grad((x * x * y):sum(), x, {create_graph = true}) -- 2 x y
    assert.is_true(dx.requires_grad)
    ;(dx * dx):sum():backward() -- 4 x^2 y^2
    assert.same({8 * 2 * 25}, list(x.grad))
    assert.same({8 * 4 * 5}, list(y.grad))
  end)

  it('differentiates with respect to its grad_outputs', function()
    local x, v = leaf(1, 2), leaf(3, 4)
    local g = grad(x * x, x, {grad_outputs = v, create_graph = true})
    assert.same({2, 4}, list(grad(g:sum(), v).data))
  end)

  it('with a constant gradient has nothing more to differentiate', function()
    local x = leaf(2)
    local g = grad(x * 3, x, {create_graph = true})
    assert.equal(3, g:item())
    assert.is_false(g.requires_grad)
  end)
end)

describe('recording', function()
  it('gives tensors for tensors and values for values', function()
    local t = vector(1, 2)
    assert.is_true(torch.isTensor(ops.tanh(t)))
    assert.is_true(autograd.is_value(ops.tanh(value(t))))
    assert.is_false(ops.tanh(value(t)).requires_grad)
    assert.is_true(ops.tanh(value(t, true)).requires_grad)
  end)

  it('mixes values with tensors and numbers on both sides of operators', function()
    local t = vector(1, 2, 4)
    local x = leaf(2, 4, 8)
    local expected = {
      {t + x, {3, 6, 12}}, {x + t, {3, 6, 12}}, {t - x, {-1, -2, -4}}, {x - t, {1, 2, 4}}, {t * x, {2, 8, 32}}, {x * t, {2, 8, 32}},
      {t / x, {0.5, 0.5, 0.5}}, {x / t, {2, 2, 2}}, {1 + x, {3, 5, 9}}, {1 - x, {-1, -3, -7}}, {2 * x, {4, 8, 16}}, {8 / x, {4, 2, 1}},
      {x / 2, {1, 2, 4}}, {-x, {-2, -4, -8}}, {x ^ 2, {4, 16, 64}},
    }
    for i, e in ipairs(expected) do
      assert.is_true(autograd.is_value(e[1]) and e[1].requires_grad, i)
      assert.same(e[2], list(e[1].data))
    end
    (t * x - t / x):sum():backward()
    assert.same({1 + 1 / 4, 2 + 2 / 16, 4 + 4 / 64}, list(x.grad))
  end)

  it('stops inside no_grad, also after an error in it', function()
    local x = leaf(1, 2)
    local y, n = autograd.no_grad(function(k)
      assert.is_false(autograd.is_recording())
      return x * x, k
    end, 7)
    assert.equal(7, n)
    assert.is_false(y.requires_grad)
    assert.is_true(autograd.is_recording())
    local message = message_of(autograd.no_grad, function() error 'inside' end)
    assert.truthy(message:find('inside', 1, true))
    assert.is_true(autograd.is_recording())
    assert.is_true((x * x).requires_grad)
    autograd.no_grad(function()
      autograd.no_grad(function() end)
      assert.is_false(autograd.is_recording())
    end)
  end)

  it('is as it was after an error inside grad', function()
    local x = leaf(1, 2)
    local failing = autograd.op {name = 'spec failing', second = true, forward = function(t) return t * 1 end,
      backward = function() error 'broken backward' end}
    for _, create in ipairs {true, false} do
      assert.truthy(message_of(grad, failing(x):sum(), x, {create_graph = create}):find('broken backward', 1, true))
      assert.is_true(autograd.is_recording())
    end
    local y = failing(x * 2):sum()
    assert.truthy(message_of(y.backward, y):find('broken backward', 1, true))
    local before = live()
    for _ = 1, 20 do x:exp():sum() end -- nothing goes on being collected for the broken pass
    assert.is_true(live() - before < 4096)
  end)

  it('stops at detach', function()
    local x = leaf(3)
    local y = x * x
    local d = y:detach()
    assert.is_false(d.requires_grad)
    assert.equal(9, d:item())
    ;(d * x):backward()
    assert.same({9}, list(x.grad))
  end)

  it('does not use batch statistics twice: two uses of one layer are two sets of numbers', function()
    local w = leaf(0.5, 2)
    local function layer(t) return ops.mul(t, w) end
    local a, b = vector(1, 2), vector(10, 20)
    local together = (layer(a):sum() + layer(b):sum())
    together:backward()
    assert.same({11, 22}, list(w.grad))
  end)

  it('shows values with how they came about', function()
    local x = leaf(1, 2)
    assert.truthy(tostring(x):find('a leaf', 1, true))
    assert.truthy(tostring(x * x):find('recorded by mul', 1, true))
    assert.truthy(tostring(value(vector(1))):find('a constant', 1, true))
    assert.truthy(tostring(x):find('torch.DoubleTensor of size 2', 1, true))
  end)

  it('answers questions of size and type', function()
    local x = value(torch.FloatTensor(2, 3):fill(1))
    assert.same({2, 3, 3, 6}, {x:dim(), x:size(2), x:size()[2], x:nElement()})
    assert.equal('torch.FloatTensor', x:type())
    assert.equal(6, x:sum():item())
  end)
end)

describe('errors', function()
  local x = leaf(1, 2, 3)
  local here = 'tests/autograd/tape_spec.lua:'

  --- Fails in a function of this file, so that the message must name its line.
  local function blames(expected, fn)
    local line = debug.getinfo(fn, 'S').linedefined
    local message = message_of(fn)
    assert.truthy(message:find(here .. (line + 1) .. ':', 1, true), message .. ' does not blame line ' .. line + 1)
    assert.truthy(message:find(expected, 1, true), message)
    assert.is_nil(message:find('\n', 1, true))
  end

  it('name the function, what was got and what was wanted, and blame the line that is wrong', function()
    blames('3 elements', function()
      x:backward()
    end)
    blames('wanted one', function()
      x:item()
    end)
    blames('nothing that this value depends on', function()
      value(vector(1)):backward()
    end)
    blames('wanted a value', function()
      autograd.backward(vector(1))
    end)
    blames('does not require a gradient', function()
      grad((x * x):sum(), value(vector(1)))
    end)
    blames('outputs', function()
      grad(vector(1), x)
    end)
    blames('inputs', function()
      grad(x:sum(), {})
    end)
    blames('does not have the size', function()
      x:tanh():backward(vector(1))
    end)
    blames('outside 1..1', function()
      x:sum(2)
    end)
    blames('outside 1..1', function()
      x:narrow(3, 1, 1)
    end)
    blames('got 1 and 2 dimensions', function()
      ops.matmul(x, torch.DoubleTensor(2, 2))
    end)
    assert.equal('autograd.value', torch.type(x))
    assert.is_true(torch.typename(x) == 'autograd.value' and torch.type(ops) == 'table')
    blames('wanted a tensor', function()
      value(3)
    end)
    blames('argument 1 is a string', function()
      ops.tanh 'x'
    end)
    blames('argument 2 is a table', function()
      ops.add(x, {})
    end)
    blames('argument 2 is nil', function()
      ops.mul(x)
    end)
    blames('leaky_relu: the slope is a table, wanted a number', function()
      ops.leaky_relu(x, {})
    end)
    blames('value: got a autograd.value, wanted a tensor', function()
      value(x)
    end)
    blames('a autograd.value cannot be saved', function()
      torch.serialize {x}
    end)
    blames('exponent', function()
      return x ^ x
    end)
    blames('wanted a tensor or a number', function()
      return vector(1) + {}
    end)
    blames('cat', function()
      ops.cat {}
    end)
    blames('argument 2 is a number', function()
      ops.cat {x, 3}
    end)
    blames('DoubleTensor', function()
      return x + torch.FloatTensor {1, 2, 3}
    end)
  end)

  it('come from inside nested calls with the line of the outermost user function', function()
    local message = message_of(function()
      autograd.scope(function()
        autograd.no_grad(function()
          x:view(7)
        end)
      end)
    end)
    assert.truthy(message:find(here, 1, true), message)
  end)
end)

describe('scope', function()
  local n = 50000 -- 400 kB a tensor

  it('releases what ops made in it, and keeps what it returns', function()
    local x = value(torch.DoubleTensor(n):fill(2), true)
    local before = live()
    collectgarbage 'stop' -- it must not need the collector
    local total, inner
    local ok, problem = pcall(function()
      total, inner = autograd.scope(function()
        local y = x
        for _ = 1, 20 do y = (y * 0.5 + 1):tanh():view(2, -1):t():view(-1) end
        local z = ops.cat({y, y:narrow(1, 1, 100)}, 1)
        local loss = z:mean()
        loss:backward()
        return loss, {deep = {y:narrow(1, 1, 3)}}
      end)
    end)
    local after = native.memory().live
    collectgarbage 'restart'
    assert(ok, problem)
    -- x.grad, one kept view's storage, and small change
    assert.is_true(after - before < 3 * 8 * n, ('%d bytes more are live'):format(after - before))
    assert.is_false(total.requires_grad)
    assert.is_true(total:item() > 0)
    assert.equal(3, inner.deep[1]:nElement())
    assert.near(total:item(), inner.deep[1].data[1], 1e-9)
    assert.equal(n, x.grad:nElement())
  end)

  it('makes a step cost the same memory again and again, with the collector off', function()
    local w = autograd.leaf(torch.DoubleTensor(40, 50):uniform(torch.Generator(1), -0.1, 0.1), torch.DoubleTensor(40, 50):zero())
    local input = torch.DoubleTensor(30, 40):fill(0.1)
    local function step()
      autograd.scope(function()
        local h = ops.matmul(input, w):tanh()
        local g = grad(h:sum(), w, {create_graph = true})
        ;(g:pow(2):sum() + h:pow(2):mean()):backward()
      end)
    end
    step()
    collectgarbage()
    collectgarbage 'stop'
    local live_before, mapped_before = native.memory().live, native.memory().mapped
    for _ = 1, 50 do step() end
    local memory = native.memory()
    collectgarbage 'restart'
    -- only the small tensor structs wait for the collector: their data, some 30 blocks of 16 kB a step, does not
    assert.is_true(memory.live - live_before < 50 * 80 * 256, memory.live - live_before)
    assert.is_true(memory.mapped - mapped_before < 2 * 2 ^ 20)
  end)

  it('makes a later use of what it released an error', function()
    local kept
    autograd.scope(function() kept = value(vector(1, 2), true) * 2 end)
    assert.truthy(message_of(ops.tanh, kept):find('released', 1, true))
    assert.truthy(message_of(function() return kept.data[1] end):find('released', 1, true))
    assert.truthy(message_of(function() return kept.data:clone() end):find('released', 1, true))
  end)

  it('nests: what the inner one returns belongs to the outer one', function()
    local escaped
    local sum = autograd.scope(function()
      local x = leaf(1, 2, 3)
      local y = autograd.scope(function() return x * 2 end)
      escaped = y
      assert.same({2, 4, 6}, list(y.data))
      assert.is_false(y.requires_grad)
      return y:sum()
    end)
    assert.equal(12, sum:item())
    assert.truthy(message_of(ops.tanh, escaped):find('released', 1, true))
  end)

  it('keeps the history of values that were recorded before it', function()
    local x = leaf(3)
    local y = x * x
    local same = autograd.scope(function() return y end)
    same:backward()
    assert.same({6}, list(x.grad))
  end)

  it('lets go of everything after an error, and works again', function()
    local x = value(torch.DoubleTensor(n):fill(1), true)
    local before = live()
    local lost = {}
    assert.truthy(message_of(autograd.scope, function()
      lost[1] = x * 2
      error('in the middle')
    end):find('in the middle', 1, true))
    assert.truthy(message_of(ops.tanh, lost[1]):find('released', 1, true))
    lost[1] = nil
    assert.is_true(live() - before < 4096)
    assert.equal(n, autograd.scope(function() return (x * 1):sum() end):item())
  end)

  it('leaves views of outside tensors and outside tensors alone', function()
    local t = torch.DoubleTensor(4, 2):fill(1)
    autograd.scope(function()
      ops.narrow(t, 1, 1, 2)
      ops.view(t, -1)
      ops.sum_to(t, t)
      ops.expand(t, 3, 4, 2)
    end)
    assert.equal(8, t:sum())
  end)

  it('releases masks and constants that ops make for themselves', function()
    local x = value(torch.DoubleTensor(n):fill(0.5), true)
    live()
    collectgarbage 'stop'
    local before = native.memory().live
    local g = torch.Generator(1)
    local ok, problem = pcall(autograd.scope, function()
      local y = ops.dropout(x, 0.5, g)
      local loss = ops.bce_with_logits(y, 1) + ops.clamp(y, 0, 1):sum() + ops.sqrt(x):sum() + ops.cmax(x, y):sum() +
        ops.log_softmax(y:view(2, -1)):sum() + ops.max(y:view(2, -1):t(), 1):sum() + y:view(2, -1):t():view(-1):sum() +
        ops.batch_norm(y:view(-1, 2), nil, nil, {train = true}):norm(3) + ops.embed(y, 1, 3, n + 5):mean() +
        ops.matmul(y:view(100, -1), y:view(100, -1), true, false):mean()
      grad(loss, x)
    end)
    local after = native.memory().live
    collectgarbage 'restart'
    assert(ok, problem)
    assert.is_true(after - before < 8 * n / 2, ('%d bytes more are live'):format(after - before))
  end)
end)

describe('random graphs', function()
  --- A function of three 2 x 3 values that applies random ops to random earlier results, views among them.
  local function random_function(seed)
    local draw = torch.Generator(seed)
    local steps = {}
    for i = 1, 14 do
      steps[i] = {torch.random(draw, 1, 12), torch.random(draw, 1, 1000), torch.random(draw, 1, 1000)}
    end
    local apply = {
      function(a, b) return a + b end,
      function(a, b) return a - b:tanh() end,
      function(a, b) return a * b * 0.5 end,
      function(a) return a:tanh() end,
      function(a) return a:view(3, 2):t():view(3, 2):t() end,
      function(a, b) return ops.cat({a:narrow(2, 1, 1), b:narrow(2, 2, 2)}, 2) end,
      function(a, b) return a + b:sum(1, true) * 0.3 end,
      function(a, b) return a * b:mean() end,
      function(a) return a end,
      function(a, b) return ops.matmul(ops.matmul(a, b, false, true):sigmoid(), a) * 0.5 end,
      function(a) return a:select(1, 1):expand(2, 3) end,
      function(a, b) return (a * a + b * b + 1):sqrt() - a end,
    }
    return function(x, y, z)
      local made = {x, y, z}
      for _, step in ipairs(steps) do
        local n = #made
        made[n + 1] = apply[step[1]](made[step[2] % n + 1], made[step[3] % n + 1])
      end
      return made[#made] + made[#made - 1] * made[#made - 2]
    end
  end

  it('agree with central differences, to the second order', function()
    local generator = torch.Generator(11)
    local function input() return torch.DoubleTensor(2, 3):uniform(generator, -1, 1) end
    for seed = 1, 40 do
      local fn = random_function(seed)
      local ok, problem = autograd.check(fn, {input(), input(), input()}, {order = 2})
      assert(ok, ('seed %d: %s'):format(seed, tostring(problem)))
    end
  end)

  it('give the same gradients inside a scope, with histories retained and with leaves', function()
    local function list_of(t) return list(t:contiguous():view(-1)) end
    for seed = 1, 40 do
      local fn = random_function(seed)
      local x, y, z = {}, {}, {}
      for i = 1, 4 do
        local generator = torch.Generator(seed)
        x[i] = value(torch.DoubleTensor(2, 3):uniform(generator, -1, 1), true)
        y[i] = value(torch.DoubleTensor(2, 3):uniform(generator, -1, 1), true)
        z[i] = value(torch.DoubleTensor(2, 3):uniform(generator, -1, 1), true)
      end
      local plain = grad(fn(x[1], y[1], z[1]):sum(), {x[1], y[1], z[1]}, {allow_unused = true})
      local scoped = autograd.scope(function() return grad(fn(x[2], y[2], z[2]):sum(), {x[2], y[2], z[2]}, {allow_unused = true}) end)
      local loss = fn(x[3], y[3], z[3]):sum()
      loss:backward(nil, {retain_graph = true})
      loss:backward()
      local recorded = grad(fn(x[4], y[4], z[4]):sum(), {x[4], y[4], z[4]}, {allow_unused = true, create_graph = true})
      for i, leaves in ipairs {x, y, z} do
        if plain[i] then
          local expected = list_of(plain[i].data)
          assert.same(expected, list_of(scoped[i].data))
          assert.same(expected, list_of(recorded[i].data))
          for k, number in ipairs(list_of(leaves[3].grad)) do -- the second pass adds part by part to what is there
            assert.near(2 * expected[k], number, 1e-14 * math.max(1, math.abs(number)))
          end
        else
          assert.is_true(leaves[3].grad == nil and scoped[i] == nil and recorded[i] == nil)
        end
      end
    end
  end)
end)

describe('training', function()
  it('of a small network on a curve converges, and its memory stays flat', function()
    local generator = torch.Generator(7)
    local function parameter(scale, ...)
      local w = torch.DoubleTensor(...):uniform(generator, -scale, scale)
      return autograd.leaf(w, torch.DoubleTensor(...):zero())
    end
    local w1, b1, w2, b2 = parameter(1, 1, 16), parameter(1, 1, 16), parameter(0.3, 16, 1), parameter(0.1, 1, 1)
    local parameters = {w1, b1, w2, b2}
    local x = torch.DoubleTensor(32, 1)
    for i = 1, 32 do x[i][1] = (i - 16.5) / 8 end
    local y = ops.sin(x * 2)
    local first, last
    local function step()
      local loss = autograd.scope(function()
        local h = (ops.matmul(x, w1) + b1):tanh()
        local l = ops.mse(ops.matmul(h, w2) + b2, y)
        l:backward()
        return l:item()
      end)
      for _, p in ipairs(parameters) do
        p.data:add(-0.15, p.grad)
        p.grad:zero()
      end
      return loss
    end
    first = step()
    for _ = 1, 20 do step() end
    local before = live()
    for _ = 1, 1500 do last = step() end
    assert.is_true(live() - before < 1024)
    assert.is_true(first > 0.2, first)
    assert.is_true(last < 0.01, last)
  end)
end)
