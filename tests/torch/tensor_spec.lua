-- Making tensors and storages, their types, conversions, reading and writing parts, and what happens on wrong arguments.
local torch = require 'gantry.torch'
local native = require 'gantry.native'

local TYPES = {'Byte', 'Char', 'Short', 'Int', 'Long', 'Float', 'Double'}

local function tensor_of(name, ...) return torch[name .. 'Tensor'](...) end

describe('constructors', function()
  it('make empty, sized, filled and shared tensors of all types', function()
    for _, name in ipairs(TYPES) do
      local full = 'torch.' .. name .. 'Tensor'
      local empty = tensor_of(name)
      assert.equals(0, empty:dim())
      assert.equals(0, empty:nElement())
      assert.equals(full, empty:type())
      assert.equals(full, torch.typename(empty))
      assert.equals(full, torch.type(empty))
      assert.same({2, 3, 4}, tensor_of(name, 2, 3, 4):size():totable())
      -- For a LongTensor a LongStorage is contents, for the others it is sizes.
      assert.same(name == 'Long' and {2} or {4, 1}, tensor_of(name, torch.LongStorage{4, 1}):size():totable())
      local t = tensor_of(name, {{1, 2, 3}, {4, 5, 6}})
      assert.same({{1, 2, 3}, {4, 5, 6}}, t:totable())
      local shared = tensor_of(name, t)
      shared:fill(7)
      assert.equals(7, t[2][3])
      local on_storage = tensor_of(name, t:storage(), 2, 2, 3, 2, 1)
      assert.same({2, 2}, on_storage:size():totable())
      assert.same({3, 1}, on_storage:stride():totable())
      assert.equals(2, on_storage:storageOffset())
      on_storage[1][1] = 9
      assert.equals(9, t[1][2])
    end
  end)

  it('take storages with sizes and strides', function()
    local s = torch.FloatStorage{1, 2, 3, 4, 5, 6}
    assert.same({1, 2, 3, 4, 5, 6}, torch.FloatTensor(s):totable())
    assert.same({3, 4, 5, 6}, torch.FloatTensor(s, 3):totable())
    assert.same({{1, 2, 3}, {4, 5, 6}}, torch.FloatTensor(s, 1, torch.LongStorage{2, 3}):totable())
    assert.same({{1, 4}, {2, 5}, {3, 6}}, torch.FloatTensor(s, 1, torch.LongStorage{3, 2}, torch.LongStorage{1, 3}):totable())
    assert.same({{2, 2}, {3, 3}}, torch.FloatTensor(s, 2, 2, 1, 2, 0):totable())
    assert.same({2, 0}, torch.FloatTensor(torch.LongStorage{3, 2}, torch.LongStorage{2, 0}):stride():totable())
  end)

  it('enlarge a storage that is too small, as set does', function()
    local s = torch.FloatStorage(2):fill(1)
    local t = torch.FloatTensor(s, 1, 3, 3)
    assert.equals(3, t:nElement())
    assert.is_true(#s >= 7)
  end)

  it('cut fractional sizes toward zero', function()
    assert.same({2, 3}, torch.FloatTensor(2.9, 3.1):size():totable())
  end)

  it('refuse what makes no tensor, in one line', function()
    local bad = {
      function() return torch.FloatTensor(nil) end,
      function() return torch.FloatTensor('x') end,
      function() return torch.FloatTensor(true) end,
      function() return torch.FloatTensor(-1) end,
      function() return torch.FloatTensor(0 / 0) end,
      function() return torch.FloatTensor(1 / 0) end,
      function() return torch.FloatTensor(1, 2, 3, 4, 5, 6, 7, 8, 9) end,
      function() return torch.FloatTensor{{1, 2}, {3}} end,
      function() return torch.FloatTensor{{1, 2}, 3} end,
      function() return torch.FloatTensor{{1, 2}, {'a', 3}} end,
      function() return torch.FloatTensor{1, 'two'} end,
      function() return torch.FloatTensor{{}} end,
      function() return torch.FloatTensor(torch.DoubleTensor(2)) end,
      function() return torch.FloatTensor(torch.DoubleStorage(2)) end,
      function() return torch.FloatTensor(torch.FloatStorage(2), 0) end,
      function() return torch.FloatTensor(torch.FloatStorage(2), 5) end,
      function() return torch.FloatTensor(print) end,
      function() return torch.FloatTensor(1e30) end,
    }
    for i, f in ipairs(bad) do
      local ok, message = pcall(f)
      assert.is_false(ok, 'case ' .. i)
      assert.is_string(message)
      assert.is_nil(message:find '\n', 'case ' .. i)
      assert.truthy(message:find 'tensor_spec.lua', 'case ' .. i .. ' blames ' .. message)
    end
  end)

  it('give an error, not a crash, for more memory than there is', function()
    assert.has_error(function() torch.FloatTensor(2 ^ 20, 2 ^ 20, 100) end)
  end)

  it('know the default type', function()
    assert.equals('torch.FloatTensor', torch.getdefaulttensortype())
    assert.equals('torch.FloatTensor', torch.zeros(2):type())
    torch.setdefaulttensortype('torch.DoubleTensor')
    assert.equals('torch.DoubleTensor', torch.zeros(2):type())
    assert.equals('torch.DoubleTensor', torch.Tensor(2):type())
    assert.equals('torch.DoubleTensor', torch.FloatTensor(2):type('torch.Tensor'):type())
    torch.setdefaulttensortype('torch.FloatTensor')
    assert.equals('torch.FloatTensor', torch.randn(2):type())
    assert.has_error(function() torch.setdefaulttensortype('torch.Nothing') end)
  end)

  it('make ranges, identities and parts of matrices', function()
    assert.same({1, 2, 3}, torch.range(1, 3):totable())
    assert.same({1, 1.5, 2}, torch.range(1, 2, 0.5):totable())
    assert.same({3, 2, 1}, torch.range(3, 1, -1):totable())
    assert.same({0, 0.25, 0.5, 0.75, 1}, torch.linspace(0, 1, 5):totable())
    assert.same({1, 10, 100}, torch.logspace(0, 2, 3):totable())
    assert.same({{1, 0, 0}, {0, 1, 0}}, torch.eye(2, 3):totable())
    assert.same({{0, 0}, {0, 0}}, torch.zeros(2, 2):totable())
    assert.same({1, 1}, torch.ones(torch.LongStorage{2}):totable())
    local x = torch.range(1, 9):view(3, 3)
    assert.same({1, 5, 9}, torch.diag(x):totable())
    assert.same({2, 6}, torch.diag(x, 1):totable())
    assert.same({4, 8}, x:diag(-1):totable())
    assert.same({{0, 5}, {0, 0}}, torch.diag(torch.FloatTensor{5}, 1):totable())
    assert.same({{1, 0, 0}, {4, 5, 0}, {7, 8, 9}}, torch.tril(x):totable())
    assert.same({{1, 2, 3}, {0, 5, 6}, {0, 0, 9}}, x:triu():totable())
    assert.same({{1, 2, 0}, {4, 5, 6}, {7, 8, 9}}, torch.tril(x, 1):totable())
    local r = torch.DoubleTensor()
    assert.equals(r, torch.zeros(r, 2, 2))
    assert.same({2, 2}, r:size():totable())
    assert.equals('torch.LongTensor', torch.range(torch.LongTensor(), 1, 3):type())
    assert.has_error(function() torch.range(1, 3, -1) end)
    assert.has_error(function() torch.range(1, 3, 0) end)
    assert.has_error(function() torch.zeros() end)
  end)
end)

describe('types', function()
  it('convert to each other', function()
    for _, from in ipairs(TYPES) do
      local t = tensor_of(from, {1, 2, 100})
      for _, to in ipairs(TYPES) do
        local u = t:type('torch.' .. to .. 'Tensor')
        assert.equals('torch.' .. to .. 'Tensor', u:type())
        assert.same({1, 2, 100}, u:totable())
        assert.equals(from == to, u == t)
        assert.same({1, 2, 100}, t[to:lower()](t):totable())
        assert.same({1, 2, 100}, tensor_of(to, 3):copy(t):totable())
        assert.equals('torch.' .. to .. 'Tensor', t:typeAs(tensor_of(to)):type())
      end
    end
    assert.same({1, -1}, torch.FloatTensor{1.9, -1.9}:int():totable())
    assert.same({2 ^ 40}, torch.DoubleTensor{2 ^ 40}:long():totable())
    assert.has_error(function() torch.FloatTensor(2):type('torch.CudaTensor') end)
  end)

  it('are told apart from other values', function()
    assert.is_true(torch.isTensor(torch.FloatTensor()))
    for _, x in ipairs {1, 'x', {}, print, torch.FloatStorage(1), torch.Timer()} do assert.is_false(torch.isTensor(x)) end
    assert.is_false(torch.isTensor(nil))
    assert.is_true(torch.isStorage(torch.LongStorage(1)))
    assert.is_false(torch.isStorage(torch.LongTensor(1)))
    assert.equals('cdata', type(torch.FloatTensor()))
    assert.is_false(torch.FloatTensor() == nil)
    assert.is_true(torch.isTypeOf(torch.FloatTensor(), 'torch.FloatTensor'))
    assert.is_true(torch.isTypeOf(torch.FloatTensor(), 'torch.*Tensor'))
    assert.is_false(torch.isTypeOf(torch.FloatTensor(), 'torch.DoubleTensor'))
    assert.equals('number', torch.type(3))
    assert.is_nil(torch.typename(3))
  end)

  it('take new methods', function()
    torch.FloatTensor.spec_twice = function(t) return t * 2 end
    assert.same({2, 4}, torch.FloatTensor{1, 2}:spec_twice():totable())
    assert.is_nil(torch.DoubleTensor(1).spec_twice)
    torch.getmetatable('torch.FloatTensor').spec_twice = nil
    assert.is_nil(torch.FloatTensor(1).spec_twice)
  end)
end)

describe('storages', function()
  it('read, write, resize, fill and copy', function()
    for _, name in ipairs(TYPES) do
      local s = torch[name .. 'Storage']{1, 2, 3}
      assert.equals(3, #s)
      assert.equals(3, s:size())
      s[2] = 7
      assert.equals(7, s[2])
      assert.same({1, 7, 3}, s:totable())
      s:resize(5):fill(4)
      assert.same({4, 4, 4, 4, 4}, s:totable())
      assert.same({4, 4}, torch[name .. 'Storage'](2):copy(torch.IntStorage{4, 4}):totable())
      assert.equals('torch.' .. name .. 'Storage', torch.type(s))
      assert.equals('torch.' .. name .. 'Storage', s:type())
      assert.has_error(function() return s[0] end)
      assert.has_error(function() return s[6] end)
      assert.has_error(function() s[6] = 1 end)
      assert.has_error(function() s[1] = 'x' end)
      assert.has_error(function() return s[{}] end)
    end
    assert.has_error(function() torch.FloatStorage(-1) end)
    assert.has_error(function() torch.FloatStorage{1, 'a'} end)
    assert.has_error(function() torch.FloatStorage(3):copy(torch.FloatStorage(2)) end)
  end)

  it('hold strings', function()
    assert.equals('hi\0there', torch.CharStorage():string('hi\0there'):string())
    assert.equals('', torch.ByteStorage():string())
    assert.has_error(function() torch.FloatStorage(1):string() end)
  end)

  it('are shared by the tensors on them, and outlive them', function()
    local t = torch.FloatTensor{1, 2, 3}
    local s = t:storage()
    t[1] = 8
    assert.equals(8, s[1])
    local p = t:data()
    assert.equals(8, p[0])
    t = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.same({8, 2, 3}, s:totable())
    assert.equals(0, #torch.FloatTensor():storage())
  end)

  it('know that they were written', function()
    local t = torch.FloatTensor(3)
    for _, write in ipairs {function() t:fill(1) end, function() t[1] = 2 end, function() t:storage()[1] = 3 end,
      function() t:apply(function() return 1 end) end, function() t:uniform() end, function() t:add(1) end} do
      local before = tonumber(t.store.version)
      write()
      assert.is_true(tonumber(t.store.version) > before)
    end
  end)
end)

describe('indexing', function()
  local function block() return torch.range(1, 24):view(2, 3, 4) end

  it('reads elements, slices and ranges', function()
    local x = block()
    assert.equals(7, x[1][2][3])
    assert.equals(24, x[-1][-1][-1])
    assert.same({5, 6, 7, 8}, x[1][2]:totable())
    assert.equals(7, x[{1, 2, 3}])
    assert.equals(24, x[{-1, -1, -1}])
    assert.equals(7, x[torch.LongStorage{1, 2, 3}])
    assert.same({5, 6, 7, 8}, x[{1, 2}]:totable())
    assert.same({{2, 3}, {6, 7}, {10, 11}}, x[{1, {}, {2, 3}}]:totable())
    assert.same({{{2, 3}}, {{14, 15}}}, x[{{}, {1}, {2, -2}}]:totable())
    assert.same({2, 3, 4}, x[{}]:size():totable())
    assert.same({{{13}}}, x[{{2}, {1}, {1}}]:totable())
  end)

  it('writes elements, slices, ranges and masks', function()
    local x = torch.zeros(2, 3)
    x[1][2] = 5
    x[{2, 3}] = 6
    assert.same({{0, 5, 0}, {0, 0, 6}}, x:totable())
    x[2] = 1
    assert.same({{0, 5, 0}, {1, 1, 1}}, x:totable())
    x[{{}, 1}] = torch.FloatTensor{7, 8}
    assert.same({{7, 5, 0}, {8, 1, 1}}, x:totable())
    x[{{}, {2, 3}}] = 0
    assert.same({{7, 0, 0}, {8, 0, 0}}, x:totable())
    x[1] = torch.DoubleTensor{1, 2, 3}
    assert.same({{1, 2, 3}, {8, 0, 0}}, x:totable())
    x[x:gt(2)] = -1
    assert.same({{1, 2, -1}, {-1, 0, 0}}, x:totable())
    x[x:lt(0)] = torch.FloatTensor{4, 5}
    assert.same({{1, 2, 4}, {5, 0, 0}}, x:totable())
    assert.same({4, 5}, x[x:gt(3)]:totable())
    local v = torch.zeros(3)
    v[2] = torch.FloatTensor{9}
    v[torch.LongStorage{3}] = 4
    assert.same({0, 9, 4}, v:totable())
  end)

  it('refuses what is outside or no index', function()
    local x = block()
    local bad = {
      function() return x[0] end, function() return x[3] end, function() return x[-3] end, function() return x[{1, 2, 5}] end,
      function() return x[{1, 2, 3, 4}] end, function() return x[{1, {2, 1}}] end, function() return x[{1, {1, 2, 3}}] end,
      function() return x[{'a'}] end, function() return x[true] end, function() return x[print] end, function() return x[nil] end,
      function() return x[torch.FloatTensor(2)] end, function() return x[0 / 0] end, function() return x[{{0 / 0}}] end,
      function() return torch.FloatTensor()[1] end, function() return torch.FloatTensor()[{1}] end,
      function() return torch.FloatTensor(3)[4] end, function() return torch.FloatTensor(3, 0)[1][1] end,
      function() x[3] = 1 end, function() x[1] = nil end, function() x[1] = {} end, function() x[1] = 'x' end,
      function() x[{1, 1, 1}] = 'x' end, function() x[1] = torch.FloatTensor(5) end, function() x.name = 1 end,
      function() x[nil] = 1 end, function() x[torch.ByteTensor(3):fill(1)] = 1 end,
      function() torch.FloatTensor(3)[4] = 1 end, function() torch.FloatTensor(3)[1] = torch.FloatTensor(2) end,
    }
    for i, f in ipairs(bad) do
      local ok, message = pcall(f)
      assert.is_false(ok, 'case ' .. i)
      assert.truthy(tostring(message):find 'tensor_spec.lua', 'case ' .. i .. ': ' .. tostring(message))
    end
  end)

  it('gives nil for a method that does not exist', function()
    assert.is_nil(torch.FloatTensor().no_such_method)
  end)
end)

describe('memory', function()
  it('comes back when tensors are collected', function()
    collectgarbage()
    collectgarbage()
    local before = native.memory().live
    for _ = 1, 200 do
      local t = torch.FloatTensor(256, 1024):fill(1)
      t:narrow(1, 2, 3):storage()
    end
    assert.is_true(native.memory().live - before < 200 * 2 ^ 20)
    collectgarbage()
    collectgarbage()
    assert.is_true(native.memory().live - before < 2 ^ 21)
  end)

  it('that was let go is an error to use, not a crash', function()
    local t = torch.FloatTensor{1, 2, 3}
    native.C.gt_tensor_release(t)
    for _, use in ipairs {function() return t[1] end, function() t[1] = 2 end, function() t:fill(1) end, function() return t + 1 end,
      function() return t:totable() end, function() t:apply(function() end) end, function() t:view(3, 1) end,
      function() return torch.serialize(t) end, function() return t:sum() end, function() return t:clone() end} do
      assert.has_error(use)
    end
    assert.truthy(tostring(t):find 'released')
  end)
end)
