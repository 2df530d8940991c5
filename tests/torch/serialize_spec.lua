-- .t7 files: Torch7's own are read, ours come back as they were and keep its format, bad ones are errors.
local ffi = require 'ffi'
local torch = require 'gantry.torch'
local native = require 'gantry.native'

local DATA = (os.getenv 'GANTRY_DATA' or '../shared/data') .. '/torch7/'

local function slurp(path)
  local file = io.open(path, 'rb')
  if not file then return nil end
  local text = file:read '*a'
  file:close()
  return text
end

local function round(object, format) return torch.deserialize(torch.serialize(object, format)) end

local TYPES = {'Byte', 'Char', 'Short', 'Int', 'Long', 'Float', 'Double'}

describe('Torch7\'s files', function()
  it('with every type are read', function()
    if not slurp(DATA .. 'types.t7') then return pending(DATA .. 'types.t7 is not here') end
    local t = torch.load(DATA .. 'types.t7')
    assert.same({1, 2, 255}, t.byte:totable())
    assert.same({-1, 2}, t.char:totable())
    assert.same({-300, 300}, t.short:totable())
    assert.same({1, -70000}, t.int:totable())
    assert.same({1, 2 ^ 40}, t.long:totable())
    assert.same({{1, 3}, {2, 4}}, t.float:totable())
    assert.same({1, 2}, t.float:stride():totable())
    assert.same({{0.1, 0.1}, {0.1, 0.1}}, t.double:totable())
    assert.equals(2, t.double:storageOffset())
    assert.equals(0, t.empty:dim())
    assert.equals('torch.FloatStorage', torch.type(t.storage))
    assert.same({1, 2, 3}, t.storage:totable())
    assert.equals('text\0with nul', t.str)
    assert.equals(0.1, t.num)
    assert.is_true(t.yes)
    for _, dtype in ipairs(TYPES) do assert.equals('torch.' .. dtype .. 'Tensor', t[dtype:lower()]:type()) end
  end)

  it('keep their functions asleep', function()
    if not slurp(DATA .. 'types.t7') then return pending(DATA .. 'types.t7 is not here') end
    local f = torch.load(DATA .. 'types.t7').f
    assert.equals('torch.DumpedFunction', torch.type(f))
    assert.has_error(function() f(1) end)
    assert.same({}, f.upvalues)
    local again = round(f)
    assert.equals(f.dumped, again.dumped)
  end)

  it('in ascii are read', function()
    if not slurp(DATA .. 'end_ascii.t7') then return pending(DATA .. 'end_ascii.t7 is not here') end
    for _, format in ipairs {'ascii', false} do
      local t = torch.load(DATA .. 'end_ascii.t7', format or nil)
      assert.equals('written as ascii', t.note)
      assert.same({1, 2, 3}, t.list)
      assert.is_true(t.nested.a.b)
      assert.same({2, 20, 1, 1}, t.z:size():totable())
      assert.is_true(math.abs(t.z[1][1][1][1] - 0.572470129) < 1e-7)
      assert.same({2, 3, 16, 16}, t.image:size():totable())
      -- Nine digits carry a float whole: the binary file has the same image.
      local binary = torch.load(DATA .. 'end.t7', nil, {unknown = 'table'})
      assert.is_true(torch.equal(binary.image, t.image))
      assert.is_true(torch.equal(binary.z, t.z))
    end
  end)

  it('with networks are read, as tables where their classes are not known', function()
    if not slurp(DATA .. 'start.t7') then return pending(DATA .. 'start.t7 is not here') end
    local t = torch.load(DATA .. 'start.t7', 'binary', {unknown = 'table'})
    assert.equals('nn.Sequential', torch.typename(t.G) or t.G.__typename)
    assert.same({20, 32, 4, 4}, t.G.modules[1].weight:size():totable())
    -- getParameters made all weights views of one storage.
    assert.equals(torch.pointer(t.G.modules[1].weight:storage()), torch.pointer(t.G.modules[4].weight:storage()))
  end)
end)

