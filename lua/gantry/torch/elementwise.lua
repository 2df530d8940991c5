--- Element-wise maths with Torch7's calling conventions: `x:add(y)` works in place, `x:add(y, z)` fills x, `torch.add(y, z)` makes
-- a new tensor, `torch.add(x, y, z)` fills x. Float and Double run in C, integer types as Lua loops.
-- In place, an operand may have other sizes than the tensor: it broadcasts to them, or pairs by count. Elsewhere operands
-- broadcast to each other by NumPy's rule, else pair by count.
-- @module gantry.torch.elementwise
local native = require 'gantry.native'
local dtypes = require 'gantry.torch.dtypes'
local tensor = require 'gantry.torch.tensor'
local integers = require 'gantry.torch.integers'

local C, fail, check, new = native.C, native.fail, native.check, native.new_tensor
local type, rawequal = type, rawequal
local is, want, number = tensor.is, tensor.want, dtypes.number
local FLOAT = C.GT_FLOAT

local methods, functions = {}, {}

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

-- torch.NAME(x) makes a new tensor, torch.NAME(r, x) fills r; x:NAME() works in place, x:NAME(y) fills x with y's.
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
--- Absolute values.
-- @function abs

--- Signs: -1, 0 or 1.
-- @function sign

--- -x.
-- @function neg

--- e to the power of x.
-- @function exp

--- e to the power of x, less 1: exact where x is near 0.
-- @function expm1

--- Natural logarithms.
-- @function log

--- Natural logarithms of 1 + x: exact where x is near 0.
-- @function log1p

--- Logarithms to base 2.
-- @function log2

--- Logarithms to base 10.
-- @function log10

--- Square roots.
-- @function sqrt

--- 1 over the square root of x.
-- @function rsqrt

--- 1 / x.
-- @function cinv

--- Sines of radians.
-- @function sin

--- Cosines of radians.
-- @function cos

--- Tangents of radians.
-- @function tan

--- Inverse sines, in radians.
-- @function asin

--- Inverse cosines, in radians.
-- @function acos

--- Inverse tangents, in radians.
-- @function atan

--- Hyperbolic sines.
-- @function sinh

--- Hyperbolic cosines.
-- @function cosh

--- Hyperbolic tangents.
-- @function tanh

--- The error function.
-- @function erf

--- 1 / (1 + e ^ -x).
-- @function sigmoid

--- Whole numbers, rounded down.
-- @function floor

--- Whole numbers, rounded up.
-- @function ceil

--- Whole numbers, rounded to the nearest, halves away from 0.
-- @function round

--- Whole numbers, cut toward 0.
-- @function trunc

--- What trunc cuts off: x - trunc(x).
-- @function frac

for _, name in ipairs {'abs', 'sign', 'neg', 'exp', 'expm1', 'log', 'log1p', 'log2', 'log10', 'sqrt', 'rsqrt', 'cinv', 'sin', 'cos', 'tan',
  'asin', 'acos', 'atan', 'sinh', 'cosh', 'tanh', 'erf', 'sigmoid', 'floor', 'ceil', 'round', 'trunc', 'frac'} do
  define_unary(name)
end

-- ---- one operand and one number: div(v), fmod(v), remainder(v); mul(v) --------------------------------------------------

-- torch.NAME(x, v) makes a new tensor, torch.NAME(r, x, v) fills r; x:NAME(v) works in place, x:NAME(y, v) fills x with y's.
local function define_scaled(name, hint)
  local op = C.gt_unary_code(name)
  local function value(v)
    if type(v) == 'number' then return v end
    if is(v) and hint then fail('%s: the second operand is a tensor, wanted a number; %s is the product of elements', name, hint) end
    return number(v, name, 'the number')
  end
  methods[name] = function(x, y, v)
    want(x, name)
    if v == nil then return unary(op, name, x, x, value(y), 0) end
    want(y, name, 'argument 2')
    return unary(op, name, x, y, value(v), 0)
  end
  functions[name] = function(r, y, v)
    want(r, name)
    if v == nil then return unary(op, name, new(r.dtype), r, value(y), 0) end
    want(y, name, 'argument 2')
    return unary(op, name, r, y, value(v), 0)
  end
