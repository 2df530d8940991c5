--- Contents and memory: resize, copy, clone, fill, conversion between types, Lua tables, joining and repeating.
-- Methods of tensors; most are also functions of torch. Dimensions and indices are 1-based.
-- @module gantry.torch.content
local ffi = require 'ffi'
local native = require 'gantry.native'
local dtypes = require 'gantry.torch.dtypes'
local tensor = require 'gantry.torch.tensor'

local C, fail, check, new = native.C, native.fail, native.check, native.new_tensor
local type, tonumber = type, tonumber
local is, want, integer = tensor.is, tensor.want, dtypes.integer
local read_shape, shape_buffer = tensor.read_shape, tensor.shape_buffer

local methods, functions = {}, {}

-- ---- memory -------------------------------------------------------------------------------------------------------

--- Other sizes in place; elements that fit stay, in memory order; new ones are not cleared.
-- @param ... sizes: numbers, or a LongStorage
-- @treturn tensor itself
function methods.resize(t, a, ...)
  want(t, 'resize')
  if a == nil then return t end
  native.resize(t, read_shape('resize', a, ...), shape_buffer)
  return t
end

--- Another tensor's sizes, in place.
-- @tparam tensor like the other, of any type
-- @treturn tensor itself
function methods.resizeAs(t, like)
  want(t, 'resizeAs')
  want(like, 'resizeAs', 'argument 2')
  check(C.gt_tensor_resize_as(t, like))
  return t
end

--- Becomes a view of another tensor or of a storage.
-- @param ... a tensor; or a storage [, offset, sizes, strides]
-- @treturn tensor itself
function methods.set(t, ...)
  want(t, 'set')
  return tensor.set_to(t, ...)
end

--- A contiguous copy.
-- @treturn tensor new memory
function methods.clone(t)
  want(t, 'clone')
  return tensor.copy_of(t)
end

--- Itself where contiguous, else a contiguous copy.
-- @treturn tensor
function methods.contiguous(t)
  want(t, 'contiguous')
  return tensor.contiguous(t)
end

--- The same elements, cut off from nothing: Torch7's name for a second handle.
-- @treturn tensor a view of everything
function methods.detach(t)
  want(t, 'detach')
  local r = new(t.dtype)
  check(C.gt_tensor_set_to(r, t))
  return r
end

--- Copies (and converts) the elements of a tensor with as many elements.
-- @tparam tensor from source, of any type
-- @treturn tensor itself
function methods.copy(t, from)
  want(t, 'copy')
  want(from, 'copy', 'argument 2')
  check(C.gt_copy(t, from))
  return t
end

--- Sets every element.
-- @tparam number value what to
-- @treturn tensor itself
function methods.fill(t, value)
  want(t, 'fill')
  if type(value) ~= 'number' then value = is(value) and tensor.item(value) or dtypes.number(value, 'fill', 'the value') end
  check(C.gt_fill(t, value))
  return t
end

--- Sets every element to 0.
-- @treturn tensor itself
function methods.zero(t)
  want(t, 'zero')
  check(C.gt_fill(t, 0))
  return t
end

--- A copy of the elements in other sizes.
-- @param ... sizes: numbers or a LongStorage
-- @treturn tensor new memory
function methods.reshape(t, a, ...)
  want(t, 'reshape')
  local r, source = tensor.target(t, a)
  local rank
  if r == t then rank = read_shape('reshape', ...) else rank = read_shape('reshape', a, ...) end
  local n, open = 1, nil
  for d = 0, rank - 1 do
    local size = tonumber(shape_buffer[d])
    if size == -1 and not open then open = d else n = n * size end
  end
  local have = tensor.count(source)
  if open then shape_buffer[open] = n > 0 and math.floor(have / n) or 0; n = n * tonumber(shape_buffer[open]) end
  if n ~= have then fail('reshape: %d elements (size %s) do not make the size asked for', have, tensor.shape_text(source)) end
  if rawequal(r, source) then source = tensor.copy_of(source) end
  native.resize(r, rank, shape_buffer)
  if have > 0 then check(C.gt_copy(r, source)) end
  return r
