--- `x[i]`, `x[{...}]`, `x[mask]`: reading and writing elements and parts of a tensor. Indices are 1-based; negative ones count
-- from the end.
-- @module gantry.torch.access
local ffi = require 'ffi'
local native = require 'gantry.native'
local dtypes = require 'gantry.torch.dtypes'
local tensor = require 'gantry.torch.tensor'
local storage = require 'gantry.torch.storage'
local class = require 'gantry.torch.class'

local C, fail, check, new = native.C, native.fail, native.check, native.new_tensor
local cast, tonumber, type = ffi.cast, tonumber, type
local pointers, integer, number_at = dtypes.pointers, dtypes.integer, dtypes.number_at
local is, methods = tensor.is, tensor.methods

local access = {}

local index_buffer = ffi.new('int64_t[8]')
local value_buffer = ffi.new('double[1]')

-- The 0-based position that index i names in dimension d (0-based).
local function position(t, d, i)
  local n = tonumber(t.shape[d])
  local at = i
  if type(at) ~= 'number' or at % 1 ~= 0 then at = integer(i, 'index', 'an index') end
  if at < 0 then at = n + at + 1 end
  if at < 1 or at > n then fail('index: %d is outside 1..%d of dimension %d', integer(i, 'index', 'an index'), n, d + 1) end
  return at - 1
end

-- Where element i of a 1-dimensional tensor is, and in what.
local function element(t, i)
  local at = position(t, 0, i) * tonumber(t.step[0])
  local s = t.store
  if s == nil or s.ptr == nil then tensor.pointer(t, 'index') end
  return cast(pointers[t.dtype], s.ptr), at + tonumber(t.offset)
end

local function want_rank(t)
  if t.rank == 0 then fail('index: the tensor is empty') end
end

-- The view that a list of indices and ranges names; second result: the number itself where every dimension is named.
local function range(t, list)
  want_rank(t)
  local n = #list
  if n > t.rank then fail('index: got %d indices for a tensor of %d dimensions', n, t.rank) end
  local all = n == t.rank
  for d = 1, n do
    if type(list[d]) == 'table' then all = false end
  end
  if all then
    for d = 0, n - 1 do index_buffer[d] = position(t, d, list[d + 1]) end
    return nil, n
  end
  local r = new(t.dtype)
  check(C.gt_tensor_set_to(r, t))
  local d = 0
  for k = 1, n do
    local part = list[k]
    if type(part) == 'table' then
      if #part > 2 then fail('index: a range of %d numbers, wanted {}, {i} or {first, last}', #part) end
      if part[1] ~= nil then
        local first = position(r, d, part[1])
        local last = part[2] == nil and first or position(r, d, part[2])
        if last < first then fail('index: the range {%s, %s} of dimension %d is empty', tostring(part[1]), tostring(part[2]), k) end
        check(C.gt_narrow(r, r, d, first, last - first + 1))
      end
      d = d + 1
    else
      check(C.gt_select(r, r, d, position(r, d, part)))
    end
  end
  return r
end

--- What `t[key]` gives.
-- @tparam tensor t the tensor
-- @param key a number (element of a 1-D tensor, slice of others), a table of numbers and ranges ({} all, {i}, {first, last}),
--   a ByteTensor (the elements where it is not 0), a LongStorage (one element), or a method's name
-- @return a number, a tensor that shares memory (a copy for masks), or a method
function access.index(t, key)
  local kind = type(key)
  if kind == 'string' then return methods[t.dtype][key] end
  if kind == 'number' then
    if t.rank == 1 then
      local p, at = element(t, key)
      return number_at(t.dtype, p + at)
    end
    want_rank(t)
    local r = new(t.dtype)
    check(C.gt_select(r, t, 0, position(t, 0, key)))
    return r
  elseif kind == 'table' then
    local r, rank = range(t, key)
    if r then return r end
    check(C.gt_get(t, rank, index_buffer, value_buffer))
    return value_buffer[0]
  elseif is(key) then
    if key.dtype ~= C.GT_BYTE then fail('index: got a %s, wanted a ByteTensor as mask', dtypes.tensor_names[key.dtype]) end
    local r = new(t.dtype)
    check(C.gt_masked_select(r, t, key))
    return r
  elseif storage.is(key) then
    return access.index(t, key:totable())
  elseif kind == 'cdata' and tonumber(key) then
    return access.index(t, tonumber(key))
  end
  fail('index: a tensor cannot be indexed with %s', key == nil and 'nil' or 'a ' .. class.type(key))
end

-- Writes a number or a tensor into a view that was made for it.
local function assign(view, value)
  if type(value) == 'number' then
    check(C.gt_fill(view, value))
  elseif is(value) then
    if tensor.count(view) ~= tensor.count(value) then
      fail('index: a tensor of size %s cannot be put where size %s is', tensor.shape_text(value), tensor.shape_text(view))
    end
    check(C.gt_copy(view, value))
  else
    fail('index: got %s, wanted a number or a tensor to put there', value == nil and 'nil' or 'a ' .. class.type(value))
  end
end

local function as_number(value)
  if type(value) == 'number' then return value end
  if is(value) then return tensor.item(value) end
  return dtypes.number(value, 'index', 'the value')
end

--- What `t[key] = value` does.
-- @tparam tensor t the tensor
-- @param key as for reading
-- @param value a number, or a tensor with as many elements
function access.newindex(t, key, value)
  local kind = type(key)
  if kind == 'number' then
    if t.rank == 1 then
      local p, at = element(t, key)
      p[at] = as_number(value)
      C.gt_storage_touch(t.store)
      return
    end
    want_rank(t)
    local r = new(t.dtype)
    check(C.gt_select(r, t, 0, position(t, 0, key)))
    return assign(r, value)
  elseif kind == 'table' then
    local r, rank = range(t, key)
    if r then return assign(r, value) end
    check(C.gt_put(t, rank, index_buffer, as_number(value)))
  elseif is(key) then
    if key.dtype ~= C.GT_BYTE then fail('index: got a %s, wanted a ByteTensor as mask', dtypes.tensor_names[key.dtype]) end
    if is(value) then check(C.gt_masked_copy(t, key, value))
    else check(C.gt_masked_fill(t, key, dtypes.number(value, 'index', 'the value'))) end
  elseif storage.is(key) then
    access.newindex(t, key:totable(), value)
  elseif kind == 'string' then
    fail("index: a tensor has no field '%s' to set; methods are added to its class, torch.FloatTensor.name = ...", key)
  elseif kind == 'cdata' and tonumber(key) then
    access.newindex(t, tonumber(key), value)
  else
    fail('index: a tensor cannot be indexed with %s', key == nil and 'nil' or 'a ' .. class.type(key))
  end
end

return access
