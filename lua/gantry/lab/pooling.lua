--- Pooling of a layer's activations: to a number of regions, or by windows.
-- @module gantry.lab.pooling
local ffi = require 'ffi'
local native = require 'gantry.native'
local tensor = require 'gantry.torch.tensor'
local torch = require 'gantry.torch'

local C, check = native.C, native.check
local pool_shape_t = ffi.typeof 'gt_pool_shape'

local pooling = {}

-- The largest number of each window of a x b pixels.
local function largest(x, a, b)
  local y, index = tensor.new(x.dtype), tensor.new(C.GT_LONG)
  check(C.gt_max_pool(y, index, x, pool_shape_t(a, b, a, b, 0, 0, 0, 1)))
  return y
end

-- Region i (from 0) of k over n pixels, as first and count: they meet without gaps, and where k does not divide n they overlap.
local function region(i, k, n)
  local from, to = math.floor(i * n / k), math.ceil((i + 1) * n / k)
  return from, to - from
end

--- The largest activation in each of k x k regions, which cover the image whatever its sides are.
-- @param x n x channels x height x width
-- @int k regions a side
-- @treturn tensor n x channels x k x k
function pooling.regions(x, k)
  local n, channels, h, w = x:size(1), x:size(2), x:size(3), x:size(4)
  if h % k == 0 and w % k == 0 then return largest(x, h / k, w / k) end
  local y = torch.FloatTensor(n, channels, k, k):type(torch.type(x))
  for i = 0, k - 1 do
    for j = 0, k - 1 do
      local top, height = region(i, k, h)
      local left, width = region(j, k, w)
      local part = x:narrow(3, top + 1, height):narrow(4, left + 1, width)
      y:narrow(3, i + 1, 1):narrow(4, j + 1, 1):copy(largest(part, height, width))
    end
  end
  return y
end

--- The largest activation in each window of so many pixels a side; what is left over at the right and at the bottom is left out.
-- @param x n x channels x height x width
-- @int side at most height and width
-- @treturn tensor n x channels x floor(height / side) x floor(width / side)
function pooling.windows(x, side)
  if side > math.min(x:size(3), x:size(4)) then
    native.fail('features: a window of %d pixels on maps of %dx%d', side, x:size(3), x:size(4))
  end
  return largest(x, side, side)
end

return pooling
