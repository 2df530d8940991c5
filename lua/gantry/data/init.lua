--- Data sets: folders of images, .npy, idx and CIFAR files, the built-in scenes, a program's own, a tensor; and batches of them.
-- @module gantry.data
-- @usage local data = require 'gantry.data'
--   local faces = data.open('scenes:faces', {size = 64})
--   local batches = faces:batches {batch = 128, seed = 1}
--   local x = batches:next()               -- 128 x 3 x 64 x 64, -1..1
local lfs = require 'lfs'
local native = require 'gantry.native'
local tensor = require 'gantry.torch.tensor'
local arrays = require 'gantry.data.arrays'
local Dataset = require 'gantry.data.dataset'
local folder = require 'gantry.data.folder'
local idx = require 'gantry.data.idx'
local pairs_of = require 'gantry.data.pairs'
local part = require 'gantry.data.part'
local program = require 'gantry.data.program'
local scenes = require 'gantry.data.scenes'
local settings = require 'gantry.data.settings'

local C, fail = native.C, native.fail
local data = {}

local FORMS = 'a folder of PNG and JPEG images, FILE.npy, FILE.lua, mnist:DIR, idx:FILE, cifar10:DIR, cifar100:DIR, scenes:faces, ' ..
  'scenes:rooms, pairs:faces or pairs:rooms; or a part of one, SPEC@FIRST..LAST'

