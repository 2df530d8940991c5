--- Convolution and pooling. conv, conv_input and conv_weight are the three partial derivatives of one trilinear form, so each
-- one's gradients are the other two (see gantry.h for the shapes).
local ffi = require 'ffi'
local native = require 'gantry.native'
local op = require 'gantry.autograd.op'
local Value = require 'gantry.autograd.value'

local C, check, new_tensor = native.C, native.check, native.new_tensor
local define = op.define

local data = Value.unwrap
local function size(x, d) return tonumber(data(x).shape[d - 1]) end

return function(ops)
  --- How a convolution moves: a gt_conv_shape from named fields.
  -- @tparam table o stride_h, stride_w (default 1), pad_h, pad_w (0), dil_h, dil_w (1), groups (1)
  function ops.conv_shape(o)
    return ffi.new('gt_conv_shape', o.stride_h or 1, o.stride_w or 1, o.pad_h or 0, o.pad_w or 0, o.dil_h or 1, o.dil_w or 1, o.groups or 1)
  end

  --- How a pooling window moves: a gt_pool_shape.
  -- @tparam table o kh, kw, stride_h, stride_w (default kh, kw), pad_h, pad_w (0), ceil_mode, include_pad (true)
  function ops.pool_shape(o)
    return ffi.new('gt_pool_shape', o.kh, o.kw, o.stride_h or o.kh, o.stride_w or o.kw, o.pad_h or 0, o.pad_w or 0,
      o.ceil_mode and 1 or 0, o.include_pad == false and 0 or 1)
  end

  --- y = conv(x, w): x N x C x H x W, w O x C/groups x KH x KW.
  ops.conv = define {name = 'conv', arity = 2, reads = {'2', '1'}, second = true, forward = function(x, w, shape)
    local y = new_tensor(x.dtype)
    check(C.gt_conv(y, x, w, shape))
    return y
  end, backward = function(c, g)
    local x, w, shape = c[1], c[2], c[3]
    return c.need1 and ops.conv_input(g, w, shape, size(x, 3), size(x, 4)),
      c.need2 and ops.conv_weight(x, g, shape, size(w, 3), size(w, 4))
  end}

  --- The fractional-strided convolution: x of size h x width such that conv's shapes fit; w O x C/groups x KH x KW, y N x O x ...
  ops.conv_input = define {name = 'conv_input', arity = 2, reads = {'2', '1'}, second = true, forward = function(y, w, shape, h, width)
    local x = new_tensor(y.dtype)
    check(C.gt_conv_input(x, y, w, shape, h, width))
    return x
  end, backward = function(c, g)
    local y, w, shape = c[1], c[2], c[3]
    return c.need1 and ops.conv(g, w, shape), c.need2 and ops.conv_weight(g, y, shape, size(w, 3), size(w, 4))
  end}

  --- The gradient of conv with respect to a kernel of kh x kw.
  ops.conv_weight = define {name = 'conv_weight', arity = 2, reads = {'2', '1'}, second = true, forward = function(x, y, shape, kh, kw)
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
    local y = ops.conv(ops.mul(x, ops.view(style, size(style, 1), size(style, 2), 1, 1)), w, shape)
    if demodulate == false then return y end
    local squares = ops.sum(ops.mul(w, w), {3, 4})                                        -- O x C
    local lengths = ops.matmul(ops.mul(style, style), squares, false, true)               -- N x O
    local scale = ops.pow(ops.add(lengths, eps or 1e-8), -0.5)
    return ops.mul(y, ops.view(scale, size(style, 1), size(w, 1), 1, 1))
  end

  --- The largest in each window; N x C x H x W.
  ops.max_pool = define {name = 'max_pool', reads = '', second = true, forward = function(x, shape)
    local y, index = new_tensor(x.dtype), new_tensor(C.GT_LONG)
    check(C.gt_max_pool(y, index, x, shape))
    return y, index
  end, backward = function(c, g)
    return ops.max_pool_grad(g, c.saved, size(c[1], 3), size(c[1], 4))
  end}
  ops.max_pool_grad = define {name = 'max_pool_grad', reads = '', second = true, forward = function(g, index, h, w)
    local r = new_tensor(g.dtype)
    check(C.gt_max_pool_grad(r, g, index, h, w))
    return r
  end, backward = function(c, g)
    return ops.max_pool_pick(g, c[2])
  end}
  --- The elements of x that index names in each H x W plane: max_pool_grad's adjoint.
  ops.max_pool_pick = define {name = 'max_pool_pick', reads = '', second = true, forward = function(x, index)
    local r = new_tensor(x.dtype)
    check(C.gt_max_pool_pick(r, x, index))
    return r
  end, backward = function(c, g)
    return ops.max_pool_grad(g, c[2], size(c[1], 3), size(c[1], 4))
  end}

  local avg_pool = define {name = 'avg_pool', reads = '', second = true, forward = function(x, shape)
    local y = new_tensor(x.dtype)
    check(C.gt_avg_pool(y, x, shape))
    return y
  end, backward = function(c, g)
    return ops.avg_pool_grad(g, c[2], size(c[1], 3), size(c[1], 4))
  end}
  --- The mean of each window; N x C x H x W.
  function ops.avg_pool(x, shape)
    local k, h, w = shape.kh, size(x, 3), size(x, 4)
    -- Windows side by side are blocks, whose sums stay in the inner layout.
    if C.gt_is_inner(data(x)) ~= 0 and shape.kw == k and shape.stride_h == k and shape.stride_w == k and shape.pad_h + shape.pad_w == 0
      and h % k == 0 and w % k == 0 then
      return ops.scale(ops.block_sum(x, k), 1 / k ^ 2)
    end
    return avg_pool(x, shape)
  end
  ops.avg_pool_grad = define {name = 'avg_pool_grad', reads = '', second = true, forward = function(g, shape, h, w)
    local r = new_tensor(g.dtype)
    check(C.gt_avg_pool_grad(r, g, shape, h, w))
    return r
  end, backward = function(c, g)
    return ops.avg_pool(g, c[2])
  end}
end
