--- Where a chain of modules takes on the inner layout of the convolutions, and where it gives it up again. Inside, results follow
-- their operands, so that images are put in another order at a chain's two ends only.
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local ops = require 'gantry.autograd.ops'
local torch = require 'gantry.torch'

local C, check = native.C, native.check

local layout = {}

local LEAST = 16 -- images: with fewer, rows of the kernels' blocks stay empty

local function tensor_of(x)
  if autograd.is_value(x) then return x.data end
  if torch.isTensor(x) then return x end
end

--- True for images, a value or a tensor, in the inner layout.
function layout.is_inner(x)
  local t = tensor_of(x)
  return t ~= nil and C.gt_is_inner(t) ~= 0
end

--- Whether a module should be given x in the inner layout, and x is not.
function layout.pays(module, x)
  if not module.prefers_inner then return false end
  local t = tensor_of(x)
  return t ~= nil and t.rank == 4 and t.shape[0] >= LEAST and C.gt_is_inner(t) == 0
end

--- A recorded value as a module wants it.
function layout.enter(module, x)
  if layout.pays(module, x) then return ops.inner(x) end
  return x
end

--- A recorded value (or a list: as it is) at the end of a chain.
function layout.leave(x)
  if layout.is_inner(x) then return ops.contiguous(x) end
  return x
end

--- A tensor in the inner layout, or a contiguous one, in a buffer of a list; t itself where it is that.
-- @tparam table buffers
-- @param key the buffer's place in it
-- @param t a tensor
-- @bool inner which of the two
function layout.copy(buffers, key, t, inner)
  if not torch.isTensor(t) or (inner and C.gt_is_inner(t) or C.gt_is_contiguous(t)) ~= 0 then return t end
  local b = buffers[key]
  if not b or b.dtype ~= t.dtype then
    b = native.new_tensor(t.dtype)
    buffers[key] = b
  end
  check(inner and C.gt_tensor_resize_inner(b, t.shape) or C.gt_tensor_resize_as(b, t))
  check(C.gt_copy(b, t))
  return b
end

return layout
