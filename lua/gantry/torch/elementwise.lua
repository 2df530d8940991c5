--- Element-wise maths with Torch7's calling conventions: `x:add(y)` works in place, `x:add(y, z)` fills x, `torch.add(y, z)` makes
-- a new tensor, `torch.add(x, y, z)` fills x. Comparisons give ByteTensors of 0 and 1. Float and Double run in C, integer
-- types as Lua loops.
-- In place, an operand may have other sizes than the tensor: it broadcasts to them, or pairs by count. Elsewhere operands
-- broadcast to each other by NumPy's rule, else pair by count.
-- @module gantry.torch.elementwise
local native = require 'gantry.native'
local dtypes = require 'gantry.torch.dtypes'
local tensor = require 'gantry.torch.tensor'
local integers = require 'gantry.torch.integers'
local class = require 'gantry.torch.class'

local C, fail, check, new = native.C, native.fail, native.check, native.new_tensor
local type, rawequal = type, rawequal
local is, want, number = tensor.is, tensor.want, dtypes.number
local FLOAT = C.GT_FLOAT

local methods, functions, operators = {}, {}, {}

-- y in x's sizes, for in-place operations.
local function fit(x, y, what)
  if C.gt_same_shape(x, y) ~= 0 then return y end
  if x.dtype ~= y.dtype then return y end       -- C names the types
  local r = new(y.dtype)
  if tensor.count(x) == tensor.count(y) then
    check(C.gt_view(r, tensor.contiguous(y), x.rank, x.shape))
  elseif C.gt_expand(r, y, x.rank, x.shape) ~= 0 then
    fail('%s: a tensor of size %s does not fit one of size %s', what, tensor.shape_text(y), tensor.shape_text(x))
  end
  return r
end

local function unary(op, name, r, a, p, q)
  if a.dtype < FLOAT then return integers.unary(name, r, a, p, q) end
  check(C.gt_unary(op, r, a, p, q))
  return r
end

-- r = op(a, b, p); in place (r is a) b is made to fit.
local function binary(op, name, r, a, b, p)
  if rawequal(r, a) then b = fit(a, b, name) end
  if a.dtype < FLOAT then return integers.binary(name, r, a, b, p) end
  check(C.gt_binary(op, r, a, b, p))
  return r
end

-- ---- one operand ----------------------------------------------------------------------------------------------------

local function define_unary(name, c_name)
  c_name = c_name or name
  local op = C.gt_unary_code(c_name)
  methods[name] = function(x, y)
    want(x, name)
    if y == nil then y = x else want(y, name, 'argument 2') end
    return unary(op, c_name, x, y, 0, 0)
  end
  functions[name] = function(r, x)
    want(r, name)
    if x == nil then return unary(op, c_name, new(r.dtype), r, 0, 0) end
    want(x, name, 'argument 2')
    return unary(op, c_name, r, x, 0, 0)
  end
end
for _, name in ipairs {'abs', 'sign', 'neg', 'exp', 'expm1', 'log', 'log1p', 'log2', 'log10', 'sqrt', 'rsqrt', 'cinv', 'sin', 'cos', 'tan',
  'asin', 'acos', 'atan', 'sinh', 'cosh', 'tanh', 'erf', 'sigmoid', 'floor', 'ceil', 'round', 'trunc', 'frac'} do
  define_unary(name)
end

-- ---- one operand and one number: div(v), fmod(v), remainder(v); mul(v) --------------------------------------------------

local function define_scaled(name, hint)
  local op = C.gt_unary_code(name)
  local function value(v)
    if type(v) == 'number' then return v end
    if is(v) and hint then fail('%s: the second operand is a tensor, wanted a number; %s is the product of elements', name, hint) end
    return number(v, name, 'the number')
  end
  -- x:mul(v); x:mul(y, v)
  methods[name] = function(x, y, v)
    want(x, name)
    if v == nil then return unary(op, name, x, x, value(y), 0) end
    want(y, name, 'argument 2')
    return unary(op, name, x, y, value(v), 0)
  end
  -- torch.mul(y, v); torch.mul(r, y, v)
  functions[name] = function(r, y, v)
    want(r, name)
    if v == nil then return unary(op, name, new(r.dtype), r, value(y), 0) end
    want(y, name, 'argument 2')
    return unary(op, name, r, y, value(v), 0)
  end
