--- Convolution and pooling. conv, conv_input and conv_weight are the three partial derivatives of one trilinear form, so each
-- one's gradients are the other two (see gantry.h for the shapes).
local ffi = require 'ffi'
local native = require 'gantry.native'
local op = require 'gantry.autograd.op'
local precision = require 'gantry.autograd.precision'
local common = require 'gantry.autograd.ops.common'
local shown = require('gantry.torch.class').shown
local torch = require 'gantry.torch'
local Value = require 'gantry.autograd.value'

local C, check, fail, new_tensor = native.C, native.check, native.fail, native.new_tensor
local define = op.define

local data = Value.unwrap
local function size(x, d) return tonumber(data(x).shape[d - 1]) end

local conv_t, pool_t = ffi.typeof 'gt_conv_shape', ffi.typeof 'gt_pool_shape'

-- An op's option: what ops.conv_shape or ops.pool_shape gives.
local function shape_of(kind, maker)
  return function(x, name)
    if not ffi.istype(kind, x) then fail('%s: the shape is %s, wanted what ops.%s gives', name, shown(x), maker) end
  end
end
local conv_shape, pool_shape = shape_of(conv_t, 'conv_shape'), shape_of(pool_t, 'pool_shape')
local rows, columns, want_eps = op.whole 'the height', op.whole 'the width', op.number 'eps'

-- The fields of a table as whole numbers, in order; each has a default, or is wanted.
local function fields(what, o, names, defaults)
  if type(o) ~= 'table' then fail('%s: got %s, wanted a table', what, shown(o)) end
  local list = {}
  for k, name in ipairs(names) do
    local v = o[name]
    if v == nil then v = defaults[name] end
    if type(v) == 'string' then v = list[v] end
    if type(v) ~= 'number' or v ~= math.floor(v) or v < 0 or v >= 2 ^ 31 then
      fail('%s: %s is %s, wanted a whole number', what, name, shown(v))
    end
    list[k], list[name] = v, v
  end
  return list
end

-- The op's index argument.
local function indices(x, name)
  if not torch.isTensor(x) or x.dtype ~= C.GT_LONG then fail('%s: the indices are %s, wanted a LongTensor', name, shown(x)) end
end

local conv_fields = {'stride_h', 'stride_w', 'pad_h', 'pad_w', 'dil_h', 'dil_w', 'groups'}
local conv_defaults = {stride_h = 1, stride_w = 1, pad_h = 0, pad_w = 0, dil_h = 1, dil_w = 1, groups = 1}
local pool_fields = {'kh', 'kw', 'stride_h', 'stride_w', 'pad_h', 'pad_w'}
local pool_defaults = {stride_h = 'kh', stride_w = 'kw', pad_h = 0, pad_w = 0}

-- The slope below 0 of an activation.
local function slope(k, name)
  if type(k) ~= 'number' or k ~= k or k < 0 then fail('%s: the slope is %s, wanted a number of at least 0', name, shown(k)) end
end

