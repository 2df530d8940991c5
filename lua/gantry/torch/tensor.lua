--- Making tensors, and telling them from other things. What the other files of gantry.torch are built on.
-- A tensor is a `gt_tensor` struct with a finalizer; its C fields (store, offset, shape, step, rank, dtype) can be read, 0-based.
-- @module gantry.torch.tensor
local ffi = require 'ffi'
local native = require 'gantry.native'
local dtypes = require 'gantry.torch.dtypes'
local class = require 'gantry.torch.class'
local storage = require 'gantry.torch.storage'

local C, fail, check, new = native.C, native.fail, native.check, native.new_tensor
local istype, cast, tonumber, type = ffi.istype, ffi.cast, tonumber, type
local integer, pointers = dtypes.integer, dtypes.pointers
local tensor_t = ffi.typeof('gt_tensor')

local tensor = {}

--- Methods of each type of tensor, by code. Filled by gantry.torch.
tensor.methods = {}

--- The default type's code: what torch.Tensor makes.
tensor.default = C.GT_FLOAT

--- A new, empty tensor.
-- @tparam number dtype type code (native.C.GT_FLOAT ...)
-- @treturn tensor
tensor.new = new

--- Whether x is a tensor.
-- @param x any value
-- @treturn boolean
function tensor.is(x) return istype(tensor_t, x) and x ~= nil end
local is = tensor.is

--- Raises an error unless x is a tensor.
-- @param x the argument
-- @tparam string what the function's name
-- @tparam string argument the argument's name
function tensor.want(x, what, argument)
  if not is(x) then
    fail('%s: %s is %s, wanted a tensor', what, argument or 'argument 1', x == nil and 'nil' or 'a ' .. class.type(x))
  end
end
local want = tensor.want

--- Raises an error unless x is a tensor of a type.
-- @param x the argument
-- @tparam number dtype the code of the type that is wanted
-- @tparam string what the function's name
-- @tparam string argument the argument's name
function tensor.want_type(x, dtype, what, argument)
  want(x, what, argument)
  if x.dtype ~= dtype then
    fail('%s: %s is a %s, wanted a %s', what, argument, dtypes.tensor_names[x.dtype], dtypes.tensor_names[dtype])
  end
end

--- The 0-based number of a dimension out of a 1-based argument.
-- @tparam tensor t the tensor
-- @tparam number dim the argument
-- @tparam string what the function's name
-- @treturn number
function tensor.dim(t, dim, what)
  local d = integer(dim, what, 'the dimension')
  if d < 1 or d > t.rank then fail('%s: dimension %d is outside 1..%d', what, d, t.rank) end
  return d - 1
end

--- "2x3x4" for messages.
-- @tparam tensor t the tensor
-- @treturn string
function tensor.shape_text(t)
  if t.rank == 0 then return 'empty' end
  local parts = {}
  for d = 1, t.rank do parts[d] = ('%d'):format(tonumber(t.shape[d - 1])) end
  return table.concat(parts, 'x')
end

--- The first element, as a typed pointer. Whoever writes through it calls tensor.touch. Only good while nothing resizes t.
-- @tparam tensor t the tensor, not empty
-- @tparam string what the function's name, for the message where the memory is gone
-- @treturn cdata
function tensor.pointer(t, what)
  local s = t.store
  if s == nil then fail('%s: the tensor is empty', what) end
  storage.want_there(s, what)
  if s.ptr == nil then fail('%s: the tensor is empty', what) end
  return cast(pointers[t.dtype], s.ptr) + t.offset
end

--- Notes that t was written to through a pointer.
-- @tparam tensor t the tensor
function tensor.touch(t)
  if t.store ~= nil then C.gt_storage_touch(t.store) end
end

--- The same, where what was written came from a file: numbers that LuaJIT would take for objects are made NaN (gt_storage_received).
function tensor.received(t)
  if t.store ~= nil then C.gt_storage_received(t.store) end
end

--- Number of elements.
-- @tparam tensor t the tensor
-- @treturn number
function tensor.count(t)
  if t.rank == 0 then return 0 end
  local n = 1
  for d = 0, t.rank - 1 do n = n * tonumber(t.shape[d]) end
  return n
