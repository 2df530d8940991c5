--- Matrix products, and the bias that is added to channels.
local native = require 'gantry.native'
local op = require 'gantry.autograd.op'
local tape = require 'gantry.autograd.tape'
local Value = require 'gantry.autograd.value'

local C, check, fail, new_tensor = native.C, native.check, native.fail, native.new_tensor
local define = op.define

--- x itself, or a transposed view of its last two dimensions.
local function turned(x, yes)
  if not yes then return x end
  local v = new_tensor(x.dtype)
  check(C.gt_transpose(v, x, x.rank - 2, x.rank - 1))
  return v
end

return function(ops)
  local matmul = define {name = 'matmul', arity = 2, reads = {'2', '1'}, second = true, forward = function(a, b, ta, tb)
    local r = new_tensor(a.dtype)
    local product = a.rank == 3 and C.gt_baddbmm or C.gt_addmm
    local left, right = turned(a, ta), turned(b, tb)
    check(product(r, 0, nil, 1, left, right))
    if ta then C.gt_tensor_release(left) end
    if tb then C.gt_tensor_release(right) end
    return r
  end, backward = function(c, g)
    local a, b, ta, tb = c[1], c[2], c[3], c[4]
    local ga, gb
    if c.need1 then
      if ta then ga = ops.matmul(b, g, tb, true) else ga = ops.matmul(g, b, false, not tb) end
    end
    if c.need2 then
      if tb then gb = ops.matmul(g, a, true, ta) else gb = ops.matmul(a, g, not ta, false) end
    end
    return ga, gb
  end}
  --- The product of matrices, or of equally long batches of them (3 dimensions); ta, tb: transposed first.
  function ops.matmul(a, b, ta, tb)
    local ra, rb = Value.tensor(a, 'matmul').rank, Value.tensor(b, 'matmul', 2).rank
    if ra ~= rb or (ra ~= 2 and ra ~= 3) then fail('matmul: got %d and %d dimensions, wanted 2 and 2, or 3 and 3', ra, rb) end
    return matmul(a, b, ta or false, tb or false)
  end

  local function add_bias(x, bias, slope)
    local r = new_tensor(x.dtype)
    check(C.gt_add_bias(r, x, bias, slope or 1))
    return r
  end

  local plain = define {name = 'add_bias', arity = 2, reads = {'', ''}, second = true, forward = add_bias, backward = function(c, g)
    return c.need1 and g, c.need2 and ops.channel_sum(g)
  end}
  -- The activation's sign is found anew, from both; the bias is kept where it may move before that.
  local activated = define {name = 'add_bias_activated', arity = 2, options = {op.number 'the slope'}, reads = '12', second = true,
    forward = function(x, bias, slope) return add_bias(x, bias, slope), tape.state.moving and bias:clone() or nil end,
    backward = function(c, g)
    local x, bias, slope = Value.unwrap(c[1]), c.saved or Value.unwrap(c[2]), c[3]
    if c.recording then
      g = ops.leaky_relu_grad(g, ops.add(x, ops.per_channel(bias, x)), slope)
      return c.need1 and g, c.need2 and ops.channel_sum(g)
    end
    local gx = c.need1 and tape.track(new_tensor(x.dtype)) or nil
    local gb = c.need2 and tape.track(new_tensor(x.dtype)) or nil
    check(C.gt_add_bias_grad(gx, gb, g, x, bias, slope, 0, 1))
    return gx, gb
  end}

  --- x plus a bias for each channel (dimension 2).
  -- @param x N x C or N x C x ...
  -- @param bias C numbers
  -- @number[opt=1] slope what the result is multiplied with where it is below 0, in the same pass (0: a ReLU follows, 0.2: a leaky one)
  function ops.add_bias(x, bias, slope)
    if not slope or slope == 1 then return plain(x, bias) end
    return activated(x, bias, slope)
  end

  --- channel_sum(x): the sum over everything but dimension 2: one number a channel.
  ops.channel_sum = define {name = 'channel_sum', reads = '', second = true, forward = function(x)
    local r = new_tensor(x.dtype)
    check(C.gt_bias_grad(r, x, 0, 1))
    return r
  end, backward = function(c, g)
    return ops.expand_as(ops.per_channel(g, c[1]), c[1])
  end}

  --- A vector of one number a channel, seen as 1 x C x 1 ... to broadcast against x.
  function ops.per_channel(v, x)
    local sizes, t = {1, -1}, Value.tensor(x, 'per_channel', 2)
    for d = 3, t.rank do sizes[d] = 1 end
    return ops.view(v, sizes)
  end
end
