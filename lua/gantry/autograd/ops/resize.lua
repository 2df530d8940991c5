--- Ops that make images larger or smaller: repetition, interpolation, pixel shuffle, and what undoes them.
local native = require 'gantry.native'
local op = require 'gantry.autograd.op'
local common = require 'gantry.autograd.ops.common'
local shown = require('gantry.torch.class').shown
local Value = require 'gantry.autograd.value'

local C, check, fail, new_tensor = native.C, native.check, native.fail, native.new_tensor
local define, want_count = op.define, op.whole 'the number of elements'

local data, want_dim = Value.unwrap, common.want_dim

local function want_scale(what, x, scale)
  local rank = Value.tensor(x, what).rank
  if rank < 2 then fail('%s: got %d dimensions, wanted at least 2', what, rank) end
  if type(scale) ~= 'number' or scale < 1 or scale % 1 ~= 0 then
    fail('%s: the scale is %s, wanted a whole number of at least 1', what, shown(scale))
  end
end

--- What interpolation makes of the elements of a dimension, as a matrix n x size: each row has the shares of two neighbours.
local function interpolation(size, n, like)
  local m = common.zeros(like, n, size)
  local ratio = n > 1 and (size - 1) / (n - 1) or 0
  for i = 1, n do
    local at = (i - 1) * ratio
    local from = math.min(math.floor(at), size - 1)
    local to, share = math.min(from + 1, size - 1), at - from
    m[i][from + 1] = 1 - share
    if share > 0 then m[i][to + 1] = share end
  end
  return m
end

return function(ops)
  local repeated = define {name = 'upsample_nearest', reads = '', second = true, forward = function(x, scale)
    local r = new_tensor(x.dtype)
    check(C.gt_upsample_nearest(r, x, scale))
    return r
  end, backward = function(c, g) return ops.block_sum(g, c[2]) end}

  --- Every pixel of ... x H x W repeated `scale` times in both directions.
  function ops.upsample_nearest(x, scale)
    want_scale('upsample_nearest', x, scale)
    return repeated(x, scale)
  end

  local summed = define {name = 'block_sum', reads = '', second = true, forward = function(x, scale)
    local r = new_tensor(x.dtype)
    check(C.gt_block_sum(r, x, scale))
    return r
  end, backward = function(c, g) return ops.upsample_nearest(g, c[2]) end}

  --- The sums of blocks of scale x scale pixels of ... x H x W: upsample_nearest's adjoint.
  function ops.block_sum(x, scale)
    want_scale('block_sum', x, scale)
    return summed(x, scale)
  end

  --- Channels dealt out over larger images: N x (C r^2) x H x W to N x C x (H r) x (W r); channel c r^2 + i r + j goes to row i,
  -- column j of each r x r block. Shi et al. 2016, arXiv 1609.05158, equation 4.
  function ops.pixel_shuffle(x, r)
    local t, s = Value.tensor(x, 'pixel_shuffle'), {}
    want_scale('pixel_shuffle', x, r)
    for d = 1, t.rank do s[d] = tonumber(t.shape[d - 1]) end
    if #s ~= 4 or s[2] % (r * r) ~= 0 then
      fail('pixel_shuffle: got %d dimensions and %d channels, wanted 4 and a multiple of %d', #s, s[2] or 0, r * r)
    end
    local apart = ops.permute(ops.view(x, {s[1], s[2] / (r * r), r, r, s[3], s[4]}), 1, 2, 5, 3, 6, 4)
    return ops.view(apart, {s[1], s[2] / (r * r), s[3] * r, s[4] * r})
  end

  --- m times x along a dimension: element i of the result is the sum over j of m[i][j] x[j].
  local function along(x, dim, m)
    local t, sizes, outer, inner = data(x), {}, 1, 1
    for d = 1, t.rank do
      local n = tonumber(t.shape[d - 1])
      sizes[d] = d == dim and m:size(1) or n
      if d < dim then outer = outer * n elseif d > dim then inner = inner * n end
    end
    if inner == 1 then return ops.view(ops.matmul(ops.view(x, outer, m:size(2)), m, false, true), sizes) end
    return ops.view(ops.matmul(ops.expand(m, outer, m:size(1), m:size(2)), ops.view(x, outer, m:size(2), inner)), sizes)
  end

  --- A dimension resized to n elements by linear interpolation between neighbours; the first and the last stay what they are.
  function ops.interpolate(x, dim, n)
    want_dim('interpolate', x, dim)
    want_count(n, 'interpolate')
    local t = data(x)
    local size = tonumber(t.shape[dim - 1])
    if size == n then return x end
    local m = interpolation(size, n, t)
    if C.gt_is_inner(t) == 0 then return along(x, dim, m) end
    return ops.permute(along(ops.permute(x, 3, 4, 1, 2), dim > 2 and dim - 2 or dim + 2, m), 3, 4, 1, 2)
  end
end
