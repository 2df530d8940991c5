--- Sorting along a dimension (the last, if none is named), and what follows from it: topk, kthvalue, median, mode; histograms.
-- For every type of tensor; equal elements keep their order, NaNs come last.
-- @module gantry.torch.sort
local ffi = require 'ffi'
local native = require 'gantry.native'
local dtypes = require 'gantry.torch.dtypes'
local tensor = require 'gantry.torch.tensor'
local integers = require 'gantry.torch.integers'

local C, fail, check, new = native.C, native.fail, native.check, native.new_tensor
local is, want, to_dim, integer, number = tensor.is, tensor.want, tensor.dim, dtypes.integer, dtypes.number

local functions = {}

local doubles = ffi.typeof 'double[?]'
local shape = ffi.new 'int64_t[8]'

-- The first k elements of the sorted rows of dimension d (0-based), and their places.
local function sorted(x, d, k, descending)
  local out, index = new(x.dtype), new(C.GT_LONG)
  check(C.gt_sort(out, index, x, d, k, descending and 1 or 0))
  return out, index
end

-- Results go to the tensors that were given for them, if any.
local function deliver(r, i, out, index)
  if not r then return out, index end
  check(C.gt_tensor_resize_as(r, out))
  check(C.gt_tensor_resize_as(i, index))
  if tensor.count(out) > 0 then
    check(C.gt_copy(r, out))
    check(C.gt_copy(i, index))
  end
  return r, i
end

-- ([values, indices,] x, ...) -> values, indices, x, ...
local function results_first(name, a, b, c, ...)
  if is(b) then
    want(a, name)
    tensor.want_type(b, C.GT_LONG, name, 'the tensor for indices')
    want(c, name, 'argument 3')
    return a, b, c, ...
  end
  want(a, name)
  return nil, nil, a, b, c, ...
end

local function dimension(x, dim, name)
  if x.rank == 0 then fail('%s: the tensor is empty', name) end
  return to_dim(x, dim == nil and x.rank or dim, name)
end

--- Sorted copies of the rows of a dimension, and where each element was.
-- @param ... [values, indices,] x [, dim (last) [, descending (false)]]
-- @treturn tensor values
-- @treturn tensor LongTensor of 1-based places
function functions.sort(...)
  local r, i, x, dim, descending = results_first('sort', ...)
  if type(dim) == 'boolean' then dim, descending = nil, dim end
  local d = dimension(x, dim, 'sort')
  return deliver(r, i, sorted(x, d, x.shape[d], descending))
end

--- The k smallest (or largest) elements of the rows of a dimension, in order, and where each was.
-- @param ... [values, indices,] x, k [, dim (last) [, largest (false)]]
-- @treturn tensor values
-- @treturn tensor LongTensor of 1-based places
function functions.topk(...)
  local r, i, x, k, dim, largest = results_first('topk', ...)
  if type(dim) == 'boolean' then dim, largest = nil, dim end
  local d = dimension(x, dim, 'topk')
  k = k == nil and 1 or integer(k, 'topk', 'k')
  if k < 1 or k > tonumber(x.shape[d]) then fail('topk: k is %d, wanted 1..%d', k, tonumber(x.shape[d])) end
  return deliver(r, i, sorted(x, d, k, largest))
end

-- The k-th smallest of each row, without the ones before it.
local function kth(r, i, x, d, k)
  local values, indices = sorted(x, d, k, false)
  local out, index = new(x.dtype), new(C.GT_LONG)
  check(C.gt_narrow(values, values, d, k - 1, 1))
  check(C.gt_narrow(indices, indices, d, k - 1, 1))
  check(C.gt_tensor_resize_as(out, values))
  check(C.gt_tensor_resize_as(index, indices))
  if tensor.count(out) > 0 then
    check(C.gt_copy(out, values))
    check(C.gt_copy(index, indices))
  end
  return deliver(r, i, out, index)
end

--- The k-th smallest element of the rows of a dimension, and where it was.
-- @param ... [value, index,] x, k [, dim (last)]
-- @treturn tensor values; the dimension keeps size 1
-- @treturn tensor LongTensor of 1-based places
function functions.kthvalue(...)
  local r, i, x, k, dim = results_first('kthvalue', ...)
  local d = dimension(x, dim, 'kthvalue')
  k = integer(k, 'kthvalue', 'k')
  if k < 1 or k > tonumber(x.shape[d]) then fail('kthvalue: k is %d, wanted 1..%d', k, tonumber(x.shape[d])) end
  return kth(r, i, x, d, k)
