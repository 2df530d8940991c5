--- What a tensor is (sizes, strides, storage), and views: the same memory shown in another form.
-- Methods of tensors; most are also functions of torch. Dimensions and indices are 1-based.
-- @module gantry.torch.view
local ffi = require 'ffi'
local native = require 'gantry.native'
local dtypes = require 'gantry.torch.dtypes'
local tensor = require 'gantry.torch.tensor'
local storage = require 'gantry.torch.storage'

local C, fail, check, new = native.C, native.fail, native.check, native.new_tensor
local tonumber = tonumber
local want, to_dim, integer = tensor.want, tensor.dim, dtypes.integer
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
-- @treturn tensor a view; one whose windows overlap can be read only
function methods.unfold(t, dim, size, step)
  want(t, 'unfold')
  local d = to_dim(t, dim, 'unfold')
  size, step = integer(size, 'unfold', 'the size'), integer(step, 'unfold', 'the step')
  local r = new(t.dtype)
  check(C.gt_unfold(r, t, d, size, step))
  return r
end

--- Dimensions of size 1 repeated without copying (stride 0); leading dimensions may be added, -1 keeps a size.
-- @param ... sizes: numbers or a LongStorage
-- @treturn tensor a view
function methods.expand(t, a, ...)
  want(t, 'expand')
  local r, source = tensor.target(t, a)
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
  local r, source = tensor.target(t, a)
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

-- torch.narrow(x, ...) is x:narrow(...), and so on.
for _, name in ipairs {'narrow', 'select', 'sub', 'transpose', 't', 'permute', 'unfold', 'expand', 'expandAs', 'view', 'viewAs', 'squeeze',
  'unsqueeze', 'split', 'chunk', 'isContiguous', 'isSameSizeAs', 'isSize', 'isSetTo', 'nElement', 'numel', 'dim', 'nDimension', 'storage',
  'data', 'size', 'stride'} do
  functions[name] = methods[name]
end

return {methods = methods, functions = functions}
