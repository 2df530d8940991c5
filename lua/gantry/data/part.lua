--- A part of a data set: SPEC@FIRST..LAST, its pictures FIRST to LAST. Networks that train on one part are judged on another that they
-- have never seen.
-- @module gantry.data.part
local lfs = require 'lfs'
local native = require 'gantry.native'

local fail = native.fail
local part = {}

--- Takes a spec apart. A file or folder whose own name ends like this is not one.
-- @string spec
-- @treturn string the spec of the whole set; nil where there is no range
-- @treturn int|nil FIRST
-- @treturn int|nil LAST
-- @usage part.split 'mnist:digits@1..6000'   -- 'mnist:digits', 1, 6000
function part.split(spec)
  local whole, first, last = spec:match '^(.+)@(%d*)%.%.(%d*)$'
  if not whole or lfs.attributes(spec, 'mode') then return nil end
  return whole, tonumber(first), tonumber(last)
end

--- The part of a data set from picture FIRST to picture LAST, which are then 1 to LAST - FIRST + 1.
-- @param set from gantry.data, newly opened, which may not be used any more
-- @int[opt=1] first
-- @int[opt] last default: its last
-- @return a data set
function part.take(set, first, last)
  local size = set:size()
  if size == 0 then fail('data: %s has no end, so there is no part of it', set.name) end
  first, last = first or 1, last or size
  if first < 1 or last > size or first > last then
    fail('data: %s has pictures 1 to %d, got the range %d..%d', set.name, size, first, last)
  end
  local name = ('%s@%d..%d'):format(set.name, first, last)
  if set.part_of then
    set = set.part_of(first, last)
    set.name = name
    return set
  end
  if set.given and not set.given.get then fail('data: %s: wanted a program that has get(i), to take a part of', set.name) end
  if set.images then set.images = set.images:narrow(1, first, last - first + 1) end
  set.about = set.about and ('%d to %d of %s'):format(first, last, set.about)
  set.skipped, set.count = first - 1, last - first + 1
  set.name = name
  return set
end

-- ---- chosen pictures ----------------------------------------------------------------------------------------------------------------

local Chosen = {}
Chosen.__index = Chosen

--- Some pictures of a data set, in a given order, for what looks at single pictures and given ones (gantry.data.pack does): not a source of
-- batches.
-- @param set a data set
-- @tparam {int,...} numbers of its pictures
-- @return what has size, get, label, batch and unreadable as data sets have
function part.chosen(set, numbers)
  return setmetatable({
    set = set, numbers = numbers, name = set.name, channels = set.channels, height = set.height, width = set.width, classes = set.classes,
  }, Chosen)
end

function Chosen:size() return #self.numbers end
function Chosen:get(i, kind) return self.set:get(self.numbers[i], kind) end
function Chosen:label(i) return self.set:label(self.numbers[i]) end
function Chosen:unreadable() return self.set:unreadable() end

function Chosen:batch(indices, out)
  local numbers = {}
  for k, i in ipairs(indices) do numbers[k] = self.numbers[i] end
  return self.set:batch(numbers, out)
end

return part
