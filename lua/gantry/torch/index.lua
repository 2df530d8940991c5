--- Picking and placing by indices and masks. Indices are 1-based LongTensors, masks ByteTensors.
-- @module gantry.torch.index
local native = require 'gantry.native'
local dtypes = require 'gantry.torch.dtypes'
local tensor = require 'gantry.torch.tensor'

local C, fail, check, new = native.C, native.fail, native.check, native.new_tensor
local is, want, want_type, number, to_dim = tensor.is, tensor.want, tensor.want_type, dtypes.number, tensor.dim
local LONG, BYTE = C.GT_LONG, C.GT_BYTE

local methods, functions = {}, {}

--- Copies of the slices of a dimension that an index names, in its order.
-- @tparam number dim dimension
-- @tparam tensor index LongTensor of slice numbers
-- @treturn tensor new memory; torch.index(r, x, dim, index) and r:index(x, dim, index) fill r
function methods.index(x, dim, index, index2)
  want(x, 'index')
  local r
  if is(dim) then r, x, dim, index = x, dim, index, index2 else r = new(x.dtype) end
  want_type(index, LONG, 'index', 'the index')
  check(C.gt_index_select(r, x, to_dim(x, dim, 'index'), index))
  return r
end
functions.index, methods.indexSelect, functions.indexSelect = methods.index, methods.index, methods.index

--- Copies slices of another tensor to the places that an index names.
-- @tparam number dim dimension
-- @tparam tensor index LongTensor of slice numbers
-- @tparam tensor from what to copy
-- @treturn tensor itself
function methods.indexCopy(x, dim, index, from)
  want(x, 'indexCopy')
  want_type(index, LONG, 'indexCopy', 'the index')
  want(from, 'indexCopy', 'argument 4')
  check(C.gt_index_copy(x, to_dim(x, dim, 'indexCopy'), index, from))
  return x
end

--- Adds slices of another tensor to those that an index names.
-- @tparam number dim dimension
-- @tparam tensor index LongTensor of slice numbers
-- @tparam tensor from what to add
-- @treturn tensor itself
function methods.indexAdd(x, dim, index, from)
  want(x, 'indexAdd')
  want_type(index, LONG, 'indexAdd', 'the index')
  want(from, 'indexAdd', 'argument 4')
  check(C.gt_index_add(x, to_dim(x, dim, 'indexAdd'), index, from))
  return x
end

--- Sets the slices that an index names.
-- @tparam number dim dimension
-- @tparam tensor index LongTensor of slice numbers
-- @tparam number value what to
-- @treturn tensor itself
function methods.indexFill(x, dim, index, value)
  want(x, 'indexFill')
  want_type(index, LONG, 'indexFill', 'the index')
  check(C.gt_index_fill(x, to_dim(x, dim, 'indexFill'), index, number(value, 'indexFill', 'the value')))
  return x
end

--- For each place of an index tensor, the element of x whose position along a dimension it names.
-- @tparam number dim dimension
-- @tparam tensor index LongTensor of x's rank
-- @treturn tensor of index's sizes; torch.gather(r, x, dim, index) fills r
function methods.gather(x, dim, index, index2)
  want(x, 'gather')
  local r
  if is(dim) then r, x, dim, index = x, dim, index, index2 else r = new(x.dtype) end
  want_type(index, LONG, 'gather', 'the index')
  check(C.gt_gather(r, x, to_dim(x, dim, 'gather'), index))
  return r
end
functions.gather = methods.gather

--- Puts elements (or a number) at the positions along a dimension that an index tensor names.
-- @tparam number dim dimension
-- @tparam tensor index LongTensor of x's rank
-- @tparam tensor|number from of index's sizes, or a number
-- @treturn tensor itself
function methods.scatter(x, dim, index, from)
  want(x, 'scatter')
  want_type(index, LONG, 'scatter', 'the index')
  local d = to_dim(x, dim, 'scatter')
  if type(from) == 'number' then
    check(C.gt_scatter_fill(x, d, index, from))
  else
    want(from, 'scatter', 'argument 4')
    check(C.gt_scatter(x, d, index, from))
  end
  return x
end
functions.scatter = methods.scatter

--- Adds elements at the positions along a dimension that an index tensor names.
-- @tparam number dim dimension
-- @tparam tensor index LongTensor of x's rank
-- @tparam tensor from of index's sizes
-- @treturn tensor itself
function methods.scatterAdd(x, dim, index, from)
  want(x, 'scatterAdd')
  want_type(index, LONG, 'scatterAdd', 'the index')
  want(from, 'scatterAdd', 'argument 4')
  check(C.gt_scatter_add(x, to_dim(x, dim, 'scatterAdd'), index, from))
  return x
end

--- Sets the elements where a mask is not 0.
-- @tparam tensor mask ByteTensor with as many elements
-- @tparam number value what to
-- @treturn tensor itself
function methods.maskedFill(x, mask, value)
  want(x, 'maskedFill')
  want_type(mask, BYTE, 'maskedFill', 'the mask')
  check(C.gt_masked_fill(x, mask, number(value, 'maskedFill', 'the value')))
  return x
end

--- Copies the elements of another tensor, in order, to where a mask is not 0.
-- @tparam tensor mask ByteTensor with as many elements
-- @tparam tensor from at least as many elements as places
-- @treturn tensor itself
function methods.maskedCopy(x, mask, from)
  want(x, 'maskedCopy')
  want_type(mask, BYTE, 'maskedCopy', 'the mask')
  want(from, 'maskedCopy', 'argument 3')
  check(C.gt_masked_copy(x, mask, from))
  return x
