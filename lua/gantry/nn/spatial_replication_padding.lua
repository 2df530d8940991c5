--- nn.SpatialReplicationPadding: the edges of images (C x H x W or N x C x H x W) repeated.
-- @module gantry.nn.spatial_replication_padding
local edge_padding = require 'gantry.nn.edge_padding'

local function source(i, n) return math.max(1, math.min(n, i)) end

local function most(n) return n < 1 and -1 or math.huge end

--- @function nn.SpatialReplicationPadding
-- @int pad_l columns added on the left, at least 0
-- @int[opt=pad_l] pad_r on the right
-- @int[opt=pad_l] pad_t rows above
-- @int[opt=pad_l] pad_b below
return edge_padding.define('nn.SpatialReplicationPadding', source, most)
