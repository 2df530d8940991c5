-- Torch7's classes, and the small things beside them: timers, threads, pointers.
local torch = require 'gantry.torch'

-- Methods need not look at self.
-- luacheck: ignore 212/self
describe('classes', function()
  it('construct, inherit and name their instances', function()
    local Animal, none = torch.class 'spec.Animal'
    assert.is_nil(none)
    function Animal:__init(name) self.name = name end
    function Animal:speak() return self.name .. ' makes a noise' end
    local Dog, parent = torch.class('spec.Dog', 'spec.Animal')
    assert.equals(Animal, parent)
    function Dog:__init(name)
      parent.__init(self, name)
      self.legs = 4
    end
    function Dog:speak() return parent.speak(self) .. ': woof' end
    local d = Dog('Rex')
    assert.equals('Rex makes a noise: woof', d:speak())
    assert.equals(4, d.legs)
    assert.equals('table', type(d))
    assert.equals('spec.Dog', torch.typename(d))
    assert.equals('spec.Dog', torch.type(d))
    assert.equals('spec.Dog', d.__typename)
    assert.equals('spec.Dog', tostring(d))
    assert.is_true(torch.isTypeOf(d, 'spec.Dog'))
    assert.is_true(torch.isTypeOf(d, 'spec.Animal'))
    assert.is_true(torch.isTypeOf(d, Animal))
    assert.is_true(torch.isTypeOf(d, 'spec%..*'))
    assert.is_false(torch.isTypeOf(d, 'Dog'))
    assert.is_false(torch.isTypeOf(Animal 'x', 'spec.Dog'))
    assert.is_false(torch.isTypeOf(3, 'spec.Dog'))
    assert.is_nil(d.nothing)
    function Animal:later() return 'later' end
    assert.equals('later', d:later())
    assert.equals(Dog, getmetatable(d))
    assert.equals(Dog, torch.getmetatable 'spec.Dog')
    local raw = torch.factory('spec.Dog')()
    assert.is_nil(raw.legs)
    assert.equals('spec.Dog', torch.typename(raw))
    assert.equals('spec.Dog', torch.typename(torch.setmetatable({}, 'spec.Dog')))
  end)

  it('put their constructor where they are told, and nowhere else', function()
    local module = {}
    torch.class('spec.Placed', module)
    assert.equals('spec.Placed', torch.typename(module.Placed()))
    torch.class('spec.Placed2', 'spec.Placed', module)
    assert.is_true(torch.isTypeOf(module.Placed2(), 'spec.Placed'))
    torch.class 'SpecGlobal'
    assert.is_nil(rawget(_G, 'SpecGlobal'))
    assert.is_nil(rawget(_G, 'spec'))
  end)

  it('answer to metamethods with underscores on both sides', function()
    local V = torch.class 'spec.V'
    function V:__init(x) self.x = x end
    function V.__add__(a, b) return V((type(a) == 'table' and a.x or a) + (type(b) == 'table' and b.x or b)) end
    function V:__tostring__() return 'V' .. self.x end
    function V:__call__(y) return self.x * y end
    function V:__unm__() return V(-self.x) end
    function V.__eq__(a, b) return a.x == b.x end
    function V.__lt__(a, b) return a.x < b.x end
    function V.__le__(a, b) return a.x <= b.x end
    function V.__concat__(a, b) return tostring(a) .. '|' .. tostring(b) end
    assert.equals('V3', tostring(V(1) + V(2)))
    assert.equals('V3', tostring(1 + V(2)))
    assert.equals(6, V(2)(3))
    assert.equals('V-2', tostring(-V(2)))
    assert.is_true(V(1) == V(1))
    assert.is_true(V(1) < V(2) and V(1) <= V(1))
    assert.equals('V1|x', V(1) .. 'x')
    local W = torch.class('spec.W', 'spec.V')
    assert.equals('V5', tostring(W(5)))
    assert.equals(10, W(5)(2))
    function W:__tostring__() return 'W' .. self.x end
    assert.equals('W5', tostring(W(5)))
    function V:__call__() return 'changed' end
    assert.equals('changed', W(5)(2))
    function V:__div__() return 'divided' end
    assert.equals('divided', W(1) / 2)
  end)

  it('take Lua\'s own metamethods too', function()
    local A = torch.class 'spec.Own'
    function A:__call(x) return x + 1 end -- luacheck: ignore
    A.__tostring = function() return 'own' end
    local B = torch.class('spec.OwnChild', 'spec.Own')
    assert.equals(3, B()(2))
    assert.equals('own', tostring(B()))
  end)

  it('look up fields through __index__ and store them through __newindex__', function()
    local P = torch.class 'spec.Proxy'
    function P:__init() rawset(self, 'hidden', {}) end
    function P:__index__(key)
      if type(key) == 'number' then return key * 2, true end
      return false
    end
    function P:__newindex__(key, value)
      if type(key) == 'number' then
        self.hidden[key] = value
        return true
      end
      return false
    end
    function P:method() return 'method' end
    local Q = torch.class('spec.ProxyChild', 'spec.Proxy')
    for _, p in ipairs {P(), Q()} do
      assert.equals(8, p[4])
      assert.equals('method', p:method())
      p[3] = 'x'
      p.field = 'y'
      assert.equals('x', p.hidden[3])
      assert.equals('y', p.field)
      assert.equals(6, p[3])
    end
  end)

  it('refuse wrong definitions', function()
    torch.class 'spec.Once'
    for _, f in ipairs {function() torch.class 'spec.Once' end, function() torch.class('spec.Orphan', 'spec.NoSuchParent') end,
      function() torch.class() end, function() torch.class '' end, function() torch.class('spec.T', 'torch.FloatTensor') end,
      function() torch.class('spec.T', 'spec.Once', 3) end, function() torch.setmetatable({}, 'spec.None') end,
      function() torch.isTypeOf({}, 3) end} do
      local ok, message = pcall(f)
      assert.is_false(ok)
      assert.truthy(message:find 'class_spec.lua', message)
    end
    assert.is_nil(torch.factory 'spec.None')
    assert.is_nil(torch.getmetatable 'spec.None')
  end)
end)

