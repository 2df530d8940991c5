--- Element-wise ops: arithmetic with broadcasting, powers, exponentials, activations.
-- Derivative helpers such as tanh_grad are ops too, so that they can be differentiated in turn.
local native = require 'gantry.native'
local op = require 'gantry.autograd.op'
local shown = require('gantry.torch.class').shown
local tape = require 'gantry.autograd.tape'
local torch = require 'gantry.torch'
local Value = require 'gantry.autograd.value'

local C, check, fail, new_tensor = native.C, native.check, native.fail, native.new_tensor
local define, number = op.define, op.number

-- A new result takes the inner layout of an operand that has it.
local function follow(r, a, b)
  check(C.gt_tensor_follow(r, a))
  if b.rank == 4 and r.rank == 0 then check(C.gt_tensor_follow(r, b)) end
end

return function(ops)
  -- Forwards of kernels: of one and of two operands, without parameters and with the op's options as theirs.
  local function unary(name)
    local code = C.gt_unary_code(name)
    assert(code >= 0, name)
    return function(x)
      local r = new_tensor(x.dtype)
      check(C.gt_tensor_follow(r, x))
      check(C.gt_unary(code, r, x, 0, 0))
      return r
    end
  end

  local function unary_with(name, parameters)
    local code, two = C.gt_unary_code(name), parameters == 2
    assert(code >= 0, name)
    return function(x, p, q)
      local r = new_tensor(x.dtype)
      check(C.gt_tensor_follow(r, x))
      check(C.gt_unary(code, r, x, p, two and q or 0))
      return r
    end
  end

  local function binary(name)
    local code = C.gt_binary_code(name)
    assert(code >= 0, name)
    return function(a, b)
      local r = new_tensor(a.dtype)
      follow(r, a, b)
      check(C.gt_binary(code, r, a, b, 1))
      return r
    end
  end

  local function binary_with(name)
    local code = C.gt_binary_code(name)
    assert(code >= 0, name)
    return function(a, b, p)
      local r = new_tensor(a.dtype)
      follow(r, a, b)
      check(C.gt_binary(code, r, a, b, p))
      return r
    end
  end

  local add_scalar = define {name = 'add_scalar', options = {number 'the number'}, reads = '', second = true,
    forward = unary_with 'add', backward = function(_, g) return g end}
  --- scale(x, k): x * k for a number k.
  ops.scale = define {name = 'scale', options = {number 'the factor'}, reads = '', second = true,
    forward = unary_with 'mul', backward = function(c, g) return ops.scale(g, c[2]) end}

  local add = define {name = 'add', arity = 2, reads = {'', ''}, second = true, forward = binary 'add', backward = function(c, g)
    return c.need1 and ops.sum_to(g, c[1]), c.need2 and ops.sum_to(g, c[2])
  end}
  local sub = define {name = 'sub', arity = 2, reads = {'', ''}, second = true, forward = binary 'sub', backward = function(c, g)
    return c.need1 and ops.sum_to(g, c[1]), c.need2 and ops.sum_to(ops.neg(g), c[2])
  end}
  local mul = define {name = 'mul', arity = 2, reads = {'2', '1'}, second = true, forward = binary 'mul', backward = function(c, g)
    return c.need1 and ops.sum_to(ops.mul(g, c[2]), c[1]), c.need2 and ops.sum_to(ops.mul(g, c[1]), c[2])
  end}
  local div = define {name = 'div', arity = 2, reads = {'2', '2o'}, second = true, forward = binary 'div', backward = function(c, g)
    local q = ops.div(g, c[2])
    return c.need1 and ops.sum_to(q, c[1]), c.need2 and ops.sum_to(ops.neg(ops.mul(q, c.out)), c[2])
  end}

  --- a + b, element by element, broadcast to each other; either may be a number.
  function ops.add(a, b)
    if type(b) == 'number' then return add_scalar(a, b) end
    if type(a) == 'number' then return add_scalar(b, a) end
    return add(a, b)
  end

  --- a - b, element by element, broadcast to each other; either may be a number.
  function ops.sub(a, b)
    if type(b) == 'number' then return add_scalar(a, -b) end
    if type(a) == 'number' then return add_scalar(ops.neg(b), a) end
    return sub(a, b)
  end

  --- a * b, element by element, broadcast to each other; either may be a number.
  function ops.mul(a, b)
    if type(b) == 'number' then return ops.scale(a, b) end
    if type(a) == 'number' then return ops.scale(b, a) end
    return mul(a, b)
  end

  --- a / b, element by element, broadcast to each other; either may be a number.
  function ops.div(a, b)
    if type(b) == 'number' then return ops.scale(a, 1 / b) end
    if type(a) == 'number' then return ops.scale(ops.reciprocal(b), a) end
    return div(a, b)
  end

  --- x with the other sign.
  function ops.neg(x) return ops.scale(x, -1) end

  --- reciprocal(x): 1 / x.
  ops.reciprocal = define {name = 'reciprocal', reads = 'o', second = true, forward = unary 'cinv', backward = function(c, g)
    return ops.neg(ops.mul(g, ops.mul(c.out, c.out)))
  end}

  local ne_code, eq_code, inverse = C.gt_unary_code 'ne', C.gt_unary_code 'eq', C.gt_unary_code 'cinv'
  local add_code, mul_code = C.gt_binary_code 'add', C.gt_binary_code 'mul'

  -- r times what a comparison with 0 (or the sign) makes of x, in place.
  local function times(r, mask_code, x)
    local mask = new_tensor(x.dtype)
    check(C.gt_unary(mask_code, mask, x, 0, 0))
    check(C.gt_binary(mul_code, r, r, mask, 0))
    C.gt_tensor_release(mask)
    return r
  end

  --- safe_reciprocal(x): 1 / x where x is not 0, else 0: a gradient's divisor that may vanish.
  ops.safe_reciprocal = define {name = 'safe_reciprocal', reads = 'o', second = true, forward = function(x)
    local r = new_tensor(x.dtype)
    check(C.gt_unary(eq_code, r, x, 0, 0))
    check(C.gt_binary(add_code, r, r, x, 1))
    check(C.gt_unary(inverse, r, r, 0, 0))
    return times(r, ne_code, x)
  end, backward = function(c, g)
    return ops.neg(ops.mul(g, ops.mul(c.out, c.out)))
  end}

  --- pow(x, p): x ^ p for a number p.
  ops.pow = define {name = 'pow', options = {number 'the exponent'}, reads = '1', second = true,
    forward = unary_with 'pow', backward = function(c, g)
    local p = c[2]
    if p == 0 then return nil end
    if p == 1 then return g end
    if p == 2 then return ops.mul(g, ops.scale(c[1], 2)) end
    return ops.mul(g, ops.scale(ops.pow(c[1], p - 1), p))
  end}

  --- exp(x): e ^ x.
  ops.exp = define {name = 'exp', reads = 'o', second = true, forward = unary 'exp', backward = function(c, g) return ops.mul(g, c.out) end}
  --- log(x): the natural logarithm.
  ops.log = define {name = 'log', reads = '1', second = true, forward = unary 'log', backward = function(c, g) return ops.div(g, c[1]) end}
  --- sqrt(x): the square root. At 0, where its slope is infinite, it counts as constant: gradients of every order are 0.
  ops.sqrt = define {name = 'sqrt', reads = 'o', second = true, forward = unary 'sqrt', backward = function(c, g)
    return ops.mul(g, ops.scale(ops.safe_reciprocal(c.out), 0.5))
  end}
  local pow_code = C.gt_unary_code 'pow'

  --- root(x, p): x ^ (1 / p). At 0 gradients of every order are 0.
  ops.root = define {name = 'root', options = {number 'the order'}, reads = '1o', second = true, forward = function(x, p)
    local r = new_tensor(x.dtype)
    check(C.gt_unary(pow_code, r, x, 1 / p, 0))
    return r
  end, backward = function(c, g)
    return ops.mul(g, ops.scale(ops.mul(c.out, ops.safe_reciprocal(c[1])), 1 / c[2]))
  end}
  local function magnitude(x, p)
    local r = new_tensor(x.dtype)
    check(C.gt_unary(C.gt_unary_code 'abs', r, x, 0, 0))
    if p < 0 then -- 0 would be infinite: 1 for now
      local zero = new_tensor(x.dtype)
      check(C.gt_unary(eq_code, zero, x, 0, 0))
      check(C.gt_binary(add_code, r, r, zero, 1))
      C.gt_tensor_release(zero)
    end
    check(C.gt_unary(pow_code, r, r, p, 0))
    return r
  end

  --- abs_pow(x, p): |x| ^ p; where x is 0 it is 0, whatever p (but |x| ^ 0 is 1), and so are its gradients of every order.
  ops.abs_pow = define {name = 'abs_pow', options = {number 'the exponent'}, reads = '1', second = true, forward = function(x, p)
    local r = magnitude(x, p)
    return p < 0 and times(r, ne_code, x) or r
  end, backward = function(c, g)
    if c[2] == 0 then return nil end
    return ops.mul(g, ops.scale(ops.signed_pow(c[1], c[2] - 1), c[2]))
  end}
  --- signed_pow(x, p): sign(x) |x| ^ p; where x is 0 it is 0, whatever p. But for factors abs_pow and it are each other's derivatives.
  ops.signed_pow = define {name = 'signed_pow', options = {number 'the exponent'}, reads = '1', second = true, forward = function(x, p)
    return times(magnitude(x, p), C.gt_unary_code 'sign', x)
  end, backward = function(c, g)
    if c[2] == 0 then return nil end
    return ops.mul(g, ops.scale(ops.abs_pow(c[1], c[2] - 1), c[2]))
  end}

  --- sin(x): the sine of radians.
  ops.sin = define {name = 'sin', reads = '1', second = true,
    forward = unary 'sin', backward = function(c, g) return ops.mul(g, ops.cos(c[1])) end}
  --- cos(x): the cosine of radians.
  ops.cos = define {name = 'cos', reads = '1', second = true, forward = unary 'cos', backward = function(c, g)
    return ops.neg(ops.mul(g, ops.sin(c[1])))
  end}
  --- sign(x): -1, 0 or 1; its gradient is 0.
  ops.sign = define {name = 'sign', reads = '', second = true, forward = unary 'sign', backward = function() return nil end}
  --- abs(x): the absolute value; its gradient at 0 is taken as 0.
  ops.abs = define {name = 'abs', reads = '1', second = true,
    forward = unary 'abs', backward = function(c, g) return ops.mul(g, ops.sign(c[1])) end}

  --- tanh_grad(g, y): g * (1 - y * y), the gradient of tanh from its result y.
  ops.tanh_grad = define {name = 'tanh_grad', arity = 2, reads = {'2', '12'}, second = true,
    forward = binary 'tanh_grad', backward = function(c, g)
    return c.need1 and ops.tanh_grad(g, c[2]), c.need2 and ops.scale(ops.mul(ops.mul(g, c[1]), c[2]), -2)
  end}
  --- tanh(x): the hyperbolic tangent.
  ops.tanh = define {name = 'tanh', reads = 'o', second = true,
    forward = unary 'tanh', backward = function(c, g) return ops.tanh_grad(g, c.out) end}

  --- sigmoid_grad(g, y): g * y * (1 - y), the gradient of the logistic function from its result y.
  ops.sigmoid_grad = define {name = 'sigmoid_grad', arity = 2, reads = {'2', '12'}, second = true,
    forward = binary 'sigmoid_grad', backward = function(c, g)
    return c.need1 and ops.sigmoid_grad(g, c[2]),
      c.need2 and ops.mul(ops.mul(g, c[1]), ops.add(ops.scale(c[2], -2), 1))
  end}
  --- sigmoid(x): 1 / (1 + e ^ -x), the logistic function.
  ops.sigmoid = define {name = 'sigmoid', reads = 'o', second = true, forward = unary 'sigmoid', backward = function(c, g)
    return ops.sigmoid_grad(g, c.out)
  end}

  --- leaky_relu_grad(g, x, slope): g where x > 0, g * slope elsewhere.
  ops.leaky_relu_grad = define {name = 'leaky_relu_grad', arity = 2, options = {number 'the slope'}, reads = {'2', ''}, second = true,
    forward = binary_with 'leaky_relu_grad',
    backward = function(c, g)
    return c.need1 and ops.leaky_relu_grad(g, c[2], c[3])
  end}
  --- leaky_relu(x, slope): x where x > 0, x * slope elsewhere.
  ops.leaky_relu = define {name = 'leaky_relu', options = {number 'the slope'}, reads = '1', second = true,
    forward = unary_with 'leaky_relu', backward = function(c, g)
    return ops.leaky_relu_grad(g, c[1], c[2])
  end}
  --- relu(x): x where x > 0, 0 elsewhere.
  ops.relu = define {name = 'relu', reads = '1', second = true, forward = unary 'relu', backward = function(c, g)
    return ops.leaky_relu_grad(g, c[1], 0)
  end}

  local softplus = define {name = 'softplus', options = {number 'beta', number 'the limit'}, reads = '1', second = true,
    forward = unary_with('softplus', 2), backward = function(c, g)
    local beta = c[2]
    return ops.mul(g, ops.sigmoid(beta == 1 and c[1] or ops.scale(c[1], beta)))
  end}
  --- log(1 + e ^ (beta x)) / beta, and x itself where beta x is above a limit (default: beta 1, limit 40).
  function ops.softplus(x, beta, limit) return softplus(x, beta or 1, limit or 40) end

  --- elu_grad(g, x, alpha): g where x > 0, g * alpha * e ^ x elsewhere.
  ops.elu_grad = define {name = 'elu_grad', arity = 2, options = {number 'alpha'}, reads = {'2', '12'}, second = true,
    forward = binary_with 'elu_grad', backward = function(c, g)
    local gg = c.need2 and ops.mul(g, c[1])
    return c.need1 and ops.elu_grad(g, c[2], c[3]),
      c.need2 and ops.sub(ops.elu_grad(gg, c[2], c[3]), ops.leaky_relu_grad(gg, c[2], 0))
  end}
  local elu = define {name = 'elu', options = {number 'alpha'}, reads = '1', second = true,
    forward = unary_with 'elu', backward = function(c, g)
    return ops.elu_grad(g, c[1], c[2])
  end}
  --- x where x > 0, alpha * (e ^ x - 1) elsewhere (default: alpha 1).
  function ops.elu(x, alpha) return elu(x, alpha or 1) end

  --- threshold_grad(g, x, threshold): g where x > threshold, 0 elsewhere.
  ops.threshold_grad = define {name = 'threshold_grad', arity = 2, options = {number 'the threshold'}, reads = {'2', ''}, second = true,
    forward = binary_with 'threshold_grad',
    backward = function(c, g)
    return c.need1 and ops.threshold_grad(g, c[2], c[3])
  end}
  --- threshold(x, threshold, constant): x where x > threshold, else the constant.
  ops.threshold = define {name = 'threshold', options = {number 'the threshold', number 'the constant'}, reads = '1', second = true,
    forward = unary_with('threshold', 2), backward = function(c, g)
    return ops.threshold_grad(g, c[1], c[2])
  end}

  --- reverse_gradient(x, lambda): x going forward; its gradient is g * -lambda.
  ops.reverse_gradient = define {name = 'reverse_gradient', options = {number 'lambda'}, reads = '', second = true,
    forward = unary 'copy', backward = function(c, g)
    return ops.scale(g, -c[2])
  end}

  --- clamp(x, low, high): x held within [low, high]; the gradient passes where it was not held back.
  -- @function clamp

  --- clamp_grad(g, x, low, high): g where x is within [low, high], 0 elsewhere.
  -- @function clamp_grad

  --- hard_tanh(x, low, high): as clamp, but at the bounds themselves no gradient passes.
  -- @function hard_tanh

  --- hard_tanh_grad(g, x, low, high): g where x is between low and high, 0 elsewhere.
  -- @function hard_tanh_grad

  local bounds = {number 'the lower bound', number 'the upper bound'}
  for name, comparisons in pairs {clamp = {'ge', 'le'}, hard_tanh = {'gt', 'lt'}} do
    local above, below = C.gt_unary_code(comparisons[1]), C.gt_unary_code(comparisons[2])
    local grad_name = name .. '_grad'
    ops[grad_name] = define {name = grad_name, arity = 2, options = bounds, reads = {'2', ''}, second = true,
      forward = function(g, x, low, high)
      local r, mask = new_tensor(x.dtype), new_tensor(x.dtype)
      check(C.gt_unary(above, r, x, low, 0))
      check(C.gt_unary(below, mask, x, high, 0))
      check(C.gt_binary(mul_code, r, r, mask, 0))
      check(C.gt_binary(mul_code, r, r, g, 0))
      C.gt_tensor_release(mask)
      return r
    end, backward = function(c, g)
      return c.need1 and ops[grad_name](g, c[2], c[3], c[4])
    end}
    ops[name] = define {name = name, options = bounds, reads = '1', second = true,
      forward = unary_with('clamp', 2), backward = function(c, g)
      return ops[grad_name](g, c[1], c[2], c[3])
    end}
  end

  --- cmax(a, b): the larger of two, element by element, broadcast to each other; where they are equal the first gets the gradient.
  -- @function cmax

  --- cmin(a, b): the smaller of two, element by element, broadcast to each other; where they are equal the first gets the gradient.
  -- @function cmin

  for name, comparison in pairs {cmax = 'ge', cmin = 'le'} do
    local pick = C.gt_binary_code(comparison)
    local kernel = binary(name == 'cmax' and 'max' or 'min')
    ops[name] = define {name = name, arity = 2, reads = {'', ''}, second = true, forward = function(a, b)
      local mask = new_tensor(a.dtype)
      check(C.gt_binary(pick, mask, a, b, 0))
      return kernel(a, b), mask
    end, backward = function(c, g)
      return c.need1 and ops.sum_to(ops.mul(g, c.saved), c[1]),
        c.need2 and ops.sum_to(ops.sub(g, ops.mul(g, c.saved)), c[2])
    end}
  end

  --- x times a mask of 0 and 1/(1-p) drawn from a generator (default: torch's own): dropout in training; p in [0, 1).
  function ops.dropout(x, p, generator)
    if type(p) ~= 'number' or p < 0 or p >= 1 then fail('dropout: the probability is %s, wanted at least 0 and below 1', shown(p)) end
    local data = Value.tensor(x, 'dropout')
    local mask = tape.track(new_tensor(data.dtype))
    generator = generator or torch.defaultGenerator()
    check(C.gt_tensor_resize_as(mask, data))
    check(C.gt_random_fill(generator, 'bernoulli', mask, 1 - p, 0))
    check(C.gt_unary(C.gt_unary_code 'mul', mask, mask, 1 / (1 - p), 0))
    return ops.mul(x, mask)
  end
end
