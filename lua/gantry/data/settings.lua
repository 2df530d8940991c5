--- What data sets are opened with: sizes, channels, fit, background, augmentation; checked once for every kind of data.
-- @module gantry.data.settings
local ffi = require 'ffi'
local native = require 'gantry.native'

local C, fail = native.C, native.fail
local settings = {}

local function warn(message) io.stderr:write('gantry: ', message, '\n') end

-- Height and width out of 64, {48, 80} or '48x80'.
local function read_size(size)
  local h, w = size, size
  if type(size) == 'table' then h, w = size[1], size[2] or size[1] end
  if type(size) == 'string' then
    h, w = size:match '^(%d+)[xX](%d+)$'
    h, w = tonumber(h or size), tonumber(w or size)
  end
  for _, side in ipairs {h or false, w or false} do
    if type(side) ~= 'number' or side ~= math.floor(side) or side < 1 or side > 4096 then
      fail("data: size is %s, wanted a number, {height, width} or 'HEIGHTxWIDTH' with sides of 1 to 4096", tostring(size))
    end
  end
  return h, w
end

local fits = {crop = C.GT_CROP, stretch = C.GT_STRETCH, pad = C.GT_PAD}

local function read_background(value)
  local number = type(value) == 'string' and tonumber(value:match '^#(%x%x%x%x%x%x)$' or '', 16) or value
  if type(number) ~= 'number' or number < 0 or number > 0xffffff or number ~= math.floor(number) then
    fail("data: background is %s, wanted a number 0xRRGGBB or '#rrggbb'", tostring(value))
  end
  return number
end

local function read_range(range)
  local lo, hi = type(range) == 'table' and range[1], type(range) == 'table' and range[2]
  if type(lo) ~= 'number' or type(hi) ~= 'number' or lo >= hi then
    fail('data: range is %s, wanted {lo, hi}: the values that stand for black and white', type(range) == 'table' and
      ('{%s, %s}'):format(tostring(lo), tostring(hi)) or tostring(range))
  end
  return lo, hi
end

local function read_part(o, name)
  local value = o[name] or 0
  if type(value) ~= 'number' or not (value >= 0 and value <= 1) then fail('data: %s is %s, wanted 0 to 1', name, tostring(value)) end
  return value
end

local names = {
  'background', 'cache', 'channels', 'count', 'crop', 'fit', 'flip', 'layout', 'range', 'scale', 'seed', 'size', 'warn',
}
local known = {}
for _, name in ipairs(names) do known[name] = true end

--- Reads a data set's options.
-- @tparam table o as data.open got them
-- @string name of the data set
-- @tparam table defaults size, channels, background, range, fit(h, w): the data's own
-- @return gt_load_options
-- @treturn table the data set's fields: name, channels, height, width, seed, warn, fit, background
function settings.read(o, name, defaults)
  for key in pairs(o) do
    if not known[key] then fail("data: there is no option '%s'; there are %s", tostring(key), table.concat(names, ', ')) end
  end
  local h, w = read_size(o.size or defaults.size or 64)
  local channels = o.channels or defaults.channels or 3
  if channels ~= 1 and channels ~= 3 and channels ~= 4 then fail('data: channels is %s, wanted 1, 3 or 4', tostring(channels)) end
  local fit = o.fit or defaults.fit and defaults.fit(h, w) or 'crop'
  if not fits[fit] then fail("data: fit is '%s', wanted crop, stretch or pad", tostring(fit)) end
  local background = read_background(o.background or defaults.background or 0xffffff)
  local lo, hi = read_range(o.range or defaults.range or {0, 1})
  local options = ffi.new('gt_load_options', {
    channels = channels, height = h, width = w, fit = fits[fit], background = background, flip = o.flip and 1 or 0,
    augment_seed = o.seed or 1, cache_bytes = o.cache or -1, crop = read_part(o, 'crop'), scale = read_part(o, 'scale'), lo = lo, hi = hi,
  })
  return options, {
    name = name, channels = channels, height = h, width = w, seed = o.seed or 1, warn = o.warn or warn, fit = fit, background = background,
  }
end

return settings
