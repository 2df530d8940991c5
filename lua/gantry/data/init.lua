--- Data sets: a folder of images, MNIST's files, the built-in scenes, or a tensor; and batches of them.
-- @module gantry.data
-- @usage local data = require 'gantry.data'
--   local faces = data.open('scenes:faces', {size = 64})
--   local batches = faces:batches {batch = 128, seed = 1}
--   local x = batches:next()               -- 128 x 3 x 64 x 64, -1..1
local ffi = require 'ffi'
local lfs = require 'lfs'
local native = require 'gantry.native'
local tensor = require 'gantry.torch.tensor'
local Dataset = require 'gantry.data.dataset'
local folder = require 'gantry.data.folder'
local idx = require 'gantry.data.idx'
local scenes = require 'gantry.data.scenes'

local C, fail = native.C, native.fail
local data = {}

local FORMS = 'a folder of PNG and JPEG images, mnist:DIR, scenes:faces or scenes:rooms'

local function warn(message) io.stderr:write('gantry: ', message, '\n') end

-- Height and width out of 64, {48, 80} or '48x80'.
local function read_size(size, default)
  if size == nil then size = default end
  local h, w = size, size
  if type(size) == 'table' then h, w = size[1], size[2] or size[1] end
  if type(size) == 'string' then
    h, w = size:match '^(%d+)x(%d+)$'
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

local function read_background(value, default)
  if value == nil then return default end
  local number = type(value) == 'string' and tonumber(value:match '^#(%x%x%x%x%x%x)$' or '', 16) or value
  if type(number) ~= 'number' or number < 0 or number > 0xffffff or number ~= math.floor(number) then
    fail("data: background is %s, wanted a number 0xRRGGBB or '#rrggbb'", tostring(value))
  end
  return number
end

local known = {size = 1, channels = 1, seed = 1, count = 1, flip = 1, crop = 1, scale = 1, fit = 1, background = 1, cache = 1, warn = 1}

-- What every kind of data is opened with: the C options, and the data set's own fields.
local function read_options(o, name, defaults)
  for key in pairs(o) do
    if not known[key] then
      fail("data: there is no option '%s'; there are background, cache, channels, count, crop, fit, flip, scale, seed, size, warn", tostring(key))
    end
  end
  local h, w = read_size(o.size, defaults.size or 64)
  local channels = o.channels or defaults.channels or 3
  if channels ~= 1 and channels ~= 3 and channels ~= 4 then fail('data: channels is %s, wanted 1, 3 or 4', tostring(channels)) end
  local fit = fits[o.fit or defaults.fit and defaults.fit(h, w) or 'crop']
  if not fit then fail("data: fit is '%s', wanted crop, stretch or pad", tostring(o.fit)) end
  local options = ffi.new('gt_load_options', {
    channels = channels, height = h, width = w, fit = fit, background = read_background(o.background, defaults.background or 0xffffff),
    flip = o.flip and 1 or 0, augment_seed = o.seed or 1, cache_bytes = o.cache or -1,
  })
  return options, {name = name, channels = channels, height = h, width = w, warn = o.warn or warn}
end

