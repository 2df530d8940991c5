--- nn.SpatialReflectionPadding: images (C x H x W or N x C x H x W) mirrored at their edges; the edge itself is not repeated.
-- @module gantry.nn.spatial_reflection_padding
local edge_padding = require 'gantry.nn.edge_padding'

local function source(i, n)
  if i < 1 then return 2 - i elseif i > n then return 2 * n - i end
  return i
end

local function most(n) return n - 1 end

--- @function nn.SpatialReflectionPadding
-- @int pad_l columns added on the left, at least 0
-- @int[opt=pad_l] pad_r on the right
-- @int[opt=pad_l] pad_t rows above
-- @int[opt=pad_l] pad_b below
return edge_padding.define('nn.SpatialReflectionPadding', source, most)
