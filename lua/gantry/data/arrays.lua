--- Pictures that one file or a few hold as an array: .npy, idx, CIFAR's binary files; and tensors.
-- @module gantry.data.arrays
local ffi = require 'ffi'
local lfs = require 'lfs'
local native = require 'gantry.native'
local dtypes = require 'gantry.torch.dtypes'
local tensor = require 'gantry.torch.tensor'
local idx = require 'gantry.data.idx'
local npy = require 'gantry.data.npy'

local C, check, fail = native.C, native.check, native.fail
local arrays = {}

local type_names = {[C.GT_BYTE] = 'bytes', [C.GT_FLOAT] = 'float32', [C.GT_DOUBLE] = 'float64'}

-- ---- how the numbers of an array are pictures -----------------------------------------------------------------------------

local function permuted(t, order)
  local list, view = ffi.new('int[8]', order), tensor.new(t.dtype)
  check(C.gt_permute(view, t, #order, list))
  return view
end

-- A view of a storage of t's with other sizes and strides.
local function strided(t, offset, shape, step)
  local view = tensor.new(t.dtype)
  tensor.set(view, t.store, offset, #shape, ffi.new('int64_t[?]', #shape, shape), ffi.new('int64_t[?]', #step, step))
  return view
end

local function channel_count(n) return n >= 1 and n <= 4 end

-- A view N x C x H x W of an array of images.
local function as_images(t, layout, what)
  if layout ~= nil and layout ~= 'chw' and layout ~= 'hwc' then fail("data: layout is '%s', wanted chw or hwc", tostring(layout)) end
  if t.rank == 3 then
    return strided(t, t.offset, {t:size(1), 1, t:size(2), t:size(3)}, {t:stride(1), 0, t:stride(2), t:stride(3)})
  end
  if t.rank ~= 4 then fail('%s: %s numbers, wanted images N x C x H x W, N x H x W x C or N x H x W', what, tensor.shape_text(t)) end
  local first, last = channel_count(t:size(2)), channel_count(t:size(4))
  if layout == nil and first and last then
    fail('%s: %s may be N x C x H x W or N x H x W x C; say which with data.open(..., {layout = \'chw\'})', what, tensor.shape_text(t))
  end
  if layout == 'hwc' or layout == nil and last then t, first = permuted(t, {0, 3, 1, 2}), last end
  if not first then fail('%s: %s numbers, wanted 1 to 4 channels', what, tensor.shape_text(t)) end
  return t
end

local LOOKED_AT = 64 -- pictures whose values decide what black and white are

-- What stands for black and white: told by the values of some pictures.
local function guess_range(images, what)
  local n = images:size(1)
  local lo, hi = math.huge, -math.huge
  for k = 0, math.min(n, LOOKED_AT) - 1 do
    local x = images:select(1, 1 + math.floor(k * n / math.min(n, LOOKED_AT)))
    lo, hi = math.min(lo, x:min()), math.max(hi, x:max())
  end
  local slack = 1e-3
  if lo >= -1 - slack and hi <= 1 + slack then return lo < 0 and {-1, 1} or {0, 1} end
  if lo >= 0 and hi <= 255.5 then return {0, 255} end
  fail('%s: its values go from %g to %g, wanted 0..1, -1..1 or 0..255, or data.open(..., {range = {lo, hi}})', what, lo, hi)
end

--- A source made from a tensor of images.
-- @tparam tensor t Byte, Float or Double
-- @tparam table o the options of data.open: layout and range are looked at
-- @string what its name, for messages
-- @treturn table source: images N x C x H x W, defaults for gantry.data.settings, about (one line)
function arrays.from_tensor(t, o, what)
  if not type_names[t.dtype] then fail('%s: got a %s, wanted bytes, float32 or float64', what, dtypes.tensor_names[t.dtype]) end
  if tensor.count(t) == 0 then fail('%s: it is empty', what) end
  local images = as_images(t, o.layout, what)
  local channels = images:size(2)
  local range = t.dtype ~= C.GT_BYTE and (o.range or guess_range(images, what)) or nil
  return {
    images = images,
    defaults = {size = {images:size(3), images:size(4)}, channels = channels == 2 and 4 or channels, range = range},
    about = ('%d images of %d x %d pixels, %d channel%s, %s%s'):format(images:size(1), images:size(3), images:size(4), channels,
      channels == 1 and '' or 's', type_names[t.dtype], range and (' from %g to %g'):format(range[1], range[2]) or ''),
  }
end

local function numbered(n)
  local names = {}
  for k = 1, n do names[k] = ('%d'):format(k - 1) end
  return names
end

-- Puts labels, a tensor of numbers from 0, into a source.
local function with_labels(source, labels, names)
  source.classes = names or numbered(labels:max() + 1)
  source.label_of = function(n) return labels[n + 1] + 1 end
  return source
end

-- ---- .npy -----------------------------------------------------------------------------------------------------------------

--- The file of labels that belongs to a .npy file of images.
function arrays.labels_path(path) return (path:gsub('%.npy$', '') .. '.labels.npy') end

--- A .npy file, mapped: N x C x H x W, N x H x W x C or N x H x W of uint8, float32 or float64. Where NAME.labels.npy is beside it,
-- it holds the classes, from 0.
-- @string path
-- @tparam table o the options of data.open
-- @treturn table source
function arrays.npy(path, o)
  local t, kind = npy.map(path)
  if kind ~= 'u1' and kind ~= 'f4' and kind ~= 'f8' then
    fail('data: %s holds %s, wanted uint8, float32 or float64', path, kind == 'b1' and 'bool' or kind)
  end
  local source = arrays.from_tensor(t, o, 'data: ' .. path)
  local beside = arrays.labels_path(path)
  if lfs.attributes(beside, 'mode') ~= 'file' then return source end
  local labels = npy.load(beside)
  local n = source.images:size(1)
  if labels.rank ~= 1 or labels:size(1) ~= n or labels:min() < 0 or labels:max() > 1e6 then
    fail('data: %s holds %s numbers, wanted a class from 0 for each of %d images', beside, tensor.shape_text(labels), n)
  end
  return with_labels(source, labels)
end

-- ---- idx ------------------------------------------------------------------------------------------------------------------

--- An idx file of images N x H x W or N x C x H x W, gzipped or not. Labels come from the file that has 'labels-idx1' in its name
-- where this one has 'images-idx3'.
-- @string path
-- @tparam table o the options of data.open
-- @treturn table source
function arrays.idx(path, o)
  if lfs.attributes(path, 'mode') ~= 'file' then fail("data: idx: there is no file '%s'", path) end
  local source = arrays.from_tensor(idx.read(path), o, 'data: ' .. path)
  source.defaults.background = 0
  local folder, name = path:match '^(.-)([^/]*)$'
  local beside = name:find('images-idx3', 1, true) and folder .. name:gsub('images%-idx3', 'labels-idx1')
  if not beside or lfs.attributes(beside, 'mode') ~= 'file' then return source end
  return with_labels(source, idx.labels(beside, source.images:size(1)))
end

-- ---- CIFAR ----------------------------------------------------------------------------------------------------------------

local SIDE = 32
local kinds = {
  cifar10 = {head = 1, files = '^data_batch_.*%.bin$', names = 'batches.meta.txt', wanted = 'data_batch_1.bin ...'},
  cifar100 = {head = 2, files = '^train%.bin$', names = 'fine_label_names.txt', wanted = 'train.bin'},
}

local function read_lines(path)
  local file = io.open(path, 'rb')
  if not file then return nil end
  local lines = {}
  for line in file:lines() do
    line = line:gsub('%s+$', '')
    if line ~= '' then lines[#lines + 1] = line end
  end
  file:close()
  return lines
end

-- The records of all files in one tensor: label bytes, then the 3 x 32 x 32 of a picture.
local function read_records(paths, width)
  local counts, total = {}, 0
  for i, path in ipairs(paths) do
    local size = C.gt_file_size(path)
    if size <= 0 or size % width ~= 0 then fail('data: %s is %.0f bytes long, wanted a multiple of %d', path, size, width) end
    counts[i] = size / width
    total = total + counts[i]
  end
  local records, at = tensor.empty(C.GT_BYTE, {total, width}), 0
  for i, path in ipairs(paths) do
    check(C.gt_file_read(tensor.pointer(records, 'cifar') + at * width, path, 0, counts[i] * width))
    at = at + counts[i]
  end
  tensor.touch(records)
  return records
end

--- The training images of CIFAR-10 or CIFAR-100 in their binary version.
-- @string dir the folder with data_batch_1.bin ... or train.bin
-- @string kind 'cifar10' or 'cifar100' (labelled by its 100 fine classes)
-- @treturn table source
function arrays.cifar(dir, kind)
  local about = kinds[kind]
  if lfs.attributes(dir, 'mode') ~= 'directory' then fail("data: %s: there is no folder '%s'", kind, dir) end
  local paths = {}
  for name in lfs.dir(dir) do
    if name:match(about.files) then paths[#paths + 1] = dir .. '/' .. name end
  end
  if #paths == 0 then fail('data: %s: %s has no %s (the binary version)', kind, dir, about.wanted) end
  table.sort(paths)
  local width = about.head + 3 * SIDE * SIDE
  local records = read_records(paths, width)
  local n = records:size(1)
  local images = strided(records, about.head, {n, 3, SIDE, SIDE}, {width, SIDE * SIDE, SIDE, 1})
  local labels = records:select(2, about.head)
  local names = read_lines(dir .. '/' .. about.names)
  if names and labels:max() >= #names then fail('data: %s: %s has %d names, wanted more', kind, about.names, #names) end
  return with_labels({
    images = images, defaults = {size = {SIDE, SIDE}, channels = 3},
    about = ('%d images of %d x %d pixels, 3 channels, in %d file%s'):format(n, SIDE, SIDE, #paths, #paths == 1 and '' or 's'),
  }, labels, names)
end

return arrays
