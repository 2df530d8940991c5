--- What a data set is made of and what is wrong with it: every file decoded, every picture compared with every other.
-- @module gantry.data.survey
local ffi = require 'ffi'
local native = require 'gantry.native'
local tensor = require 'gantry.torch.tensor'

local C, check = native.C, native.check
local survey = {}

local AT_ONCE = 64 -- files that are decoded between two calls of `progress`
local ELONGATED = 3 -- times as long as wide as what is wanted, or the other way round

-- ---- counting ---------------------------------------------------------------------------------------------------------------

local function count(counts, key, by) counts[key] = (counts[key] or 0) + (by or 1) end

--- Names and numbers of a table of counts, the most frequent first, then by name.
-- @tparam table counts
-- @treturn {{name, number},...}
function survey.ranked(counts)
  local list = {}
  for name, n in pairs(counts) do list[#list + 1] = {name, n} end
  table.sort(list, function(a, b) return a[2] > b[2] or a[2] == b[2] and a[1] < b[1] end)
  return list
end

-- Notes picture `name` under its content; groups of more than one are kept in order of their first.
local function note_content(self, key, name)
  local group = self.by_content[key]
  if not group then
    self.by_content[key] = {name}
    return
  end
  group[#group + 1] = name
  if #group == 2 then self.duplicates[#self.duplicates + 1] = group end
end

-- ---- files ------------------------------------------------------------------------------------------------------------------

local channel_names = {'gray', 'gray with alpha', 'RGB', 'RGB with alpha'}

local function has(p, flag) return bit.band(p.flags, flag) ~= 0 end

local function kind_of(p)
  local parts = {p.format == 1 and 'PNG' or 'JPEG'}
  if has(p, C.GT_PALETTE) then
    parts[#parts + 1] = p.channels == 4 and 'palette with alpha' or 'palette'
  else
    parts[#parts + 1] = has(p, C.GT_CMYK) and 'CMYK' or channel_names[p.channels]
  end
  if p.depth ~= 8 then parts[#parts + 1] = ('%d bit'):format(p.depth) end
  if has(p, C.GT_LACED) then parts[#parts + 1] = p.format == 1 and 'interlaced' or 'progressive' end
  if has(p, C.GT_TURNED) then parts[#parts + 1] = 'turned by Exif' end
  return table.concat(parts, ' ')
end

local function take_file(self, set, path, p)
  local short = path:sub(#set.root + 2)
  if p.code ~= 0 then
    self.unreadable[#self.unreadable + 1] = ffi.string(p.reason)
    return
  end
  local h, w = p.height, p.width
  self.pictures = self.pictures + 1
  count(self.kinds, kind_of(p))
  count(self.sizes, ('%dx%d'):format(h, w))
  if not self.smallest or h * w < self.smallest.area then self.smallest = {area = h * w, name = short, h = h, w = w} end
  if not self.largest or h * w > self.largest.area then self.largest = {area = h * w, name = short, h = h, w = w} end
  if h < set.height or w < set.width then self.small[#self.small + 1] = ('%s (%dx%d)'):format(short, h, w) end
  local shape = (h / w) / (set.height / set.width)
  if set.fit == 'crop' and math.max(shape, 1 / shape) > ELONGATED then
    self.elongated[#self.elongated + 1] = ('%s (%dx%d)'):format(short, h, w)
  end
  if has(p, C.GT_SEE_THROUGH) then self.see_through = self.see_through + 1 end
  if has(p, C.GT_ONE_COLOUR) then self.one_colour[#self.one_colour + 1] = short end
  local folder = short:match '([^/]+)/[^/]+$'
  if set.classes then count(self.labels, folder or '(none)') end
  note_content(self, bit.tohex(p.content[0], 16) .. bit.tohex(p.content[1], 16), short)
end

local function look_at_files(self, set, progress)
  local pictures = ffi.new('gt_picture[?]', AT_ONCE)
  local files = set.files
  self.files = #files + #set.others
  for _, path in ipairs(set.others) do count(self.others, (path:match '(%.[^./]+)$' or 'no ending'):lower()) end
  for from = 1, #files, AT_ONCE do
    local n = math.min(AT_ONCE, #files - from + 1)
    check(C.gt_pictures_look(pictures, table.concat(files, '\0', from, from + n - 1) .. '\0', n))
    for k = 0, n - 1 do take_file(self, set, files[from + k], pictures[k]) end
    progress(from + n - 1, #files)
  end
end

-- ---- arrays and programs ----------------------------------------------------------------------------------------------------

local function bytes_of(x)
  return ffi.string(tensor.pointer(x, 'survey'), tensor.count(x) * tonumber(C.gt_dtype_size(x.dtype)))
end

local function look_at_pictures(self, set, progress)
  local picture_of = set.images and function(i) return tensor.contiguous(set.images:select(1, i)) end
    or function(i) return set:get(i, 'byte') end
  local hash, wrong = ffi.new 'uint64_t[1]', ffi.new 'double[1]'
  for i = 1, set:size() do
    local x = picture_of(i)
    local lo, hi = x:min(), x:max()
    if set.images and set.images.dtype ~= C.GT_BYTE then
      check(C.gt_count_nonfinite(wrong, x))
      if wrong[0] > 0 then self.not_numbers[#self.not_numbers + 1] = ('%d'):format(i) end
    end
    if lo == hi then self.one_colour[#self.one_colour + 1] = ('%d'):format(i) end
    hash[0] = 0
    check(C.gt_hash(hash, x))
    local key = bit.tohex(hash[0], 16)
    local first = self.by_content[key] and tonumber(self.by_content[key][1])
    note_content(self, first and bytes_of(x) ~= bytes_of(picture_of(first)) and key .. '-' .. i or key, ('%d'):format(i))
    local class, name = set:label(i)
    if class then count(self.labels, name or tostring(class)) end
    if i % 256 == 0 then progress(i, set:size()) end
  end
  self.pictures = set:size()
  if set.images then
    local h, w = set.images:size(3), set.images:size(4)
    count(self.sizes, ('%dx%d'):format(h, w), self.pictures)
    if h < set.height or w < set.width then self.all_small = ('%dx%d'):format(h, w) end
  end
end

--- Looks at all of a data set. Built-in scenes are not looked at: nothing can be wrong with them.
-- @param set from gantry.data
-- @tparam[opt] function progress called with how many pictures were looked at, and of how many
-- @treturn table pictures (how many can be read), files, unreadable (list of "NAME: why"), others (count by ending), kinds, sizes,
--   labels (counts by name), smallest, largest ({name, h, w}), small, elongated, one_colour (lists of names), see_through (how
--   many), not_numbers (list), duplicates (list of lists of names with equal pixels)
-- @usage local s = survey.look(data.open 'photos'); print(#s.duplicates)
function survey.look(set, progress)
  local self = {
    pictures = 0, unreadable = {}, others = {}, kinds = {}, sizes = {}, labels = {}, small = {}, elongated = {}, one_colour = {},
    see_through = 0, not_numbers = {}, duplicates = {}, by_content = {},
  }
  progress = progress or function() end
  if set.drawn then self.pictures = set:size()
  elseif set.files then look_at_files(self, set, progress)
  else look_at_pictures(self, set, progress) end
  self.by_content = nil
  return self
end

return survey
