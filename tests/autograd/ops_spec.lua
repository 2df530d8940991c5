-- Every op of the table against central differences, to the second order, with operands of every layout, in both types.
local torch = require 'gantry.torch'
local autograd = require 'gantry.autograd'
local numbers = require 'tests.support.numbers'
local listed = require 'tests.autograd.op_cases'

local ops, check = autograd.ops, autograd.check

--- The case's function on inputs that are stored with their dimensions in reverse.
local function turned(case)
  local inputs, back = {}, {}
  for i, x in ipairs(case.inputs()) do
    local list = {}
    for d = 1, x:dim() do list[d] = x:dim() + 1 - d end
    back[i] = list
    inputs[i] = x:permute(unpack(list)):contiguous()
  end
  return inputs, function(...)
    local values = {...}
    for i, x in ipairs(values) do values[i] = ops.permute(x, back[i]) end
    return case.fn(unpack(values))
  end
end

--- The case's function on inputs whose first dimension repeats without being stored (stride 0).
local function repeated(case)
  local inputs, sizes = {}, {}
  for i, x in ipairs(case.inputs()) do
    sizes[i] = numbers.sizes(x)
    inputs[i] = x:narrow(1, 1, 1):clone()
  end
  return inputs, function(...)
    local values = {...}
    for i, x in ipairs(values) do values[i] = ops.expand(x, sizes[i]) end
    return case.fn(unpack(values))
  end
end

local function gradients(case, kind)
  numbers.restart()
  local values = {}
  for i, x in ipairs(case.inputs()) do values[i] = autograd.value(x:type(kind), true) end
  local y = case.fn(unpack(values))
  local seed = torch.DoubleTensor(unpack(numbers.sizes(y.data))):uniform(torch.Generator(3), -1, 1)
  local found = y.requires_grad and autograd.grad(y, values, {grad_outputs = seed:type(kind), allow_unused = true}) or {}
  return y.data, found, #values
end

local function check_case(case, second)
  numbers.restart()
  assert(check(case.fn, case.inputs(), {order = second and 2 or 1}))
  numbers.restart()
  local inputs, fn = turned(case)
  assert(check(fn, inputs, {order = second and 2 or 1}))
  if case.smooth ~= false then
    numbers.restart()
    inputs, fn = repeated(case)
    assert(check(fn, inputs, {order = second and 2 or 1}))
  end
  local y, grads, n = gradients(case, 'torch.DoubleTensor')
  local yf, gradsf = gradients(case, 'torch.FloatTensor')
  assert.equal('torch.FloatTensor', yf:type())
  assert.is_true(numbers.difference(yf, y) < 1e-5, 'FloatTensor: the result')
  for i = 1, n do
    if grads[i] then
      assert.equal('torch.FloatTensor', gradsf[i].data:type())
      assert.is_true(numbers.difference(gradsf[i].data, grads[i].data) < 1e-5, 'FloatTensor: gradient ' .. i)
    end
  end
end

--- Ops that come with Gantry; specs may define more.
local function shipped(entry)
  return debug.getinfo(entry.backward, 'S').source:find('lua/gantry/', 1, true) ~= nil
end