end

-- ---- types --------------------------------------------------------------------------------------------------------

--- Without an argument the type's name, 'torch.FloatTensor'; with one, a converted copy (itself, if it is of that type).
-- @tparam[opt] string name 'torch.DoubleTensor', 'torch.Tensor' ...
-- @treturn string|tensor
function methods.type(t, name)
  want(t, 'type')
  if name == nil then return dtypes.tensor_names[t.dtype] end
  local dtype = name == 'torch.Tensor' and tensor.default or dtypes.code_of(dtypes.tensor_codes, name, 'type')
  if dtype == t.dtype then return t end
  return tensor.copy_of(t, dtype)
end

--- Converted to another tensor's type.
-- @tparam tensor like the other
-- @treturn tensor
function methods.typeAs(t, like)
  want(t, 'typeAs')
  want(like, 'typeAs', 'argument 2')
  if like.dtype == t.dtype then return t end
  return tensor.copy_of(t, like.dtype)
end

--- As a torch.ByteTensor: converted, or itself where it is one.
-- @function byte

--- As a torch.CharTensor: converted, or itself where it is one.
-- @function char

--- As a torch.ShortTensor: converted, or itself where it is one.
-- @function short

--- As a torch.IntTensor: converted, or itself where it is one.
-- @function int

--- As a torch.LongTensor: converted, or itself where it is one.
-- @function long

--- As a torch.FloatTensor: converted, or itself where it is one.
-- @function float

--- As a torch.DoubleTensor: converted, or itself where it is one.
-- @function double

for dtype, name in pairs(dtypes.names) do
  local method = name:lower()
  methods[method] = function(t)
    want(t, method)
    if t.dtype == dtype then return t end
    return tensor.copy_of(t, dtype)
  end
end

-- ---- Lua tables ---------------------------------------------------------------------------------------------------

local function to_table(p, at, t, d)
  local list, step, last = {}, tonumber(t.step[d]), d == t.rank - 1
  for i = 1, tonumber(t.shape[d]) do
    if last then list[i] = tonumber(p[at]) else list[i] = to_table(p, at, t, d + 1) end
    at = at + step
  end
  return list
end

--- The elements as nested Lua tables.
-- @treturn table
function methods.totable(t)
  want(t, 'totable')
  if tensor.count(t) == 0 then
    local list = {}
    if t.rank > 1 then
      for i = 1, tonumber(t.shape[0]) do list[i] = {} end
    end
    return list
  end
  return to_table(tensor.pointer(t, 'totable'), 0, t, 0)
end

-- ---- several tensors ----------------------------------------------------------------------------------------------

local function cat_list(r, list, dim)
  local n = #list
  if n == 0 then fail('cat: an empty list of tensors') end
  local parts = ffi.new('const gt_tensor *[?]', n)
  local rank = 0
  for i = 1, n do
    want(list[i], 'cat', ('tensor %d'):format(i))
    parts[i - 1] = list[i]
    rank = math.max(rank, list[i].rank)
  end
  if rank == 0 then return tensor.set_to(r or new(list[1].dtype)) end
  dim = dim == nil and rank or integer(dim, 'cat', 'the dimension')
  if dim < 1 or dim > math.min(rank + 1, 8) then fail('cat: dimension %d is outside 1..%d', dim, math.min(rank + 1, 8)) end
  r = r or new(list[1].dtype)
  if dim > rank then
    -- A new last dimension: n x k vectors side by side.
    local wide = {}
    for i = 1, n do
      wide[i] = list[i].rank == rank and list[i]:unsqueeze(dim) or list[i]
      parts[i - 1] = wide[i]
    end
    list = wide                                  -- parts holds bare pointers: the views must live until C is done
  end
  check(C.gt_cat(r, n, parts, dim - 1))
  return r, list
end

