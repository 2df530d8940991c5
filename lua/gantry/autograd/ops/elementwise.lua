--- Element-wise ops: arithmetic with broadcasting, powers, exponentials, activations.
-- Derivative helpers such as tanh_grad are ops too, so that they can be differentiated in turn.
local native = require 'gantry.native'
local op = require 'gantry.autograd.op'
local tape = require 'gantry.autograd.tape'
local torch = require 'gantry.torch'

local C, check, fail, new_tensor = native.C, native.check, native.fail, native.new_tensor
local define = op.define

return function(ops)
  --- forward of a unary kernel with constant parameters
  local function unary(name)
    local code = C.gt_unary_code(name)
    assert(code >= 0, name)
    return function(x, p, q)
      local r = new_tensor(x.dtype)
      check(C.gt_tensor_follow(r, x))
      check(C.gt_unary(code, r, x, p or 0, q or 0))
      return r
    end
  end

  local function binary(name, default)
    local code = C.gt_binary_code(name)
    assert(code >= 0, name)
    return function(a, b, p)
      local r = new_tensor(a.dtype)
      check(C.gt_tensor_follow(r, a))
      if b.rank == 4 and r.rank == 0 then check(C.gt_tensor_follow(r, b)) end
      check(C.gt_binary(code, r, a, b, p or default or 0))
      return r
    end
  end

  --- x + k for a number k.
  local add_scalar = define {name = 'add_scalar', reads = '', second = true, forward = unary 'add', backward = function(_, g) return g end}
  --- x * k for a number k.
  ops.scale = define {name = 'scale', reads = '', second = true,
    forward = unary 'mul', backward = function(c, g) return ops.scale(g, c[2]) end}

  local add = define {name = 'add', arity = 2, reads = {'', ''}, second = true, forward = binary('add', 1), backward = function(c, g)
    return c.need1 and ops.sum_to(g, c[1]), c.need2 and ops.sum_to(g, c[2])
  end}
  local sub = define {name = 'sub', arity = 2, reads = {'', ''}, second = true, forward = binary('sub', 1), backward = function(c, g)
    return c.need1 and ops.sum_to(g, c[1]), c.need2 and ops.sum_to(ops.neg(g), c[2])
  end}
  local mul = define {name = 'mul', arity = 2, reads = {'2', '1'}, second = true, forward = binary 'mul', backward = function(c, g)
    return c.need1 and ops.sum_to(ops.mul(g, c[2]), c[1]), c.need2 and ops.sum_to(ops.mul(g, c[1]), c[2])
  end}
  local div = define {name = 'div', arity = 2, reads = {'2', '2o'}, second = true, forward = binary 'div', backward = function(c, g)
    local q = ops.div(g, c[2])
    return c.need1 and ops.sum_to(q, c[1]), c.need2 and ops.sum_to(ops.neg(ops.mul(q, c.out)), c[2])
  end}

  --- a + b; either may be a number.
  function ops.add(a, b)
    if type(b) == 'number' then return add_scalar(a, b) end
    if type(a) == 'number' then return add_scalar(b, a) end
    return add(a, b)
  end

  --- a - b; either may be a number.
  function ops.sub(a, b)
    if type(b) == 'number' then return add_scalar(a, -b) end
    if type(a) == 'number' then return add_scalar(ops.neg(b), a) end
    return sub(a, b)
  end

  --- a * b, element by element; either may be a number.
  function ops.mul(a, b)
    if type(b) == 'number' then return ops.scale(a, b) end
    if type(a) == 'number' then return ops.scale(b, a) end
    return mul(a, b)
  end

  --- a / b, element by element; either may be a number.
  function ops.div(a, b)
    if type(b) == 'number' then return ops.scale(a, 1 / b) end
    if type(a) == 'number' then return ops.scale(ops.reciprocal(b), a) end
    return div(a, b)
  end

  --- -x
  function ops.neg(x) return ops.scale(x, -1) end

  --- 1 / x
  ops.reciprocal = define {name = 'reciprocal', reads = 'o', second = true, forward = unary 'cinv', backward = function(c, g)
    return ops.neg(ops.mul(g, ops.mul(c.out, c.out)))
  end}

  local ne_code, eq_code, inverse = C.gt_unary_code 'ne', C.gt_unary_code 'eq', C.gt_unary_code 'cinv'
  local add_code, mul_code = C.gt_binary_code 'add', C.gt_binary_code 'mul'

  --- r times what a comparison with 0 (or the sign) makes of x, in place.
  local function times(r, mask_code, x)
    local mask = new_tensor(x.dtype)
    check(C.gt_unary(mask_code, mask, x, 0, 0))
    check(C.gt_binary(mul_code, r, r, mask, 0))
    C.gt_tensor_release(mask)
    return r
  end

  --- 1 / x where x is not 0, else 0: a gradient's divisor that may vanish.
  ops.safe_reciprocal = define {name = 'safe_reciprocal', reads = 'o', second = true, forward = function(x)
    local r = new_tensor(x.dtype)
    check(C.gt_unary(eq_code, r, x, 0, 0))
    check(C.gt_binary(add_code, r, r, x, 1))
    check(C.gt_unary(inverse, r, r, 0, 0))
    return times(r, ne_code, x)
  end, backward = function(c, g)
    return ops.neg(ops.mul(g, ops.mul(c.out, c.out)))
  end}

  --- x ^ p for a number p.
  local pow = define {name = 'pow', reads = '1', second = true, forward = unary 'pow', backward = function(c, g)
    local p = c[2]
    if p == 0 then return nil end
    if p == 1 then return g end
    if p == 2 then return ops.mul(g, ops.scale(c[1], 2)) end
    return ops.mul(g, ops.scale(ops.pow(c[1], p - 1), p))
  end}
  function ops.pow(x, p)
    if type(p) ~= 'number' then fail('pow: the exponent is a %s, wanted a number', torch.type(p)) end
    return pow(x, p)
  end

  --- e ^ x
  ops.exp = define {name = 'exp', reads = 'o', second = true, forward = unary 'exp', backward = function(c, g) return ops.mul(g, c.out) end}
  --- natural logarithm
  ops.log = define {name = 'log', reads = '1', second = true, forward = unary 'log', backward = function(c, g) return ops.div(g, c[1]) end}
  --- square root. At 0, where its slope is infinite, it counts as constant: gradients of every order are 0.
  ops.sqrt = define {name = 'sqrt', reads = 'o', second = true, forward = unary 'sqrt', backward = function(c, g)
    return ops.mul(g, ops.scale(ops.safe_reciprocal(c.out), 0.5))
  end}
  --- x ^ (1 / p). At 0 gradients of every order are 0.
  local pow_code = C.gt_unary_code 'pow'
  ops.root = define {name = 'root', reads = '1o', second = true, forward = function(x, p)
    local r = new_tensor(x.dtype)
    check(C.gt_unary(pow_code, r, x, 1 / p, 0))
    return r
  end, backward = function(c, g)
    return ops.mul(g, ops.scale(ops.mul(c.out, ops.safe_reciprocal(c[1])), 1 / c[2]))
  end}
  --- |x| ^ p, and sign(x) |x| ^ p, each the other's derivative but for a factor. Where x is 0 they are 0 (but |x| ^ 0 is 1), whatever
  -- p, so that gradients of every order are finite there.
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
  ops.abs_pow = define {name = 'abs_pow', reads = '1', second = true, forward = function(x, p)
    local r = magnitude(x, p)
    return p < 0 and times(r, ne_code, x) or r
  end, backward = function(c, g)
    if c[2] == 0 then return nil end
    return ops.mul(g, ops.scale(ops.signed_pow(c[1], c[2] - 1), c[2]))
  end}
  ops.signed_pow = define {name = 'signed_pow', reads = '1', second = true, forward = function(x, p)
    return times(magnitude(x, p), C.gt_unary_code 'sign', x)
  end, backward = function(c, g)
    if c[2] == 0 then return nil end
    return ops.mul(g, ops.scale(ops.abs_pow(c[1], c[2] - 1), c[2]))
  end}
  ops.sin = define {name = 'sin', reads = '1', second = true,
    forward = unary 'sin', backward = function(c, g) return ops.mul(g, ops.cos(c[1])) end}
  ops.cos = define {name = 'cos', reads = '1', second = true, forward = unary 'cos', backward = function(c, g)
    return ops.neg(ops.mul(g, ops.sin(c[1])))
  end}
  --- -1, 0 or 1; its gradient is 0
  ops.sign = define {name = 'sign', reads = '', second = true, forward = unary 'sign', backward = function() return nil end}
  --- absolute value; its gradient at 0 is taken as 0
  ops.abs = define {name = 'abs', reads = '1', second = true,
    forward = unary 'abs', backward = function(c, g) return ops.mul(g, ops.sign(c[1])) end}

  --- g * (1 - y * y): the gradient of tanh, from its result y
  ops.tanh_grad = define {name = 'tanh_grad', arity = 2, reads = {'2', '12'}, second = true,
    forward = binary 'tanh_grad', backward = function(c, g)
    return c.need1 and ops.tanh_grad(g, c[2]), c.need2 and ops.scale(ops.mul(ops.mul(g, c[1]), c[2]), -2)
  end}
  ops.tanh = define {name = 'tanh', reads = 'o', second = true,
    forward = unary 'tanh', backward = function(c, g) return ops.tanh_grad(g, c.out) end}

  --- g * y * (1 - y): the gradient of the logistic function, from its result y
  ops.sigmoid_grad = define {name = 'sigmoid_grad', arity = 2, reads = {'2', '12'}, second = true,
    forward = binary 'sigmoid_grad', backward = function(c, g)
    return c.need1 and ops.sigmoid_grad(g, c[2]),
      c.need2 and ops.mul(ops.mul(g, c[1]), ops.add(ops.scale(c[2], -2), 1))
  end}
  --- 1 / (1 + e ^ -x)
  ops.sigmoid = define {name = 'sigmoid', reads = 'o', second = true, forward = unary 'sigmoid', backward = function(c, g)
    return ops.sigmoid_grad(g, c.out)
  end}

  --- g where x > 0, g * slope elsewhere
  ops.leaky_relu_grad = define {name = 'leaky_relu_grad', arity = 2, reads = {'2', ''}, second = true, forward = binary 'leaky_relu_grad',
    backward = function(c, g)
    return c.need1 and ops.leaky_relu_grad(g, c[2], c[3])
  end}
  --- x where x > 0, x * slope elsewhere
  ops.leaky_relu = define {name = 'leaky_relu', reads = '1', second = true, forward = unary 'leaky_relu', backward = function(c, g)
    return ops.leaky_relu_grad(g, c[1], c[2])
  end}
  --- max(x, 0)
  ops.relu = define {name = 'relu', reads = '1', second = true, forward = unary 'relu', backward = function(c, g)
    return ops.leaky_relu_grad(g, c[1], 0)
  end}

  --- log(1 + e ^ (beta x)) / beta, and x itself where beta x is above a limit (default: beta 1, limit 40).
  local softplus = define {name = 'softplus', reads = '1', second = true, forward = unary 'softplus', backward = function(c, g)
    local beta = c[2]
    return ops.mul(g, ops.sigmoid(beta == 1 and c[1] or ops.scale(c[1], beta)))
  end}
  function ops.softplus(x, beta, limit) return softplus(x, beta or 1, limit or 40) end

  --- g where x > 0, g * alpha * e ^ x elsewhere
  ops.elu_grad = define {name = 'elu_grad', arity = 2, reads = {'2', '12'}, second = true,
    forward = binary 'elu_grad', backward = function(c, g)
    local gg = c.need2 and ops.mul(g, c[1])
    return c.need1 and ops.elu_grad(g, c[2], c[3]),
      c.need2 and ops.sub(ops.elu_grad(gg, c[2], c[3]), ops.leaky_relu_grad(gg, c[2], 0))
  end}
  --- x where x > 0, alpha * (e ^ x - 1) elsewhere
  local elu = define {name = 'elu', reads = '1', second = true, forward = unary 'elu', backward = function(c, g)
    return ops.elu_grad(g, c[1], c[2])
  end}
  function ops.elu(x, alpha) return elu(x, alpha or 1) end

  --- g where x > threshold, 0 elsewhere
  ops.threshold_grad = define {name = 'threshold_grad', arity = 2, reads = {'2', ''}, second = true, forward = binary 'threshold_grad',
    backward = function(c, g)
    return c.need1 and ops.threshold_grad(g, c[2], c[3])
  end}
  --- x where x > threshold, else a constant: threshold(x, threshold, constant)
  ops.threshold = define {name = 'threshold', reads = '1', second = true, forward = unary 'threshold', backward = function(c, g)
    return ops.threshold_grad(g, c[1], c[2])
  end}

  --- x going forward; its gradient is g * -lambda
  ops.reverse_gradient = define {name = 'reverse_gradient', reads = '', second = true, forward = unary 'copy', backward = function(c, g)
    return ops.scale(g, -c[2])
  end}

  --- clamp: x held within [low, high]; the gradient passes where it was not held back. hard_tanh: the same, but at the bounds
  -- themselves no gradient passes.
  for name, comparisons in pairs {clamp = {'ge', 'le'}, hard_tanh = {'gt', 'lt'}} do
    local above, below = C.gt_unary_code(comparisons[1]), C.gt_unary_code(comparisons[2])
    local grad_name = name .. '_grad'
    ops[grad_name] = define {name = grad_name, arity = 2, reads = {'2', ''}, second = true, forward = function(g, x, low, high)
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
    ops[name] = define {name = name, reads = '1', second = true, forward = unary 'clamp', backward = function(c, g)
      return ops[grad_name](g, c[1], c[2], c[3])
    end}
  end

  --- Element-wise maximum and minimum of two; where they are equal the first gets the gradient.
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
    if type(p) ~= 'number' or p < 0 or p >= 1 then fail('dropout: the probability is %s, wanted at least 0 and below 1', tostring(p)) end
    local data = type(x) == 'table' and x.data or x
    local mask = tape.track(new_tensor(data.dtype))
    generator = generator or torch.defaultGenerator()
    check(C.gt_tensor_resize_as(mask, data))
    check(C.gt_random_fill(generator, 'bernoulli', mask, 1 - p, 0))
    check(C.gt_unary(C.gt_unary_code 'mul', mask, mask, 1 / (1 - p), 0))
    return ops.mul(x, mask)
  end
end
