--- Orders of memory as ops: the inner layout of the convolutions (gantry.h), which is nothing but strides, and contiguous.
local native = require 'gantry.native'
local op = require 'gantry.autograd.op'
local Value = require 'gantry.autograd.value'

local C, check, new_tensor = native.C, native.check, native.new_tensor
local define = op.define

return function(ops)
  local contiguous = define {name = 'contiguous', reads = '', second = true, forward = function(x)
    local r = new_tensor(x.dtype)
    check(C.gt_tensor_resize_as(r, x))
    check(C.gt_copy(r, x))
    return r
  end, backward = function(c, g) return ops.layout_as(g, c[1]) end}
  --- The same numbers in contiguous memory; x itself where it is that.
  function ops.contiguous(x)
    if C.gt_is_contiguous(Value.tensor(x, 'contiguous')) ~= 0 then return x end
    return contiguous(x)
  end

  local inner = define {name = 'inner', reads = '', second = true, forward = function(x)
    local r = new_tensor(x.dtype)
    check(C.gt_tensor_resize_inner(r, x.shape))
    check(C.gt_copy(r, x))
    return r
  end, backward = function(c, g) return ops.layout_as(g, c[1]) end}
  --- Images in the inner layout: sizes N x C x H x W, memory [H][W][N][C]; x itself where it is that.
  function ops.inner(x)
    local t = Value.tensor(x, 'inner')
    if t.rank ~= 4 then native.fail('inner: got %d dimensions, wanted the 4 of images', t.rank) end
    if C.gt_is_inner(t) ~= 0 then return x end
    return inner(x)
  end

  --- x in the layout of another tensor or value of its sizes, as far as that is one of the two.
  function ops.layout_as(x, like)
    local t = Value.tensor(x, 'layout_as')
    if C.gt_is_inner(Value.tensor(like, 'layout_as', 2)) ~= 0 then return ops.inner(x) end
    if C.gt_is_inner(t) ~= 0 then return ops.contiguous(x) end
    return x
  end
end
