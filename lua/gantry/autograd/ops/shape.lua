--- Ops that rearrange, cut and join, and the sums and copies that undo them.
local ffi = require 'ffi'
local native = require 'gantry.native'
local op = require 'gantry.autograd.op'
local common = require 'gantry.autograd.ops.common'
local shown = require('gantry.torch.class').shown
local torch = require 'gantry.torch'
local Value = require 'gantry.autograd.value'

local C, check, fail, new_tensor = native.C, native.check, native.fail, native.new_tensor
local define, whole = op.define, op.whole
local dims = ffi.new('int64_t[?]', C.GT_MAX_RANK)
local order = ffi.new('int[?]', C.GT_MAX_RANK)

local data, want_dim, zeros_like = Value.unwrap, common.want_dim, common.zeros_like

-- Numbers one after another (the ninth is one too many) as a list. A table made of `...` would not be compiled.
local function listed(a, b, c, d, e, f, g, h, i)
  if h then return {a, b, c, d, e, f, g, h, i} end
  if e then return {a, b, c, d, e, f, g} end
  if d then return {a, b, c, d} end
  if c then return {a, b, c} end
  if b then return {a, b} end
  return {a}
end

-- A list of sizes, out of what follows x: a table of them, or one after another.
local function sizes_of(what, a, b, c, d, e, f, g, h, i)
  local sizes = a
  if torch.isStorage(a) then sizes = a:totable() elseif type(a) ~= 'table' then sizes = listed(a, b, c, d, e, f, g, h, i) end
  if #sizes < 1 or #sizes > C.GT_MAX_RANK then fail('%s: got %d dimensions, wanted 1 to %d', what, #sizes, C.GT_MAX_RANK) end
  for k = 1, #sizes do
    local n = sizes[k]
    if type(n) ~= 'number' or n ~= math.floor(n) or n > 2 ^ 53 or n < -1 then
      fail('%s: size %d is %s, wanted a whole number', what, k, shown(n))
    end
  end
  return sizes
end

-- The sizes of a tensor or value.
local function sizes_like(what, like, position)
  return common.sizes(Value.tensor(like, what, position))
end

local function set_dims(sizes)
  for d = 1, #sizes do dims[d - 1] = sizes[d] end
end