describe('what is saved', function()
  it('comes back: plain values and tables', function()
    for _, format in ipairs {'binary', 'ascii'} do
      for _, value in ipairs {0, -1.5, 1e300, 0.1, 2 ^ 53, 1 / 0, -1 / 0, 'text', '', 'nul\0and\nlines\n', true, false, {},
        {1, 2, {a = {b = 'c'}}}, {[1.5] = 1, [true] = 2, x = false}} do
        assert.same(value, round(value, format), format)
      end
      assert.is_nil(round(nil, format))
      local nan = round(0 / 0, format)
      assert.is_true(nan ~= nan)
    end
  end)

  it('comes back: tensors and storages of all types and layouts', function()
    for _, format in ipairs {'binary', 'ascii'} do
      for _, name in ipairs(TYPES) do
        local t = torch[name .. 'Tensor']{{1, 2, 3}, {100, 10, 13}}
        local back = round(t, format)
        assert.equals(t:type(), back:type())
        assert.same(t:totable(), back:totable())
        assert.same(t:t():totable(), round(t:t(), format):totable())
        local part = round(t:narrow(2, 2, 2), format)
        assert.same({{2, 3}, {10, 13}}, part:totable())
        assert.equals(6, #part:storage())
        assert.same({{1, 1}}, round(t[{{1}, {1}}]:expand(1, 2), format):totable())
        assert.equals(0, round(torch[name .. 'Tensor'](), format):dim())
        assert.same({0, 3}, round(torch[name .. 'Tensor'](0, 3), format):size():totable())
        assert.same({4, 5}, round(torch[name .. 'Storage']{4, 5}, format):totable())
        assert.equals(0, #round(torch[name .. 'Storage'](), format))
      end
      local odd = round(torch.DoubleTensor{1 / 3, 1 / 0, -1 / 0, 1e-310, 0.1}, format)
      assert.same({1 / 3, 1 / 0, -1 / 0, 1e-310, 0.1}, odd:totable())
      assert.is_true(torch.equal(round(torch.FloatTensor{1 / 3, 1e-40, 3e38}, format), torch.FloatTensor{1 / 3, 1e-40, 3e38}))
      assert.same({-2 ^ 52, 2 ^ 52}, round(torch.LongTensor{-2 ^ 52, 2 ^ 52}, format):totable())
    end
  end)

  it('keeps what is shared shared', function()
    local x = torch.range(1, 6)
    local list = {1}
    local object = {a = x, b = x, view = x:narrow(1, 2, 3), list = list, again = list, storage = x:storage()}
    object.itself = object
    local back = round(object)
    assert.equals(back, back.itself)
    assert.equals(back.list, back.again)
    assert.equals(back.a, back.b)
    back.a[3] = 77
    assert.equals(77, back.view[2])
    assert.equals(77, back.storage[3])
  end)

  it('is as Torch7 lays it out', function()
    local function bytes(...) return string.char(...) end
    local int, long = function(v) return bytes(v, 0, 0, 0) end, function(v) return bytes(v, 0, 0, 0, 0, 0, 0, 0) end
    assert.equals(int(1) .. bytes(0, 0, 0, 0, 0, 0, 0xf8, 0x3f), torch.serialize(1.5))
    assert.equals(int(2) .. int(2) .. 'hi', torch.serialize 'hi')
    assert.equals(int(5) .. int(1), torch.serialize(true))
    assert.equals(int(3) .. int(1) .. int(0), torch.serialize {})
    local header = int(1) .. long(2) .. long(1) .. long(1)                  -- dimensions, sizes, strides, offset
    local storage = int(4) .. int(2) .. int(3) .. 'V 1' .. int(17) .. 'torch.ByteStorage' .. long(2) .. bytes(7, 8)
    assert.equals(int(4) .. int(1) .. int(3) .. 'V 1' .. int(16) .. 'torch.ByteTensor' .. header .. storage,
      torch.serialize(torch.ByteTensor{7, 8}))
    assert.equals('4\n1\n3\nV 1\n17\ntorch.FloatTensor\n2\n1 2\n2 1\n1\n4\n2\n3\nV 1\n18\ntorch.FloatStorage\n2\n0.5 1\n',
      torch.serialize(torch.FloatTensor{{0.5, 1}}, 'ascii'))
    assert.equals('3\n1\n1\n2\n1\na\n5\n1\n', torch.serialize({a = true}, 'ascii'))
  end)

  it('goes through files, whole or not at all', function()
    local path = os.tmpname()
    torch.save(path, {x = torch.ones(3)})
    assert.same({1, 1, 1}, torch.load(path).x:totable())
    assert.has_error(function() torch.save(path, {x = coroutine.create(print)}) end)
    assert.same({1, 1, 1}, torch.load(path).x:totable())
    assert.is_nil(io.open(path .. '.writing'))
    torch.save(path, torch.ones(300, 300), 'ascii')
    assert.equals(90000, torch.load(path):sum())
    torch.save(path, {torch.ones(1000, 1000), 'after'})
    assert.equals('after', torch.load(path)[2])
    os.remove(path)
    assert.has_error(function() torch.load(path) end)
    assert.has_error(function() torch.load '/' end)
    assert.has_error(function() torch.save('/no/such/place/x.t7', 1) end)
    assert.has_error(function() torch.load() end)
    assert.has_error(function() torch.save(nil, 1) end)
    assert.has_error(function() torch.serialize(1, 'xml') end)
    assert.has_error(function() torch.deserialize(3) end)
  end)

  it('reads files with 4-byte longs', function()
    local function int(v) return string.char(v, 0, 0, 0) end
    local text = int(4) .. int(1) .. int(3) .. 'V 1' .. int(16) .. 'torch.LongTensor' .. int(1) .. int(2) .. int(1) .. int(1) ..
      int(4) .. int(2) .. int(3) .. 'V 1' .. int(17) .. 'torch.LongStorage' .. int(2) .. int(7) .. int(8)
    assert.same({7, 8}, torch.deserialize(text, 'b32'):totable())
  end)
end)

describe('objects of classes', function()
  local Point = torch.class 'spec.Point'
  function Point:__init(x) self.x = x end
  local Packed = torch.class 'spec.Packed'
  function Packed:__init(n) self.n = n end
  function Packed:write(file)
    file:writeInt(self.n)
    file:writeDouble(0.5)
    file:writeObject {self.n}
    file:writeBool(true)
    file:writeLong(2 ^ 40)
    file:writeObject(torch.ones(self.n))
  end
  function Packed:read(file)
    self.n, self.half, self.list = file:readInt(), file:readDouble(), file:readObject()
    self.yes, self.long = file:readBool(), file:readLong()
    self.ones = file:readObject()
  end

  it('come back as instances, without __init', function()
    for _, format in ipairs {'binary', 'ascii'} do
      local p = Point(torch.ones(2))
      p.me = p
      local back = round(p, format)
      assert.equals('spec.Point', torch.typename(back))
      assert.same({1, 1}, back.x:totable())
      assert.equals(back, back.me)
      local q = round({Packed(3)}, format)[1]
      assert.equals(3, q.n)
      assert.equals(0.5, q.half)
      assert.same({3}, q.list)
      assert.is_true(q.yes)
      assert.equals(2 ^ 40, q.long)
      assert.equals(3, q.ones:sum())
    end
  end)

  it('of classes that are not known are an error, or tables when asked for', function()
    local text = torch.serialize(Point(3)):gsub('spec%.Point', 'spec.Other')
    local ok, message = pcall(torch.deserialize, text)
    assert.is_false(ok)
    assert.truthy(message:find("class 'spec.Other'", 1, true))
    local t = torch.deserialize(text, nil, {unknown = 'table'})
    assert.equals(3, t.x)
    assert.equals('spec.Other', t.__typename)
  end)

  it('refuse what cannot be saved, saying where it is', function()
    local ok, message = pcall(torch.serialize, {a = {b = coroutine.create(print)}})
    assert.is_false(ok)
    assert.truthy(message:find('a.b', 1, true))
    assert.has_error(function() torch.serialize(ffi.new 'int[3]') end)
    assert.has_error(function() torch.serialize(print) end)
    assert.has_error(function() torch.serialize(io.stdout) end)
  end)

  it('save functions in Torch7\'s way, and read them asleep', function()
    local k = 5
    local f = function(x) return x + k end
    local back = round(f)
    assert.equals('torch.DumpedFunction', torch.type(back))
    assert.equals('k', back.upvalues[1].name)
    assert.equals(7, back:restore()(2))
    assert.equals(7, round(back):restore()(2))
  end)

  it('nest deeply, up to a limit that is an error', function()
    local deep = {}
    for _ = 1, 500 do deep = {deep} end
    assert.same(deep, round(deep))
    for _ = 1, 2000 do deep = {deep} end
    assert.has_error(function() torch.serialize(deep) end)
    local text = {}
    for i = 1, 100000 do text[i] = ffi.string(ffi.new('int32_t[5]', 3, i, 1, 5, 1), 20) end
    assert.has_error(function() torch.deserialize(table.concat(text)) end)
  end)
end)

describe('bad files', function()
  local sample = {x = torch.FloatTensor{{1, 2}, {3, 4}}:t(), s = 'text', l = {1, 2, true}, n = torch.LongTensor{5}, f = function() end}

  -- Loads text, which may be nonsense: an error of one line, or some object; never much memory.
  local function try(text, format)
    native.C.gt_pool_reset_peak()
    local before = native.memory().live
    local ok, result = pcall(torch.deserialize, text, format, {unknown = 'table'})
    if not ok then
      assert.is_string(result)
      assert.is_nil(result:find '\n')
    end
    assert.is_true(native.memory().peak - before < 2 ^ 22)
    return ok, result
  end

  it('cut short anywhere are an error', function()
    for _, format in ipairs {'binary', 'ascii'} do
      local text = torch.serialize(sample, format)
      for n = 0, #text - 2 do
        local ok = try(text:sub(1, n), format)
        assert.is_false(ok, format .. ' ' .. n)
      end
    end
  end)

  it('with changed bytes are an error or another object, never a crash', function()
    local state = 1
    local function random(n)
      state = (state * 48271) % 2147483647
      return state % n + 1
    end
    for _, format in ipairs {'binary', 'ascii'} do
      local text = torch.serialize(sample, format)
      for _ = 1, 1000 do
        local bad = text
        for _ = 1, random(3) do
          local i = random(#bad)
          local byte = random(3) == 1 and 255 or random(2) == 1 and random(10) - 1 or random(256) - 1
          bad = bad:sub(1, i - 1) .. string.char(byte) .. bad:sub(i + 1)
        end
        local ok, result = try(bad, format)
        if ok and type(result) == 'table' then
          for _, v in pairs(result) do
            if torch.isTensor(v) and v:nElement() < 1e6 then tostring(v); v:clone() end
          end
        end
      end
    end
  end)

  it('whose bits LuaJIT would take for an object of its own give NaN', function()
    -- A NaN's sign and first bits are where LuaJIT keeps the types of values that are no numbers.
    local highest = {
      FloatTensor = {0xffffffff, 0xfff00000, 0xffe80000, 0xffd80000, 0xffc80001, 0x7fffffff},
      DoubleTensor = {0xffffffff, 0xfffe0000, 0xfffd0000, 0xfffb0000, 0xfff90000, 0x7fffffff},
    }
    for name, list in pairs(highest) do
      for _, bits in ipairs(list) do
        local x, words = torch[name](2):zero(), name == 'FloatTensor' and 1 or 2
        local word = ffi.cast('uint32_t *', x:data())
        for i = 0, 2 * words - 1 do word[i] = bits end
        local read = torch.deserialize(torch.serialize(x))
        assert.equal(words == 1 and 0x7fc00000 or 0x7ff80000, ffi.cast('uint32_t *', read:data())[words - 1])
        for _, t in ipairs {x, read} do
          for _, v in ipairs {t[1], t:storage()[2], t:sum(), t:dot(t), t:narrow(1, 1, 1):item()} do
            assert.equal('number', type(v))
            assert.is_true(v ~= v)
          end
          assert.matches('nan', tostring(t))
          assert.matches('nan', tostring(t:storage()))
        end
      end
    end
    local function number(bits) return ffi.string(ffi.new('int32_t[1]', 1), 4) .. ffi.string(ffi.new('uint32_t[2]', bits, bits), 8) end
    for _, bits in ipairs(highest.DoubleTensor) do assert.equal('number', type(torch.deserialize(number(bits)))) end
  end)

  it('that lie about sizes ask for no memory', function()
    local function int(v) return ffi.string(ffi.new('int32_t[1]', v), 4) end
    local function long(v) return ffi.string(ffi.new('int64_t[1]', v), 8) end
    local function object(name, rest) return int(4) .. int(1) .. int(3) .. 'V 1' .. int(#name) .. name .. rest end
    local storage = int(4) .. int(2) .. int(3) .. 'V 1' .. int(18) .. 'torch.FloatStorage' .. long(2) .. ('\0'):rep(8)
    for i, text in ipairs {
      object('torch.FloatStorage', long(2 ^ 40)), object('torch.FloatStorage', long(-1)),
      object('torch.DoubleStorage', long(3) .. ('x'):rep(20)),
      int(2) .. int(2 ^ 30), int(2) .. int(-5), int(3) .. int(1) .. int(2 ^ 30), int(3) .. int(1) .. int(-1),
      object('torch.FloatTensor', int(9)), object('torch.FloatTensor', int(-1)), object('torch.FloatTensor', int(2 ^ 30)),
      object('torch.FloatTensor', int(1) .. long(3) .. long(1) .. long(1) .. storage),
      object('torch.FloatTensor', int(1) .. long(2) .. long(1) .. long(2) .. storage),
      object('torch.FloatTensor', int(1) .. long(2) .. long(1) .. long(0) .. storage),
      object('torch.FloatTensor', int(1) .. long(2) .. long(-1) .. long(2) .. storage),
      object('torch.FloatTensor', int(1) .. long(2 ^ 50) .. long(1) .. long(1) .. storage),
      object('torch.FloatTensor', int(2) .. long(2 ^ 40) .. long(2 ^ 40) .. long(2 ^ 40) .. long(2 ^ 40) .. long(1) .. storage),
      object('torch.FloatTensor', int(1) .. long(2) .. long(1) .. long(1) .. int(0)),
      object('torch.DoubleTensor', int(1) .. long(2) .. long(1) .. long(1) .. storage),
      object('torch.FloatTensor', int(1) .. long(2) .. long(1) .. long(1) .. int(2) .. int(1) .. 'x'),
      object('torch.FloatTensor', int(1) .. long(2) .. long(1) .. long(1) .. int(4) .. int(1)),
      int(8) .. int(1) .. int(2 ^ 30), int(9) .. int(1), int(-1), '', 'x',
      int(3) .. int(1) .. int(1) .. int(0) .. int(0), int(3) .. int(1) .. int(1) .. int(1) .. ('\255'):rep(8) .. int(5) .. int(1),
    } do
      local ok = try(text, 'binary')
      assert.is_false(ok, 'case ' .. i)
    end
    -- A huge view of little memory is no lie.
    local wide = object('torch.FloatTensor', int(1) .. long(2 ^ 40) .. long(0) .. long(1) .. storage)
    assert.equals(2 ^ 40, torch.deserialize(wide):nElement())
  end)
end)