end
--- x times a number; cmul is the product of two tensors.
-- @function mul

--- x over a number, or over a tensor, element by element.
-- @function div

--- What is left of x when as many of a number (or of a tensor's elements) as fit are taken away; it has x's sign.
-- @function fmod

--- What is left of x when a whole number of times a number (or a tensor's elements) is taken away; it has that one's sign.
-- @function remainder

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

-- sign is 1 for add, -1 for csub. v is a number:
-- torch.NAME(x, v), torch.NAME(x, [v,] y) make a new tensor, torch.NAME(r, x, [v,] y) fills r; x:NAME(v), x:NAME([v,] y) work in
-- place, x:NAME(y, v), x:NAME(y, [v,] z) fill x.
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
--- Sums: x + v, x + y, x + v y.
-- @function add
-- @usage torch.add(x, 1)   torch.add(x, 0.5, y)   x:add(y)   x:add(0.5, y)

--- Differences: x - v, x - y, x - v y.
-- @function csub
-- @usage torch.csub(x, y)   x:csub(1)

define_add('add', 1)
define_add('csub', -1)

-- ---- two operands: cmul, cdiv, cpow, cmax, cmin, atan2 ... ------------------------------------------------------------

-- with_number: C's unary operation for a number as the second operand, or nil.
-- torch.NAME(a, b) makes a new tensor, torch.NAME(r, a, b) fills r; x:NAME(b) works in place, x:NAME(a, b) fills x.
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
--- Products, element by element, of a tensor and another or a number.
-- @function cmul

--- Quotients, element by element, of a tensor and another or a number.
-- @function cdiv

--- Powers, element by element: a ^ b, b a tensor or a number.
-- @function cpow

--- The larger of two, element by element; the second may be a number.
-- @function cmax

--- The smaller of two, element by element; the second may be a number.
-- @function cmin

--- As fmod, element by element; the second may be a number.
-- @function cfmod

--- As remainder, element by element; the second may be a number.
-- @function cremainder

--- The angles of the points (b, a) in radians, -pi to pi: inverse tangents of a / b in the right quadrant.
-- @function atan2

define_binary('cmul', 'mul', 'mul')
define_binary('cdiv', 'div', 'div')
define_binary('cpow', 'pow', 'pow')
define_binary('cmax', 'max', 'clamp_min')
define_binary('cmin', 'min', 'clamp_max')
define_binary('cfmod', 'fmod', 'fmod')
define_binary('cremainder', 'remainder', 'remainder')
define_binary('atan2', 'atan2')

-- ---- powers, bounds ---------------------------------------------------------------------------------------------------

local POW, RPOW = C.gt_unary_code('pow'), C.gt_unary_code('rpow')
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

-- torch.NAME([r,] a, [v,] b, c) makes a new tensor or fills r; x:NAME([v,] b, c) works in place, x:NAME(a, [v,] b, c) fills x. v is a
-- number (1).
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
  methods[name] = function(x, a, b, c, d)
    want(x, name)
    if type(a) == 'number' then return run(x, x, a, b, c) end
    if c == nil then return run(x, x, nil, a, b) end
    if type(b) == 'number' then return run(x, a, b, c, d) end
    return run(x, a, nil, b, c)
  end
  functions[name] = function(r, a, b, c, d)
    want(r, name)
    if type(a) == 'number' then return run(new(r.dtype), r, a, b, c) end
    if c == nil then return run(new(r.dtype), r, nil, a, b) end
    if type(b) == 'number' then return run(r, a, b, c, d) end
    return run(r, a, nil, b, c)
  end
end
--- a + v b c, element by element.
-- @function addcmul

--- a + v b / c, element by element.
-- @function addcdiv

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

return {methods = methods, functions = functions, unary = unary}
