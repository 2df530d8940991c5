--- nn.SpatialReplicationPadding: the edges of images (C x H x W or N x C x H x W) repeated.
-- @module gantry.nn.spatial_replication_padding
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local SpatialReplicationPadding, parent = torch.class('nn.SpatialReplicationPadding', 'nn.Module')

--- @function nn.SpatialReplicationPadding
-- @int pad_l columns added on the left, at least 0
-- @int[opt=pad_l] pad_r on the right
-- @int[opt=pad_l] pad_t rows above
-- @int[opt=pad_l] pad_b below
function SpatialReplicationPadding:__init(pad_l, pad_r, pad_t, pad_b)
  parent.__init(self)
  self.pad_l = pad_l
  self.pad_r, self.pad_t, self.pad_b = pad_r or pad_l, pad_t or pad_l, pad_b or pad_l
end

--- Which element of 1..n stands at position i outside or inside of it.
local function source(i, n)
  return math.max(1, math.min(n, i))
end

local function pad(self, x, d, before, behind)
  local n = x:size(d)
  if before < 0 or behind < 0 or n < 1 then
    native.fail('%s: padding of %d and %d does not fit an input of %s', torch.type(self), before, behind, kernel.sizes(x.data))
  end
  if before == 0 and behind == 0 then return x end
  local index = torch.LongTensor(n + before + behind)
  for i = 1 - before, n + behind do index[i + before] = source(i, n) end
  return ops.index_select(x, d, index)
end

function SpatialReplicationPadding:call(input)
  kernel.want(input.data, self, 4, 3)
  local rank = input:dim()
  return pad(self, pad(self, input, rank - 1, self.pad_t, self.pad_b), rank, self.pad_l, self.pad_r)
end

function SpatialReplicationPadding:__tostring__()
  return ('%s(l=%d, r=%d, t=%d, b=%d)'):format(torch.type(self), self.pad_l, self.pad_r, self.pad_t, self.pad_b)
end

return SpatialReplicationPadding