end
define_scaled('mul', 'cmul')
define_scaled('div')
define_scaled('fmod')
define_scaled('remainder')

-- div by a tensor, fmod and remainder with one: as cdiv, cfmod, cremainder.
for _, name in ipairs {'div', 'fmod', 'remainder'} do
  local scaled_method, scaled_function, op = methods[name], functions[name], C.gt_binary_code(name)
  methods[name] = function(x, y, v)
    if v == nil and is(y) then
      want(x, name)
      return binary(op, name, x, x, y, 1)
    elseif is(v) then
      want(x, name)
      want(y, name, 'argument 2')
      return binary(op, name, x, y, v, 1)
    end
    return scaled_method(x, y, v)
  end
  functions[name] = function(r, y, v)
    want(r, name)
    if v == nil and is(y) then return binary(op, name, new(r.dtype), r, y, 1) end
    if is(v) then
      want(y, name, 'argument 2')
      return binary(op, name, r, y, v, 1)
    end
    return scaled_function(r, y, v)
  end
end

-- ---- add, csub --------------------------------------------------------------------------------------------------------

local ADD_NUMBER, ADD = C.gt_unary_code('add'), C.gt_binary_code('add')

-- sign is 1 for add, -1 for csub.
local function define_add(name, sign)
  -- x:add(v); x:add(y); x:add(v, y): x + v y; x:add(y, v): y + v; x:add(y, z); x:add(y, v, z): y + v z
  local function add(x, a, b, c)
    if b == nil then
      if type(a) == 'number' then return unary(ADD_NUMBER, 'add', x, x, sign * a, 0) end
      want(a, name, 'argument 2')
      return binary(ADD, 'add', x, x, a, sign)
    elseif c == nil then
      if type(a) == 'number' then
        want(b, name, 'argument 3')
        return binary(ADD, 'add', x, x, b, sign * a)
      end
      want(a, name, 'argument 2')
      if type(b) == 'number' then return unary(ADD_NUMBER, 'add', x, a, sign * b, 0) end
      want(b, name, 'argument 3')
      return binary(ADD, 'add', x, a, b, sign)
    end
    want(a, name, 'argument 2')
    want(c, name, 'argument 4')
    return binary(ADD, 'add', x, a, c, sign * number(b, name, 'argument 3'))
  end
  methods[name] = function(x, a, b, c)
    want(x, name)
    return add(x, a, b, c)
  end
  functions[name] = function(r, a, b, c)
    want(r, name)
    if a == nil then fail('%s: argument 2 is nil, wanted a number or a tensor', name) end
    if b == nil then return add(new(r.dtype), r, a) end
    if type(a) == 'number' then return add(new(r.dtype), r, a, b) end
    return add(r, a, b, c)
  end
end
define_add('add', 1)
define_add('csub', -1)

-- ---- two operands: cmul, cdiv, cpow, cmax, cmin, atan2 ... ------------------------------------------------------------

-- with_number: C's unary operation for a number as the second operand, or nil.
local function define_binary(name, c_name, with_number)
  local op = C.gt_binary_code(c_name)
  local number_op = with_number and C.gt_unary_code(with_number)
  local function apply(r, a, b)
    if type(b) == 'number' and number_op then return unary(number_op, with_number, r, a, b, 0) end
    want(b, name, 'the second operand')
    return binary(op, c_name, r, a, b, 1)
  end
  methods[name] = function(x, a, b)
    want(x, name)
    if b == nil then return apply(x, x, a) end
    want(a, name, 'argument 2')
    return apply(x, a, b)
  end
  functions[name] = function(r, a, b)
    want(r, name)
    if b == nil then return apply(new(r.dtype), r, a) end
    want(a, name, 'argument 2')
    return apply(r, a, b)
  end
end
define_binary('cmul', 'mul', 'mul')
define_binary('cdiv', 'div', 'div')
define_binary('cpow', 'pow', 'pow')
define_binary('cmax', 'max', 'clamp_min')
define_binary('cmin', 'min', 'clamp_max')
define_binary('cfmod', 'fmod', 'fmod')
define_binary('cremainder', 'remainder', 'remainder')
define_binary('atan2', 'atan2')