return function(ops)
  --- How a convolution moves: a gt_conv_shape from named fields, with the precision in force.
  -- @tparam table o stride_h, stride_w (default 1), pad_h, pad_w (0), dil_h, dil_w (1), groups (1)
  function ops.conv_shape(o)
    local list = fields('conv_shape', o, conv_fields, conv_defaults)
    list[#list + 1] = precision.code
    return conv_t(unpack(list))
  end

  --- How a pooling window moves: a gt_pool_shape.
  -- @tparam table o kh, kw, stride_h, stride_w (default kh, kw), pad_h, pad_w (0), ceil_mode, include_pad (true)
  function ops.pool_shape(o)
    local list = fields('pool_shape', o, pool_fields, pool_defaults)
    list[7], list[8] = o.ceil_mode and 1 or 0, o.include_pad == false and 0 or 1
    return pool_t(unpack(list))
  end

  local function conv(x, w, shape)
    local y = new_tensor(x.dtype)
    check(C.gt_conv(y, x, w, shape))
    return y
  end
  local function conv_grad(c, g)
    local x, w, shape = c[1], c[2], c[3]
    -- The weight's first: while it is made, the other, larger one, need not be there yet.
    local gw = c.need2 and ops.conv_weight(x, g, shape, size(w, 3), size(w, 4))
    return c.need1 and ops.conv_input(g, w, shape, size(x, 3), size(x, 4)), gw
  end

  local plain = define {name = 'conv', arity = 2, options = {conv_shape}, reads = {'2', '1'}, second = true, forward = conv,
    backward = conv_grad}
  -- The result keeps the sign of what the activation was given, so that nothing else has to be kept.
  local leaky_relu, leaky_relu_grad = C.gt_unary_code 'leaky_relu', C.gt_binary_code 'leaky_relu_grad'
  local activated = define {name = 'conv_activated', arity = 2, options = {conv_shape, slope}, reads = {'2o', '1o'}, second = true,
    forward = function(x, w, shape, k)
    local y = conv(x, w, shape)
    check(C.gt_unary(leaky_relu, y, y, k, 0))
    return y
  end, backward = function(c, g)
    if common.may_write(c, g, data(c.out)) then
      check(C.gt_binary(leaky_relu_grad, g, g, c.out, c[4]))
      return conv_grad(c, g)
    end
    return conv_grad(c, ops.leaky_relu_grad(g, data(c.out), c[4]))
  end}

  --- conv(x, w, shape, slope): cross-correlation of x, N x C x H x W, with w, O x C/groups x KH x KW; shape: ops.conv_shape {...};
  -- slope, 0 or more: what the result is multiplied with where it is below 0, in place (0: a ReLU follows, 0.2: a leaky one); default 1.
  function ops.conv(x, w, shape, k)
    if k == nil or k == 1 then return plain(x, w, shape) end
    return activated(x, w, shape, k)
  end

  --- conv_input(y, w, shape, h, width): the fractional-strided convolution: x of size h x width such that conv's shapes fit;
  -- w O x C/groups x KH x KW, y N x O x ...
  ops.conv_input = define {name = 'conv_input', arity = 2, options = {conv_shape, rows, columns}, reads = {'2', '1'}, second = true,
    forward = function(y, w, shape, h, width)
    local x = new_tensor(y.dtype)
    check(C.gt_conv_input(x, y, w, shape, h, width))
    return x
  end, backward = function(c, g)
    local y, w, shape = c[1], c[2], c[3]
    local gw = c.need2 and ops.conv_weight(g, y, shape, size(w, 3), size(w, 4))
    return c.need1 and ops.conv(g, w, shape), gw
  end}

  --- conv_weight(x, y, shape, kh, kw): the gradient of conv with respect to a kernel of kh x kw.
  ops.conv_weight = define {name = 'conv_weight', arity = 2, options = {conv_shape, rows, columns}, reads = {'2', '1'}, second = true,
    forward = function(x, y, shape, kh, kw)
    local w = new_tensor(x.dtype)
    check(C.gt_conv_weight(w, x, y, shape, kh, kw, 0, 1))
    return w
  end, backward = function(c, g)
    local x, y, shape = c[1], c[2], c[3]
    return c.need1 and ops.conv_input(y, g, shape, size(x, 3), size(x, 4)), c.need2 and ops.conv(x, g, shape)
  end}

  --- A convolution whose kernels each image scales, input plane by input plane, and, demodulated, brings back to unit length:
  -- Karras, Laine, Aittala, Hellsten, Lehtinen and Aila 2020, arXiv 1912.04958, equations 1 and 3. Both are done to what goes in and
  -- comes out, so that all images share one convolution.
  -- @param x N x C x H x W
  -- @param w O x C x KH x KW
  -- @param style N x C
  -- @param shape from conv_shape, without groups
  -- @bool[opt=true] demodulate
  -- @number[opt=1e-8] eps added to the kernels' squared lengths
  -- @return N x O x OH x OW
  function ops.modulated_conv(x, w, style, shape, demodulate, eps)
    local kernels, styles = Value.tensor(w, 'modulated_conv', 2), Value.tensor(style, 'modulated_conv', 3)
    Value.tensor(x, 'modulated_conv')
    conv_shape(shape, 'modulated_conv')
    if eps ~= nil then want_eps(eps, 'modulated_conv') end
    if kernels.rank ~= 4 or styles.rank ~= 2 then
      fail('modulated_conv: got kernels of %d dimensions and styles of %d, wanted 4 and 2', kernels.rank, styles.rank)
    end
    local y = ops.conv(ops.mul(x, ops.view(style, size(style, 1), size(style, 2), 1, 1)), w, shape)
    if demodulate == false then return y end
    local squares = ops.sum(ops.mul(w, w), {3, 4})                                        -- O x C
    local lengths = ops.matmul(ops.mul(style, style), squares, false, true)               -- N x O
    local scale = ops.pow(ops.add(lengths, eps or 1e-8), -0.5)
    return ops.mul(y, ops.view(scale, size(style, 1), size(w, 1), 1, 1))
  end

  --- max_pool(x, shape): the largest in each window; N x C x H x W; shape: ops.pool_shape {...}.
  ops.max_pool = define {name = 'max_pool', options = {pool_shape}, reads = '', second = true, forward = function(x, shape)
    local y, index = new_tensor(x.dtype), new_tensor(C.GT_LONG)
    check(C.gt_max_pool(y, index, x, shape))
    return y, index
  end, backward = function(c, g)
    return ops.max_pool_grad(g, c.saved, size(c[1], 3), size(c[1], 4))
  end}
  --- max_pool_grad(g, index, h, w): zeros h x w with g added where index says, in each plane: max_pool's gradient.
  ops.max_pool_grad = define {name = 'max_pool_grad', options = {indices, rows, columns}, reads = '', second = true,
    forward = function(g, index, h, w)
    local r = new_tensor(g.dtype)
    check(C.gt_max_pool_grad(r, g, index, h, w))
    return r
  end, backward = function(c, g)
    return ops.max_pool_pick(g, c[2])
  end}
  --- max_pool_pick(x, index): the elements of x that index names in each H x W plane: max_pool_grad's adjoint.
  ops.max_pool_pick = define {name = 'max_pool_pick', options = {indices}, reads = '', second = true, forward = function(x, index)
    local r = new_tensor(x.dtype)
    check(C.gt_max_pool_pick(r, x, index))
    return r
  end, backward = function(c, g)
    return ops.max_pool_grad(g, c[2], size(c[1], 3), size(c[1], 4))
  end}

  local avg_pool = define {name = 'avg_pool', options = {pool_shape}, reads = '', second = true, forward = function(x, shape)
    local y = new_tensor(x.dtype)
    check(C.gt_avg_pool(y, x, shape))
    return y
  end, backward = function(c, g)
    return ops.avg_pool_grad(g, c[2], size(c[1], 3), size(c[1], 4))
  end}
  --- The mean of each window.
  -- @param x N x C x H x W
  -- @param shape from pool_shape
  function ops.avg_pool(x, shape)
    pool_shape(shape, 'avg_pool')
    local t, k = Value.tensor(x, 'avg_pool'), shape.kh
    -- Windows side by side are blocks, whose sums stay in the inner layout.
    if C.gt_is_inner(t) ~= 0 and shape.kw == k and shape.stride_h == k and shape.stride_w == k and shape.pad_h + shape.pad_w == 0
      and size(t, 3) % k == 0 and size(t, 4) % k == 0 then
      return ops.scale(ops.block_sum(x, k), 1 / k ^ 2)
    end
    return avg_pool(x, shape)
  end
  --- avg_pool_grad(g, shape, h, w): g spread evenly over the windows it was the mean of: avg_pool's gradient.
  ops.avg_pool_grad = define {name = 'avg_pool_grad', options = {pool_shape, rows, columns}, reads = '', second = true,
    forward = function(g, shape, h, w)
    local r = new_tensor(g.dtype)
    check(C.gt_avg_pool_grad(r, g, shape, h, w))
    return r
  end, backward = function(c, g)
    return ops.avg_pool(g, c[2])
  end}
end
