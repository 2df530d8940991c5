--- Storages: the counted blocks of elements that tensors are views of. `s[i]` reads and writes (1-based), `#s` counts.
-- @module gantry.torch.storage
local ffi = require 'ffi'
local native = require 'gantry.native'
local dtypes = require 'gantry.torch.dtypes'
local class = require 'gantry.torch.class'

local C, fail, check = native.C, native.fail, native.check
local istype, cast, tonumber, type = ffi.istype, ffi.cast, tonumber, type
local pointers, integer = dtypes.pointers, dtypes.integer
local storage_t = ffi.typeof('gt_storage')

local storage = {}

--- Methods of each type of storage, by code.
storage.methods = {}
local common = {}

--- Whether x is a storage. (Lua holds references, `gt_storage &`: a pointer would answer s[i] and s + 1 itself.)
-- @param x any value
-- @treturn boolean
function storage.is(x) return istype(storage_t, x) and x ~= nil end
local is = storage.is

local function want(s, what)
  if not is(s) then fail('%s: argument 1 is a %s, wanted a storage', what, class.type(s)) end
end

--- A storage of `count` elements, not cleared.
-- @tparam number dtype type code
-- @tparam number count elements
-- @treturn storage
function storage.new(dtype, count) return native.new_storage(dtype, count) end

--- A second handle on a storage that C holds.
-- @param s gt_storage pointer, not NULL
-- @treturn storage
function storage.share(s)
  C.gt_storage_retain(s)
  return ffi.gc(s[0], C.gt_storage_free)
end

local MAY_BE_GONE = bit.bor(C.GT_RELEASED, C.GT_MAPPED)

--- Raises an error where the elements cannot be had: their memory was released, or the file that they are in got shorter.
-- @param s storage, or gt_storage pointer that is not NULL
-- @tparam string what the function's name
function storage.want_there(s, what)
  if bit.band(s.flags, MAY_BE_GONE) ~= 0 then check(C.gt_storage_check(s, what)) end
end

-- The elements, as a typed pointer. Whoever writes through it calls gt_storage_touch.
local function elements(s)
  storage.want_there(s, 'storage')
  return cast(pointers[s.dtype], s.ptr)
end
storage.elements = elements

--- Makes a storage from what a constructor was given.
-- @tparam number dtype type code
-- @param[opt] a nothing, a count, a table of numbers, or a storage of the same type to share
-- @treturn storage
function storage.construct(dtype, a, ...)
  local name = dtypes.storage_names[dtype]
  if select('#', ...) > 0 then
    fail('%s: one argument is wanted (a count, a table or a storage); for a part of a storage make a tensor with an offset', name)
  end
  if a == nil then return storage.new(dtype, 0) end
  if type(a) == 'table' then
    local n = #a
    local s = storage.new(dtype, n)
    local p = elements(s)
    for i = 1, n do
      local v = a[i]
      if type(v) ~= 'number' then fail('%s: element %d of the table is a %s, wanted a number', name, i, type(v)) end
      p[i - 1] = v
    end
    return s
  end
  if is(a) then
    if a.dtype ~= dtype then fail('%s: got a %s, wanted the same type', name, dtypes.storage_names[a.dtype]) end
    return a
  end
  local n = integer(a, name, 'the count')
  if n < 0 then fail('%s: %d elements, wanted at least 0', name, n) end
  return storage.new(dtype, n)
end

local function position(s, key)
  local n = tonumber(s.count)
  local i = integer(key, 'storage', 'the index')
  if i < 1 or i > n then fail('storage: index %d is outside 1..%d', i, n) end
  return i - 1
end

--- What `s[key]` gives: an element for a number, a method for a string.
function storage.index(s, key)
  if type(key) == 'string' then return storage.methods[s.dtype][key] end
  return dtypes.number_at(s.dtype, elements(s) + position(s, key))
end

--- What `s[key] = value` does.
function storage.newindex(s, key, value)
  if type(key) == 'string' then fail("storage: there is no field '%s' to set", key) end
  local i = position(s, key)
  elements(s)[i] = dtypes.number(value, 'storage', 'the value')
  C.gt_storage_touch(s)
end

--- Number of elements.
function common.size(s)
  want(s, 'size')
  return tonumber(s.count)
end

