--- Ops that pick elements and slices by index, and the sums that undo them. Indices are LongTensors and count from 1, as class labels do.
local native = require 'gantry.native'
local op = require 'gantry.autograd.op'
local common = require 'gantry.autograd.ops.common'
local shown = require('gantry.torch.class').shown
local torch = require 'gantry.torch'
local Value = require 'gantry.autograd.value'

local C, check, fail, new_tensor = native.C, native.check, native.fail, native.new_tensor
local define, want_size = op.define, op.whole 'the size'

local data, want_dim, zeros_like = Value.unwrap, common.want_dim, common.zeros_like

local function want_indices(what, x, dim, index)
  want_dim(what, x, dim)
  if not torch.isTensor(index) or index.dtype ~= C.GT_LONG then
    fail('%s: the indices are %s, wanted a LongTensor', what, shown(index))
  end
end

--- Where the index `at` of dimension dim is: negative ones count from the end.
local function position(x, dim, at)
  local n = tonumber(data(x).shape[dim - 1])
  if type(at) ~= 'number' or at % 1 ~= 0 then fail('index: an index is %s, wanted a whole number', shown(at)) end
  local i = at < 0 and n + at + 1 or at
  if i < 1 or i > n then fail('index: %d is outside 1..%d of dimension %d', at, n, dim) end
  return i
end

return function(ops)
  --- index_select(x, dim, index): the slices of a dimension that a LongTensor of 1-based indices names.
  ops.index_select = define {name = 'index_select', reads = '', second = true, forward = function(x, dim, index)
    want_indices('index_select', x, dim, index)
    local r = new_tensor(x.dtype)
    check(C.gt_index_select(r, x, dim - 1, index))
    return r
  end, backward = function(c, g)
    return ops.index_put(g, c[2], c[3], data(c[1]):size(c[2]))
  end}
  --- index_put(x, dim, index, size): zeros with x's slices added at the indices: index_select's adjoint.
  ops.index_put = define {name = 'index_put', reads = '', second = true, forward = function(x, dim, index, size)
    want_indices('index_put', x, dim, index)
    want_size(size, 'index_put')
    local r = zeros_like(x, dim, size)
    check(C.gt_index_add(r, dim - 1, index, x))
    return r
  end, backward = function(c, g)
    return ops.index_select(g, c[2], c[3])
  end}

  --- gather(x, dim, index): r[i][j] = x[i][index[i][j]] along a dimension, as torch.gather.
  ops.gather = define {name = 'gather', reads = '', second = true, forward = function(x, dim, index)
    want_indices('gather', x, dim, index)
    local r = new_tensor(x.dtype)
    check(C.gt_gather(r, x, dim - 1, index))
    return r
  end, backward = function(c, g)
    return ops.scatter_add(g, c[2], c[3], data(c[1]):size(c[2]))
  end}
  --- scatter_add(x, dim, index, size): zeros with x added where index says: gather's adjoint.
  ops.scatter_add = define {name = 'scatter_add', reads = '', second = true, forward = function(x, dim, index, size)
    want_indices('scatter_add', x, dim, index)
    want_size(size, 'scatter_add')
    local r = zeros_like(x, dim, size)
    check(C.gt_scatter_add(r, dim - 1, index, x))
    return r
  end, backward = function(c, g)
    return ops.gather(g, c[2], c[3])
  end}

  --- What x[key] gives, as a value or tensor of its own: the slice that a number names, or the part that a list of numbers (slices)
  -- and ranges ({} all, {i}, {first, last}) names. Of a vector a number gives one element, as a vector of one.
  function ops.index(x, key)
    local rank = Value.tensor(x, 'index').rank
    if type(key) == 'number' then key = {key} end
    if type(key) ~= 'table' or Value.is(key) then
      fail('index: a value cannot be indexed with %s, wanted a number or a list of numbers and ranges', shown(key))
    end
    if #key > rank then fail('index: got %d indices for %d dimensions', #key, rank) end
    local dim = 1
    for k = 1, #key do
      local part = key[k]
      if type(part) == 'table' then
        if part[1] ~= nil then
          local first = position(x, dim, part[1])
          local last = part[2] == nil and first or position(x, dim, part[2])
          if last < first then fail('index: the range {%s, %s} is empty', shown(part[1]), shown(part[2])) end
          x = ops.narrow(x, dim, first, last - first + 1)
        end
        dim = dim + 1
      else
        x = ops.select(x, dim, position(x, dim, part))
      end
    end
    return x
  end
end