-- ---- powers, bounds ---------------------------------------------------------------------------------------------------

local POW, RPOW, RDIV = C.gt_unary_code('pow'), C.gt_unary_code('rpow'), C.gt_unary_code('rdiv')
local CLAMP = C.gt_unary_code('clamp')

-- r = a to the power b, one of them a number.
local function raise(r, a, b)
  if type(a) == 'number' then
    want(b, 'pow', 'the exponent')
    return unary(RPOW, 'rpow', r, b, a, 0)
  end
  want(a, 'pow', 'the base')
  return unary(POW, 'pow', r, a, number(b, 'pow', 'the exponent'), 0)
end

--- Powers: x:pow(v) in place, x:pow(y, v), x:pow(v, y) (v to the powers in y).
-- @treturn tensor itself
function methods.pow(x, a, b)
  want(x, 'pow')
  if b == nil then return raise(x, x, a) end
  return raise(x, a, b)
end

--- Powers: torch.pow([r,] y, v) or torch.pow([r,] v, y).
-- @treturn tensor
function functions.pow(r, a, b)
  if b ~= nil then
    want(r, 'pow')
    return raise(r, a, b)
  end
  local like = is(r) and r or a
  want(like, 'pow')
  return raise(new(like.dtype), r, a)
end

--- v to the powers in x, in place.
function methods.tpow(x, v)
  want(x, 'tpow')
  return raise(x, number(v, 'tpow', 'the base'), x)
end

local function bound(r, a, low, high)
  low, high = number(low, 'clamp', 'the lower bound'), number(high, 'clamp', 'the upper bound')
  return unary(CLAMP, 'clamp', r, a, low, high)
end

--- Limits elements to low..high: x:clamp(low, high) in place, x:clamp(y, low, high).
-- @treturn tensor itself
function methods.clamp(x, a, b, c)
  want(x, 'clamp')
  if c == nil then return bound(x, x, a, b) end
  want(a, 'clamp', 'argument 2')
  return bound(x, a, b, c)
end

--- Limits elements to low..high: torch.clamp([r,] x, low, high).
-- @treturn tensor
function functions.clamp(r, a, b, c)
  want(r, 'clamp')
  if c == nil then return bound(new(r.dtype), r, a, b) end
  want(a, 'clamp', 'argument 2')
  return bound(r, a, b, c)
end

-- ---- three operands ---------------------------------------------------------------------------------------------------

local function define_ternary(name)
  local op = C.gt_ternary_code(name)
  local function run(r, a, v, b, c)
    want(a, name, 'the first operand')
    want(b, name, 'the second operand')
    want(c, name, 'the third operand')
    v = v == nil and 1 or number(v, name, 'the factor')
    if rawequal(r, a) then b, c = fit(a, b, name), fit(a, c, name) end
    if a.dtype >= FLOAT then check(C.gt_ternary(op, r, a, b, c, v)) else integers.ternary(name, r, a, b, c, v) end
    return r
  end
  -- x:addcmul([v,] b, c); x:addcmul(a, [v,] b, c)
  methods[name] = function(x, a, b, c, d)
    want(x, name)
    if type(a) == 'number' then return run(x, x, a, b, c) end
    if c == nil then return run(x, x, nil, a, b) end
    if type(b) == 'number' then return run(x, a, b, c, d) end
    return run(x, a, nil, b, c)
  end
  -- torch.addcmul([r,] a, [v,] b, c)
  functions[name] = function(r, a, b, c, d)
    want(r, name)
    if type(a) == 'number' then return run(new(r.dtype), r, a, b, c) end
    if c == nil then return run(new(r.dtype), r, nil, a, b) end
    if type(b) == 'number' then return run(r, a, b, c, d) end
    return run(r, a, nil, b, c)
  end
end
define_ternary('addcmul')
define_ternary('addcdiv')

local SUB = C.gt_binary_code('sub')

