--- Reductions: numbers without a dimension, tensors that keep the dimension (with size 1) with one, as in Torch7.
-- Methods and functions take the same arguments: x:sum(1), torch.sum(x, 1), torch.sum(result, x, 1).
-- @module gantry.torch.reduce
local ffi = require 'ffi'
local native = require 'gantry.native'
local dtypes = require 'gantry.torch.dtypes'
local tensor = require 'gantry.torch.tensor'
local integers = require 'gantry.torch.integers'

local C, fail, check, new = native.C, native.fail, native.check, native.new_tensor
local is, want, number, to_dim = tensor.is, tensor.want, dtypes.number, tensor.dim
local FLOAT = C.GT_FLOAT

local functions = {}
local result = ffi.new('double[1]')

-- Raises an error for the integer types, which have no norms.
local function want_real(x, name)
  if x.dtype < FLOAT then integers.want_operation({}, name, x) end
end

local function all_of(op, name, x, p)
  if x.dtype < FLOAT then return integers.reduce_all(name, x) end
  check(C.gt_reduce_all(op, result, x, p))
  return result[0]
end

local function along(op, name, r, index, x, dim, p)
  local d = to_dim(x, dim, name)
  if x.dtype < FLOAT then
    integers.reduce(name, r, index, x, d)
  else
    check(C.gt_reduce(op, r, index, x, d, 1, p))
  end
  return r
end

-- ---- sum, mean, prod ------------------------------------------------------------------------------------------------

--- The sum of all elements, a number; or along a dimension, which keeps size 1.
-- @function sum
-- @tparam tensor x the tensor (a result tensor may come first)
-- @tparam[opt] number dim dimension
-- @treturn number|tensor

--- The mean of all elements, a number; or along a dimension, which keeps size 1.
-- @function mean
-- @tparam tensor x the tensor (a result tensor may come first)
-- @tparam[opt] number dim dimension
-- @treturn number|tensor

--- The product of all elements, a number; or along a dimension, which keeps size 1.
-- @function prod
-- @tparam tensor x the tensor (a result tensor may come first)
-- @tparam[opt] number dim dimension
-- @treturn number|tensor

for _, name in ipairs {'sum', 'mean', 'prod'} do
  local op = C.gt_reduce_code(name)
  functions[name] = function(x, dim, dim2)
    want(x, name)
    if dim == nil then return all_of(op, name, x, 0) end
    if is(dim) then return along(op, name, x, nil, dim, dim2, 0) end
    return along(op, name, new(x.dtype), nil, x, dim, 0)
  end
end

-- ---- max, min: values and the indices where they are ------------------------------------------------------------------

--- The largest of all elements, a number; or along a dimension, which keeps size 1, and where they were.
-- @function max
-- @tparam tensor x the tensor (tensors for the values and places may come first)
-- @tparam[opt] number dim dimension
-- @treturn number|tensor
-- @treturn tensor LongTensor of 1-based places, where a dimension was named

--- The smallest of all elements, a number; or along a dimension, which keeps size 1, and where they were.
-- @function min
-- @tparam tensor x the tensor (tensors for the values and places may come first)
-- @tparam[opt] number dim dimension
-- @treturn number|tensor
-- @treturn tensor LongTensor of 1-based places, where a dimension was named

for _, name in ipairs {'max', 'min'} do
  local op = C.gt_reduce_code(name)
  functions[name] = function(x, dim, y, dim2)
    want(x, name)
    if dim == nil then return all_of(op, name, x, 0) end
    if is(dim) then
      -- torch.max(values, indices, x, dim)
      tensor.want_type(dim, C.GT_LONG, name, 'the tensor for indices')
      want(y, name, 'argument 3')
      return along(op, name, x, dim, y, dim2, 0), dim
    end
    local index = new(C.GT_LONG)
    return along(op, name, new(x.dtype), index, x, dim, 0), index
  end
end

-- ---- std, var: flag true divides by n, else by n - 1 --------------------------------------------------------------------

--- The standard deviation of all elements, or along a dimension, which keeps size 1. Float and Double.
-- @function std
-- @tparam tensor x the tensor (a result tensor may come first)
-- @tparam[opt] number dim dimension
-- @tparam[opt=false] boolean flag true: divide by n, else by n - 1
-- @treturn number|tensor

--- The variance of all elements, or along a dimension, which keeps size 1. Float and Double.
-- @function var
-- @tparam tensor x the tensor (a result tensor may come first)
-- @tparam[opt] number dim dimension
-- @tparam[opt=false] boolean flag true: divide by n, else by n - 1
-- @treturn number|tensor

for _, name in ipairs {'std', 'var'} do
  local op = C.gt_reduce_code(name)
  functions[name] = function(x, dim, flag, flag2)
    want(x, name)
    if dim == nil or type(dim) == 'boolean' then return all_of(op, name, x, dim and 1 or 0) end
    if is(dim) then return along(op, name, x, nil, dim, flag, flag2 and 1 or 0) end
    return along(op, name, new(x.dtype), nil, x, dim, flag and 1 or 0)
  end
end

-- ---- norms ------------------------------------------------------------------------------------------------------------

local NORM = C.gt_reduce_code('norm')

--- The p-norm of all elements, or along a dimension.
-- @tparam tensor x the tensor (a result tensor may come first)
-- @tparam[opt=2] number p its order
-- @tparam[opt] number dim dimension
-- @treturn number|tensor
function functions.norm(x, p, dim, dim2)
  want(x, 'norm')
  if is(p) then return along(NORM, 'norm', x, nil, p, dim2, number(dim, 'norm', 'the order')) end
  p = p == nil and 2 or number(p, 'norm', 'the order')
  if dim == nil then return all_of(NORM, 'norm', x, p) end
  return along(NORM, 'norm', new(x.dtype), nil, x, dim, p)
