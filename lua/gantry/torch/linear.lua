--- Products of matrices and vectors, with Torch7's calling conventions.
-- @module gantry.torch.linear
local ffi = require 'ffi'
local native = require 'gantry.native'
local dtypes = require 'gantry.torch.dtypes'
local tensor = require 'gantry.torch.tensor'

local C, fail, check, new = native.C, native.fail, native.check, native.new_tensor
local type = type
local is, want, number = tensor.is, tensor.want, dtypes.number

local FLOAT, DOUBLE = C.GT_FLOAT, C.GT_DOUBLE

local methods, functions = {}, {}

local total = ffi.new('double[1]')

-- r = beta m + alpha a b, by one of the library's products. Integers are multiplied as doubles, which is exact below 2^53.
local function compute(name, product, r, beta, m, alpha, a, b)
  if a.dtype >= FLOAT then return check(product(r, beta, m, alpha, a, b)) end
  for _, t in ipairs {r, b, m} do tensor.want_type(t, a.dtype, name, 'an operand') end
  local out, term = new(DOUBLE), m and tensor.copy_of(m, DOUBLE)
  beta, alpha = dtypes.integer(beta, name, 'beta'), dtypes.integer(alpha, name, 'alpha')
  check(product(out, beta, term, alpha, tensor.copy_of(a, DOUBLE), tensor.copy_of(b, DOUBLE)))
  check(C.gt_tensor_resize_as(r, out))
  if tensor.count(out) > 0 then check(C.gt_copy(r, out)) end
end

--- Sum of the products of elements.
-- @tparam tensor y as many elements
-- @treturn number
function methods.dot(x, y)
  want(x, 'dot')
  want(y, 'dot', 'argument 2')
  if x.dtype < FLOAT then
    tensor.want_type(y, x.dtype, 'dot', 'argument 2')
    x, y = tensor.copy_of(x, DOUBLE), tensor.copy_of(y, DOUBLE)
  end
  check(C.gt_dot(total, x, y))
  return total[0]
end
functions.dot = methods.dot

-- torch.NAME(a, b), a:NAME(b) make a new tensor; torch.NAME(r, a, b), r:NAME(a, b) fill r.
local function define_product(name, product)
  local function multiply(r, a, b)
    want(r, name)
    want(a, name, 'argument 2')
    if b == nil then
      r, a, b = new(r.dtype), r, a
    else
      want(b, name, 'argument 3')
    end
    compute(name, product, r, 0, nil, 1, a, b)
    return r
  end
  methods[name], functions[name] = multiply, multiply
end
--- The product of two matrices, n x k and k x m: n x m.
-- @function mm

--- The product of a matrix, n x k, and a vector of k: a vector of n.
-- @function mv

--- The products of all elements of a vector of n with all of a vector of m: n x m.
-- @function ger

--- The products of a batch of matrices with another, b x n x k and b x k x m: b x n x m.
-- @function bmm

define_product('mm', function(r, beta, m, alpha, a, b) return C.gt_addmm(r, beta, m, alpha, a, b) end)
define_product('mv', function(r, beta, m, alpha, a, b) return C.gt_addmv(r, beta, m, alpha, a, b) end)
define_product('ger', function(r, beta, m, alpha, a, b) return C.gt_addr(r, beta, m, alpha, a, b) end)
define_product('bmm', function(r, beta, m, alpha, a, b) return C.gt_baddbmm(r, beta, m, alpha, a, b) end)

local function one(x) return is(x) and 1 or 0 end

