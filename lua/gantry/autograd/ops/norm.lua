--- Batch normalisation (Ioffe and Szegedy 2015, arXiv 1502.03167).
local native = require 'gantry.native'
local op = require 'gantry.autograd.op'
local common = require 'gantry.autograd.ops.common'
local shown = require('gantry.torch.class').shown
local is_tensor = require('gantry.torch').isTensor
local tape = require 'gantry.autograd.tape'
local Value = require 'gantry.autograd.value'

local C, check, fail, new_tensor = native.C, native.check, native.fail, native.new_tensor
local define = op.define

local data = Value.unwrap

-- The op's options: see below.
local function options(o, name)
  if type(o) ~= 'table' then fail('%s: the options are %s, wanted a table', name, shown(o)) end
  local momentum, eps, slope = o.momentum, o.eps, o.slope
  if momentum ~= nil and type(momentum) ~= 'number' then fail('%s: momentum is %s, wanted a number', name, shown(momentum)) end
  if eps ~= nil and type(eps) ~= 'number' then fail('%s: eps is %s, wanted a number', name, shown(eps)) end
  if slope ~= nil and type(slope) ~= 'number' then fail('%s: slope is %s, wanted a number', name, shown(slope)) end
  local mean, variance = o.running_mean, o.running_var
  if mean ~= nil and not is_tensor(mean) then fail('%s: running_mean is %s, wanted a tensor', name, shown(mean)) end
  if variance ~= nil and not is_tensor(variance) then fail('%s: running_var is %s, wanted a tensor', name, shown(variance)) end
end

--- All dimensions but the second, and how many elements they hold.
local function around(x)
  local t, over, count = data(x), {1}, tonumber(data(x).shape[0])
  for d = 3, t.rank do
    over[#over + 1] = d
    count = count * tonumber(t.shape[d - 1])
  end
  return over, count
end

--- The slope below 0 of the activation that follows; 1 where none does.
local function slope_of(o) return o.slope or 1 end

-- What is kept for an activation's sign, which is found anew, where weight and bias may move before that (autograd.moving): 3 x C numbers.
local INVSTD, WEIGHT, BIAS = 1, 2, 3

local function row(kept, k) return tape.track(kept:select(1, k)) end

--- x normalised in one pass with the activation.
local function forward(x, weight, bias, o)
  local y, mean, saved, slope = new_tensor(x.dtype), new_tensor(x.dtype), new_tensor(x.dtype), slope_of(o)
  local moving = slope ~= 1 and tape.state.moving
  if moving then saved:resize(3, x:size(2)) end
  check(C.gt_batch_norm(y, mean, moving and row(saved, INVSTD) or saved, x, weight, bias, o.running_mean, o.running_var, o.train and 1 or 0,
    o.momentum or 0.1, o.eps or 1e-5, slope))
  if moving and weight then check(C.gt_copy(row(saved, WEIGHT), weight)) end
  if moving and bias then check(C.gt_copy(row(saved, BIAS), bias)) end
  return y, mean, saved
end

--- What forward worked with: 1 / deviation, and where an activation's sign depends on them weight and bias.
local function used(c)
  local saved = c.saved2
  if slope_of(c[4]) == 1 then return saved end
  local weight, bias = data(c[2]), data(c[3])
  if saved.rank == 1 then return saved, weight, bias end
  return row(saved, INVSTD), weight and row(saved, WEIGHT), bias and row(saved, BIAS)
end

return function(ops)
  --- The gradients by fused kernels: numbers only.
  local function fused(c, g)
    local x, o = c[1], c[4]
    local invstd, weight, bias = used(c)
    local over = c.need1 and common.may_write(c, g, x)
    local gx = over and g or c.need1 and tape.track(new_tensor(x.dtype)) or nil
    local gw = (c.need2 or c.need3) and tape.track(new_tensor(x.dtype)) or nil
    local gb = gw and tape.track(new_tensor(x.dtype))
    check(C.gt_batch_norm_grad(gx, gw, gb, g, x, weight, bias, c.need1 and c[2] or nil, c.saved, invstd, o.train and 1 or 0, slope_of(o),
      0, 1))
    return gx, c.need2 and gw, c.need3 and gb
  end

  --- The gradient before the activation, recorded. What decides its sign is a constant: the normalised x, to the bit as the kernel has it.
  local function before_activation(c, g)
    local x, invstd, weight, bias = data(c[1]), used(c)
    local gain = weight and ops.mul(invstd, weight) or invstd
    local z = ops.mul(ops.sub(x, ops.per_channel(c.saved, x)), ops.per_channel(gain, x))
    if bias then z = ops.add(z, ops.per_channel(bias, x)) end
    return ops.leaky_relu_grad(g, z, slope_of(c[4]))
  end

  --- The same by ops, recorded: the statistics are functions of x.
  local function recorded(c, g)
    local x, weight, o = c[1], c[2], c[4]
    local over, count = around(x)
    local centred, invstd
    if slope_of(o) ~= 1 then g = before_activation(c, g) end
    if o.train then
      centred = ops.sub(x, ops.mean(x, over, true))
      local variance = ops.mean(ops.mul(centred, centred), over, true)
      invstd = ops.pow(ops.add(variance, o.eps or 1e-5), -0.5)
    else
      centred = ops.sub(x, ops.per_channel(c.saved, x))
      invstd = ops.per_channel((used(c)), x)
    end
    local normal = ops.mul(centred, invstd)
    local gn = weight and ops.mul(g, ops.per_channel(weight, x)) or g
    local gx
    if c.need1 then
      if o.train then
        local mean_g = ops.scale(ops.sum(gn, over, true), 1 / count)
        local mean_gn = ops.scale(ops.sum(ops.mul(gn, normal), over, true), 1 / count)
        gx = ops.mul(invstd, ops.sub(ops.sub(gn, mean_g), ops.mul(normal, mean_gn)))
      else
        gx = ops.mul(gn, invstd)
      end
    end
    return gx, c.need2 and ops.channel_sum(ops.mul(g, normal)), c.need3 and ops.channel_sum(g)
  end

  local function backward(c, g)
    if c.recording then return recorded(c, g) end
    return fused(c, g)
  end

  local plain = define {name = 'batch_norm', arity = 3, options = {options}, reads = {'12', '1', ''}, second = true, forward = forward,
    backward = backward}
  -- The activation's sign is found anew, from all three.
  local activated = define {name = 'batch_norm_activated', arity = 3, options = {options}, reads = '123', second = true,
    forward = forward, backward = backward, again = function(c)
    local y, invstd, weight, bias = new_tensor(c[1].dtype), used(c)
    check(C.gt_batch_norm_again(y, c[1], weight, bias, c.saved, invstd, slope_of(c[4])))
    return y
  end}

  --- batch_norm(x, weight, bias, o): x normalised in each channel, then scaled and shifted.
  -- @param x N x C or N x C x ...
  -- @param weight C numbers, or nil
  -- @param bias C numbers, or nil
  -- @tparam table o train: by the batch's own statistics (else by the running ones); running_mean, running_var: moved in
  -- training where given; momentum: of that move; eps; slope: what the result is multiplied with where it is below 0 (0: a ReLU follows,
  -- 0.2: a leaky one), in the same pass; default 1
  function ops.batch_norm(x, weight, bias, o)
    if type(o) ~= 'table' or slope_of(o) == 1 then return plain(x, weight, bias, o) end
    return activated(x, weight, bias, o)
  end
end
