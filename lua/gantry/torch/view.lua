--- Shapes and views: everything that shows the same memory in another form, and what goes with it (resize, clone, split ...).
-- Methods of tensors; most are also functions of torch. Dimensions and indices are 1-based.
-- @module gantry.torch.view
local ffi = require 'ffi'
local native = require 'gantry.native'
local dtypes = require 'gantry.torch.dtypes'
local tensor = require 'gantry.torch.tensor'
local storage = require 'gantry.torch.storage'

local C, fail, check, new = native.C, native.fail, native.check, native.new_tensor
local type, tonumber = type, tonumber
local is, want, to_dim, integer = tensor.is, tensor.want, tensor.dim, dtypes.integer
local read_shape, shape_buffer = tensor.read_shape, tensor.shape_buffer
local dims_buffer = ffi.new('int[8]')

local methods, functions = {}, {}

-- ---- questions ----------------------------------------------------------------------------------------------------

--- Number of dimensions; 0 for an empty tensor.
-- @treturn number
function methods.dim(t)
  want(t, 'dim')
  return t.rank
end
methods.nDimension = methods.dim

--- Number of elements.
-- @treturn number
function methods.nElement(t)
  want(t, 'nElement')
  return tensor.count(t)
end
methods.numel = methods.nElement

--- The size of a dimension, or all sizes as a LongStorage.
-- @tparam[opt] number dim 1-based
-- @treturn number|storage
function methods.size(t, dim)
  want(t, 'size')
  if dim == nil then return tensor.sizes(t) end
  return tonumber(t.shape[to_dim(t, dim, 'size')])
end

--- The stride of a dimension, in elements, or all strides as a LongStorage.
-- @tparam[opt] number dim 1-based
-- @treturn number|storage
function methods.stride(t, dim)
  want(t, 'stride')
  if dim == nil then return tensor.steps(t) end
  return tonumber(t.step[to_dim(t, dim, 'stride')])
end

--- Whether the elements lie in memory one after the other.
-- @treturn boolean
function methods.isContiguous(t)
  want(t, 'isContiguous')
  return C.gt_is_contiguous(t) ~= 0
end

--- Whether both have the same sizes.
-- @tparam tensor u another tensor
-- @treturn boolean
function methods.isSameSizeAs(t, u)
  want(t, 'isSameSizeAs')
  want(u, 'isSameSizeAs', 'argument 2')
  return C.gt_same_shape(t, u) ~= 0
end

--- Whether the sizes are those of a LongStorage.
-- @tparam storage sizes a LongStorage
-- @treturn boolean
function methods.isSize(t, sizes)
  want(t, 'isSize')
  if read_shape('isSize', sizes) ~= t.rank then return false end
  for d = 0, t.rank - 1 do
    if t.shape[d] ~= shape_buffer[d] then return false end
  end
  return true
end

--- Whether both are the same view of the same storage.
-- @tparam tensor u another tensor
-- @treturn boolean
function methods.isSetTo(t, u)
  want(t, 'isSetTo')
  want(u, 'isSetTo', 'argument 2')
  return C.gt_is_set_to(t, u) ~= 0
end

--- The storage, shared.
-- @treturn storage
function methods.storage(t)
  want(t, 'storage')
  if t.store == nil then check(C.gt_tensor_set(t, storage.new(t.dtype, 0), 0, 0, shape_buffer, nil)) end
  return storage.share(t.store)
end

--- Position of the first element in the storage, 1-based.
-- @treturn number
function methods.storageOffset(t)
  want(t, 'storageOffset')
  return tonumber(t.offset) + 1
end

--- The address of the first element, as a typed pointer (NULL for an empty tensor). What caches contents no longer trusts
-- this storage, since writes through the pointer go unseen.
-- @treturn cdata
function methods.data(t)
  want(t, 'data')
  if t.store == nil then return ffi.cast(dtypes.pointers[t.dtype], nil) end
  t.store.flags = bit.bor(t.store.flags, C.GT_EXPOSED)
  if t.store.ptr == nil and t.rank == 0 then return ffi.cast(dtypes.pointers[t.dtype], nil) end
  return tensor.pointer(t, 'data')
