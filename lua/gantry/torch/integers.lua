--- Arithmetic and reductions of the integer types, as LuaJIT loops over contiguous memory; C has them for Float and Double.
-- A loop is compiled to bytecode anew for each operation and type, so that each gets machine code of its own.
-- Results are converted to the type as C does: cut toward zero, and kept modulo its range. So are numbers: adding 2.7 adds 2.
-- @module gantry.torch.integers
local ffi = require 'ffi'
local native = require 'gantry.native'
local dtypes = require 'gantry.torch.dtypes'
local tensor = require 'gantry.torch.tensor'

local C, fail, check, new = native.C, native.fail, native.check, native.new_tensor
local contiguous, pointer, count = tensor.contiguous, tensor.pointer, tensor.count

local integers = {}

local function cut(v) return v >= 0 and math.floor(v) or math.ceil(v) end
local function divide(x, y) return cut(x / y) end
local function remainder(x, y) return x - y * math.floor(x / y) end
local function sign(x) return x > 0 and 1 or x < 0 and -1 or 0 end
local function larger(x, y) return x > y and x or y end
local function smaller(x, y) return x < y and x or y end
local function power(x, p) return cut(x ^ p) end

local unary = {
  copy = function(x) return x end, neg = function(x) return -x end, abs = math.abs, sign = sign,
  add = function(x, p) return x + p end, mul = function(x, p) return x * p end, div = divide, pow = power,
  rpow = function(x, p) return cut(p ^ x) end,
  fmod = math.fmod, remainder = remainder, clamp = function(x, p, q) return x < p and p or x > q and q or x end,
  clamp_min = larger, clamp_max = smaller,
  floor = function(x) return x end, ceil = function(x) return x end, round = function(x) return x end, trunc = function(x) return x end,
}
local binary = {
  add = function(x, y, p) return x + p * y end, sub = function(x, y, p) return x - p * y end, mul = function(x, y) return x * y end,
  div = divide, max = larger, min = smaller, fmod = math.fmod, remainder = remainder, pow = power,
}
local ternary = {
  addcmul = function(x, y, z, p) return x + p * y * z end, addcdiv = function(x, y, z, p) return x + cut(p * y / z) end,
}
-- What may not be 0: the number (unary) or any element of the last operand.
local divides = {div = true, fmod = true, remainder = true, addcdiv = true}

local folds = {
  sum = {function() return 0 end, function(t, x) return t + x end},
  prod = {function() return 1 end, function(t, x) return t * x end},
  max = {function(x) return x end, function(t, x) return x > t and x or t end},
  min = {function(x) return x end, function(t, x) return x < t and x or t end},
  all = {function() return 1 end, function(t, x) return x ~= 0 and t or 0 end},
  any = {function() return 0 end, function(t, x) return x ~= 0 and 1 or t end},
}

-- Templates: dumped and loaded again for every (operation, type), since LuaJIT's machine code belongs to the bytecode.
local function unary_template(f)
  return function(r, a, n, p, q)
    for i = 0, n - 1 do r[i] = f(tonumber(a[i]), p, q) end
  end
end
local function binary_template(f)
  return function(r, a, b, n, p)
    for i = 0, n - 1 do r[i] = f(tonumber(a[i]), tonumber(b[i]), p) end
  end
end
local function ternary_template(f)
  return function(r, a, b, c, n, p)
    for i = 0, n - 1 do r[i] = f(tonumber(a[i]), tonumber(b[i]), tonumber(c[i]), p) end
  end
end
-- Folds n elements that lie step apart; the second result is the 1-based place where the outcome last changed.
local function fold_template(first, f)
  return function(a, n, step)
    local total, place = first(tonumber(a[0])), 1
    for i = 0, n - 1 do
      local t = f(total, tonumber(a[i * step]))
      if t ~= total then total, place = t, i + 1 end
    end
    return total, place
  end
end
local function running_template(first, f)
  return function(r, a, n, step)
    local total = first(0)
    for i = 0, n - 1 do
      total = f(total, tonumber(a[i * step]))
      r[i * step] = total
    end
  end
end

-- LongTensors hold whole numbers that doubles do not: where an operation is one of 64-bit integers too, its loop runs on those.
local function long_unary_template(f)
  return function(r, a, n, p, q)
    for i = 0, n - 1 do r[i] = f(a[i], p, q) end
  end
end
local function long_binary_template(f)
  return function(r, a, b, n, p)
    for i = 0, n - 1 do r[i] = f(a[i], b[i], p) end
  end