describe('beside them', function()
  it('timers run, stop and start again', function()
    local t = torch.Timer()
    local sum = 0
    for i = 1, 1e6 do sum = sum + i end
    local first = t:time()
    assert.is_true(first.real > 0 and first.user >= 0 and first.sys >= 0)
    t:stop()
    local stopped = t:time().real
    assert.equals(stopped, t:time().real)
    t:resume()
    assert.is_true(t:time().real >= stopped)
    t:reset()
    assert.is_true(t:time().real < 1)
    assert.equals('torch.Timer', torch.typename(t))
    assert.truthy(tostring(t):find 'running')
    torch.tic()
    assert.is_true(torch.toc() >= 0)
  end)

  it('threads are set and read', function()
    local n = torch.getnumthreads()
    torch.setnumthreads(1)
    assert.equals(1, torch.getnumthreads())
    torch.setnumthreads(n)
    assert.has_error(function() torch.setnumthreads(0) end)
    assert.has_error(function() torch.setnumthreads 'x' end)
  end)

  it('pointers tell objects apart', function()
    local a, b = torch.FloatTensor(1), torch.FloatTensor(1)
    assert.equals(torch.pointer(a), torch.pointer(a))
    assert.are_not.equals(torch.pointer(a), torch.pointer(b))
    assert.equals(torch.pointer(a:storage()), torch.pointer(a:storage()))
    local t = {}
    assert.equals(torch.pointer(t), torch.pointer(t))
    assert.has_error(function() torch.pointer(3) end)
    assert.has_error(function() torch.pointer 'x' end)
  end)

  it('no global is made', function()
    for _, name in ipairs {'torch', 'gantry', 'nn', 'class', 'tensor'} do assert.is_nil(rawget(_G, name)) end
  end)
end)