end

--- Bytes of one element.
-- @treturn number
function methods.elementSize(t)
  want(t, 'elementSize')
  return dtypes.sizes[t.dtype]
end

--- The only element of a 1-element tensor.
-- @treturn number
function methods.item(t)
  want(t, 'item')
  return tensor.item(t)
end

-- ---- views --------------------------------------------------------------------------------------------------------

--- Part of a dimension: `size` slices from `first` on.
-- @tparam number dim dimension
-- @tparam number first index of the first slice
-- @tparam number size how many
-- @treturn tensor a view
-- @usage x:narrow(1, 2, 3)   -- rows 2 to 4
function methods.narrow(t, dim, first, size)
  want(t, 'narrow')
  local d = to_dim(t, dim, 'narrow')
  first, size = integer(first, 'narrow', 'the first index'), integer(size, 'narrow', 'the size')
  local r = new(t.dtype)
  check(C.gt_narrow(r, t, d, first - 1, size))
  return r
end

--- One slice of a dimension, which disappears. Of a 1-dimensional tensor: the number.
-- @tparam number dim dimension
-- @tparam number index which slice
-- @treturn tensor|number a view
function methods.select(t, dim, index)
  want(t, 'select')
  local d = to_dim(t, dim, 'select')
  index = integer(index, 'select', 'the index')
  if t.rank == 1 then return t[index] end
  local r = new(t.dtype)
  check(C.gt_select(r, t, d, index - 1))
  return r
end

local function sub_range(r, d, first, last)
  local n = tonumber(r.shape[d])
  first, last = integer(first, 'sub', 'an index'), integer(last, 'sub', 'an index')
  if first < 0 then first = n + first + 1 end
  if last < 0 then last = n + last + 1 end
  if first < 1 or last > n or last < first then
    fail('sub: the range %d to %d is not within 1..%d of dimension %d', first, last, n, d + 1)
  end
  check(C.gt_narrow(r, r, d, first - 1, last - first + 1))
end

--- Ranges of the first dimensions, ends included; negative indices count from the end.
-- @tparam number first1 first row, followed by the last, then (optionally) first and last of up to three more dimensions
-- @treturn tensor a view
-- @usage x:sub(2, -1, 1, 3)
function methods.sub(t, first1, last1, first2, last2, first3, last3, first4, last4)
  want(t, 'sub')
  local wanted = first4 and 4 or first3 and 3 or first2 and 2 or 1
  if wanted > t.rank then fail('sub: got ranges for %d dimensions, the tensor has %d', wanted, t.rank) end
  local r = new(t.dtype)
  check(C.gt_tensor_set_to(r, t))
  sub_range(r, 0, first1, last1)
  if first2 then sub_range(r, 1, first2, last2) end
  if first3 then sub_range(r, 2, first3, last3) end
  if first4 then sub_range(r, 3, first4, last4) end
  return r
end

--- Two dimensions exchanged.
-- @tparam number dim1 one
-- @tparam number dim2 the other
-- @treturn tensor a view
function methods.transpose(t, dim1, dim2)
  want(t, 'transpose')
  local r = new(t.dtype)
  check(C.gt_transpose(r, t, to_dim(t, dim1, 'transpose'), to_dim(t, dim2, 'transpose')))
  return r
end

--- The transpose of a matrix.
-- @treturn tensor a view
function methods.t(t)
  want(t, 't')
  if t.rank ~= 2 then fail('t: got a tensor of %d dimensions, wanted a matrix', t.rank) end
  local r = new(t.dtype)
  check(C.gt_transpose(r, t, 0, 1))
  return r
end

--- The dimensions in another order.
-- @tparam number ... each dimension once
-- @treturn tensor a view
-- @usage image:permute(2, 3, 1)
function methods.permute(t, ...)
  want(t, 'permute')
  local rank = read_shape('permute', ...)
  for d = 0, rank - 1 do dims_buffer[d] = to_dim(t, shape_buffer[d], 'permute') end
  local r = new(t.dtype)
  check(C.gt_permute(r, t, rank, dims_buffer))
  return r
