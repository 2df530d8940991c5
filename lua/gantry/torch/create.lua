--- Functions that make tensors: zeros, ones, ranges, identity, and parts of matrices. They make the default type, or fill a
-- result tensor given first.
-- @module gantry.torch.create
local native = require 'gantry.native'
local dtypes = require 'gantry.torch.dtypes'
local tensor = require 'gantry.torch.tensor'

local C, fail, check, new = native.C, native.fail, native.check, native.new_tensor
local is, want, number, integer = tensor.is, tensor.want, dtypes.number, dtypes.integer
local read_shape, shape_buffer = tensor.read_shape, tensor.shape_buffer

local functions, methods = {}, {}

local function filled(name, value)
  return function(r, a, ...)
    if is(r) then
      if a == nil then fail('%s: sizes are missing', name) end
      native.resize(r, read_shape(name, a, ...), shape_buffer)
    else
      if r == nil then fail('%s: sizes are missing', name) end
      r = tensor.empty(tensor.default, r, a, ...)
    end
    check(C.gt_fill(r, value))
    return r
  end
end

--- A tensor of zeros.
-- @param ... [result tensor,] sizes
-- @treturn tensor
functions.zeros = filled('zeros', 0)

--- A tensor of ones.
-- @param ... [result tensor,] sizes
-- @treturn tensor
functions.ones = filled('ones', 1)

local function like(value)
  return function(t)
    want(t, value == 0 and 'zerosLike' or 'onesLike')
    local r = tensor.empty_like(t)
    check(C.gt_fill(r, value))
    return r
  end
end

--- Zeros in another tensor's type and sizes.
functions.zerosLike = like(0)
--- Ones in another tensor's type and sizes.
functions.onesLike = like(1)

-- A 1-D result of n elements, and a pointer to write it through.
local function vector(r, n, what)
  r = r or new(tensor.default)
  shape_buffer[0] = n
  native.resize(r, 1, shape_buffer)
  return r, n > 0 and tensor.pointer(r, what) or nil, tonumber(r.step[0])
end

--- first, first + step, ... up to last.
-- @param ... [result tensor,] first, last [, step (1)]
-- @treturn tensor
function functions.range(r, first, last, step)
  if not is(r) then r, first, last, step = nil, r, first, last end
  first, last = number(first, 'range', 'the first number'), number(last, 'range', 'the last number')
  step = step == nil and 1 or number(step, 'range', 'the step')
  if step == 0 or (last - first) / step < 0 then fail('range: %g to %g cannot be reached in steps of %g', first, last, step) end
  local count = math.floor((last - first) / step + 1)
  if count ~= count or count > 2 ^ 46 then fail('range: %g elements cannot be had', count) end
  local p, at
  r, p, at = vector(r, count, 'range')
  for i = 0, count - 1 do p[i * at] = first + i * step end
  tensor.touch(r)
  return r
end

-- n numbers from first to last, each through f.
local function spaced(name, f)
  return function(r, first, last, n)
    if not is(r) then r, first, last, n = nil, r, first, last end
    first, last = number(first, name, 'the first number'), number(last, name, 'the last number')
    n = n == nil and 100 or integer(n, name, 'the count')
    if n < 1 or (n == 1 and first ~= last) then fail('%s: %d points from %g to %g', name, n, first, last) end
    local p, at
    r, p, at = vector(r, n, name)
    for i = 0, n - 1 do p[i * at] = f(n == 1 and first or first + i * (last - first) / (n - 1)) end
    tensor.touch(r)
    return r
  end
end

--- n numbers at equal distances, ends included.
-- @param ... [result tensor,] first, last [, n (100)]
-- @treturn tensor
functions.linspace = spaced('linspace', function(v) return v end)

--- n powers of ten whose exponents are at equal distances.
-- @param ... [result tensor,] first exponent, last exponent [, n (100)]
-- @treturn tensor
functions.logspace = spaced('logspace', function(v) return 10 ^ v end)

--- Ones on the diagonal, zeros elsewhere.
-- @param ... [result tensor,] n [, m (n)]
-- @treturn tensor n x m
function functions.eye(r, n, m)
  if not is(r) then r, n, m = nil, r, n end
  n = integer(n, 'eye', 'the size')
  m = m == nil and n or integer(m, 'eye', 'the size')
  r = r or new(tensor.default)
  native.resize(r, read_shape('eye', n, m), shape_buffer)
  check(C.gt_fill(r, 0))
  for i = 1, math.min(n, m) do r[i][i] = 1 end
  return r
end

--- Of a vector, the matrix with it on diagonal k; of a matrix, its diagonal k.
-- @param ... [result tensor,] tensor [, k (0: main, above it positive)]
-- @treturn tensor
function functions.diag(r, x, k)
  if not is(x) then r, x, k = nil, r, x end
  want(x, 'diag')
  if r then want(r, 'diag') end
  k = k == nil and 0 or integer(k, 'diag', 'k')
  r = r or new(x.dtype)
  if x.rank == 1 then
    local n = tonumber(x.shape[0]) + math.abs(k)
    local values = x:clone()
    native.resize(r, read_shape('diag', n, n), shape_buffer)
    check(C.gt_fill(r, 0))
    for i = 1, values:nElement() do r[i + math.max(0, -k)][i + math.max(0, k)] = values[i] end
    return r
  end
  if x.rank ~= 2 then fail('diag: got a tensor of %d dimensions, wanted 1 or 2', x.rank) end
  local rows, columns = tonumber(x.shape[0]), tonumber(x.shape[1])
  local n = math.min(rows - math.max(0, -k), columns - math.max(0, k))
  if n < 1 then fail('diag: a %dx%d matrix has no diagonal %d', rows, columns, k) end
  local values = {}
  for i = 1, n do values[i] = x[i + math.max(0, -k)][i + math.max(0, k)] end
  r = vector(r, n, 'diag')
  for i = 1, n do r[i] = values[i] end
  return r
end

local function triangle(name, lower)
  return function(r, x, k)
    if not is(x) then r, x, k = nil, r, x end
    want(x, name)
    if r then want(r, name) end
    if x.rank ~= 2 then fail('%s: got a tensor of %d dimensions, wanted a matrix', name, x.rank) end
    k = k == nil and 0 or integer(k, name, 'k')
    local source = tensor.copy_of(x)
    local rows, columns = tonumber(x.shape[0]), tonumber(x.shape[1])
    if tensor.count(source) > 0 then
      local p = tensor.pointer(source, name)
      for i = 0, rows - 1 do
        local first, last = 0, columns - 1
        if lower then first = math.max(0, i + k + 1) else last = math.min(columns - 1, i + k - 1) end
        for j = first, last do p[i * columns + j] = 0 end
      end
    end
    if not r then return source end
    check(C.gt_tensor_resize_as(r, source))
    if tensor.count(source) > 0 then check(C.gt_copy(r, source)) end
    return r
  end
end

--- A matrix with zeros above diagonal k.
-- @param ... [result tensor,] matrix [, k (0)]
-- @treturn tensor
functions.tril = triangle('tril', true)

--- A matrix with zeros below diagonal k.
-- @param ... [result tensor,] matrix [, k (0)]
-- @treturn tensor
functions.triu = triangle('triu', false)

for _, name in ipairs {'zeros', 'ones', 'range', 'linspace', 'logspace', 'eye'} do
  local f = functions[name]
  methods[name] = function(t, ...)
    want(t, name)
    return f(t, ...)
  end
end
for _, name in ipairs {'diag', 'tril', 'triu'} do methods[name] = functions[name] end

return {functions = functions, methods = methods}
