--- Batch normalisation (Ioffe and Szegedy 2015, arXiv 1502.03167).
local native = require 'gantry.native'
local op = require 'gantry.autograd.op'
local shown = require('gantry.torch.class').shown
local tape = require 'gantry.autograd.tape'
local Value = require 'gantry.autograd.value'

local C, check, fail, new_tensor = native.C, native.check, native.fail, native.new_tensor
local define = op.define

local data = Value.unwrap

-- The op's options: see below.
local function options(o, name)
  if type(o) ~= 'table' then fail('%s: the options are %s, wanted a table', name, shown(o)) end
  for _, key in ipairs {'momentum', 'eps'} do
    if o[key] ~= nil and type(o[key]) ~= 'number' then fail('%s: %s is %s, wanted a number', name, key, shown(o[key])) end
  end
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

return function(ops)
  --- The gradients by fused kernels: numbers only.
  local function fused(c, g)
    local x, weight = c[1], c[2]
    local gx = c.need1 and tape.track(new_tensor(x.dtype)) or nil
    local gw = (c.need2 or c.need3) and tape.track(new_tensor(x.dtype)) or nil
    local gb = gw and tape.track(new_tensor(x.dtype))
    check(C.gt_batch_norm_grad(gx, gw, gb, g, x, weight, c.saved, c.saved2, c[4].train and 1 or 0, 0, 1))
    return gx, c.need2 and gw, c.need3 and gb
  end

  --- The same by ops, recorded: the statistics are functions of x.
  local function recorded(c, g)
    local x, weight, o = c[1], c[2], c[4]
    local over, count = around(x)
    local centred, invstd
    if o.train then
      centred = ops.sub(x, ops.mean(x, over, true))
      local variance = ops.mean(ops.mul(centred, centred), over, true)
      invstd = ops.pow(ops.add(variance, o.eps or 1e-5), -0.5)
    else
      centred = ops.sub(x, ops.per_channel(c.saved, x))
      invstd = ops.per_channel(c.saved2, x)
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

  --- batch_norm(x, weight, bias, o): x normalised in each channel, then scaled and shifted.
  -- @param x N x C or N x C x ...
  -- @param weight C numbers, or nil
  -- @param bias C numbers, or nil
  -- @tparam table o train: by the batch's own statistics (else by the running ones); running_mean, running_var: moved in
  -- training where given; momentum: of that move; eps
  ops.batch_norm = define {name = 'batch_norm', arity = 3, options = {options}, reads = {'12', '1', ''}, second = true,
    forward = function(x, weight, bias, o)
    local y, mean, invstd = new_tensor(x.dtype), new_tensor(x.dtype), new_tensor(x.dtype)
    check(C.gt_batch_norm(y, mean, invstd, x, weight, bias, o.running_mean, o.running_var, o.train and 1 or 0,
      o.momentum or 0.1, o.eps or 1e-5))
    return y, mean, invstd
  end, backward = function(c, g)
    if c.recording then return recorded(c, g) end
    return fused(c, g)
  end}
end