end
local count = tensor.count

--- t itself where it is contiguous, else a contiguous copy.
-- @tparam tensor t the tensor
-- @treturn tensor
function tensor.contiguous(t)
  if C.gt_is_contiguous(t) ~= 0 then return t end
  local r = new(t.dtype)
  native.resize(r, t.rank, t.shape)
  check(C.gt_copy(r, t))
  return r
end

--- A contiguous copy of t, in another type if one is given.
-- @tparam tensor t the tensor
-- @tparam[opt] number dtype code of the copy's type
-- @treturn tensor
function tensor.copy_of(t, dtype)
  local r = new(dtype or t.dtype)
  native.resize(r, t.rank, t.shape)
  if t.rank > 0 then check(C.gt_copy(r, t)) end
  return r
end

--- Makes t the view of a storage that a file or a constructor describes; shape and step are int64_t arrays, step may be nil.
function tensor.set(t, s, offset, rank, shape, step) check(C.gt_tensor_set(t, s, offset, rank, shape, step)) end

-- ---- sizes --------------------------------------------------------------------------------------------------------

local shape_buffer = ffi.new('int64_t[8]')
local step_buffer = ffi.new('int64_t[8]')

--- Where tensor.read_shape leaves the sizes; good until its next call.
tensor.shape_buffer = shape_buffer

local function read_list(list, n, what)
  if n > 8 then fail('%s: got %d dimensions, wanted at most 8', what, n) end
  for i = 1, n do shape_buffer[i - 1] = integer(list[i], what, 'a size') end
  return n
end