local function open_folder(path, o)
  local files, others = folder.list(path)
  if #files == 0 then fail('data: %s holds no PNG or JPEG files, nor do its sub-folders', path) end
  local class_of, classes = folder.classes(files, path)
  local class_at = {}
  for k, file in ipairs(files) do class_at[file] = class_of and class_of[k] end
  local function of_files(some, rest)
    local options, fields = settings.read(o, path, {})
    local set = Dataset.new(C.gt_loader_files(options, table.concat(some, '\0') .. '\0', #some), fields)
    set.root, set.files, set.others, set.classes = path, some, rest, classes
    set.path_of = function(n) return some[C.gt_loader_origin(set.loader, n) + 1] end
    set.label_of = classes and function(n) return class_at[set.path_of(n)] end
    -- A part is a loader of its own: what stands in for a file that cannot be read is never a picture of another part.
    set.part_of = function(first, last)
      local chosen = {}
      for i = first, last do chosen[#chosen + 1] = set:path(i) end
      return of_files(chosen, {})
    end
    return set
  end
  return of_files(files, others)
end

-- A data set out of a source of gantry.data.arrays.
local function open_array(name, source, o)
  local options, fields = settings.read(o, name, source.defaults)
  fields.about, fields.images, fields.classes, fields.label_of = source.about, source.images, source.classes, source.label_of
  return Dataset.new(C.gt_loader_images(options, source.images), fields)
end

local function open_mnist(path, o)
  local images, labels = idx.mnist(path)
  local h, w = images:size(3), images:size(4)
  local source = arrays.from_tensor(images, o, 'data: mnist:' .. path)
  source.defaults.background = 0
  -- 28 x 28 becomes the usual 32 x 32 by two black pixels on each side; every other size is resampled.
  source.defaults.fit = function(to_h, to_w)
    return to_h >= h and to_w >= w and to_h - h <= 4 and to_w - w <= 4 and 'pad' or 'crop'
  end
  if labels then
    source.classes = {'0', '1', '2', '3', '4', '5', '6', '7', '8', '9'}
    source.label_of = function(n) return labels[n + 1] + 1 end
  end
  return open_array('mnist:' .. path, source, o)
end

local function open_scenes(kind, o)
  local code = scenes.kinds[kind]
  if not code then fail("data: there are no scenes '%s'; there are scenes:faces and scenes:rooms", kind) end
  local options, fields = settings.read(o, 'scenes:' .. kind, {})
  local seed, count = o.seed or 1, o.count or scenes.count
  for name, value in pairs {seed = seed, count = count} do
    if type(value) ~= 'number' then fail('data: %s is %s, wanted a number', name, tostring(value)) end
  end
  fields.drawn = true
  fields.attributes_of = function(n) return scenes.attributes(kind, seed, n, fields.height, fields.width) end
  return Dataset.new(C.gt_loader_scenes(options, code, seed, count), fields)
end

local function open_tensor(x, o)
  if x.dtype ~= C.GT_BYTE or x.rank ~= 4 or tensor.count(x) == 0 then
    fail('data: got a tensor of %s, wanted a ByteTensor N x C x H x W', tensor.shape_text(x))
  end
  local given = {layout = 'chw'}
  for key, value in pairs(o) do given[key] = value end
  return open_array('tensor', arrays.from_tensor(tensor.copy_of(x), given, 'data'), o)
end

local kinds = {
  scenes = open_scenes,
  pairs = pairs_of.open,
  mnist = open_mnist,
  idx = function(path, o) return open_array('idx:' .. path, arrays.idx(path, o), o) end,
  cifar10 = function(path, o) return open_array('cifar10:' .. path, arrays.cifar(path, 'cifar10'), o) end,
  cifar100 = function(path, o) return open_array('cifar100:' .. path, arrays.cifar(path, 'cifar100'), o) end,
}

local meant_by = {scene = 'scenes', mnists = 'mnist', cifar = 'cifar10', ['cifar-10'] = 'cifar10', ['cifar-100'] = 'cifar100'}

local function refuse(spec)
  local head, rest = spec:match '^(%a[%w_-]*):(.*)$'
  if head then
    local folded = head:lower()
    local kind = kinds[folded] and folded or meant_by[folded]
    local meant = kind and kind .. ':' .. rest
    if scenes.kinds[folded] then meant = 'scenes:' .. folded end
    fail("data: '%s' is no kind of data%s wanted %s", spec, meant and ("; did you mean '%s'?"):format(meant) or ';', FORMS)
  end
  if scenes.kinds[spec] then fail("data: there is no folder '%s'; did you mean 'scenes:%s'?", spec, spec) end
  if lfs.attributes(spec, 'mode') then
    local like_idx = spec:match 'idx%d%-ubyte' and ("; did you mean 'idx:%s'?"):format(spec) or ';'
    fail("data: '%s' is a file%s wanted %s", spec, like_idx, FORMS)
  end
  fail("data: there is no %s '%s'; wanted %s", spec:match '%.npy$' and 'file' or spec:match '%.lua$' and 'file' or 'folder', spec, FORMS)
end

--- A spec that means the same from any directory: with its path made absolute.
-- @string spec as for data.open
-- @treturn string
-- @usage data.absolute 'mnist:digits'   -- 'mnist:/home/me/digits'
function data.absolute(spec)
  local whole = part.split(spec)
  if whole then return data.absolute(whole) .. spec:sub(#whole + 1) end
  local kind, path = spec:match '^(%w+):(.*)$'
  if not kinds[kind] then kind, path = nil, spec end
  if kind == 'scenes' or kind == 'pairs' or path:sub(1, 1) == '/' then return spec end
  return (kind and kind .. ':' or '') .. lfs.currentdir():gsub('/$', '') .. '/' .. path:gsub('^%./', '')
end

--- Opens a data set.
-- A folder is searched with its sub-folders, whose names are the labels; files that cannot be read are named once and left out.
-- Images of any size become one size: the shorter side is made to fit and the middle is kept.
-- @param spec a folder; 'FILE.npy' (N x C x H x W, N x H x W x C or N x H x W of uint8, float32 or float64; mapped, so it may be
--   larger than memory); 'mnist:DIR' and 'idx:FILE' (gzipped or not); 'cifar10:DIR' and 'cifar100:DIR' (binary version);
--   'FILE.lua', a program's own data (gantry.data.program); 'scenes:faces', 'scenes:rooms'; 'pairs:faces', 'pairs:rooms'
--   (gantry.data.pairs); or a ByteTensor N x C x H x W, which is copied. SPEC@FIRST..LAST is a part of any of them, both included, and
--   SPEC@FIRST.. its rest
-- @tparam[opt] table o
-- @param[opt=64] o.size a number, {height, width} or 'HEIGHTxWIDTH'; files of arrays default to their own
-- @int[opt=3] o.channels 1, 3 or 4 (with alpha); files of arrays default to their own
-- @string[opt='crop'] o.fit 'crop', 'stretch' (both sides fit) or 'pad' (centred on the background, made smaller if it must).
--   MNIST at 32 x 32 is padded with two pixels on each side
-- @param[opt=0xffffff] o.background 0xRRGGBB or '#rrggbb': what transparent pixels show, and padding; black for MNIST and idx
-- @tparam[opt=false] boolean o.flip mirror each picture, or not, by (seed, position)
-- @tparam[opt=0] number o.crop make pictures larger by this much (0.1: a tenth) and show a part, chosen by (seed, position)
-- @tparam[opt=0] number o.scale enlarge each picture by 1 to 1 + scale, chosen by (seed, position)
-- @int[opt=1] o.seed of the scenes, and of flip, crop and scale
-- @int[opt=20000] o.count how many scenes
-- @int[opt] o.cache bytes that made pictures may take up; default: a quarter of the machine's memory, at most 1 GB
-- @tparam[opt] table o.range {lo, hi}: the values that are black and white in a .npy file of floats; told by its values else
-- @string[opt] o.layout 'chw' or 'hwc', where a .npy file's sizes leave it open
-- @tparam[opt] function o.warn what is called with a line about each file that is skipped; default: standard error
-- @treturn gantry.data.dataset
-- @raise one line that says what was wrong with spec or an option
-- @usage local set = data.open('photos', {size = {48, 80}, channels = 3, flip = true, crop = 0.1})
function data.open(spec, o)
  o = o or {}
  if type(o) ~= 'table' then fail('data: argument 2 is a %s, wanted a table of options', type(o)) end
  if tensor.is(spec) then return open_tensor(spec, o) end
  if type(spec) ~= 'string' or spec == '' then fail('data: got %s, wanted %s', spec == '' and 'an empty string' or type(spec), FORMS) end
  local whole, first, last = part.split(spec)
  if whole then return part.take(data.open(whole, o), first, last) end
  local kind, rest = spec:match '^(%w+):(.*)$'
  if kinds[kind] then return kinds[kind](rest, o) end
  local mode = lfs.attributes(spec, 'mode')
  if mode == 'directory' then return open_folder(spec:gsub('(.)/+$', '%1'), o) end
  if mode == 'file' and spec:match '%.npy$' then return open_array(spec, arrays.npy(spec, o), o) end
  if mode == 'file' and spec:match '%.lua$' then return program.open(spec, o) end
  return refuse(spec)
end

return data
