--- What SpatialReflectionPadding and SpatialReplicationPadding share: images continued beyond their edges by elements of their own.
-- @module gantry.nn.edge_padding
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local edge_padding = {}

--- Makes the class of a padding.
-- @string name 'nn.SpatialReflectionPadding'
-- @tparam function source which element of 1..n stands at position i, outside or inside of it: source(i, n)
-- @tparam function most the largest padding of n elements: most(n)
-- @treturn table the class
function edge_padding.define(name, source, most)
  local Padding, parent = torch.class(name, 'nn.Module')

  function Padding:__init(pad_l, pad_r, pad_t, pad_b)
    parent.__init(self)
    kernel.whole(self, 0, 'pad_l', pad_l, 'pad_r', pad_r or 0, 'pad_t', pad_t or 0, 'pad_b', pad_b or 0)
    self.pad_l = pad_l
    self.pad_r, self.pad_t, self.pad_b = pad_r or pad_l, pad_t or pad_l, pad_b or pad_l
  end

  local function pad(self, x, d, before, behind)
    local n = x:size(d)
    if before < 0 or behind < 0 or before > most(n) or behind > most(n) then
      native.fail('%s: padding of %d and %d does not fit an input of %s', torch.type(self), before, behind, kernel.sizes(x.data))
    end
    if before == 0 and behind == 0 then return x end
    local index = torch.LongTensor(n + before + behind)
    for i = 1 - before, n + behind do index[i + before] = source(i, n) end
    return ops.index_select(x, d, index)
  end

  function Padding:call(input)
    kernel.want(input.data, self, 4, 3)
    local rank = input:dim()
    return pad(self, pad(self, input, rank - 1, self.pad_t, self.pad_b), rank, self.pad_l, self.pad_r)
  end

  function Padding:__tostring__()
    return ('%s(l=%d, r=%d, t=%d, b=%d)'):format(torch.type(self), self.pad_l, self.pad_r, self.pad_t, self.pad_b)
  end

  return Padding
end

return edge_padding