local function open_folder(path, o)
  local files = folder.list(path)
  local options, fields = read_options(o, path, {})
  if #files == 0 then fail('data: %s holds no PNG or JPEG files, nor do its sub-folders', path) end
  local class_of, classes = folder.classes(files, path)
  local set = Dataset.new(C.gt_loader_files(options, table.concat(files, '\0') .. '\0', #files), fields)
  local function origin(n) return C.gt_loader_origin(set.loader, n) + 1 end
  set.classes = classes
  set.label_of = classes and function(n) return class_of[origin(n)] end
  set.path_of = function(n) return files[origin(n)] end
  return set
end

local function open_mnist(path, o)
  local images, labels = idx.mnist(path)
  local h, w = images:size(3), images:size(4)
  local options, fields = read_options(o, 'mnist:' .. path, {
    size = {h, w}, channels = 1, background = 0,
    -- 28 x 28 becomes the usual 32 x 32 by two black pixels on each side; every other size is resampled.
    fit = function(to_h, to_w) return to_h >= h and to_w >= w and to_h - h <= 4 and to_w - w <= 4 and 'pad' or 'crop' end,
  })
  if labels then
    fields.classes = {'0', '1', '2', '3', '4', '5', '6', '7', '8', '9'}
    fields.label_of = function(n) return labels[n + 1] + 1 end
  end
  return Dataset.new(C.gt_loader_images(options, images), fields)
end

local function open_scenes(kind, o)
  local code = scenes.kinds[kind]
  if not code then fail("data: there are no scenes '%s'; there are scenes:faces and scenes:rooms", kind) end
  local options, fields = read_options(o, 'scenes:' .. kind, {})
  local seed, count = o.seed or 1, o.count or scenes.count
  for name, value in pairs {seed = seed, count = count} do
    if type(value) ~= 'number' then fail('data: %s is %s, wanted a number', name, tostring(value)) end
  end
  fields.seed = seed
  fields.attributes_of = function(n) return scenes.attributes(kind, seed, n, fields.height, fields.width) end
  return Dataset.new(C.gt_loader_scenes(options, code, seed, count), fields)
end

local function open_tensor(x, o)
  if x.dtype ~= C.GT_BYTE or x.rank ~= 4 or tensor.count(x) == 0 then
    fail('data: got a tensor of %s, wanted a ByteTensor N x C x H x W', tensor.shape_text(x))
  end
  local channels = tonumber(x.shape[1])
  local size = {tonumber(x.shape[2]), tonumber(x.shape[3])}
  local options, fields = read_options(o, 'tensor', {size = size, channels = channels == 2 and 4 or channels})
  return Dataset.new(C.gt_loader_images(options, tensor.copy_of(x)), fields)
end

local function refuse(spec)
  local head, rest = spec:match '^(%a[%w_-]*):(.*)$'
  if head then
    local folded = head:lower():gsub('s$', '')
    local meant = folded == 'scene' and 'scenes:' .. rest or folded == 'mnist' and 'mnist:' .. rest
    if scenes.kinds[head:lower()] then meant = 'scenes:' .. head:lower() end
    fail("data: '%s' is no kind of data%s wanted %s", spec, meant and ("; did you mean '%s'?"):format(meant) or ';', FORMS)
  end
  if scenes.kinds[spec] then fail("data: there is no folder '%s'; did you mean 'scenes:%s'?", spec, spec) end
  if lfs.attributes(spec, 'mode') then fail("data: '%s' is a file; wanted %s", spec, FORMS) end
  fail("data: there is no folder '%s'; wanted %s", spec, FORMS)
end

--- Opens a data set.
-- A folder is searched with its sub-folders, whose names are the labels; files that cannot be read are named once and left out.
-- Images of any size become one size: the shorter side is made to fit and the middle is kept.
-- @param spec a folder, 'mnist:DIR' (idx files, gzipped or not), 'scenes:faces', 'scenes:rooms', or a ByteTensor N x C x H x W,
--   which is copied
-- @tparam[opt] table o
-- @param[opt=64] o.size a number, {height, width} or 'HEIGHTxWIDTH'; MNIST's default is its own
-- @int[opt=3] o.channels 1, 3 or 4 (with alpha); MNIST's default is 1
-- @string[opt='crop'] o.fit 'crop', 'stretch' (both sides fit) or 'pad' (centred on the background, made smaller if it must).
--   MNIST at 32 x 32 is padded with two pixels on each side
-- @param[opt=0xffffff] o.background 0xRRGGBB or '#rrggbb': what transparent pixels show, and padding; black for MNIST
-- @tparam[opt=false] boolean o.flip mirror each picture, or not, by (seed, position)
-- @int[opt=1] o.seed of the scenes, and of mirroring
-- @int[opt=20000] o.count how many scenes
-- @int[opt] o.cache bytes that made pictures may take up; default: a quarter of the machine's memory, at most 1 GB
-- @tparam[opt] function o.warn what is called with a line about each file that is skipped; default: standard error
-- @treturn gantry.data.dataset
-- @raise one line that says what was wrong with spec or an option
-- @usage local set = data.open('photos', {size = {48, 80}, channels = 3, flip = true})
function data.open(spec, o)
  o = o or {}
  if type(o) ~= 'table' then fail('data: argument 2 is a %s, wanted a table of options', type(o)) end
  if tensor.is(spec) then return open_tensor(spec, o) end
  if type(spec) ~= 'string' or spec == '' then fail('data: got %s, wanted %s', spec == '' and 'an empty string' or type(spec), FORMS) end
  local kind, rest = spec:match '^(%l+):(.*)$'
  if kind == 'scenes' then return open_scenes(rest, o) end
  if kind == 'mnist' then return open_mnist(rest, o) end
  if lfs.attributes(spec, 'mode') == 'directory' then return open_folder(spec:gsub('(.)/+$', '%1'), o) end
  return refuse(spec)
end

return data