end
local function long_running_template(first, f)
  return function(r, a, n, step)
    local total = first(0LL) + 0LL
    for i = 0, n - 1 do
      total = f(total, a[i * step])
      r[i * step] = total
    end
  end
end
local exact = {
  [unary_template] = {long_unary_template, {copy = true, neg = true, add = true, mul = true, clamp = true}},
  [binary_template] = {long_binary_template, {add = true, sub = true, mul = true, max = true, min = true}},
  [running_template] = {long_running_template, {sum = true, prod = true}},
}
local LONG, long = C.GT_LONG, ffi.typeof 'int64_t'

-- A number as a loop's constant: `exactly` is whether the loop runs on 64-bit integers.
local function constant(p, exactly) return exactly and long(p) or p end

local compiled = {}
local function loop_of(template, dtype, name, f, g)
  local key = dtype .. name
  local other = dtype == LONG and exact[template]
  local exactly = other and other[2][name] or false
  if exactly then template = other[1] end
  local of = compiled[template]
  if not of then
    of = {}
    compiled[template] = of
  end
  if not of[key] then of[key] = loadstring(string.dump(template))(f, g) end
  return of[key], exactly
end

--- The operation of a name in a list; an error where integer types have none.
-- @tparam table list by name
-- @tparam string name
-- @tparam tensor t what it is wanted for
-- @tparam[opt=name] string shown the name in the message
-- @treturn function or what else the list holds
function integers.want_operation(list, name, t, shown)
  local f = list[name]
  if not f then
    fail("%s: a %s has no such operation; convert it with :float() or :double()", shown or name, dtypes.tensor_names[t.dtype])
  end
  return f
end

local function want_types(r, a, name, what)
  if r.dtype ~= a.dtype then
    fail('%s: %s is a %s, wanted a %s', name, what, dtypes.tensor_names[a.dtype], dtypes.tensor_names[r.dtype])
  end
end

local shape = ffi.new('int64_t[8]')

-- Runs work(out) on a contiguous tensor of `like`'s shape that becomes r. out is r itself where that is safe.
local function into(r, like, work)
  local direct = C.gt_same_shape(r, like) ~= 0 and C.gt_is_contiguous(r) ~= 0
  local out = r
  if not direct then
    out = new(r.dtype)
    check(C.gt_tensor_resize_as(out, like))
  end
  if count(out) > 0 then work(out) end
  if direct then
    tensor.touch(r)
  else
    check(C.gt_tensor_resize_as(r, out))
    if count(out) > 0 then check(C.gt_copy(r, out)) end
  end
  return r
end

-- The common shape of two tensors by NumPy's rule, as views; nil where there is none.
local function broadcast(a, b)
  local rank = math.max(a.rank, b.rank)
  if a.rank == 0 or b.rank == 0 then return nil end
  for d = rank - 1, 0, -1 do
    local i, j = d - (rank - a.rank), d - (rank - b.rank)
    local m, n = i >= 0 and tonumber(a.shape[i]) or 1, j >= 0 and tonumber(b.shape[j]) or 1
    if m ~= n and m ~= 1 and n ~= 1 then return nil end
    shape[d] = m == 1 and n or m
  end
  local x, y = new(a.dtype), new(b.dtype)
  check(C.gt_expand(x, a, rank, shape))
  check(C.gt_expand(y, b, rank, shape))
  return x, y
end

local function pair(name, a, b)
  if C.gt_same_shape(a, b) ~= 0 then return a, b end
  local x, y = broadcast(a, b)
  if x then return x, y end
  if count(a) == count(b) then return a, b end
  fail('%s: sizes %s and %s do not fit', name, tensor.shape_text(a), tensor.shape_text(b))
end

-- A contiguous tensor that does not change while r is written.
local function steady(t, r)
  local flat = contiguous(t)
  if flat == t and t.store == r.store and C.gt_is_set_to(t, r) == 0 then return tensor.copy_of(t) end
  return flat
end

--- r = op(a, p, q), element by element.
function integers.unary(name, r, a, p, q)
  local f = integers.want_operation(unary, name, a)
  want_types(r, a, name, 'the operand')
  p, q = cut(p or 0), cut(q or 0)
  if divides[name] and p == 0 then fail('%s: division by 0', name) end
  local flat = steady(a, r)
  return into(r, a, function(out)
    local loop, exactly = loop_of(unary_template, a.dtype, name, f)
    loop(pointer(out, name), pointer(flat, name), count(flat), constant(p, exactly), constant(q, exactly))
  end)
end

