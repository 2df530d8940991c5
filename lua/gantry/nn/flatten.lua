--- getParameters: moves all parameters of a network into one storage, each a view of its part. Parameters that share memory,
-- wholly or partly, share it afterwards and are counted once.
local ffi = require 'ffi'
local native = require 'gantry.native'
local torch = require 'gantry.torch'

local C, check, fail = native.C, native.check, native.fail
local shape, step = ffi.new('int64_t[8]'), ffi.new('int64_t[8]')

local function address(pointer) return tonumber(ffi.cast('intptr_t', ffi.cast('void *', pointer))) end

--- First and last position that t uses in its storage.
local function extent(t)
  local first = tonumber(t.offset)
  local last = first
  for d = 0, t.rank - 1 do last = last + tonumber(t.shape[d] - 1) * tonumber(t.step[d]) end
  return first, last
end

--- Stretches of storages that the tensors cover; stretches that overlap are one. Each knows the order in which it was met.
local function stretches(tensors)
  local by_storage = {}
  for i, t in ipairs(tensors) do
    local first, last = extent(t)
    local key = address(t.store)
    by_storage[key] = by_storage[key] or {}
    table.insert(by_storage[key], {store = t.store, first = first, last = last, met = i, members = {t}})
  end
  local all = {}
  for _, list in pairs(by_storage) do
    table.sort(list, function(a, b) return a.first < b.first or (a.first == b.first and a.met < b.met) end)
    local current
    for _, s in ipairs(list) do
      if current and s.first <= current.last then
        current.last, current.met = math.max(current.last, s.last), math.min(current.met, s.met)
        table.insert(current.members, s.members[1])
      else
        current = s
        all[#all + 1] = s
      end
    end
  end
  table.sort(all, function(a, b) return a.met < b.met end)
  return all
end

--- A vector of n elements of a storage, from a position (0-based) on.
local function vector(dtype, store, first, n)
  local t = native.new_tensor(dtype)
  shape[0] = n
  check(C.gt_tensor_set(t, store, first, 1, shape, nil))
  return t
end

--- The tensors' elements as one vector, of which the tensors are views from then on.
-- @tparam table tensors a list
-- @treturn tensor
local function flatten(tensors)
  local used = {}
  for _, t in ipairs(tensors) do
    if t:nElement() > 0 then used[#used + 1] = t end
  end
  if #used == 0 then return torch.Tensor() end
  local dtype, list, count, in_place = used[1].dtype, stretches(used), 0, true
  for i, s in ipairs(list) do
    if s.store.dtype ~= dtype then fail('getParameters: parameters of several types; convert the network with :float() or :double()') end
    local before = list[i - 1]
    in_place = in_place and (not before or (before.store == s.store and before.last + 1 == s.first))
    s.start = count
    count = count + s.last - s.first + 1
  end
  -- Called again, it gives the vector that exists: an optimizer may hold it.
  if in_place then return vector(dtype, list[1].store, list[1].first, count) end
  local store = native.new_storage(dtype, count)
  for _, s in ipairs(list) do
    local n = s.last - s.first + 1
    check(C.gt_copy(vector(dtype, store, s.start, n), vector(dtype, s.store, s.first, n)))
  end
  for _, s in ipairs(list) do
    for _, t in ipairs(s.members) do
      local offset = s.start + tonumber(t.offset) - s.first
      ffi.copy(shape, t.shape, ffi.sizeof(shape))
      ffi.copy(step, t.step, ffi.sizeof(step))
      check(C.gt_tensor_set(t, store, offset, t.rank, shape, step))
    end
  end
  return vector(dtype, store, 0, count)
end

return flatten
