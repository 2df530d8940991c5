--- Reductions. Without a dimension they give a value (or tensor) of one element.
local ffi = require 'ffi'
local native = require 'gantry.native'
local op = require 'gantry.autograd.op'
local shown = require('gantry.torch.class').shown
local Value = require 'gantry.autograd.value'

local C, check, fail, new_tensor = native.C, native.check, native.fail, native.new_tensor
local define = op.define
local one = ffi.new('int64_t[1]', 1)
local dims = ffi.new('int64_t[?]', C.GT_MAX_RANK)
local number = ffi.new 'double[1]'

local data = Value.unwrap

return function(ops)
  local sum_code, max_code, min_code = C.gt_reduce_code 'sum', C.gt_reduce_code 'max', C.gt_reduce_code 'min'

  local sum_all = define {name = 'sum_all', reads = '', second = true, forward = function(x)
    local r = new_tensor(x.dtype)
    check(C.gt_reduce_all(sum_code, number, x, 0))
    check(C.gt_tensor_resize(r, 1, one))
    check(C.gt_fill(r, number[0]))
    return r
  end, backward = function(c, g)
    return ops.expand_as(g, c[1])
  end}

  --- The sizes of x with 1 in the dimensions named (a number or a list).
  local function reduced(what, x, over)
    local t, sizes, count = Value.tensor(x, what), {}, 1
    for d = 1, t.rank do sizes[d] = tonumber(t.shape[d - 1]) end
    local list = type(over) == 'table' and over or {over}
    if #list == 0 then fail('%s: got no dimension to go over', what) end
    for k = 1, #list do
      local d = list[k]
      if type(d) ~= 'number' or d ~= math.floor(d) or d < 1 or d > t.rank then
        fail('%s: dimension %s is outside 1..%d', what, shown(d), t.rank)
      end
      count = count * sizes[d]
      sizes[d] = 1
    end
    return sizes, count
  end

  --- Drops the dimensions named, which have size 1.
  local function drop(x, over)
    local gone, sizes, t = {}, {}, data(x)
    for _, d in ipairs(type(over) == 'table' and over or {over}) do gone[d] = true end
    for d = 1, t.rank do
      if not gone[d] then sizes[#sizes + 1] = tonumber(t.shape[d - 1]) end
    end
    if #sizes == 0 then sizes[1] = 1 end
    return ops.view(x, sizes)
  end

  local sum_dims = define {name = 'sum_dims', reads = '', second = true, forward = function(x, sizes)
    local r = new_tensor(x.dtype)
    for d = 1, #sizes do dims[d - 1] = sizes[d] end
    check(C.gt_sum_to(r, x, #sizes, dims))
    return r
  end, backward = function(c, g)
    return ops.expand_as(g, c[1])
  end}

  --- Sum of everything, or over a dimension or list of dimensions; keep leaves them with size 1.
  function ops.sum(x, over, keep)
    if not over then return sum_all(x) end
    local r = sum_dims(x, (reduced('sum', x, over)))
    return keep and r or drop(r, over)
  end

  --- Mean of everything, or over dimensions.
  function ops.mean(x, over, keep)
    if not over then return ops.scale(sum_all(x), 1 / Value.tensor(x, 'mean'):nElement()) end
    local _, count = reduced('mean', x, over)
    return ops.scale(ops.sum(x, over, keep), 1 / count)
  end

  --- Variance of everything, or over dimensions: unbiased, unless biased is true.
  function ops.var(x, over, keep, biased)
    local count = Value.tensor(x, 'var'):nElement()
    if over then count = select(2, reduced('var', x, over)) end
    local centred = ops.sub(x, ops.mean(x, over, true))
    return ops.scale(ops.sum(ops.mul(centred, centred), over, keep), 1 / (biased and count or count - 1))
  end

  --- The p-norm (default 2) of everything, or over dimensions. Where it is 0 its gradients of every order are 0: of its subgradients
  -- the shortest, so that a penalty on the slope of a constant critic pushes it nowhere rather than to NaN.
  function ops.norm(x, p, over, keep)
    p = p or 2
    if type(p) ~= 'number' or not (p > 0 and p < math.huge) then
      fail('norm: the order is %s, wanted a finite number above 0', shown(p))
    end
    if p == 1 then return ops.sum(ops.abs(x), over, keep) end
    if p == 2 then return ops.sqrt(ops.sum(ops.mul(x, x), over, keep)) end
    return ops.root(ops.sum(ops.abs_pow(x, p), over, keep), p)
  end

  --- max(x, dim, keep): the largest along a dimension, and its 1-based positions as a LongTensor; the dimension goes unless kept.
  -- Without a dimension: of everything, and its position when the elements are counted in order.
  -- @function max

  --- min(x, dim, keep): the smallest along a dimension, and its 1-based positions as a LongTensor; the dimension goes unless kept.
  -- Without a dimension: of everything, and its position when the elements are counted in order.
  -- @function min

  for name, code in pairs {max = max_code, min = min_code} do
    local along = define {name = name, reads = '', second = true, gives_saved = true, forward = function(x, dim)
      local r, index = new_tensor(x.dtype), new_tensor(C.GT_LONG)
      check(C.gt_reduce(code, r, index, x, dim - 1, 1, 0))
      return r, index
    end, backward = function(c, g)
      return ops.scatter_add(g, c[2], c.saved, data(c[1]):size(c[2]))
    end}
    ops[name] = function(x, dim, keep)
      local rank = Value.tensor(x, name).rank
      if not dim then
        x, dim = ops.view(x, -1), 1
      elseif type(dim) ~= 'number' or dim ~= math.floor(dim) or dim < 1 or dim > rank then
        fail('%s: dimension %s is outside 1..%d', name, shown(dim), rank)
      end
      local r, index = along(x, dim)
      if keep then return r, index end
      return drop(r, dim), drop(index, dim)
    end
  end

  local log_softmax = define {name = 'log_softmax', options = {op.whole 'the dimension'}, reads = 'o', second = true,
    forward = function(x, dim)
    local r, top = new_tensor(x.dtype), new_tensor(x.dtype)
    check(C.gt_reduce(C.gt_reduce_code 'logsumexp', top, nil, x, dim - 1, 1, 0))
    check(C.gt_binary(C.gt_binary_code 'sub', r, x, top, 1))
    C.gt_tensor_release(top)
    return r
  end, backward = function(c, g)
    return ops.sub(g, ops.mul(ops.exp(c.out), ops.sum(g, c[2], true)))
  end}
  --- log(softmax(x)) over a dimension (default 2).
  function ops.log_softmax(x, dim) return log_softmax(x, dim or 2) end
  --- e ^ x over its sum along a dimension (default 2).
  function ops.softmax(x, dim) return ops.exp(ops.log_softmax(x, dim or 2)) end
end
