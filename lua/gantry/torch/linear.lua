--- Products of matrices and vectors, with Torch7's calling conventions. Float and Double.
-- @module gantry.torch.linear
local ffi = require 'ffi'
local native = require 'gantry.native'
local dtypes = require 'gantry.torch.dtypes'
local tensor = require 'gantry.torch.tensor'

local C, fail, check, new = native.C, native.fail, native.check, native.new_tensor
local type = type
local is, want, number = tensor.is, tensor.want, dtypes.number

local methods, functions = {}, {}

local total = ffi.new('double[1]')

--- Sum of the products of elements.
-- @tparam tensor y as many elements
-- @treturn number
function methods.dot(x, y)
  want(x, 'dot')
  want(y, 'dot', 'argument 2')
  check(C.gt_dot(total, x, y))
  return total[0]
end
functions.dot = methods.dot

-- x:mm(a, b) fills x; a:mm(b) and torch.mm(a, b) make a new tensor; torch.mm(r, a, b) fills r.
local function define_product(name, product)
  local function multiply(r, a, b)
    want(r, name)
    want(a, name, 'argument 2')
    if b == nil then
      r, a, b = new(r.dtype), r, a
    else
      want(b, name, 'argument 3')
    end
    check(product(r, 0, nil, 1, a, b))
    return r
  end
  methods[name], functions[name] = multiply, multiply
end
define_product('mm', function(r, beta, m, alpha, a, b) return C.gt_addmm(r, beta, m, alpha, a, b) end)
define_product('mv', function(r, beta, m, alpha, a, b) return C.gt_addmv(r, beta, m, alpha, a, b) end)
define_product('ger', function(r, beta, m, alpha, a, b) return C.gt_addr(r, beta, m, alpha, a, b) end)
define_product('bmm', function(r, beta, m, alpha, a, b) return C.gt_baddbmm(r, beta, m, alpha, a, b) end)

local function one(x) return is(x) and 1 or 0 end

-- r = beta m + alpha a b. As a method, with m the tensor itself where it is not named:
--   x:addmm(a, b), x:addmm(alpha, a, b), x:addmm(beta, alpha, a, b), x:addmm([beta,] m, [alpha,] a, b)
-- As a function: torch.addmm([r,] [beta,] m, [alpha,] a, b).
local function define_added(name, product)
  local function run(r, beta, m, alpha, a, b)
    want(m, name, 'the term')
    want(a, name, 'the first factor')
    want(b, name, 'the second factor')
    check(product(r, number(beta, name, 'beta'), m, number(alpha, name, 'alpha'), a, b))
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
define_added('addmm', function(r, beta, m, alpha, a, b) return C.gt_addmm(r, beta, m, alpha, a, b) end)
define_added('addmv', function(r, beta, m, alpha, a, b) return C.gt_addmv(r, beta, m, alpha, a, b) end)
define_added('addr', function(r, beta, m, alpha, a, b) return C.gt_addr(r, beta, m, alpha, a, b) end)
define_added('addbmm', function(r, beta, m, alpha, a, b) return C.gt_addbmm(r, beta, m, alpha, a, b) end)
define_added('baddbmm', function(r, beta, m, alpha, a, b) return C.gt_baddbmm(r, beta, m, alpha, a, b) end)

return {methods = methods, functions = functions}