end

--- All windows of a size along a dimension; the window is a new last dimension.
-- @tparam number dim dimension
-- @tparam number size window
-- @tparam number step from one window to the next
-- @treturn tensor a view
function methods.unfold(t, dim, size, step)
  want(t, 'unfold')
  local d = to_dim(t, dim, 'unfold')
  size, step = integer(size, 'unfold', 'the size'), integer(step, 'unfold', 'the step')
  local r = new(t.dtype)
  check(C.gt_unfold(r, t, d, size, step))
  return r
end

-- torch.expand(r, t, sizes) and r:expand(t, sizes) fill r; x:expand(sizes) makes a new view. The same for view and others.
local function result(t, u)
  if is(u) then
    if t.dtype ~= u.dtype then fail('a view of a %s cannot be a %s', dtypes.tensor_names[u.dtype], dtypes.tensor_names[t.dtype]) end
    return t, u
  end
  return new(t.dtype), t
end

--- Dimensions of size 1 repeated without copying (stride 0); leading dimensions may be added, -1 keeps a size.
-- @param ... sizes: numbers or a LongStorage
-- @treturn tensor a view
function methods.expand(t, a, ...)
  want(t, 'expand')
  local r, source = result(t, a)
  local rank
  if r == t then rank = read_shape('expand', ...) else rank = read_shape('expand', a, ...) end
  check(C.gt_expand(r, source, rank, shape_buffer))
  return r
end

--- As expand, to another tensor's sizes.
-- @tparam tensor like the other
-- @treturn tensor a view
function methods.expandAs(t, like, like2)
  want(t, 'expandAs')
  want(like, 'expandAs', 'argument 2')
  local r, source = new(t.dtype), t
  if like2 ~= nil then r, source, like = t, like, like2 end
  want(like, 'expandAs', 'argument 3')
  check(C.gt_expand(r, source, like.rank, like.shape))
  return r
end

--- The same elements in other sizes, one of which may be -1; the tensor must be contiguous enough for that.
-- @param ... sizes: numbers or a LongStorage
-- @treturn tensor a view
function methods.view(t, a, ...)
  want(t, 'view')
  local r, source = result(t, a)
  local rank
  if r == t then rank = read_shape('view', ...) else rank = read_shape('view', a, ...) end
  check(C.gt_view(r, source, rank, shape_buffer))
  return r
end

--- As view, to another tensor's sizes.
-- @tparam tensor like the other
-- @treturn tensor a view
function methods.viewAs(t, like, like2)
  want(t, 'viewAs')
  want(like, 'viewAs', 'argument 2')
  local r, source = new(t.dtype), t
  if like2 ~= nil then r, source, like = t, like, like2 end
  want(like, 'viewAs', 'argument 3')
  check(C.gt_view(r, source, like.rank, like.shape))
  return r
end

--- A copy of the elements in other sizes.
-- @param ... sizes: numbers or a LongStorage
-- @treturn tensor new memory
function methods.reshape(t, a, ...)
  want(t, 'reshape')
  local r, source = result(t, a)
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
  check(C.gt_tensor_resize(r, rank, shape_buffer))
  if have > 0 then check(C.gt_copy(r, source)) end
  return r
end

--- Without dimensions of size 1, or without one of them.
-- @tparam[opt] number dim which
-- @treturn tensor a view; a number where one element is left of a tensor that had it all in dimensions of size 1
function methods.squeeze(t, dim)
  want(t, 'squeeze')
  local r = new(t.dtype)
  check(C.gt_squeeze(r, t, dim == nil and -1 or to_dim(t, dim, 'squeeze')))
  if dim == nil and r.rank == 1 and tensor.count(r) == 1 then return r[1] end
  return r
end

--- With a dimension of size 1 put in.
-- @tparam number dim where, 1 to dim() + 1
-- @treturn tensor a view
function methods.unsqueeze(t, dim)
  want(t, 'unsqueeze')
  local r = new(t.dtype)
  check(C.gt_unsqueeze(r, t, integer(dim, 'unsqueeze', 'the dimension') - 1))
  return r
