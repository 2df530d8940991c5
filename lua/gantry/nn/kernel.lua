--- Short ways to call the library from a layer: results first, errors raised at the user's line.
local ffi = require 'ffi'
local native = require 'gantry.native'
local dtypes = require 'gantry.torch.dtypes'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local Value = require 'gantry.autograd.value'

local C, check, fail = native.C, native.check, native.fail
local shape = ffi.new 'int64_t[8]'

local kernel = {}

--- r = op(x), by the name of a one-argument kernel.
-- @string name of the kernel
-- @treturn function(r, x, p, q): p and q are the kernel's constants
function kernel.unary(name)
  local code = C.gt_unary_code(name)
  assert(code >= 0, name)
  return function(r, x, p, q)
    check(C.gt_tensor_follow(r, x))
    check(C.gt_unary(code, r, x, p or 0, q or 0))
  end
end

--- r = op(a, b), by the name of a two-argument kernel.
-- @string name of the kernel
-- @treturn function(r, a, b, p)
function kernel.binary(name)
  local code = C.gt_binary_code(name)
  assert(code >= 0, name)
  return function(r, a, b, p)
    check(C.gt_tensor_follow(r, a))
    check(C.gt_binary(code, r, a, b, p or 0))
  end
end

--- An empty tensor of a layer's type.
function kernel.buffer(layer)
  return native.new_tensor(dtypes.tensor_codes[layer._type])
end

--- "2x3x4", for messages.
function kernel.sizes(t)
  if t.rank == 0 then return 'empty' end
  local parts = {}
  for d = 1, t.rank do parts[d] = ('%d'):format(tonumber(t.shape[d - 1])) end
  return table.concat(parts, 'x')
end

--- Raises an error unless a layer was made with whole numbers.
-- @param layer the layer, for the message
-- @number least the least that will do; -math.huge: any
-- @param ... name, value, name, value ...
function kernel.whole(layer, least, ...)
  for i = 1, select('#', ...), 2 do
    local name, v = select(i, ...)
    if type(v) ~= 'number' or v % 1 ~= 0 or v < least then
      local got = (type(v) == 'number' or type(v) == 'nil') and tostring(v) or 'a ' .. torch.type(v)
      local bound = least > -math.huge and (' of at least %d'):format(least) or ''
      fail('%s: %s is %s, wanted a whole number%s', torch.type(layer), name, got, bound)
    end
  end
end

--- Raises an error unless a layer was made with numbers.
-- @param layer the layer, for the message
-- @tparam table named values by name; nil will do
function kernel.numbers(layer, named)
  for name, v in pairs(named) do
    if type(v) ~= 'number' then fail('%s: %s is a %s, wanted a number', torch.type(layer), name, torch.type(v)) end
  end
end

--- Raises an error unless x is a tensor, of one of two numbers of dimensions where those are given.
-- @param x what a layer was given
-- @param layer the layer, for the message
-- @int[opt] rank wanted number of dimensions
-- @int[opt] other another one that will do
function kernel.want(x, layer, rank, other)
  if not torch.isTensor(x) then
    fail('%s: the input is %s, wanted a tensor', torch.type(layer), x == nil and 'nil' or 'a ' .. torch.type(x))
  end
  if rank and x.rank ~= rank and x.rank ~= other then
    local ranks = other and ('%d or %d'):format(other, rank) or rank
    fail('%s: the input is %s, wanted %s dimensions', torch.type(layer), kernel.sizes(x), ranks)
  end
end

--- The number of a dimension as layers are told it.
-- @param layer the layer, for the message
-- @param t its input
-- @int dim counts from the end if negative
-- @int[opt] inner how many dimensions one input has; with one more, the first is a batch and dim counts after it
-- @treturn int
function kernel.dimension(layer, t, dim, inner)
  if not torch.isTensor(t) then kernel.want(t, layer) end
  local d = dim
  if d < 0 then
    d = t.rank + d + 1
  elseif inner and inner > 0 and t.rank == inner + 1 then
    d = d + 1
  end
  if d < 1 or d > t.rank then fail('%s: dimension %d of an input of %s', torch.type(layer), dim, kernel.sizes(t)) end
  return d
end

--- Class labels as layers take them: a LongTensor of n numbers in 1..classes. Raises an error for anything else.
-- @param layer the layer, for the message
-- @param labels what it was given; a recorded value too
-- @int n wanted count
-- @int classes how many there are
-- @return a LongTensor of n numbers
function kernel.labels(layer, labels, n, classes)
  labels = Value.unwrap(labels)
  if not torch.isTensor(labels) or labels.dtype ~= C.GT_LONG then
    fail('%s: the labels are %s, wanted a torch.LongTensor of numbers in 1..%d', torch.type(layer),
      labels == nil and 'nil' or 'a ' .. torch.type(labels), classes)
  end
  if labels:nElement() ~= n then
    fail('%s: got %d labels (%s), wanted %d', torch.type(layer), labels:nElement(), kernel.sizes(labels), n)
  end
  if n > 0 then
    local low, high = labels:min(), labels:max()
    if low < 1 or high > classes then fail('%s: label %d is outside 1..%d', torch.type(layer), low < 1 and low or high, classes) end
  end
  return labels:contiguous():view(n)
end

--- op(x, p) of values, where p broadcasts against x or has as many elements in other sizes.
function kernel.pair(op, x, p)
  if x:nElement() == p:nElement() then p = ops.reshape_as(p, x) end
  return op(x, p)
end

--- x, or a contiguous copy of it in `buffer` where it is not contiguous.
function kernel.contiguous(x, buffer)
  if C.gt_is_contiguous(x) ~= 0 then return x end
  check(C.gt_tensor_resize_as(buffer, x))
  check(C.gt_copy(buffer, x))
  return buffer
end

--- t's elements in other sizes, without a copy.
-- @tparam table sizes a list
function kernel.view(t, sizes)
  if #sizes > 8 then fail('view: got %d dimensions, wanted 1 to 8', #sizes) end
  for d = 1, #sizes do shape[d - 1] = sizes[d] end
  local v = native.new_tensor(t.dtype)
  check(C.gt_view(v, t, #sizes, shape))
  return v
end

--- Sets tensors of a layer's fields to empty ones (not shared with anything), tables to empty tables.
function kernel.clear(layer, ...)
  for i = 1, select('#', ...) do
    local name = select(i, ...)
    local field = layer[name]
    if torch.isTensor(field) then
      layer[name] = native.new_tensor(field.dtype)
    elseif type(field) == 'table' then
      layer[name] = {}
    end
  end
end

return kernel