end

--- The elements where a mask is not 0, as a vector.
-- @tparam tensor mask ByteTensor with as many elements
-- @treturn tensor new memory; torch.maskedSelect(r, x, mask) fills r
function methods.maskedSelect(x, mask, mask2)
  want(x, 'maskedSelect')
  local r
  if mask2 ~= nil then
    want(mask, 'maskedSelect', 'argument 2')
    r, x, mask = x, mask, mask2
  else
    r = new(x.dtype)
  end
  want_type(mask, BYTE, 'maskedSelect', 'the mask')
  check(C.gt_masked_select(r, x, mask))
  return r
end

--- Where elements are not 0.
-- @treturn tensor LongTensor, one row of indices for each; torch.nonzero(r, x) fills r
function methods.nonzero(x, y)
  want(x, 'nonzero')
  if y == nil then
    local r = new(LONG)
    check(C.gt_nonzero(r, x))
    return r
  end
  want(y, 'nonzero', 'argument 2')
  want_type(x, LONG, 'nonzero', 'the result')
  check(C.gt_nonzero(x, y))
  return x
end

for _, name in ipairs {'indexCopy', 'indexAdd', 'indexFill', 'scatterAdd', 'maskedFill', 'maskedCopy', 'maskedSelect', 'nonzero'} do
  functions[name] = methods[name]
end

-- ---- a Lua function on every element --------------------------------------------------------------------------------

-- The function may do anything, so the storage is looked at again before each access.
local function moved(t, s, base, name)
  if t.store ~= s or s.ptr ~= base then fail('%s: the function gave the tensor other memory', name) end
end

-- Copies a contiguous stand-in back where one was used.
local function put_back(t, flat)
  if flat ~= t then check(C.gt_copy(t, flat)) else tensor.touch(t) end
end

--- Replaces every element by what a function gives for it, in place; nil leaves it.
-- @tparam function f takes the element
-- @treturn tensor itself
-- @usage x:apply(function(v) return v * 2 end)
function methods.apply(t, f)
  want(t, 'apply')
  if type(f) ~= 'function' then fail('apply: argument 2 is a %s, wanted a function', type(f)) end
  local n = tensor.count(t)
  if n == 0 then return t end
  local flat = tensor.contiguous(t)
  local p, s = tensor.pointer(flat, 'apply'), flat.store
  local base = s.ptr
  for i = 0, n - 1 do
    local v = f(tonumber(p[i]))
    moved(flat, s, base, 'apply')
    if v ~= nil then p[i] = number(v, 'apply', "the function's result") end
  end
  put_back(t, flat)
  return t
end

--- As apply, with the matching elements of one more tensor.
-- @tparam tensor y as many elements
-- @tparam function f takes both elements
-- @treturn tensor itself
function methods.map(t, y, f)
  want(t, 'map')
  want(y, 'map', 'argument 2')
  if type(f) ~= 'function' then fail('map: argument 3 is a %s, wanted a function', type(f)) end
  local n = tensor.count(t)
  if tensor.count(y) ~= n then fail('map: sizes %s and %s do not fit', tensor.shape_text(t), tensor.shape_text(y)) end
  if n == 0 then return t end
  local flat, other = tensor.contiguous(t), tensor.contiguous(y)
  local p, q, s, u = tensor.pointer(flat, 'map'), tensor.pointer(other, 'map'), flat.store, other.store
  local base, other_base = s.ptr, u.ptr
  for i = 0, n - 1 do
    local v = f(tonumber(p[i]), tonumber(q[i]))
    moved(flat, s, base, 'map')
    moved(other, u, other_base, 'map')
    if v ~= nil then p[i] = number(v, 'map', "the function's result") end
  end
  put_back(t, flat)
  return t
end

--- As apply, with the matching elements of two more tensors.
-- @tparam tensor y as many elements
-- @tparam tensor z as many elements
-- @tparam function f takes the three elements
-- @treturn tensor itself
function methods.map2(t, y, z, f)
  want(t, 'map2')
  want(y, 'map2', 'argument 2')
  want(z, 'map2', 'argument 3')
  if type(f) ~= 'function' then fail('map2: argument 4 is a %s, wanted a function', type(f)) end
  local n = tensor.count(t)
  if tensor.count(y) ~= n or tensor.count(z) ~= n then
    fail('map2: sizes %s, %s and %s do not fit', tensor.shape_text(t), tensor.shape_text(y), tensor.shape_text(z))
  end
  if n == 0 then return t end
  local flat, a, b = tensor.contiguous(t), tensor.contiguous(y), tensor.contiguous(z)
  local p, q, o = tensor.pointer(flat, 'map2'), tensor.pointer(a, 'map2'), tensor.pointer(b, 'map2')
  local s, u, w = flat.store, a.store, b.store
  local base, a_base, b_base = s.ptr, u.ptr, w.ptr
  for i = 0, n - 1 do
    local v = f(tonumber(p[i]), tonumber(q[i]), tonumber(o[i]))
    moved(flat, s, base, 'map2')
    moved(a, u, a_base, 'map2')
    moved(b, w, b_base, 'map2')
    if v ~= nil then p[i] = number(v, 'map2', "the function's result") end
  end
  put_back(t, flat)
  return t
end

return {methods = methods, functions = functions}
