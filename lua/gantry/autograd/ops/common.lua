--- What files of ops share.
local ffi = require 'ffi'
local native = require 'gantry.native'
local shown = require('gantry.torch.class').shown
local Value = require 'gantry.autograd.value'

local C, check, fail, new_tensor = native.C, native.check, native.fail, native.new_tensor
local floor, type = math.floor, type
local dims = ffi.new('int64_t[?]', C.GT_MAX_RANK)

local common = {}

--- Raises an error unless x is a value or tensor that has dimension dim.
function common.want_dim(what, x, dim)
  local rank = Value.tensor(x, what).rank
  if type(dim) ~= 'number' or dim ~= floor(dim) or dim < 1 or dim > rank then
    fail('%s: dimension %s is outside 1..%d', what, shown(dim), rank)
  end
end

--- A zero-filled tensor of x's type, with x's sizes but for `size` in dimension dim.
function common.zeros_like(x, dim, size)
  local r = new_tensor(x.dtype)
  for d = 0, x.rank - 1 do dims[d] = x.shape[d] end
  if dim then dims[dim - 1] = size end
  check(C.gt_tensor_resize(r, x.rank, dims))
  check(C.gt_fill(r, 0))
  return r
end

--- A zero-filled matrix of x's type.
function common.zeros(x, rows, columns)
  local r = new_tensor(x.dtype)
  dims[0], dims[1] = rows, columns
  check(C.gt_tensor_resize(r, 2, dims))
  check(C.gt_fill(r, 0))
  return r
end

local function same_layout(a, b)
  return (C.gt_is_inner(a) ~= 0 and C.gt_is_inner(b) ~= 0) or (C.gt_is_contiguous(a) ~= 0 and C.gt_is_contiguous(b) ~= 0)
end

--- Whether a backward function may write its result over g: nobody else has it, and the result is to lie as it does.
-- @tparam table c what the function was given
-- @param g the gradient it was given
-- @param like a tensor in the result's layout
function common.may_write(c, g, like) return c.mine and same_layout(g, like) end

return common