end

--- A list of parts of `size` slices; the last may be smaller.
-- @tparam number size slices in each
-- @tparam[opt=1] number dim dimension
-- @treturn table of views
function methods.split(t, size, dim)
  want(t, 'split')
  dim = dim or 1
  local n = tonumber(t.shape[to_dim(t, dim, 'split')])
  size = integer(size, 'split', 'the size')
  if size < 1 then fail('split: size %d, wanted at least 1', size) end
  local parts = {}
  for first = 1, n, size do parts[#parts + 1] = methods.narrow(t, dim, first, math.min(size, n - first + 1)) end
  return parts
end

--- A list of at most `n` parts of equal size; the last may be smaller.
-- @tparam number n parts
-- @tparam[opt=1] number dim dimension
-- @treturn table of views
function methods.chunk(t, n, dim)
  want(t, 'chunk')
  dim = dim or 1
  n = integer(n, 'chunk', 'the number of parts')
  if n < 1 then fail('chunk: %d parts, wanted at least 1', n) end
  local size = tonumber(t.shape[to_dim(t, dim, 'chunk')])
  return methods.split(t, math.max(1, math.ceil(size / n)), dim)
end

--- Copies side by side: dimension d becomes repeats[d] times as large; leading dimensions may be added.
-- @param ... how often, for each dimension: numbers or a LongStorage
-- @treturn tensor new memory
function methods.repeatTensor(t, a, ...)
  want(t, 'repeatTensor')
  local r, source = result(t, a)
  local rank
  if r == t then rank = read_shape('repeatTensor', ...) else rank = read_shape('repeatTensor', a, ...) end
  if source.rank == 0 then fail('repeatTensor: the tensor is empty') end
  if rank < source.rank then fail('repeatTensor: got %d repeats for a tensor of %d dimensions', rank, source.rank) end
  if rank > 4 then
    -- The interleaved view below has a dimension for each repeat and each size; where that is too many, one dimension at a time.
    local repeats, part = {}, source
    for d = 1, rank do repeats[d] = tonumber(shape_buffer[d - 1]) end
    while part.rank < rank do part = methods.unsqueeze(part, 1) end
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
  check(C.gt_tensor_resize(r, read_shape('repeatTensor', total), shape_buffer))
  if tensor.count(r) == 0 then return r end
  local wide = new(t.dtype)
  check(C.gt_view(wide, tensor.contiguous(source), read_shape('repeatTensor', from), shape_buffer))
  check(C.gt_expand(wide, wide, read_shape('repeatTensor', sizes), shape_buffer))
  local target = new(t.dtype)
  check(C.gt_view(target, r, read_shape('repeatTensor', sizes), shape_buffer))
  check(C.gt_copy(target, wide))
  return r
end

-- ---- memory -------------------------------------------------------------------------------------------------------

--- Other sizes in place; elements that fit stay, in memory order; new ones are not cleared.
-- @param ... sizes: numbers, or a LongStorage
-- @treturn tensor itself
function methods.resize(t, a, ...)
  want(t, 'resize')
  if a == nil then return t end
  check(C.gt_tensor_resize(t, read_shape('resize', a, ...), shape_buffer))
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
      wide[i] = list[i].rank == rank and methods.unsqueeze(list[i], dim) or list[i]
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

-- torch.narrow(x, ...) is x:narrow(...), and so on.
for _, name in ipairs {'narrow', 'select', 'sub', 'transpose', 't', 'permute', 'unfold', 'expand', 'expandAs', 'view', 'viewAs',
  'reshape', 'squeeze', 'unsqueeze', 'split', 'chunk', 'repeatTensor', 'clone', 'contiguous', 'isContiguous', 'isSameSizeAs', 'isSize',
  'isSetTo', 'nElement', 'numel', 'dim', 'nDimension', 'totable', 'zero', 'fill', 'copy', 'resize', 'resizeAs', 'storage', 'data',
  'size', 'stride', 'typeAs'} do
  functions[name] = methods[name]
end

return {methods = methods, functions = functions}