-- r = a + w (b - a)
local function mix(r, a, b, w)
  want(b, 'lerp', 'the second operand')
  w = number(w, 'lerp', 'the weight')
  local step = binary(SUB, 'sub', new(a.dtype), b, a, 1)
  return binary(ADD, 'add', r, a, step, w)
end

--- Between this tensor and another: x:lerp(b, w) in place, x:lerp(a, b, w): a + w (b - a).
-- @treturn tensor itself
function methods.lerp(x, a, b, w)
  want(x, 'lerp')
  if w == nil then return mix(x, x, a, b) end
  want(a, 'lerp', 'argument 2')
  return mix(x, a, b, w)
end

--- Between two tensors: torch.lerp([r,] a, b, w).
-- @treturn tensor
function functions.lerp(r, a, b, w)
  want(r, 'lerp')
  if w == nil then return mix(new(r.dtype), r, a, b) end
  want(a, 'lerp', 'argument 2')
  return mix(r, a, b, w)
end

-- ---- comparisons ------------------------------------------------------------------------------------------------------

local function define_comparison(name)
  local op = C.gt_compare_code(name)
  local function compare(r, a, b)
    if type(b) == 'number' then
      check(C.gt_compare(op, r, a, nil, b))
    else
      want(b, name, 'the second operand')
      check(C.gt_compare(op, r, a, b, 0))
    end
    return r
  end
  -- torch.lt([r,] a, b); x:lt(b)
  functions[name] = function(r, a, b)
    want(r, name)
    if b == nil then return compare(new(C.GT_BYTE), r, a) end
    want(a, name, 'argument 2')
    return compare(r, a, b)
  end
  methods[name] = functions[name]
end
for _, name in ipairs {'lt', 'le', 'gt', 'ge', 'eq', 'ne'} do define_comparison(name) end

-- ---- operators ----------------------------------------------------------------------------------------------------------

-- A tensor with something that is neither tensor nor number: that one's own operator decides, if it has one.
local function other_operator(a, b, event, symbol)
  local x = a
  if is(a) then x = b end
  local metatable = type(x) == 'table' and getmetatable(x)
  local f = type(metatable) == 'table' and metatable[event]
  if f then return f(a, b) end
  fail('%s: got %s, wanted a tensor or a number', symbol, x == nil and 'nil' or 'a ' .. class.type(x))
end

function operators.add(a, b)
  if type(a) == 'number' then a, b = b, a end
  if not (is(a) and (type(b) == 'number' or is(b))) then return other_operator(a, b, '__add', '+') end
  return functions.add(a, b)
end

function operators.sub(a, b)
  if type(a) == 'number' and is(b) then
    local r = functions.neg(b)
    return unary(ADD_NUMBER, 'add', r, r, a, 0)
  end
  if not (is(a) and (type(b) == 'number' or is(b))) then return other_operator(a, b, '__sub', '-') end
  return functions.csub(a, b)
end

--- Product with a number; of two vectors, a matrix and a vector, two matrices: dot, mv, mm.
function operators.mul(a, b)
  if type(a) == 'number' then a, b = b, a end
  if not (is(a) and (type(b) == 'number' or is(b))) then return other_operator(a, b, '__mul', '*') end
  if type(b) == 'number' then return functions.mul(a, b) end
  if a.rank == 1 and b.rank == 1 then return a:dot(b) end
  if a.rank == 2 and b.rank == 1 then return a.new():mv(a, b) end
  if a.rank == 2 and b.rank == 2 then return a.new():mm(a, b) end
  fail('*: got %d and %d dimensions, wanted vectors or matrices; cmul is the product of elements', a.rank, b.rank)
end

function operators.div(a, b)
  if type(a) == 'number' and is(b) then
    return unary(RDIV, 'rdiv', new(b.dtype), b, a, 0)
  end
  if not (is(a) and (type(b) == 'number' or is(b))) then return other_operator(a, b, '__div', '/') end
  return functions.div(a, b)
end

function operators.unm(a) return functions.neg(a) end

function operators.pow(a, b)
  if not (is(a) and (type(b) == 'number' or is(b))) and not (type(a) == 'number' and is(b)) then
    return other_operator(a, b, '__pow', '^')
  end
  return functions.pow(a, b)
end

return {methods = methods, functions = functions, operators = operators}