return function(ops)
  local reshape = define {name = 'reshape', reads = '', second = true, forward = function(x, sizes)
    local r = new_tensor(x.dtype)
    set_dims(sizes)
    local source = x
    if C.gt_is_contiguous(x) == 0 then
      source = new_tensor(x.dtype)
      check(C.gt_tensor_resize_as(source, x))
      check(C.gt_copy(source, x))
    end
    check(C.gt_view(r, source, #sizes, dims))
    if source ~= x then C.gt_tensor_release(source) end -- r holds its memory now
    return r
  end, backward = function(c, g)
    return ops.reshape_as(g, c[1])
  end}

  local function reshaped(x, sizes)
    -- An op of its own: the gradient finds back to the layout.
    if torch.isTensor(data(x)) and C.gt_is_inner(data(x)) ~= 0 then x = ops.contiguous(x) end
    return reshape(x, sizes)
  end

  --- view(x, ...): x's elements in other sizes, view(x, 4, -1) or view(x, {4, -1}), of which one may be -1. Copies where strides make it
  -- necessary.
  function ops.view(x, a, b, c, d, e, f, g, h, i)
    return reshaped(x, sizes_of('view', a, b, c, d, e, f, g, h, i))
  end
  --- reshape(x, ...): as view.
  ops.reshape = ops.view

  --- x with the sizes of another tensor or value.
  function ops.reshape_as(x, like)
    return reshaped(x, sizes_like('reshape_as', like, 2))
  end

  --- Dimensions from `from` (default 1) on become one.
  function ops.flatten(x, from)
    from = from or 1
    want_dim('flatten', x, from)
    local t, sizes = data(x), {}
    for d = 1, from - 1 do sizes[d] = tonumber(t.shape[d - 1]) end
    local rest = 1
    for d = from, t.rank do rest = rest * tonumber(t.shape[d - 1]) end
    sizes[from] = rest
    return reshaped(x, sizes)
  end

  local transpose = define {name = 'transpose', reads = '', second = true, forward = function(x, d1, d2)
    local r = new_tensor(x.dtype)
    check(C.gt_transpose(r, x, d1 - 1, d2 - 1))
    return r
  end, backward = function(c, g) return ops.transpose(g, c[2], c[3]) end}
  --- x with dimensions d1 and d2 exchanged.
  function ops.transpose(x, d1, d2)
    want_dim('transpose', x, d1)
    want_dim('transpose', x, d2)
    return transpose(x, d1, d2)
  end
  --- The transpose of a matrix.
  function ops.t(x) return ops.transpose(x, 1, 2) end

  local permute = define {name = 'permute', reads = '', second = true, forward = function(x, list)
    local r = new_tensor(x.dtype)
    for d = 1, #list do order[d - 1] = list[d] - 1 end
    check(C.gt_permute(r, x, #list, order))
    return r
  end, backward = function(c, g)
    local back = {}
    for d, from in ipairs(c[2]) do back[from] = d end
    return ops.permute(g, back)
  end}
  --- permute(x, ...): x with its dimensions in another order: permute(x, 2, 3, 1) or permute(x, {2, 3, 1}).
  function ops.permute(x, a, b, c, d, e, f, g, h, i)
    local list = type(a) == 'table' and a or listed(a, b, c, d, e, f, g, h, i)
    local rank = Value.tensor(x, 'permute').rank
    if #list ~= rank then fail('permute: got %d dimensions of %d', #list, rank) end
    for k = 1, #list do want_dim('permute', x, list[k]) end
    return permute(x, list)
  end

  local narrow = define {name = 'narrow', options = {whole 'the dimension', whole 'the start', whole 'the length'}, reads = '',
    second = true, forward = function(x, dim, start, length)
    local r = new_tensor(x.dtype)
    check(C.gt_narrow(r, x, dim - 1, start - 1, length))
    return r
  end, backward = function(c, g)
    return ops.embed(g, c[2], c[3], data(c[1]):size(c[2]))
  end}
  --- Elements start .. start+length-1 of a dimension.
  function ops.narrow(x, dim, start, length)
    want_dim('narrow', x, dim)
    return narrow(x, dim, start, length)
  end

  --- embed(x, dim, start, size): x at position start of a dimension of `size`, zeros elsewhere: narrow's adjoint.
  ops.embed = define {name = 'embed', options = {whole 'the dimension', whole 'the start', whole 'the size'}, reads = '', second = true,
    forward = function(x, dim, start, size)
    want_dim('embed', x, dim)
    local r = zeros_like(x, dim, size)
    local part = new_tensor(x.dtype)
    check(C.gt_narrow(part, r, dim - 1, start - 1, x.shape[dim - 1]))
    check(C.gt_copy(part, x))
    C.gt_tensor_release(part)
    return r
  end, backward = function(c, g)
    return ops.narrow(g, c[2], c[3], data(c[1]):size(c[2]))
  end}

  --- Slice `index` of a dimension, which disappears (a 1-dimensional x keeps it, with size 1).
  function ops.select(x, dim, index)
    want_dim('select', x, dim)
    local part = ops.narrow(x, dim, index, 1)
    local t, sizes = data(part), {}
    if t.rank == 1 then return part end
    for d = 1, t.rank do
      if d ~= dim then sizes[#sizes + 1] = tonumber(t.shape[d - 1]) end
    end
    return reshape(part, sizes)
  end

  --- x without its dimensions of size 1 (or without dimension dim, if that has size 1).
  function ops.squeeze(x, dim)
    local t, sizes = Value.tensor(x, 'squeeze'), {}
    if dim ~= nil then want_dim('squeeze', x, dim) end
    for d = 1, t.rank do
      local n = tonumber(t.shape[d - 1])
      if n ~= 1 or (dim and d ~= dim) then sizes[#sizes + 1] = n end
    end
    if #sizes == 0 then sizes[1] = 1 end
    return reshape(x, sizes)
  end

  --- x with a dimension of size 1 before dimension dim.
  function ops.unsqueeze(x, dim)
    local t, sizes = Value.tensor(x, 'unsqueeze'), {}
    if type(dim) ~= 'number' or dim ~= math.floor(dim) or dim < 1 or dim > t.rank + 1 then
      fail('unsqueeze: dimension %s is outside 1..%d', shown(dim), t.rank + 1)
    end
    for d = 1, t.rank do sizes[d] = tonumber(t.shape[d - 1]) end
    table.insert(sizes, dim, 1)
    return reshape(x, sizes)
  end

  local cat_parts = ffi.typeof 'const gt_tensor *[?]'
  local cat = define {name = 'cat', arity = 'list', reads = '', second = true, forward = function(list, dim)
    local r = new_tensor(list[1].dtype)
    local parts = cat_parts(#list)
    for i = 1, #list do parts[i - 1] = list[i] end
    check(C.gt_cat(r, #list, parts, dim - 1))
    return r
  end, backward = function(c, g)
    local start, found = 1, {}
    for i, x in ipairs(c[1]) do
      local n = data(x):size(c[2])
      if c.need[i] then found[i] = ops.narrow(g, c[2], start, n) end
      start = start + n
    end
    return found
  end}
  --- A list of tensors joined along a dimension (default 1).
  function ops.cat(list, dim)
    if type(list) ~= 'table' or Value.is(list) or #list == 0 then fail('cat: got %s, wanted a list of tensors or values', type(list)) end
    want_dim('cat', list[1], dim or 1)
    return cat(list, dim or 1)
  end

  local expand = define {name = 'expand', reads = '', second = true, forward = function(x, sizes)
    local r = new_tensor(x.dtype)
    set_dims(sizes)
    check(C.gt_expand(r, x, #sizes, dims))
    return r
  end, backward = function(c, g) return ops.sum_to(g, c[1]) end}
  --- expand(x, ...): x repeated to the given sizes where its own are 1 (or missing in front), without copying.
  function ops.expand(x, a, b, c, d, e, f, g, h, i)
    return expand(x, sizes_of('expand', a, b, c, d, e, f, g, h, i))
  end
  --- x repeated to the sizes of another tensor or value.
  function ops.expand_as(x, like) return expand(x, sizes_like('expand_as', like, 2)) end

  local sum_to = define {name = 'sum_to', reads = '', second = true, forward = function(x, sizes)
    local r = new_tensor(x.dtype)
    set_dims(sizes)
    check(C.gt_sum_to(r, x, #sizes, dims))
    return r
  end, backward = function(c, g) return ops.expand_as(g, c[1]) end}
  --- x summed to the sizes of `like`: what broadcasting repeated is added up again.
  function ops.sum_to(x, like)
    local a, b = Value.tensor(x, 'sum_to'), Value.tensor(like, 'sum_to', 2)
    if C.gt_same_shape(a, b) == 1 then return x end
    local sizes = sizes_like('sum_to', b)
    if C.gt_numel(a) == C.gt_numel(b) then return reshape(x, sizes) end
    return sum_to(x, sizes)
  end
end