local names = {}
for name, entry in pairs(autograd.op_table) do
  if shipped(entry) then names[#names + 1] = name end
end
table.sort(names)

describe('op', function()
  for _, name in ipairs(names) do
    local entry = autograd.op_table[name]
    it(name .. ' agrees with central differences', function()
      assert.equal('boolean', type(entry.second))
      local cases = listed.cases[name]
      assert(cases and #cases > 0, 'tests/autograd/op_cases.lua has no case for the op ' .. name)
      for i, case in ipairs(cases) do
        local ok, problem = pcall(check_case, case, entry.second)
        if not ok then error(('case %d: %s'):format(i, tostring(type(problem) == 'table' and problem.message or problem)), 0) end
      end
      if not entry.second then
        numbers.restart()
        local values = {}
        for i, x in ipairs(cases[1].inputs()) do values[i] = autograd.value(x, true) end
        assert.has_error(function()
          autograd.grad(cases[1].fn(unpack(values)):sum(), values, {create_graph = true, allow_unused = true})
        end)
      end
    end)
  end

  it('has a case only where there is an op', function()
    for name in pairs(listed.cases) do assert(autograd.op_table[name], 'there is no op ' .. name) end
  end)

  it('without a declared second order is refused', function()
    local function f() end
    assert.has_error(function() autograd.op {name = 'spec undeclared', forward = f, backward = f} end)
    assert.has_error(function() autograd.op {name = 'add', second = true, forward = f, backward = f} end)
    assert.has_error(function() autograd.op {name = 'spec half', second = true, forward = f} end)
  end)

  it('whose backward cannot be differentiated says so', function()
    local double = autograd.op {name = 'spec first order only', second = false, forward = function(x) return x * 2 end,
      backward = function(_, g) return g * 2 end}
    local x = autograd.value(torch.DoubleTensor {1, 2}, true)
    assert.equal(2, autograd.grad(double(x):sum(), x).data[2])
    local ok, message = pcall(autograd.grad, double(x):sum(), x, {create_graph = true})
    assert.is_false(ok)
    assert.truthy(message:find('spec first order only', 1, true))
  end)
end)

describe('composite', function()
  for _, case in ipairs(listed.composites) do
    it(case.name .. ' agrees with central differences', function() check_case(case, true) end)
  end
end)

describe('at the edge', function()
  local function grad_at(fn, numbers_in)
    local x = autograd.value(torch.DoubleTensor(numbers_in), true)
    return autograd.grad(fn(x):sum(), x).data
  end

  it('norms and square roots have gradients of 0 where they are 0, of both orders', function()
    local functions = {sqrt = ops.sqrt}
    for _, p in ipairs {0.5, 1, 1.5, 2, 2.5, 3, 7} do
      functions['norm ' .. p] = function(x) return ops.norm(x, p) end
      functions['norm of rows ' .. p] = function(x) return ops.norm(ops.view(x, 1, 3), p, 2) end
    end
    for name, fn in pairs(functions) do
      local x = autograd.value(torch.DoubleTensor {0, 0, 0}, true)
      local g = autograd.grad(fn(x):sum(), x, {create_graph = true})
      local second = autograd.grad((ops.mul(g, torch.DoubleTensor {1, 2, 3}) + x):sum(), x).data - 1
      for i = 1, 3 do assert.same({0, 0}, {g.data[i], second[i]}, name) end
    end
    -- Beside zeros too: a norm that is not 0 of numbers of which some are.
    for _, p in ipairs {1.5, 2, 3} do
      local x = autograd.value(torch.DoubleTensor {0, 2, 0}, true)
      local g = autograd.grad(ops.norm(x, p), x, {create_graph = true})
      local second = autograd.grad((g * g):sum() + x:sum(), x).data - 1
      for i = 1, 3 do assert.same({i == 2 and 1 or 0, 0}, {g.data[i], second[i]}) end
    end
    assert.error_matches(function() ops.norm(torch.DoubleTensor {1}, 0) end, 'norm: the order is 0, wanted a finite number above 0')
  end)

  it('the gradient penalty of a constant critic is finite, its gradient too', function()
    local w = autograd.value(torch.DoubleTensor {{0, 0, 0}}, true)
    local x = autograd.value(torch.DoubleTensor {{1, 2, 3}}, true)
    local g = autograd.grad(ops.matmul(x, w, false, true):sum(), x, {create_graph = true})
    local gw = autograd.grad((g:norm(2, 2) - 1):pow(2):mean(), w).data
    for i = 1, 3 do assert.equal(0, gw[1][i]) end
  end)

  it('x ^ 0 and x ^ 1 have gradients at 0', function()
    assert.equal(1, grad_at(function(x) return x ^ 1 end, {0})[1])
    assert.equal(0, grad_at(function(x) return x ^ 0 + x * 0 end, {0})[1])
  end)

  it('kinks pass the gradient of one side', function()
    local g = grad_at(ops.relu, {-1, 0, 1})
    assert.same({0, 0, 1}, {g[1], g[2], g[3]})
    g = grad_at(function(x) return ops.leaky_relu(x, 0.2) end, {-1, 0, 1})
    assert.same({0.2, 0.2, 1}, {g[1], g[2], g[3]})
    g = grad_at(ops.abs, {-1, 0, 1})
    assert.same({-1, 0, 1}, {g[1], g[2], g[3]})
    g = grad_at(function(x) return ops.clamp(x, -1, 1) end, {-2, -1, 1, 2})
    assert.same({0, 1, 1, 0}, {g[1], g[2], g[3], g[4]})
  end)

  it('cross-entropy of a logit never overflows', function()
    local x = torch.FloatTensor {-1000, 1000}
    assert.equal(500, ops.bce_with_logits(x, 0)[1])
    assert.equal(500, ops.bce_with_logits(x, 1)[1])
  end)

  it('max and min say where', function()
    local x = torch.DoubleTensor {{3, 1, 2}, {4, 6, 5}}
    local r, index = ops.max(x, 2)
    assert.same({3, 6, 1, 2}, {r[1], r[2], index[1], index[2]})
    r, index = ops.min(x, 1, true)
    assert.same({3, 1, 2, 1, 1, 1}, {r[1][1], r[1][2], r[1][3], index[1][1], index[1][2], index[1][3]})
    r, index = ops.max(autograd.value(x))
    assert.same({6, 5}, {r:item(), index[1]})
  end)

  it('refuses indices and dimensions that are none', function()
    local v = autograd.value(torch.randn(2, 3), true)
    for _, name in ipairs {'gather', 'index_select', 'index_put', 'scatter_add'} do
      assert.error_matches(function() ops[name](v, 1, nil, 2) end, name .. ': the indices are nil, wanted a LongTensor')
      assert.error_matches(function() ops[name](v, 1, torch.FloatTensor {1}, 2) end, name .. ': the indices are a torch.FloatTensor')
      assert.error_matches(function() ops[name](v, 300, torch.LongTensor {1}, 2) end, name .. ': dimension 300 is outside 1..2')
    end
  end)

  it('an op used as the last argument of another passes one result', function()
    local x = torch.DoubleTensor(2, 1, 4, 4):fill(1)
    assert.equal(1, ops.relu(ops.max_pool(x, ops.pool_shape {kh = 2, kw = 2}))[1][1][1][1])
  end)

  it('dropout keeps the mean, draws from the generator given, and refuses silly rates', function()
    local x = torch.DoubleTensor(10000):fill(1)
    local y = ops.dropout(x, 0.25, torch.Generator(1))
    assert.is_true(math.abs(ops.mean(y)[1] - 1) < 0.03)
    local again = ops.dropout(x, 0.25, torch.Generator(1))
    assert.equal(0, numbers.difference(again, y))
    assert.has_error(function() ops.dropout(x, 1) end)
    assert.equal(10000, ops.dropout(x, 0.5):nElement())
  end)
end)

describe('check', function()
  it('finds a wrong gradient, of either order', function()
    local wrong = autograd.op {name = 'spec wrong', second = true, forward = function(x) return x * 2 end,
      backward = function(_, g) return ops.scale(g, 3) end}
    local ok, problem = check(function(x) return wrong(x) end, {torch.DoubleTensor {1, 2}})
    assert.is_false(ok)
    assert.truthy(problem:find('input 1', 1, true))
    local wrong_second = autograd.op {name = 'spec wrong second', second = true,
      forward = function(x) return ops.pow(x, 2) end,
      backward = function(c, g)
        local x = autograd.is_value(c[1]) and c[1]:detach() or c[1]
        return ops.mul(g, ops.scale(x, 2))
      end}
    assert.is_true((check(function(x) return wrong_second(x) end, {torch.DoubleTensor {1, 2}})))
    ok, problem = check(function(x) return wrong_second(x) end, {torch.DoubleTensor {1, 2}}, {order = 2})
    assert.is_false(ok)
    assert.truthy(problem:find('second', 1, true))
  end)

  it('is not fooled by numbers that are none', function()
    local broken = autograd.op {name = 'spec nan', second = true, forward = function(x) return x * 2 end,
      backward = function(_, g) return ops.scale(g, 0 / 0) end}
    assert.is_false((check(function(x) return broken(x) end, {torch.DoubleTensor {1, 2}})))
  end)

  it('wants contiguous DoubleTensors', function()
    assert.has_error(function() check(ops.exp, {torch.FloatTensor {1}}) end)
    assert.has_error(function() check(ops.exp, {torch.DoubleTensor(2, 3):t()}) end)
  end)
end)