local function want_no_zero(name, flat)
  local p = pointer(flat, name)
  for i = 0, count(flat) - 1 do
    if p[i] == 0 then fail('%s: division by 0', name) end
  end
end

--- r = op(a, b, p), element by element; a and b broadcast.
function integers.binary(name, r, a, b, p)
  local f = integers.want_operation(binary, name, a)
  want_types(r, a, name, 'the first operand')
  want_types(r, b, name, 'the second operand')
  local x, y = pair(name, a, b)
  p = cut(p or 1)
  local fx, fy = steady(x, r), steady(y, r)
  return into(r, x, function(out)
    if divides[name] then want_no_zero(name, fy) end
    local loop, exactly = loop_of(binary_template, a.dtype, name, f)
    loop(pointer(out, name), pointer(fx, name), pointer(fy, name), count(fx), constant(p, exactly))
  end)
end

--- r = op(a, b, c, p), element by element; equal counts.
function integers.ternary(name, r, a, b, c, p)
  local f = integers.want_operation(ternary, name, a)
  want_types(r, a, name, 'the first operand')
  want_types(r, b, name, 'the second operand')
  want_types(r, c, name, 'the third operand')
  if count(b) ~= count(a) or count(c) ~= count(a) then
    fail('%s: sizes %s, %s and %s do not fit', name, tensor.shape_text(a), tensor.shape_text(b), tensor.shape_text(c))
  end
  local fa, fb, fc = steady(a, r), steady(b, r), steady(c, r)
  p = cut(p or 1)
  return into(r, a, function(out)
    if divides[name] then want_no_zero(name, fc) end
    loop_of(ternary_template, a.dtype, name, f)(pointer(out, name), pointer(fa, name), pointer(fb, name), pointer(fc, name), count(fa), p)
  end)
end

--- A number out of all elements.
function integers.reduce_all(name, a)
  local fold = integers.want_operation(folds, name, a)
  local n = count(a)
  if n == 0 then
    if name == 'max' or name == 'min' then fail('%s: an empty tensor has none', name) end
    return fold[1](0)
  end
  return (loop_of(fold_template, a.dtype, name, fold[1], fold[2])(pointer(contiguous(a), name), n, 1))
end

-- Calls work(offset, result offset) for each row along dimension d (0-based) of a contiguous tensor.
local function rows(a, d, work)
  local length, inner, outer = tonumber(a.shape[d]), 1, 1
  for k = 0, d - 1 do outer = outer * tonumber(a.shape[k]) end
  for k = d + 1, a.rank - 1 do inner = inner * tonumber(a.shape[k]) end
  for i = 0, outer - 1 do
    for j = 0, inner - 1 do work(i * length * inner + j, i * inner + j, inner) end
  end
end
integers.rows = rows

--- r (and index, where it is given) = the reduction of a over dimension d (0-based), which keeps size 1.
function integers.reduce(name, r, index, a, d)
  local fold = integers.want_operation(folds, name, a)
  want_types(r, a, name, 'the operand')
  local n = tonumber(a.shape[d])
  if n == 0 and (name == 'max' or name == 'min') then fail('%s: dimension %d has size 0', name, d + 1) end
  for k = 0, a.rank - 1 do shape[k] = k == d and 1 or a.shape[k] end
  local out, place = new(r.dtype), index and new(C.GT_LONG)
  check(C.gt_tensor_resize(out, a.rank, shape))
  if place then check(C.gt_tensor_resize(place, a.rank, shape)) end
  if count(a) > 0 then
    local p, q = pointer(contiguous(a), name), pointer(out, name)
    local where = place and pointer(place, name)
    local loop = loop_of(fold_template, a.dtype, name, fold[1], fold[2])
    rows(a, d, function(from, to, step)
      local total, at = loop(p + from, n, step)
      q[to] = total
      if where then where[to] = at end
    end)
  elseif count(out) > 0 then
    check(C.gt_fill(out, fold[1](0)))
  end
  check(C.gt_tensor_set_to(r, out))
  if index then check(C.gt_tensor_set_to(index, place)) end
  return r, index
end

--- r = running sums or products of a along dimension d (0-based).
function integers.cumulate(name, r, a, d)
  local fold = integers.want_operation(folds, name, a)
  want_types(r, a, name, 'the operand')
  local flat = steady(a, r)
  return into(r, a, function(out)
    local p, q, n = pointer(flat, name), pointer(out, name), tonumber(a.shape[d])
    local loop = loop_of(running_template, a.dtype, name, fold[1], fold[2])
    rows(a, d, function(from, _, step) loop(q + from, p + from, n, step) end)
  end)
end

return integers
