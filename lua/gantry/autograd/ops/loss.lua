--- Losses as values of one element: means over all elements.
local op = require 'gantry.autograd.op'
local tape = require 'gantry.autograd.tape'
local native = require 'gantry.native'
local Value = require 'gantry.autograd.value'

local C, check, new_tensor = native.C, native.check, native.new_tensor

return function(ops)
  --- max(x, 0) - x t + log(1 + e ^ -|x|), element by element: the cross-entropy of a logit x and a target t, never infinite.
  local entropy = op.define {name = 'bce_with_logits', arity = 2, reads = {'12', '1'}, second = true, forward = function(x, target)
    local r = new_tensor(x.dtype)
    check(C.gt_binary(C.gt_binary_code 'bce_with_logits', r, x, target, 0))
    return r
  end, backward = function(c, g)
    return c.need1 and ops.sum_to(ops.mul(g, ops.sub(ops.sigmoid(c[1]), c[2])), c[1]),
      c.need2 and ops.sum_to(ops.neg(ops.mul(g, c[1])), c[2])
  end}

  --- Mean binary cross-entropy of logits with a target: a number, or a tensor or value of x's size.
  function ops.bce_with_logits(x, target)
    if type(target) == 'number' then
      local t = Value.tensor(x, 'bce_with_logits')
      local constant = tape.track(new_tensor(t.dtype))
      check(C.gt_tensor_resize_as(constant, t))
      check(C.gt_fill(constant, target))
      target = constant
    end
    return ops.mean(entropy(x, target))
  end

  --- Mean squared difference.
  function ops.mse(a, b)
    local d = ops.sub(a, b)
    return ops.mean(ops.mul(d, d))
  end

  --- |d| less a half where |d| >= 1, half of d ^ 2 elsewhere, element by element (Huber's function).
  function ops.smooth_l1(d)
    local near = ops.clamp(d, -1, 1)
    return ops.mul(near, ops.sub(d, ops.scale(near, 0.5)))
  end
end