-- r = beta m + alpha a b. torch.NAME([r,] [beta,] m, [alpha,] a, b) makes a new tensor or fills r; as a method, with m the tensor
-- itself where it is not named: x:NAME(a, b), x:NAME(alpha, a, b), x:NAME(beta, alpha, a, b), x:NAME([beta,] m, [alpha,] a, b).
local function define_added(name, product)
  local function run(r, beta, m, alpha, a, b)
    want(m, name, 'the term')
    want(a, name, 'the first factor')
    want(b, name, 'the second factor')
    compute(name, product, r, number(beta, name, 'beta'), m, number(alpha, name, 'alpha'), a, b)
    return r
  end
  local function method(x, p, q, s, t, u)
    want(x, name)
    if type(p) == 'number' then
      if type(q) == 'number' then return run(x, p, x, q, s, t) end
      if t == nil then return run(x, 1, x, p, q, s) end
      if type(s) == 'number' then return run(x, p, q, s, t, u) end
      return run(x, p, q, 1, s, t)
    end
    if s == nil then return run(x, 1, x, 1, p, q) end
    if type(q) == 'number' then return run(x, 1, p, q, s, t) end
    return run(x, 1, p, 1, q, s)
  end
  methods[name] = method
  functions[name] = function(o, p, q, s, t, u)
    local tensors = one(o) + one(p) + one(q) + one(s) + one(t) + one(u)
    if tensors == 4 then return method(o, p, q, s, t, u) end
    if tensors ~= 3 then fail('%s: got %d tensors, wanted a term and two factors (and perhaps a result first)', name, tensors) end
    local m = is(o) and o or p
    want(m, name, 'the term')
    return method(new(m.dtype), o, p, q, s, t)
  end
end
--- A matrix plus the product of two: see mm.
-- @function addmm

--- A vector plus the product of a matrix and a vector: see mv.
-- @function addmv

--- A matrix plus the products of two vectors' elements: see ger.
-- @function addr

--- A matrix plus the sum of a batch of products of matrices: see bmm.
-- @function addbmm

--- A batch of matrices plus a batch of products of matrices: see bmm.
-- @function baddbmm

define_added('addmm', function(r, beta, m, alpha, a, b) return C.gt_addmm(r, beta, m, alpha, a, b) end)
define_added('addmv', function(r, beta, m, alpha, a, b) return C.gt_addmv(r, beta, m, alpha, a, b) end)
define_added('addr', function(r, beta, m, alpha, a, b) return C.gt_addr(r, beta, m, alpha, a, b) end)
define_added('addbmm', function(r, beta, m, alpha, a, b) return C.gt_addbmm(r, beta, m, alpha, a, b) end)
define_added('baddbmm', function(r, beta, m, alpha, a, b) return C.gt_baddbmm(r, beta, m, alpha, a, b) end)

--- Cross products of the vectors of three along a dimension (the first of size 3, if none is named): torch.cross([r,] a, b [, dim]).
-- @treturn tensor
function functions.cross(r, a, b, dim)
  if not is(b) then r, a, b, dim = nil, r, a, b end
  want(a, 'cross')
  want(b, 'cross', 'the second operand')
  if C.gt_same_shape(a, b) == 0 then fail('cross: sizes %s and %s differ', tensor.shape_text(a), tensor.shape_text(b)) end
  for d = 1, dim and 0 or a.rank do
    if a.shape[d - 1] == 3 then
      dim = d
      break
    end
  end
  if not dim then fail('cross: no dimension of %s has size 3', tensor.shape_text(a)) end
  local d = tensor.dim(a, dim, 'cross')
  if a.shape[d] ~= 3 then fail('cross: dimension %d has size %d, wanted 3', dim, tonumber(a.shape[d])) end
  local out = tensor.empty_like(a)
  for i = 1, 3 do
    local j, k = i % 3 + 1, (i + 1) % 3 + 1
    local part = a:narrow(dim, j, 1):clone():cmul(b:narrow(dim, k, 1))
    out:narrow(dim, i, 1):copy(part:csub(a:narrow(dim, k, 1):clone():cmul(b:narrow(dim, j, 1))))
  end
  if not r then return out end
  return r:resizeAs(out):copy(out)
end

--- Cross products of the vectors of three along a dimension (the first of size 3, if none is named).
-- @tparam tensor b the second operand
-- @tparam[opt] number dim dimension
-- @treturn tensor new memory
function methods.cross(a, b, dim) return functions.cross(a, b, dim) end

return {methods = methods, functions = functions}