end

--- The p-norm of a difference.
-- @tparam tensor x one
-- @tparam tensor y the other, as many elements
-- @tparam[opt=2] number p order
-- @treturn number
function functions.dist(x, y, p)
  want(x, 'dist')
  want(y, 'dist', 'argument 2')
  want_real(x, 'dist')
  local d = new(x.dtype)
  check(C.gt_binary(C.gt_binary_code('sub'), d, x, y, 1))
  return functions.norm(d, p)
end

-- Scales the slices of r along dim whose p-norm is above max down to it.
local function renorm(r, p, dim, max)
  want_real(r, 'renorm')
  p, max = number(p, 'renorm', 'the order'), number(max, 'renorm', 'the largest norm')
  local d = to_dim(r, dim, 'renorm')
  local slice = new(r.dtype)
  for i = 0, tonumber(r.shape[d]) - 1 do
    check(C.gt_narrow(slice, r, d, i, 1))
    check(C.gt_reduce_all(NORM, result, slice, p))
    if result[0] > max then check(C.gt_unary(C.gt_unary_code('mul'), slice, slice, max / (result[0] + 1e-7), 0)) end
  end
  return r
end

--- A copy in which no slice along a dimension has a p-norm above max.
-- @tparam tensor x the tensor
-- @tparam number p order
-- @tparam number dim dimension of the slices
-- @tparam number max largest norm
-- @treturn tensor
function functions.renorm(x, p, dim, max)
  want(x, 'renorm')
  return renorm(tensor.copy_of(x), p, dim, max)
end

local methods = {}
for name, f in pairs(functions) do methods[name] = f end

--- In place: no slice along a dimension keeps a p-norm above max.
-- @tparam number p order
-- @tparam number dim dimension of the slices
-- @tparam number max largest norm
-- @treturn tensor itself
function methods.renorm(x, p, dim, max)
  want(x, 'renorm')
  return renorm(x, p, dim, max)
end

-- ---- running sums and products ------------------------------------------------------------------------------------------

--- Sums of the elements up to each one, along a dimension.
-- @function cumsum
-- @tparam tensor x the tensor (a result tensor may come first)
-- @tparam[opt=1] number dim dimension
-- @treturn tensor of x's sizes

--- Products of the elements up to each one, along a dimension.
-- @function cumprod
-- @tparam tensor x the tensor (a result tensor may come first)
-- @tparam[opt=1] number dim dimension
-- @treturn tensor of x's sizes

for name, fold in pairs {cumsum = 'sum', cumprod = 'prod'} do
  local op = C.gt_reduce_code(fold)
  local function run(r, x, dim)
    local d = to_dim(x, dim == nil and 1 or dim, name)
    if x.dtype < FLOAT then return integers.cumulate(fold, r, x, d) end
    check(C.gt_cumulate(op, r, x, d))
    return r
  end
  functions[name] = function(x, dim, dim2)
    want(x, name)
    if is(dim) then return run(x, dim, dim2) end
    return run(new(x.dtype), x, dim)
  end
  methods[name] = functions[name]
end

-- ---- truth ----------------------------------------------------------------------------------------------------------------

--- Whether no element is 0; or along a dimension, which keeps size 1, as 0 and 1.
-- @function all
-- @tparam tensor x the tensor, usually a ByteTensor
-- @tparam[opt] number dim dimension
-- @treturn boolean|tensor

--- Whether some element is not 0; or along a dimension, which keeps size 1, as 0 and 1.
-- @function any
-- @tparam tensor x the tensor, usually a ByteTensor
-- @tparam[opt] number dim dimension
-- @treturn boolean|tensor

for _, name in ipairs {'all', 'any'} do
  local op = C.gt_reduce_code(name)
  functions[name] = function(x, dim)
    want(x, name)
    if dim == nil then return all_of(op, name, x, 0) == 1 end
    return along(op, name, new(x.dtype), nil, x, dim, 0)
  end
  methods[name] = functions[name]
end

local NE = C.gt_compare_code('ne')

--- Whether two tensors of one type have the same sizes and elements.
-- @tparam tensor x one
-- @tparam tensor y the other
-- @treturn boolean
function functions.equal(x, y)
  want(x, 'equal')
  want(y, 'equal', 'argument 2')
  if C.gt_same_shape(x, y) == 0 then return false end
  if x.rank == 0 then return true end
  local differs = new(C.GT_BYTE)
  check(C.gt_compare(NE, differs, x, y, 0))
  return integers.reduce_all('any', differs) == 0
end
methods.equal = functions.equal

-- ---- trace ------------------------------------------------------------------------------------------------------------------

--- Sum of a matrix's diagonal.
-- @tparam tensor x matrix
-- @treturn number
function functions.trace(x)
  want(x, 'trace')
  if x.rank ~= 2 then fail('trace: got a tensor of %d dimensions, wanted a matrix', x.rank) end
  local n = math.min(tonumber(x.shape[0]), tonumber(x.shape[1]))
  if n == 0 then return 0 end
  local p, step, sum = tensor.pointer(x, 'trace'), tonumber(x.step[0]) + tonumber(x.step[1]), 0
  for i = 0, n - 1 do sum = sum + tonumber(p[i * step]) end
  return sum
end
methods.trace = functions.trace

return {methods = methods, functions = functions}
