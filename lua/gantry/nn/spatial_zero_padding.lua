--- nn.SpatialZeroPadding: zeros around images (C x H x W or N x C x H x W).
-- @module gantry.nn.spatial_zero_padding
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local SpatialZeroPadding, parent = torch.class('nn.SpatialZeroPadding', 'nn.Module')

--- @function nn.SpatialZeroPadding
-- @int pad_l columns added on the left; negative: cut off
-- @int[opt=pad_l] pad_r on the right
-- @int[opt=pad_l] pad_t rows above
-- @int[opt=pad_l] pad_b below
function SpatialZeroPadding:__init(pad_l, pad_r, pad_t, pad_b)
  parent.__init(self)
  kernel.whole(self, -math.huge, 'pad_l', pad_l)
  self.pad_l = pad_l
  self.pad_r, self.pad_t, self.pad_b = pad_r or pad_l, pad_t or pad_l, pad_b or pad_l
  kernel.whole(self, -math.huge, 'pad_r', self.pad_r, 'pad_t', self.pad_t, 'pad_b', self.pad_b)
end

--- Adds `before` and `behind` zeros to a dimension, or cuts them off.
local function pad(self, x, d, before, behind)
  local n = x:size(d)
  if n + before + behind < 1 then native.fail('%s: nothing is left of the input, %s', torch.type(self), kernel.sizes(x.data)) end
  local first, last = math.max(1, 1 - before), math.min(n, n + behind)
  if first > 1 or last < n then x = ops.narrow(x, d, first, last - first + 1) end
  if before <= 0 and behind <= 0 then return x end
  return ops.embed(x, d, math.max(before, 0) + 1, x:size(d) + math.max(before, 0) + math.max(behind, 0))
end

function SpatialZeroPadding:call(input)
  kernel.want(input.data, self, 4, 3)
  local rank = input:dim()
  return pad(self, pad(self, input, rank - 1, self.pad_t, self.pad_b), rank, self.pad_l, self.pad_r)
end

function SpatialZeroPadding:__tostring__()
  return ('%s(l=%d, r=%d, t=%d, b=%d)'):format(torch.type(self), self.pad_l, self.pad_r, self.pad_t, self.pad_b)
end

return SpatialZeroPadding
