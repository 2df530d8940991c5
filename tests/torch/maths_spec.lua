-- Element-wise maths, products and reductions: Torch7's calling conventions, all types, odd layouts, wrong arguments.
local torch = require 'gantry.torch'

local REAL = {'FloatTensor', 'DoubleTensor'}
local WHOLE = {'ByteTensor', 'CharTensor', 'ShortTensor', 'IntTensor', 'LongTensor'}

local function near(wanted, got, tolerance, message)
  assert.equals(#wanted, #got, message)
  for i, v in ipairs(wanted) do
    if type(v) == 'table' then
      near(v, got[i], tolerance, message)
    else
      local close = math.abs(v - got[i]) <= (tolerance or 1e-6) * math.max(1, math.abs(v))
      assert.is_true(close, (message or '') .. ': ' .. v .. ' ' .. got[i])
    end
  end
end

-- The same numbers contiguous, transposed, with gaps, and repeated with stride 0.
local function layouts(dtype, list)
  local n = #list
  local plain = torch[dtype](list)
  local gaps = torch[dtype](n, 3):fill(1)
  gaps:select(2, 2):copy(plain)
  return {plain, gaps:select(2, 2), torch[dtype](3, n):copy(plain:view(1, n):expand(3, n)):t():select(2, 1)}
end

describe('functions of one operand', function()
  local functions = {
    abs = math.abs, exp = math.exp, log = math.log, sqrt = math.sqrt, sin = math.sin, cos = math.cos, tan = math.tan,
    asin = math.asin, acos = math.acos, atan = math.atan, sinh = math.sinh, cosh = math.cosh, tanh = math.tanh, floor = math.floor,
    ceil = math.ceil, neg = function(x) return -x end, cinv = function(x) return 1 / x end, rsqrt = function(x) return 1 / math.sqrt(x) end,
    log1p = function(x) return math.log(1 + x) end, sigmoid = function(x) return 1 / (1 + math.exp(-x)) end,
    sign = function(x) return x > 0 and 1 or x < 0 and -1 or 0 end, round = function(x) return math.floor(x + 0.5) end,
    trunc = function(x) return x >= 0 and math.floor(x) or math.ceil(x) end, log2 = function(x) return math.log(x) / math.log(2) end,
    log10 = math.log10, expm1 = function(x) return math.exp(x) - 1 end,
    frac = function(x) return x >= 0 and x - math.floor(x) or x - math.ceil(x) end,
  }
  it('work in place, from another tensor, to a new one and to a given one', function()
    local list = {0.1, 0.25, 0.7, 0.93}
    for name, f in pairs(functions) do
      local wanted = {}
      for i, v in ipairs(list) do wanted[i] = f(v) end
      for _, dtype in ipairs(REAL) do
        for _, x in ipairs(layouts(dtype, list)) do
          near(wanted, torch[name](x):totable(), 2e-6, name)
          near(list, x:totable())
          local r = torch[dtype]()
          assert.equals(r, torch[name](r, x))
          near(wanted, r:totable(), 2e-6, name)
          near(wanted, torch[dtype](4)[name](torch[dtype](4), x):totable(), 2e-6, name)
          assert.equals(x, x[name](x))
          near(wanted, x:totable(), 2e-6, name)
        end
      end
    end
  end)
end)

describe('add and csub', function()
  it('take every combination that Torch7 did', function()
    for _, dtype in ipairs {'FloatTensor', 'DoubleTensor', 'IntTensor', 'ByteTensor', 'LongTensor'} do
      local T = torch[dtype]
      local function x() return T{10, 20, 30} end
      local y, z = T{1, 2, 3}, T{4, 5, 6}
      assert.same({15, 25, 35}, x():add(5):totable())
      assert.same({11, 22, 33}, x():add(y):totable())
      assert.same({12, 24, 36}, x():add(2, y):totable())
      assert.same({6, 7, 8}, x():add(y, 5):totable())
      assert.same({5, 7, 9}, x():add(y, z):totable())
      assert.same({9, 12, 15}, x():add(y, 2, z):totable())
      assert.same({6, 7, 8}, torch.add(y, 5):totable())
      assert.same({5, 7, 9}, torch.add(y, z):totable())
      assert.same({9, 12, 15}, torch.add(y, 2, z):totable())
      local r = T()
      assert.equals(r, torch.add(r, y, z))
      assert.same({5, 7, 9}, r:totable())
      assert.same({6, 7, 8}, torch.add(r, y, 5):totable())
      assert.same({9, 12, 15}, torch.add(r, y, 2, z):totable())
      assert.same({9, 18, 27}, x():csub(y):totable())
      assert.same({5, 15, 25}, x():csub(5):totable())
      assert.same({8, 16, 24}, x():csub(2, y):totable())
      assert.same({3, 3, 3}, torch.csub(z, y):totable())
    end
  end)
end)

describe('products, quotients, powers, bounds', function()
  it('take numbers and tensors', function()
    for _, dtype in ipairs(REAL) do
      local T = torch[dtype]
      local x, y = T{1, 2, 4}, T{2, 4, 0.5}
      near({3, 6, 12}, torch.mul(x, 3):totable())
      near({3, 6, 12}, x:clone():mul(3):totable())
      near({6, 12, 1.5}, x:clone():mul(y, 3):totable())
      near({0.5, 1, 2}, torch.div(x, 2):totable())
      near({2, 8, 2}, torch.cmul(x, y):totable())
      near({2, 8, 2}, x:clone():cmul(y):totable())
      near({2, 8, 2}, T():cmul(x, y):totable())
      near({0.5, 0.5, 8}, torch.cdiv(x, y):totable())
      near({1, 16, 2}, torch.cpow(x, y):totable())
      near({1, 4, 16}, torch.pow(x, 2):totable())
      near({2, 4, 16}, torch.pow(2, x):totable())
      near({1, 8, 64}, x:clone():pow(3):totable())
      near({2, 4, 16}, x:clone():tpow(2):totable())
      near({2, 4, 4}, torch.cmax(x, y):totable())
      near({2, 2, 4}, torch.cmax(x, 2):totable())
      near({1, 2, 0.5}, x:clone():cmin(y):totable())
      near({1.5, 2, 3}, torch.clamp(x, 1.5, 3):totable())
      near({1.5, 2, 3}, x:clone():clamp(1.5, 3):totable())
      near({1, 2, 1}, torch.fmod(x, 3):totable())
      near({2, 1, 2}, torch.remainder(T{-1, 1, 5}, 3):totable())
      near({1.25, 2.5, 3.125}, torch.lerp(x, y, 0.25):totable())
      near({1.25, 2.5, 3.125}, x:clone():lerp(y, 0.25):totable())
      near({3, 10, 6}, torch.addcmul(x, x, y):totable())
      near({5, 18, 8}, torch.addcmul(x, 2, x, y):totable())
      near({5, 18, 8}, x:clone():addcmul(2, x, y):totable())
      near({3, 10, 6}, x:clone():addcmul(x, y):totable())
      near({4, 12, 2.5}, T():addcmul(y, x, y):totable())
      near({4, 12, 2.5}, torch.addcmul(T(), y, 1, x, y):totable())
      near({1.5, 2.5, 12}, torch.addcdiv(x, x, y):totable())
      near({0.4636476, 0.4636476, 1.4464413}, torch.atan2(x, y):totable())
    end
  end)

  it('have operators', function()
    local x, y = torch.FloatTensor{1, 2, 4}, torch.FloatTensor{2, 4, 8}
    near({2, 3, 5}, (x + 1):totable())
    near({2, 3, 5}, (1 + x):totable())
    near({3, 6, 12}, (x + y):totable())
    near({-1, -2, -4}, (x - y):totable())
    near({0, 1, 3}, (x - 1):totable())
    near({0, -1, -3}, (1 - x):totable())
    near({2, 4, 8}, (x * 2):totable())
    near({2, 4, 8}, (2 * x):totable())
    near({0.5, 1, 2}, (x / 2):totable())
    near({4, 2, 1}, (4 / x):totable())
    near({0.5, 0.5, 0.5}, (x / y):totable())
    near({-1, -2, -4}, (-x):totable())
    near({1, 4, 16}, (x ^ 2):totable())
    assert.equals(42, x * y)
    assert.same({21, 42, 84}, (x:view(3, 1) * torch.FloatTensor{{21}}):squeeze():totable())
    assert.same({5, 11}, (torch.FloatTensor{{1, 2}, {3, 4}} * torch.FloatTensor{1, 2}):totable())
    for _, f in ipairs {function() return x + nil end, function() return x + 'a' end, function() return {} + x end,
      function() return x * {} end, function() return x:view(1, 3, 1) * x end, function() return nil - x end,
      function() return x / {} end} do
      assert.has_error(f)
    end
  end)
end)

describe('operands of other sizes', function()
  it('broadcast, or pair by count', function()
    for _, dtype in ipairs {'FloatTensor', 'IntTensor'} do
      local T = torch[dtype]
      local x = T{{1, 2, 3}, {4, 5, 6}}
      assert.same({{11, 22, 33}, {14, 25, 36}}, torch.add(x, T{10, 20, 30}):totable())
      assert.same({{11, 12, 13}, {24, 25, 26}}, torch.add(x, T{{10}, {20}}):totable())
      assert.same({{11, 22, 33}, {14, 25, 36}}, x:clone():add(T{10, 20, 30}):totable())
      assert.same({{2, 4, 6}, {8, 10, 12}}, x:clone():add(x:view(6)):totable())
      -- In place a column meets a vector of as many elements one by one, where out of place they broadcast.
      assert.same({{11}, {22}}, T{{1}, {2}}:add(T{10, 20}):totable())
      assert.same({{11, 21}, {12, 22}}, torch.add(T{{1}, {2}}, T{10, 20}):totable())
      assert.has_error(function() x:add(T{1, 2}) end)
      assert.has_error(function() T{1, 2, 3}:add(x) end)
      assert.has_error(function() torch.add(x, T(5)) end)
    end
  end)

  it('may overlap the result', function()
    local x = torch.range(1, 6)
    x:narrow(1, 2, 5):add(x:narrow(1, 1, 5))
    assert.same({1, 3, 5, 7, 9, 11}, x:totable())
    local y = torch.IntTensor{1, 2, 3, 4, 5, 6}
    y:narrow(1, 2, 5):add(y:narrow(1, 1, 5))
    assert.same({1, 3, 5, 7, 9, 11}, y:totable())
    local z = torch.range(1, 4):view(2, 2)
    assert.same({{2, 5}, {5, 8}}, z:add(z:t()):totable())
  end)

  it('may have stride 0', function()
    local x = torch.FloatTensor{{1}, {2}}:expand(2, 3)
    assert.same({{2, 2, 2}, {3, 3, 3}}, (x + 1):totable())
    assert.same({{2, 2, 2}, {4, 4, 4}}, (x + x):totable())
    assert.equals(9, x:sum())
    assert.same({{3}, {6}}, x:sum(2):totable())
    assert.same({{2}, {2}}, (torch.IntTensor{{1}}:expand(2, 1) + 1):totable())
    assert.has_error(function() x:add(1) end)
  end)
end)

describe('whole numbers', function()
  it('are cut and kept in range as in C', function()
    assert.same({44, 200}, torch.ByteTensor{200, 100}:add(100):totable())
    assert.same({255}, torch.ByteTensor{0}:add(-1):totable())
    assert.same({-128}, torch.CharTensor{127}:add(1):totable())
    assert.same({3, -3}, torch.IntTensor{7, -7}:div(2):totable())
    assert.same({12, 22}, torch.IntTensor{10, 20}:add(2.7):totable())
    assert.same({1, -1}, torch.LongTensor{7, -7}:fmod(3):totable())
    assert.same({1, 2}, torch.LongTensor{7, -7}:remainder(3):totable())
    assert.same({2 ^ 40 + 1}, torch.LongTensor{2 ^ 40}:add(1):totable())
    for _, dtype in ipairs(WHOLE) do
      local T = torch[dtype]
      local x, y = T{6, 8, 10}, T{1, 2, 5}
      assert.same({6, 16, 50}, torch.cmul(x, y):totable())
      assert.same({6, 4, 2}, torch.cdiv(x, y):totable())
      assert.same({6, 8, 10}, torch.cmax(x, y):totable())
      assert.same({4, 4, 10}, torch.cmin(x, T{4, 4, 100}):totable())
      assert.same({12, 16, 20}, (x * 2):totable())
      assert.same({7, 8, 9}, torch.clamp(x, 7, 9):totable())
      assert.same({36, 64, 100}, torch.pow(x, 2):totable())
      assert.same({8, 12, 20}, torch.addcmul(x, 2, T{1, 1, 1}, T{1, 2, 5}):totable())
      assert.equals(24, x:sum())
      assert.equals(10, y:prod())
      assert.equals(10, x:max())
      assert.equals(1, y:min())
      local m = T{{1, 5, 3}, {4, 2, 6}}
      assert.same({{5, 7, 9}}, m:sum(1):totable())
      assert.same({{9}, {12}}, torch.sum(m, 2):totable())
      local v, i = m:max(2)
      assert.same({{5}, {6}}, v:totable())
      assert.same({{2}, {3}}, i:totable())
      v, i = torch.min(m, 1)
      assert.same({{1, 2, 3}}, v:totable())
      assert.same({{1, 2, 1}}, i:totable())
      assert.same({{1, 6, 9}, {4, 6, 12}}, m:cumsum(2):totable())
      assert.same({{1, 5, 3}, {5, 7, 9}}, m:t():cumsum(2):t():totable())
      assert.has_error(function() x:exp() end)
      assert.has_error(function() return x:mean() end)
      assert.has_error(function() x:div(0) end)
      assert.has_error(function() x:cdiv(T{1, 0, 1}) end)
      assert.has_error(function() x:add(torch.FloatTensor(3)) end)
    end
  end)
end)

describe('comparisons', function()
  it('give bytes', function()
    for _, dtype in ipairs {'FloatTensor', 'DoubleTensor', 'ByteTensor', 'LongTensor'} do
      local T = torch[dtype]
      local x, y = T{1, 2, 3}, T{3, 2, 1}
      for name, wanted in pairs {lt = {1, 0, 0}, le = {1, 1, 0}, gt = {0, 0, 1}, ge = {0, 1, 1}, eq = {0, 1, 0}, ne = {1, 0, 1}} do
        assert.same(wanted, torch[name](x, y):totable())
        assert.same(wanted, x[name](x, 2):totable())
        assert.equals('torch.ByteTensor', x[name](x, y):type())
        local r = torch.ByteTensor()
        assert.equals(r, torch[name](r, x, y))
        assert.same(wanted, r:totable())
      end
      assert.is_true(x:equal(x:clone()))
      assert.is_false(torch.equal(x, y))
      assert.is_false(torch.equal(x, T{1, 2}))
    end
    assert.is_true(torch.all(torch.ByteTensor{1, 1}))
    assert.is_false(torch.ByteTensor{1, 0}:all())
    assert.is_true(torch.ByteTensor{1, 0}:any())
    assert.same({{1}, {0}}, torch.ByteTensor{{1, 0}, {0, 0}}:any(2):totable())
    assert.has_error(function() torch.FloatTensor(2):lt(nil) end)
    assert.has_error(function() torch.FloatTensor(2):lt(torch.DoubleTensor(2)) end)
  end)
end)

describe('reductions', function()
  it('of everything give numbers', function()
    for _, dtype in ipairs(REAL) do
      for _, x in ipairs(layouts(dtype, {4, 1, 3, 2})) do
        assert.equals(10, x:sum())
        assert.equals(10, torch.sum(x))
        assert.equals(2.5, x:mean())
        assert.equals(24, x:prod())
        assert.equals(4, x:max())
        assert.equals(1, x:min())
        near({math.sqrt(5 / 3), 5 / 3, math.sqrt(1.25)}, {x:std(), x:var(), x:std(true)})
        near({math.sqrt(30), 10, 4, 4}, {x:norm(), x:norm(1), x:norm(math.huge), x:norm(0)})
        near({2}, {torch.dist(x, x + 1)})
        assert.equals(2, x:median())
      end
    end
  end)

  it('along a dimension keep it, with size 1', function()
    for _, dtype in ipairs(REAL) do
      local x = torch[dtype]{{1, 5, 3}, {4, 2, 6}}
      assert.same({{5, 7, 9}}, x:sum(1):totable())
      assert.same({{3}, {4}}, torch.mean(x, 2):totable())
      assert.same({{15}, {48}}, x:prod(2):totable())
      local v, i = torch.max(x, 2)
      assert.same({{5}, {6}}, v:totable())
      assert.same({{2}, {3}}, i:totable())
      assert.equals('torch.LongTensor', i:type())
      v, i = x:min(1)
      assert.same({{1, 2, 3}}, v:totable())
      assert.same({{1, 2, 1}}, i:totable())
      near({{2}, {2}}, x:std(2):totable())
      near({{8 / 3}, {8 / 3}}, x:var(2, true):totable())
      near({{math.sqrt(17), math.sqrt(29), math.sqrt(45)}}, x:norm(2, 1):totable())
      local r, index = torch[dtype](), torch.LongTensor()
      torch.max(r, index, x, 1)
      assert.same({{4, 5, 6}}, r:totable())
      assert.same({{2, 1, 2}}, index:totable())
      assert.equals(r, torch.sum(r, x, 2))
      assert.same({{9}, {12}}, r:totable())
      assert.same({{1, 6, 9}, {4, 6, 12}}, torch.cumsum(x, 2):totable())
      assert.same({{1, 5, 3}, {4, 10, 18}}, x:cumprod(1):totable())
      assert.same({6}, torch[dtype]{1, 2, 3}:sum(1):totable())
      near({{0.6, 0.8}, {0.3, 0.4}}, torch.renorm(torch[dtype]{{3, 4}, {0.3, 0.4}}, 2, 1, 1):totable(), 1e-5)
      assert.equals(3, torch.trace(torch[dtype]{{1, 5}, {4, 2}}))
      assert.has_error(function() x:sum(3) end)
      assert.has_error(function() x:sum('a') end)
      assert.has_error(function() torch.max(r, r, x, 1) end)
    end
  end)
end)

describe('cross', function()
  it('gives the vector at right angles, along any dimension and for any type', function()
    for _, kind in ipairs {'torch.DoubleTensor', 'torch.IntTensor'} do
      local a, b = torch.DoubleTensor {{1, 2, 3}, {4, 5, 6}}:type(kind), torch.DoubleTensor {{0, 1, 4}, {2, 7, 1}}:type(kind)
      local c = torch.cross(a, b)
      assert.same({{5, -4, 1}, {-37, 8, 18}}, {c[1]:totable(), c[2]:totable()})
      assert.same(c:t():totable(), torch.cross(a:t(), b:t(), 1):totable())
      assert.same(c:totable(), a:cross(b, 2):totable())
      assert.same(c:totable(), torch.cross(a.new(), a, b):totable())
    end
    assert.error_matches(function() torch.cross(torch.ones(2), torch.ones(2)) end, 'cross: no dimension of 2 has size 3')
  end)
end)

describe('integer tensors', function()
  it('have products', function()
    for _, name in ipairs {'Byte', 'Char', 'Short', 'Int', 'Long'} do
      local new = torch[name .. 'Tensor']
      local a, b, v = new {{1, 2}, {3, 4}}, new {{5, 6}, {7, 8}}, new {2, 3}
      assert.equal(13, v:dot(v))
      local c = torch.mm(a, b)
      assert.equal('torch.' .. name .. 'Tensor', c:type())
      assert.same({19, 22}, c[1]:totable())
      assert.same({8, 18}, torch.mv(a, v):totable())
      assert.same({4, 6}, torch.ger(v, v)[1]:totable())
      assert.same({20, 24}, torch.addmm(a, a, b)[1]:totable())
      assert.same({39, 46}, a:clone():addmm(1, 2, a, b)[1]:totable())
      assert.same({19, 22}, torch.bmm(a:view(1, 2, 2), b:view(1, 2, 2))[1][1]:totable())
      assert.same({19, 22}, (a * b)[1]:totable())
    end
    assert.error_matches(function() torch.mm(torch.IntTensor(2, 2), torch.LongTensor(2, 2)) end, 'mm: an operand is a torch.LongTensor')
  end)
end)

describe('LongTensors', function()
  it('are exact where doubles are not', function()
    local big = torch.LongTensor(3):fill(2 ^ 62)
    assert.same({1, 2, 3}, ((big + torch.LongTensor {1, 2, 3}) - big):totable())
    assert.same({5}, torch.LongTensor {2 ^ 40}:cmul(torch.LongTensor {3}):mul(1024):csub(torch.LongTensor {3 * 2 ^ 50 - 5}):totable())
    local running = torch.LongTensor {2 ^ 53, 1, 1}:cumsum(1)
    assert.same({0, 1, 2}, (running - torch.LongTensor(3):fill(2 ^ 53)):totable())
    assert.same({-1, 1}, torch.LongTensor {-7, 7}:clamp(-1, 1):totable())
    assert.same({-3, 4}, torch.LongTensor {3, -4}:neg():totable())
    assert.same({3, 2}, torch.LongTensor {3, -4}:cmax(torch.LongTensor {1, 2}):totable())
  end)
end)

describe('sorting', function()
  it('puts NaN last in both directions and keeps equal elements in order, at any length', function()
    for _, n in ipairs {20, 1000} do
      local x = torch.DoubleTensor(n):random(1, 5)
      x[3], x[7], x[11] = 0 / 0, 1 / 0, -1 / 0
      for _, descending in ipairs {false, true} do
        local v, i = x:sort(1, descending)
        assert.is_true(v[n] ~= v[n])
        assert.equal(3, i[n])
        assert.equal(descending and 1 / 0 or -1 / 0, v[1])
        for k = 2, n - 1 do
          assert.is_true(v[k] == v[k - 1] and i[k] > i[k - 1] or (v[k] > v[k - 1]) ~= descending and v[k] ~= v[k - 1])
        end
      end
    end
  end)

  it('is exact for whole numbers that doubles cannot tell apart', function()
    local x = torch.LongTensor(2):fill(2 ^ 60)
    x[1] = 2 ^ 53
    x:add(torch.LongTensor {1, 0})
    x[2] = 2 ^ 53
    local _, i = x:sort()
    assert.same({2, 1}, i:totable())
    assert.same({1}, (select(2, x:topk(1, 1, true))):totable())
  end)

  it('gives values and places', function()
    for _, dtype in ipairs {'FloatTensor', 'DoubleTensor', 'IntTensor', 'ByteTensor'} do
      local x = torch[dtype]{{3, 1, 2}, {9, 7, 8}}
      local v, i = x:sort()
      assert.same({{1, 2, 3}, {7, 8, 9}}, v:totable())
      assert.same({{2, 3, 1}, {2, 3, 1}}, i:totable())
      v, i = torch.sort(x, 1, true)
      assert.same({{9, 7, 8}, {3, 1, 2}}, v:totable())
      assert.same({{2, 2, 2}, {1, 1, 1}}, i:totable())
      v, i = x:topk(2, 2, true)
      assert.same({{3, 2}, {9, 8}}, v:totable())
      assert.same({{1, 3}, {1, 3}}, i:totable())
      v, i = x:kthvalue(2)
      assert.same({{2}, {8}}, v:totable())
      assert.same({{3}, {3}}, i:totable())
      assert.same({{3, 1, 2}}, (x:median(1)):totable())
      v = torch[dtype]()
      i = torch.LongTensor()
      assert.equals(v, (torch.sort(v, i, x)))
      assert.same({{1, 2, 3}, {7, 8, 9}}, v:totable())
    end
    local mode, place = torch.mode(torch.IntTensor{1, 3, 2, 3, 2, 3})
    assert.equals(3, mode[1])
    assert.equals(6, place[1])
    assert.same({2, 1, 0, 1}, torch.histc(torch.FloatTensor{0, 0.5, 1.2, 4}, 4):totable())
    torch.manualSeed(3)
    local x = torch.randn(5, 33)
    local v = x:sort(2)
    for row = 1, 5 do
      local list = x[row]:totable()
      table.sort(list)
      assert.same(list, v[row]:totable())
    end
    assert.has_error(function() x:topk(34) end)
    assert.has_error(function() torch.FloatTensor():sort() end)
  end)
end)

describe('products of matrices', function()
  it('take every combination that Torch7 did', function()
    for _, dtype in ipairs(REAL) do
      local T = torch[dtype]
      local a, b = T{{1, 2}, {3, 4}, {5, 6}}, T{{1, 0, 2}, {0, 1, 3}}
      local ab = {{1, 2, 8}, {3, 4, 18}, {5, 6, 28}}
      assert.same(ab, torch.mm(a, b):totable())
      assert.same(ab, T():mm(a, b):totable())
      assert.same(ab, a:mm(b):totable())
      assert.same(ab, torch.mm(b:t(), a:t()):t():totable())
      assert.same({5, 11, 17}, torch.mv(a, T{1, 2}):totable())
      assert.equals(11, torch.dot(T{1, 2}, T{3, 4}))
      assert.same({{3, 4}, {6, 8}}, torch.ger(T{1, 2}, T{3, 4}):totable())
      local m = torch.ones(3, 3):typeAs(a)
      local function plus(beta, alpha)
        local r = {}
        for i, row in ipairs(ab) do
          r[i] = {}
          for j, v in ipairs(row) do r[i][j] = beta + alpha * v end
        end
        return r
      end
      assert.same(plus(1, 1), torch.addmm(m, a, b):totable())
      assert.same(plus(2, 1), torch.addmm(2, m, a, b):totable())
      assert.same(plus(1, 3), torch.addmm(m, 3, a, b):totable())
      assert.same(plus(2, 3), torch.addmm(2, m, 3, a, b):totable())
      assert.same(plus(2, 3), torch.addmm(T(), 2, m, 3, a, b):totable())
      assert.same(plus(1, 1), m:clone():addmm(a, b):totable())
      assert.same(plus(1, 3), m:clone():addmm(3, a, b):totable())
      assert.same(plus(2, 3), m:clone():addmm(2, 3, a, b):totable())
      assert.same(plus(2, 3), T():addmm(2, m, 3, a, b):totable())
      assert.same(plus(0, 1), T():addmm(0, m, 1, a, b):totable())
      assert.same({6, 12, 18}, torch.addmv(T{1, 1, 1}, a, T{1, 2}):totable())
      assert.same({7, 14}, T{1, 2}:addmv(1, 2, T{{1, 1}, {2, 2}}, T{1, 2}):totable())
      assert.same({{4, 4}, {6, 9}}, T{{1, 0}, {0, 1}}:addr(T{1, 2}, T{3, 4}):totable())
      local batch = torch.cat(a:view(1, 3, 2), (a * 2):view(1, 3, 2), 1)
      local other = torch.cat(b:view(1, 2, 3), b:view(1, 2, 3), 1)
      assert.same({2, 3, 3}, torch.bmm(batch, other):size():totable())
      assert.same(ab, torch.bmm(batch, other)[1]:totable())
      assert.same(plus(0, 3), T():resize(3, 3):zero():addbmm(batch, other):totable())
      assert.same(plus(1, 1), torch.baddbmm(m:view(1, 3, 3):expand(2, 3, 3), batch, other)[1]:totable())
    end
    assert.has_error(function() torch.mm(torch.ones(2, 3), torch.ones(2, 3)) end)
    assert.has_error(function() torch.mm(torch.ones(2, 3)) end)
    assert.has_error(function() torch.dot(torch.ones(2), torch.ones(3)) end)
    assert.has_error(function() torch.addmm(torch.ones(2, 2), torch.ones(2, 2)) end)
    assert.has_error(function() torch.ones(2, 2):addmm(1, 2, 3, 4) end)
    assert.has_error(function() torch.mm(torch.ones(2, 2), torch.DoubleTensor(2, 2)) end)
  end)
end)

describe('indices and masks', function()
  it('pick and place', function()
    for _, dtype in ipairs {'FloatTensor', 'DoubleTensor', 'ByteTensor', 'LongTensor'} do
      local T, L = torch[dtype], torch.LongTensor
      local x = T{{1, 2, 3}, {4, 5, 6}}
      assert.same({{3, 1}, {6, 4}}, x:index(2, L{3, 1}):totable())
      assert.same({{4, 5, 6}}, torch.index(x, 1, L{2}):totable())
      assert.same({{4, 5, 6}}, T():index(x, 1, L{2}):totable())
      assert.same({{9, 2, 8}, {9, 5, 8}}, x:clone():indexCopy(2, L{3, 1}, T{{8, 9}, {8, 9}}):totable())
      assert.same({{2, 2, 4}, {5, 5, 7}}, x:clone():indexAdd(2, L{3, 1}, T{{1, 1}, {1, 1}}):totable())
      assert.same({{0, 2, 0}, {0, 5, 0}}, x:clone():indexFill(2, L{3, 1}, 0):totable())
      assert.same({{2}, {6}}, x:gather(2, L{{2}, {3}}):totable())
      assert.same({{1, 9, 3}, {4, 5, 8}}, x:clone():scatter(2, L{{2}, {3}}, T{{9}, {8}}):totable())
      assert.same({{1, 7, 3}, {4, 5, 7}}, x:clone():scatter(2, L{{2}, {3}}, 7):totable())
      assert.same({{1, 3, 3}, {4, 5, 7}}, x:clone():scatterAdd(2, L{{2}, {3}}, T{{1}, {1}}):totable())
      local mask = x:gt(2)
      assert.same({3, 4, 5, 6}, x:maskedSelect(mask):totable())
      assert.same({{1, 2, 0}, {0, 0, 0}}, x:clone():maskedFill(mask, 0):totable())
      assert.same({{1, 2, 9}, {8, 7, 6}}, x:clone():maskedCopy(mask, T{9, 8, 7, 6}):totable())
      assert.same({{1, 3}, {2, 1}, {2, 2}, {2, 3}}, mask:nonzero():totable())
      for _, f in ipairs {function() x:index(2, L{4}) end, function() x:index(3, L{1}) end,
        function() x:index(1, T{1}:double():add(0.5)) end,
        function() x:index(1, nil) end, function() x:gather(2, L{{0}, {1}}) end, function() x:scatter(2, L{{2}, {4}}, 1) end,
        function() x:maskedFill(torch.ByteTensor(2), 1) end, function() x:maskedFill(T{1}:float(), 1) end,
        function() x:maskedCopy(mask, T{1}) end, function() x:indexFill(1, L{1}, nil) end} do
        assert.has_error(f)
      end
    end
  end)
end)

describe('apply and map', function()
  it('call a function with every element in order', function()
    for _, dtype in ipairs {'FloatTensor', 'ByteTensor', 'LongTensor'} do
      local x = torch[dtype]{{1, 2}, {3, 4}}
      local seen = {}
      x:t():apply(function(v) seen[#seen + 1] = v return v * 2 end)
      assert.same({1, 3, 2, 4}, seen)
      assert.same({{2, 4}, {6, 8}}, x:totable())
      x:apply(function() end)
      assert.same({{2, 4}, {6, 8}}, x:totable())
      x:map(torch[dtype]{{1, 1}, {2, 2}}, function(a, b) return a + b end)
      assert.same({{3, 5}, {8, 10}}, x:totable())
      x:map2(torch[dtype]{{1, 1}, {2, 2}}, x:clone(), function(a, b, c) return a - b + c end)
      assert.same({{5, 9}, {14, 18}}, x:totable())
    end
  end)

  it('survive a function that fails, resizes or releases', function()
    local x = torch.FloatTensor{1, 2, 3}
    assert.has_error(function() x:apply(function() error 'no' end) end)
    assert.has_error(function() x:apply(function() return 'a' end) end)
    assert.has_error(function() x:apply(function() x:resize(100000) return 1 end) end)
    assert.has_error(function() x:apply(3) end)
    assert.has_error(function() x:map(torch.FloatTensor(2), print) end)
    local y = torch.FloatTensor{1, 2, 3}
    assert.has_error(function() y:apply(function() y:set(torch.FloatTensor(3)) collectgarbage() return 1 end) end)
  end)
end)

describe('wrong arguments', function()
  it('are errors at the caller\'s line, never a crash', function()
    local x = torch.FloatTensor(2, 3):fill(1)
    local junk = {false, 'x', {}, function() end, torch.FloatStorage(2), torch.Timer()}
    local names = {'add', 'csub', 'mul', 'div', 'cmul', 'cdiv', 'pow', 'cpow', 'cmax', 'clamp', 'addcmul', 'addcdiv', 'lerp',
      'exp', 'lt', 'mm', 'mv', 'ger', 'addmm', 'addmv', 'addr', 'baddbmm', 'dot', 'sum', 'max', 'norm', 'std', 'cumsum', 'sort',
      'topk', 'index', 'indexFill', 'gather', 'scatter', 'maskedFill', 'maskedSelect', 'narrow', 'select', 'transpose', 'unfold',
      'expand', 'view', 'reshape', 'resize', 'copy', 'fill', 'apply', 'map', 'set', 'uniform', 'normal', 'repeatTensor', 'split',
      'chunk', 'cat', 'squeeze', 'unsqueeze', 'typeAs', 'equal', 'renorm'}
    for _, name in ipairs(names) do
      for _, bad in ipairs(junk) do
        for _, arguments in ipairs {{bad}, {1, bad}, {x, bad}, {1, 1, bad}, {bad, bad, bad}} do
          local ok, message = pcall(function() return x:clone()[name](x:clone(), unpack(arguments, 1, 3)) end)
          if not ok then
            assert.truthy(tostring(message):find('maths_spec.lua', 1, true), name .. ': ' .. tostring(message))
            assert.is_nil(tostring(message):find '\n')
          end
        end
        local f = torch[name]
        if f then
          local ok, message = pcall(function() return (f(bad, x)) end)
          if not ok then assert.truthy(tostring(message):find('maths_spec.lua', 1, true), name .. ': ' .. tostring(message)) end
        end
      end
    end
  end)
end)