--- Sets every element.
-- @tparam number value what to
-- @treturn storage itself
function common.fill(s, value)
  want(s, 'fill')
  value = dtypes.number(value, 'fill', 'the value')
  local p = elements(s)
  for i = 0, tonumber(s.count) - 1 do p[i] = value end
  C.gt_storage_touch(s)
  return s
end

--- Copies, and converts, from a storage of the same size.
-- @treturn storage itself
function common.copy(s, from)
  want(s, 'copy')
  if not is(from) then fail('copy: argument 2 is a %s, wanted a storage', class.type(from)) end
  local n = tonumber(s.count)
  if tonumber(from.count) ~= n then fail('copy: got %d elements for a storage of %d', tonumber(from.count), n) end
  local p, q = elements(s), elements(from)
  if s.dtype == from.dtype then
    if n > 0 then ffi.copy(p, q, n * dtypes.sizes[s.dtype]) end
  else
    for i = 0, n - 1 do p[i] = q[i] end
  end
  C.gt_storage_touch(s)
  return s
end

--- Changes the number of elements; keeps those that fit.
-- @treturn storage itself
function common.resize(s, n)
  want(s, 'resize')
  n = integer(n, 'resize', 'the count')
  if n < 0 then fail('resize: %d elements, wanted at least 0', n) end
  check(C.gt_storage_resize(s, n))
  return s
end

--- The elements as a Lua table.
function common.totable(s)
  want(s, 'totable')
  local p, result = elements(s), {}
  for i = 1, tonumber(s.count) do result[i] = tonumber(p[i - 1]) end
  return result
end

--- The bytes of a Byte or Char storage as a string; with an argument, sets size and contents from a string.
function common.string(s, text)
  want(s, 'string')
  if dtypes.sizes[s.dtype] ~= 1 then fail('string: got a %s, wanted a ByteStorage or a CharStorage', dtypes.storage_names[s.dtype]) end
  if text == nil then
    return s.count == 0 and '' or ffi.string(elements(s), tonumber(s.count))
  end
  if type(text) ~= 'string' then fail('string: argument 2 is a %s, wanted a string', type(text)) end
  check(C.gt_storage_resize(s, #text))
  if #text > 0 then ffi.copy(elements(s), text, #text) end
  C.gt_storage_touch(s)
  return s
end

--- The address of the first element, as a typed pointer. Writes through it are not noticed by what caches the contents.
function common.data(s)
  want(s, 'data')
  s.flags = bit.bor(s.flags, C.GT_EXPOSED)
  return elements(s)
end

--- Bytes of one element.
function common.elementSize(s)
  want(s, 'elementSize')
  return dtypes.sizes[s.dtype]
end

--- Without an argument the type's name, 'torch.FloatStorage'; with one, a converted copy (itself, if it is of that type).
function common.type(s, name)
  want(s, 'type')
  if name == nil then return dtypes.storage_names[s.dtype] end
  local dtype = dtypes.code_of(dtypes.storage_codes, name, 'type')
  if dtype == s.dtype then return s end
  return common.copy(storage.new(dtype, tonumber(s.count)), s)
end

--- As a torch.ByteStorage: converted, or itself where it is one.
-- @function byte

--- As a torch.CharStorage: converted, or itself where it is one.
-- @function char

--- As a torch.ShortStorage: converted, or itself where it is one.
-- @function short

--- As a torch.IntStorage: converted, or itself where it is one.
-- @function int

--- As a torch.LongStorage: converted, or itself where it is one.
-- @function long

--- As a torch.FloatStorage: converted, or itself where it is one.
-- @function float

--- As a torch.DoubleStorage: converted, or itself where it is one.
-- @function double

--- A new storage of this one's type: see torch.FloatStorage.
-- @function new

--- The storage of a type, as torch.type names it.
storage.constructors = {}
for dtype, name in pairs(dtypes.names) do
  local methods = setmetatable({}, {__index = common})
  storage.methods[dtype] = methods
  local function construct(...) return storage.construct(dtype, ...) end
  methods.new = construct
  common[name:lower()] = function(s) return common.type(s, 'torch.' .. name .. 'Storage') end
  storage.constructors[dtype] = setmetatable({}, {
    __call = function(_, ...) return storage.construct(dtype, ...) end,
    __index = methods, __newindex = methods,
  })
  class.register_native(dtypes.storage_names[dtype], methods, function() return storage.new(dtype, 0) end)
end

class.register_namer(function(x) return is(x) and dtypes.storage_names[x.dtype] or nil end)

return storage