--- Tensors side by side along a dimension (the last one, if none is named).
-- @param a a list of tensors; or two tensors; either may follow a tensor for the result
-- @param[opt] b the second tensor
-- @tparam[opt] number dim dimension
-- @treturn tensor
-- @usage torch.cat({a, b, c}, 1)   torch.cat(a, b, 2)
function functions.cat(a, b, c, d)
  local r
  if type(a) == 'table' then
    r = cat_list(nil, a, b)
  elseif is(a) and type(b) == 'table' then
    r = cat_list(a, b, c)
  elseif is(a) and is(b) and is(c) then
    r = cat_list(a, {b, c}, d)
  else
    want(a, 'cat')
    want(b, 'cat', 'argument 2')
    r = cat_list(nil, {a, b}, c)
  end
  return r
end

--- This tensor followed by another.
-- @tparam tensor other it
-- @tparam[opt] number dim dimension
-- @treturn tensor
function methods.cat(t, other, dim)
  want(t, 'cat')
  return functions.cat(t, other, dim)
end

--- Copies side by side: dimension d becomes repeats[d] times as large; leading dimensions may be added.
-- @param ... how often, for each dimension: numbers or a LongStorage
-- @treturn tensor new memory
function methods.repeatTensor(t, a, ...)
  want(t, 'repeatTensor')
  local r, source = tensor.target(t, a)
  local rank
  if r == t then rank = read_shape('repeatTensor', ...) else rank = read_shape('repeatTensor', a, ...) end
  if source.rank == 0 then fail('repeatTensor: the tensor is empty') end
  if rawequal(r, source) then source = tensor.copy_of(source) end
  if rank < source.rank then fail('repeatTensor: got %d repeats for a tensor of %d dimensions', rank, source.rank) end
  if rank > 4 then
    -- The interleaved view below has a dimension for each repeat and each size; where that is too many, one dimension at a time.
    local repeats, part = {}, source
    for d = 1, rank do repeats[d] = tonumber(shape_buffer[d - 1]) end
    while part.rank < rank do part = part:unsqueeze(1) end
    for d = 1, rank do
      local copies = {}
      for i = 1, repeats[d] do copies[i] = part end
      if repeats[d] < 1 then fail('repeatTensor: %d repeats, wanted at least 1', repeats[d]) end
      part = functions.cat(copies, d)
    end
    if r == t then check(C.gt_tensor_resize_as(r, part)); check(C.gt_copy(r, part)) else r = part end
    return r
  end
  -- r is seen as repeat1 x size1 x repeat2 x size2 ..., the source as 1 x size1 x 1 x size2 ... and expanded.
  local sizes, total, from = {}, {}, {}
  for d = 1, rank do
    local size = d > rank - source.rank and tonumber(source.shape[d - 1 - (rank - source.rank)]) or 1
    local times = tonumber(shape_buffer[d - 1])
    if times < 0 then fail('repeatTensor: %d repeats, wanted at least 0', times) end
    sizes[2 * d - 1], sizes[2 * d] = times, size
    from[2 * d - 1], from[2 * d] = 1, size
    total[d] = times * size
  end
  native.resize(r, read_shape('repeatTensor', total), shape_buffer)
  if tensor.count(r) == 0 then return r end
  local wide = new(t.dtype)
  check(C.gt_view(wide, tensor.contiguous(source), read_shape('repeatTensor', from), shape_buffer))
  check(C.gt_expand(wide, wide, read_shape('repeatTensor', sizes), shape_buffer))
  local target = new(t.dtype)
  check(C.gt_view(target, r, read_shape('repeatTensor', sizes), shape_buffer))
  check(C.gt_copy(target, wide))
  return r
end

-- torch.clone(x) is x:clone(), and so on.
for _, name in ipairs {'resize', 'resizeAs', 'clone', 'contiguous', 'copy', 'fill', 'zero', 'typeAs', 'totable', 'reshape',
  'repeatTensor'} do
  functions[name] = methods[name]
end

return {methods = methods, functions = functions}