end

--- The middle element (the lower one of two) of all, or of the rows of a dimension and where it was.
-- @param ... [value, index,] x [, dim]
-- @treturn number|tensor
-- @treturn tensor LongTensor, where a dimension was named
function functions.median(...)
  local r, i, x, dim = results_first('median', ...)
  if dim == nil and not r then
    local n = tensor.count(x)
    if n == 0 then fail('median: the tensor is empty') end
    local flat = new(x.dtype)
    shape[0] = n
    check(C.gt_view(flat, tensor.contiguous(x), 1, shape))
    return (kth(nil, nil, flat, 0, math.floor((n + 1) / 2)))[1]
  end
  local d = dimension(x, dim, 'median')
  if x.shape[d] == 0 then fail('median: dimension %d has size 0', d + 1) end
  return kth(r, i, x, d, math.floor((tonumber(x.shape[d]) + 1) / 2))
end

--- The most frequent element of the rows of a dimension (the smallest of several), and where it was last.
-- @param ... [value, index,] x [, dim (last)]
-- @treturn tensor values; the dimension keeps size 1
-- @treturn tensor LongTensor of 1-based places
function functions.mode(...)
  local r, i, x, dim = results_first('mode', ...)
  local d = dimension(x, dim, 'mode')
  if x.shape[d] == 0 then fail('mode: dimension %d has size 0', d + 1) end
  for k = 0, x.rank - 1 do shape[k] = k == d and 1 or x.shape[k] end
  local out, index = new(x.dtype), new(C.GT_LONG)
  check(C.gt_tensor_resize(out, x.rank, shape))
  check(C.gt_tensor_resize(index, x.rank, shape))
  if tensor.count(out) == 0 then return deliver(r, i, out, index) end
  local values, indices = sorted(x, d, x.shape[d], false)
  local p, at, n = tensor.pointer(values, 'mode'), tensor.pointer(indices, 'mode'), tonumber(x.shape[d])
  local q, where = tensor.pointer(out, 'mode'), tensor.pointer(index, 'mode')
  integers.rows(values, d, function(from, to, step)
    local best, run, last = 0, 0, from
    for k = from, from + (n - 1) * step, step do
      run = k > from and p[k] == p[k - step] and run + 1 or 1
      if run > best then best, last = run, k end
    end
    q[to], where[to] = p[last], at[last]
  end)
  return deliver(r, i, out, index)
end

--- How many elements fall into each of equal bins between two bounds (the least and the largest element, if none are given).
-- @param ... [result,] x [, bins (100) [, min, max]]
-- @treturn tensor counts, of x's type
function functions.histc(r, x, bins, low, high)
  if not is(x) then r, x, bins, low, high = nil, r, x, bins, low end
  want(x, 'histc')
  if r then want(r, 'histc') end
  bins = bins == nil and 100 or integer(bins, 'histc', 'the number of bins')
  if bins < 1 then fail('histc: %d bins, wanted at least 1', bins) end
  low, high = number(low or 0, 'histc', 'the lower bound'), number(high or 0, 'histc', 'the upper bound')
  r = r or new(x.dtype)
  local n = tensor.count(x)
  local p = n > 0 and tensor.pointer(tensor.contiguous(x), 'histc')
  if low == high and n > 0 then
    low, high = math.huge, -math.huge
    for i = 0, n - 1 do
      local v = tonumber(p[i])
      low, high = math.min(low, v), math.max(high, v)
    end
  end
  if low == high then low, high = low - 1, high + 1 end
  if low ~= low or high ~= high or low > high then fail('histc: the bounds %g and %g are not in order', low, high) end
  local counts = doubles(bins)
  for i = 0, n - 1 do
    local v = tonumber(p[i])
    if v >= low and v <= high then
      local bin = math.min(math.floor((v - low) / (high - low) * bins), bins - 1)
      counts[bin] = counts[bin] + 1
    end
  end
  shape[0] = bins
  check(C.gt_tensor_resize(r, 1, shape))
  local q, step = tensor.pointer(r, 'histc'), tonumber(r.step[0])
  for i = 0, bins - 1 do q[i * step] = counts[i] end
  tensor.touch(r)
  return r
end

local methods = {}
for name, f in pairs(functions) do methods[name] = f end

return {methods = methods, functions = functions}
