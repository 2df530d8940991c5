--- Copies and converts modules with everything in them: what shared memory before shares it after.
local ffi = require 'ffi'
local native = require 'gantry.native'
local dtypes = require 'gantry.torch.dtypes'
local torch = require 'gantry.torch'

local C, check = native.C, native.check

local duplicate = {}

local function address(pointer) return tonumber(ffi.cast('intptr_t', ffi.cast('void *', pointer))) end

--- A storage with the elements of `old`, in the type dtype.
local function copy_storage(old, dtype)
  local count = tonumber(old.count)
  local new = native.new_storage(dtype, count)
  if count > 0 then
    local shape = ffi.new('int64_t[1]', count)
    local from, to = native.new_tensor(old.dtype), native.new_tensor(dtype)
    check(C.gt_tensor_set(from, old, 0, 1, shape, nil))
    check(C.gt_tensor_set(to, new, 0, 1, shape, nil))
    check(C.gt_copy(to, from))
  end
  return new
end

local function copy_tensor(t, dtype, memo)
  local new = native.new_tensor(dtype)
  if t.store == nil then return new end
  local key = address(t.store)
  local store = memo[key]
  if not store then
    store = copy_storage(t.store, dtype)
    memo[key] = store
  end
  check(C.gt_tensor_set(new, store, t.offset, t.rank, t.shape, t.step))
  return new
end

local function is_real(t) return t.dtype == C.GT_FLOAT or t.dtype == C.GT_DOUBLE end

--- A copy of a module (or of any table): new tables, new tensors.
-- @tparam table memo objects met so far; give the same one to copy several things that belong together
function duplicate.copy(x, memo)
  local found = memo[x]
  if found ~= nil then return found end
  if type(x) == 'table' then
    local new = setmetatable({}, getmetatable(x))
    memo[x] = new
    for k, v in pairs(x) do
      if type(k) == 'table' or type(k) == 'cdata' then k = duplicate.copy(k, memo) end
      if type(v) == 'table' or type(v) == 'cdata' then v = duplicate.copy(v, memo) end
      rawset(new, k, v)
    end
    return new
  elseif torch.isTensor(x) then
    local new = copy_tensor(x, x.dtype, memo)
    memo[x] = new
    return new
  elseif torch.isStorage(x) then
    local key = address(x)
    if not memo[key] then memo[key] = copy_storage(x, x.dtype) end
    return memo[key]
  end
  return x
end

--- Converts all Float and Double tensors in a table, and in tables in it, in place.
-- @tparam string name 'torch.DoubleTensor'
-- @tparam table memo tensors and tables met so far
function duplicate.convert(x, name, memo)
  if type(x) == 'table' then
    if memo[x] then return x end
    memo[x] = x
    for k, v in pairs(x) do
      if type(v) == 'table' or torch.isTensor(v) then rawset(x, k, duplicate.convert(v, name, memo)) end
    end
    return x
  end
  if not is_real(x) or torch.typename(x) == name then return x end
  if memo[x] == nil then memo[x] = copy_tensor(x, dtypes.tensor_codes[name], memo) end
  return memo[x]
end

return duplicate
