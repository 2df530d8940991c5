--- A data set packed into one .npy file of bytes, N x C x H x W: read without decoding, and larger than memory if it has to be.
-- @module gantry.data.pack
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local tensor = require 'gantry.torch.tensor'
local arrays = require 'gantry.data.arrays'
local npy = require 'gantry.data.npy'

local C, fail = native.C, native.fail

local AT_ONCE = 256 -- pictures made between two writes

local function stream(writer, set, progress)
  local n = set:size()
  local bytes = tensor.new(C.GT_BYTE)
  for from = 1, n, AT_ONCE do
    local last, numbers = math.min(from + AT_ONCE - 1, n), {}
    for i = from, last do numbers[#numbers + 1] = i end
    writer:write(set:batch(numbers, bytes))
    if progress(last, n) == false then return false end
  end
  return true
end

local function save_labels(set, path)
  local labels = torch.LongTensor(set:size())
  for i = 1, set:size() do
    local class = set:label(i)
    if not class then return end -- files beside the sub-folders have none
    labels[i] = class - 1
  end
  npy.save(arrays.labels_path(path), labels)
  return arrays.labels_path(path)
end

--- Writes every picture of a data set, as it would be trained on, without augmentation. The place of a file that cannot be read is
-- taken by the next readable one, as in batches, so that training on the pack is training on the set, bit by bit. Labels go into
-- NAME.labels.npy, from 0. The file is written whole or not at all.
-- @param set from gantry.data
-- @string path of the file, ending in .npy
-- @tparam[opt] function progress called with how many pictures were written, and of how many; false stops
-- @treturn boolean true, or false where progress stopped it
-- @treturn string the file of labels, where there is one
-- @usage pack(data.open('photos', {size = 64}), 'photos.npy')
return function(set, path, progress)
  if type(path) ~= 'string' or not path:match '%.npy$' then fail("pack: '%s': wanted a name that ends in .npy", tostring(path)) end
  if set:size() == 0 then fail('pack: %s has no end', set.name) end
  local writer = npy.writer(path, C.GT_BYTE, {set:size(), set.channels, set.height, set.width})
  local ok, done = pcall(stream, writer, set, progress or function() end)
  if ok and done then
    writer:finish()
    return true, save_labels(set, path)
  end
  writer:abandon()
  if not ok then error(done, 0) end
  return false
end