--- Reads sizes given as numbers, as a LongStorage or as a table into tensor.shape_buffer.
-- @tparam string what the function's name
-- @param a the first size, or a LongStorage, or a table; followed by up to seven more sizes
-- @treturn number how many there are
function tensor.read_shape(what, a, b, c, d, e, f, g, h, i)
  local kind = type(a)
  if kind == 'table' then return read_list(a, #a, what) end
  if kind == 'cdata' and storage.is(a) then return read_list(a, tonumber(a.count), what) end
  shape_buffer[0] = integer(a, what, 'a size')
  if b == nil then return 1 end
  shape_buffer[1] = integer(b, what, 'a size')
  if c == nil then return 2 end
  shape_buffer[2] = integer(c, what, 'a size')
  if d == nil then return 3 end
  shape_buffer[3] = integer(d, what, 'a size')
  if e == nil then return 4 end
  shape_buffer[4] = integer(e, what, 'a size')
  if f == nil then return 5 end
  shape_buffer[5] = integer(f, what, 'a size')
  if g == nil then return 6 end
  shape_buffer[6] = integer(g, what, 'a size')
  if h == nil then return 7 end
  shape_buffer[7] = integer(h, what, 'a size')
  if i ~= nil then fail('%s: got more than 8 sizes', what) end
  return 8
end
local read_shape = tensor.read_shape

--- A tensor of given sizes, not cleared.
-- @tparam number dtype type code
-- @param a sizes: numbers, a table or a LongStorage
-- @treturn tensor
-- @usage local x = tensor.empty(native.C.GT_FLOAT, {2, 3})
function tensor.empty(dtype, a, b, c, d, e, f, g, h)
  local t = new(dtype)
  if a == nil then return t end
  native.resize(t, read_shape('tensor', a, b, c, d, e, f, g, h), shape_buffer)
  return t
end

--- A tensor of the type and sizes of another, not cleared.
-- @tparam tensor like the other
-- @treturn tensor
function tensor.empty_like(like)
  local t = new(like.dtype)
  native.resize(t, like.rank, like.shape)
  return t
end

-- ---- constructors -------------------------------------------------------------------------------------------------

-- The shape of nested tables goes to shape_buffer; returns the depth.
local function nested_shape(value, what)
  local rank = 0
  while type(value) == 'table' do
    if rank == 8 then fail('%s: tables nested more than 8 deep', what) end
    shape_buffer[rank] = #value
    rank = rank + 1
    value = value[1]
  end
  return rank
end

local function fill_nested(p, at, value, depth, rank, sizes, what)
  local n = sizes[depth]
  if type(value) ~= 'table' or #value ~= n then
    fail('%s: the tables do not form a block: got %s at depth %d, wanted a table of %d', what,
      type(value) == 'table' and 'a table of ' .. #value or 'a ' .. class.type(value), depth, n)
  end
  if depth < rank then
    for i = 1, n do at = fill_nested(p, at, value[i], depth + 1, rank, sizes, what) end
    return at
  end
  for i = 1, n do
    local v = value[i]
    if type(v) ~= 'number' then fail('%s: element %d of a table is a %s, wanted a number', what, i, class.type(v)) end
    p[at] = v
    at = at + 1
  end
  return at
end

--- A tensor of the numbers in nested tables.
-- @tparam number dtype type code
-- @tparam table values numbers, or tables of equal shape
-- @treturn tensor
function tensor.from_table(dtype, values)
  local what = dtypes.tensor_names[dtype]
  local t = new(dtype)
  local rank = nested_shape(values, what)
  local sizes, n = {}, 1
  for d = 1, rank do
    sizes[d] = tonumber(shape_buffer[d - 1])
    n = n * sizes[d]
  end
  if n == 0 then
    if rank == 1 then return t end
    fail('%s: an empty table inside a table', what)
  end
  native.resize(t, rank, shape_buffer)
  fill_nested(tensor.pointer(t, what), 0, values, 1, rank, sizes, what)
  return t
end

-- (storage, offset, size1, stride1, size2, stride2, ...) or (storage, offset, sizes, strides); strides of -1, or none, are
-- those of a contiguous tensor.
local function set_to_storage(t, what, s, offset, a, ...)
  if s.dtype ~= t.dtype then
    fail('%s: got a %s, wanted a %s', what, dtypes.storage_names[s.dtype], dtypes.storage_names[t.dtype])
  end
  offset = offset == nil and 1 or integer(offset, what, 'the offset')
  if offset < 1 then fail('%s: offset %d, wanted at least 1', what, offset) end
  local rank
  if a == nil then
    rank = 1
    local left = tonumber(s.count) - offset + 1
    if left < 0 then fail('%s: offset %d is outside the storage of %d elements', what, offset, tonumber(s.count)) end
    if left == 0 then rank = 0 end
    shape_buffer[0], step_buffer[0] = left, 1
  elseif type(a) == 'table' or storage.is(a) then
    rank = read_shape(what, a)
    local steps = ...
    if steps ~= nil and type(steps) ~= 'table' and not storage.is(steps) then
      fail('%s: the strides are a %s, wanted a LongStorage or a table', what, class.type(steps))
    end
    if steps ~= nil and #steps ~= rank then fail('%s: got %d sizes and %d strides', what, rank, #steps) end
    for d = 1, rank do step_buffer[d - 1] = steps and integer(steps[d], what, 'a stride') or -1 end
  else
    local n = select('#', ...) + 1
    rank = math.ceil(n / 2)
    if rank > 8 then fail('%s: got %d dimensions, wanted at most 8', what, rank) end
    local list = {a, ...}
    for d = 1, rank do
      shape_buffer[d - 1] = integer(list[2 * d - 1], what, 'a size')
      step_buffer[d - 1] = list[2 * d] == nil and -1 or integer(list[2 * d], what, 'a stride')
    end
  end
  for d = rank - 1, 0, -1 do
    if step_buffer[d] < 0 then
      step_buffer[d] = d == rank - 1 and 1 or shape_buffer[d + 1] * step_buffer[d + 1]
    end
  end
  check(C.gt_tensor_set(t, s, offset - 1, rank, shape_buffer, step_buffer))
  return t
end

--- A tensor of a type, its elements not cleared; or a view of a storage. What torch.FloatTensor(...) and its like do.
-- @param ... nothing; sizes; LongStorage sizes [, strides]; nested tables; a storage [, offset [, sizes, strides]]; or a
--   tensor of the same type, whose storage is shared
-- @treturn tensor
function tensor.construct(dtype, ...)
  local t = new(dtype)
  local a, b = ...
  local n = select('#', ...)
  if n == 0 then return t end
  local what = dtypes.tensor_names[dtype]
  local kind = type(a)
  if kind == 'number' then
    native.resize(t, read_shape(what, ...), shape_buffer)
    return t
  elseif kind == 'table' then
    return tensor.from_table(dtype, a)
  elseif is(a) then
    if a.dtype ~= dtype then
      fail("%s: got a %s; convert it with :type('%s')", what, dtypes.tensor_names[a.dtype], what)
    end
    check(C.gt_tensor_set_to(t, a))
    return t
  elseif storage.is(a) then
    if a.dtype == dtype then return set_to_storage(t, what, ...) end
    if a.dtype == C.GT_LONG then
      local rank = read_shape(what, a)
      if b == nil then
        native.resize(t, rank, shape_buffer)
        return t
      end
      return set_to_storage(t, what, storage.new(dtype, 0), 1, a, b)
    end
    fail('%s: got a %s, wanted a %s, or a LongStorage of sizes', what, dtypes.storage_names[a.dtype], dtypes.storage_names[dtype])
  end
  fail('%s: argument 1 is %s, wanted sizes, a table, a storage or a tensor', what, a == nil and 'nil' or 'a ' .. class.type(a))
end

--- Makes t a view of a storage or of another tensor: the method `set`.
-- @tparam tensor t the tensor
-- @param source a tensor, a storage (with offset, sizes and strides as in the constructor) or nothing
-- @treturn tensor t
function tensor.set_to(t, source, ...)
  if is(source) then
    check(C.gt_tensor_set_to(t, source))
  elseif storage.is(source) then
    set_to_storage(t, 'set', source, ...)
  elseif source == nil then
    check(C.gt_tensor_set(t, nil, 0, 0, shape_buffer, nil))
  else
    fail('set: argument 2 is a %s, wanted a tensor or a storage', class.type(source))
  end
  return t
end

--- Where a shape function puts its result, and what it works on: t and u where u is a tensor, as in r:view(x, sizes), else a
-- new tensor and t.
-- @tparam tensor t the first argument
-- @param u the second argument
-- @treturn tensor result
-- @treturn tensor source
function tensor.target(t, u)
  if not is(u) then return new(t.dtype), t end
  if t.dtype ~= u.dtype then fail('a view of a %s cannot be a %s', dtypes.tensor_names[u.dtype], dtypes.tensor_names[t.dtype]) end
  return t, u
end

--- A LongStorage of the sizes, as `#t` and `t:size()` give.
-- @tparam tensor t the tensor
-- @treturn storage
function tensor.sizes(t)
  local s = storage.new(C.GT_LONG, t.rank)
  local p = cast('int64_t *', s.ptr)
  for d = 0, t.rank - 1 do p[d] = t.shape[d] end
  return s
end

--- A LongStorage of the strides.
-- @tparam tensor t the tensor
-- @treturn storage
function tensor.steps(t)
  local s = storage.new(C.GT_LONG, t.rank)
  local p = cast('int64_t *', s.ptr)
  for d = 0, t.rank - 1 do p[d] = t.step[d] end
  return s
end

--- The number in a tensor of one element.
-- @tparam tensor t the tensor
-- @treturn number
function tensor.item(t)
  if count(t) ~= 1 then fail('item: the tensor has %d elements (size %s), wanted 1', count(t), tensor.shape_text(t)) end
  return dtypes.number_at(t.dtype, tensor.pointer(t, 'item'))
end

--- A new tensor of this one's type: see torch.FloatTensor.
-- @function new

--- The constructors torch.FloatTensor ..., by code: callable, and indexing them reads and adds methods.
tensor.constructors = {}
for dtype, name in pairs(dtypes.tensor_names) do
  local methods = {}
  tensor.methods[dtype] = methods
  methods.new = function(...) return tensor.construct(dtype, ...) end
  tensor.constructors[dtype] = setmetatable({}, {
    __call = function(_, ...) return tensor.construct(dtype, ...) end,
    __index = methods, __newindex = methods,
  })
  class.register_native(name, methods, function() return new(dtype) end)
end

class.register_namer(function(x) return is(x) and dtypes.tensor_names[x.dtype] or nil end)

return tensor
