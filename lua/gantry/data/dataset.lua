--- What every data set can do, whatever it is made from: its size, single pictures, and batches made ahead of time.
-- @module gantry.data.dataset
local ffi = require 'ffi'
local native = require 'gantry.native'
local tensor = require 'gantry.torch.tensor'
local batches = require 'gantry.data.batches'

local C, check, fail = native.C, native.check, native.fail

local Dataset = {}
Dataset.__index = Dataset

local FAILED = 9 -- a code for check() where the library gave NULL and left its message
local LISTED = 10 -- unreadable files that are named one by one

--- Wraps a loader.
-- @param loader gt_loader *, which the data set now owns
-- @tparam table fields name, channels, height, width, warn, and what the kind of data knows of its pictures
-- @treturn Dataset
function Dataset.new(loader, fields)
  if loader == nil then check(FAILED) end
  fields.loader = ffi.gc(loader, C.gt_loader_free)
  fields.count, fields.skipped = C.gt_loader_size(loader), 0 -- pictures, and those of the loader before the first (gantry.data.part)
  fields.warned = 0
  local self = setmetatable(fields, Dataset)
  self:tell()
  return self
end

--- How many pictures there are.
-- @treturn number
function Dataset:size() return self.count end

-- The loader's number of picture i, from 0.
local function number_of(self, i, what)
  if type(i) ~= 'number' or i ~= math.floor(i) or i < 1 or i > self.count then
    fail('%s: picture %s of %s, wanted 1..%d', what, tostring(i), self.name, self.count)
  end
  return i - 1 + self.skipped
end

--- One picture, in its place in the data set and never mirrored.
-- @int i its number, 1..size
-- @string[opt='float'] kind 'float' or 'double' (-1..1, as batches are), or 'byte' (0..255)
-- @treturn tensor channels x height x width
-- @raise where its file cannot be read
function Dataset:get(i, kind)
  local bytes = tensor.new(C.GT_BYTE)
  check(C.gt_loader_get(bytes, self.loader, number_of(self, i, 'get')))
  if kind == 'byte' then return bytes end
  local r = tensor.new(kind == 'double' and C.GT_DOUBLE or C.GT_FLOAT)
  check(C.gt_image_dequantize(r, bytes, -1, 1))
  return r
end

--- The class of picture i: its sub-folder, or its digit.
-- @int i its number, 1..size
-- @treturn number of the class, 1..#classes, or nil where the data has no labels
-- @treturn string its name
function Dataset:label(i)
  local n = number_of(self, i, 'label')
  if not self.label_of then return nil end
  local class = self.label_of(n)
  if class then return class, self.classes[class] end
end

--- What is known to be in picture i of a built-in scene; nil elsewhere.
-- @int i its number, 1..size
-- @treturn table by name: numbers, colours {r, g, b}, and for rooms boxes {x0, y0, x1, y1} in 0..1 from the top left, or false
function Dataset:attributes(i)
  local n = number_of(self, i, 'attributes')
  return self.attributes_of and self.attributes_of(n)
end

--- The file of picture i; nil where it has none.
-- @int i its number, 1..size
-- @treturn string
function Dataset:path(i)
  local n = number_of(self, i, 'path')
  return self.path_of and self.path_of(n)
end

--- The files that could not be read so far: "NAME: why". They are left out, or in a batch the next readable picture stands in.
-- @treturn table of strings
function Dataset:unreadable()
  local list = {}
  for k = 1, C.gt_loader_unreadable(self.loader) do list[k] = ffi.string(C.gt_loader_reason(self.loader, k - 1)) end
  return list
end

--- Reports files found unreadable since the last report through `warn`.
function Dataset:tell()
  local n = C.gt_loader_unreadable(self.loader)
  if n == self.warned then return end
  local list = self:unreadable()
  for k = self.warned + 1, math.min(n, LISTED) do self.warn(('skipped %s'):format(list[k])) end
  if n > LISTED then self.warn(('skipped %d files of %s that cannot be read'):format(n, self.name)) end
  self.warned = n
end

--- Given pictures as one tensor, never mirrored.
-- @param indices a table or a LongTensor of numbers, 1..size
-- @tparam[opt] tensor out a Float or Double tensor that receives them
-- @treturn tensor n x channels x height x width, -1..1
function Dataset:batch(indices, out)
  local n = type(indices) == 'table' and #indices or indices:nElement()
  if n == 0 then fail('batch: got no numbers of pictures') end
  local list = ffi.new('int64_t[?]', n)
  for k = 1, n do list[k - 1] = number_of(self, tonumber(indices[k]), 'batch') end
  out = out or tensor.new(C.GT_FLOAT)
  local batch = ffi.gc(C.gt_batch_new(self.loader), C.gt_batch_free)
  check(C.gt_batch_start(batch, list, nil, n))
  check(C.gt_batch_wait(out, batch))
  self:tell()
  return out
end

--- An endless sequence of batches, each made in the background while the one before is used.
-- Every epoch shows each picture once, in an order that depends on the seed alone: batch k of size n holds positions k n ..
-- k n + n - 1, so a run that was stopped goes on exactly by its position.
-- @tparam table o
-- @int o.batch pictures in a batch
-- @int[opt=1] o.seed of the order
-- @int[opt=0] o.start the first position
-- @tparam[opt=true] boolean o.shuffle false: in order
-- @string[opt='float'] o.kind 'float' or 'double'
-- @tparam[opt=false] boolean o.labels whether the pictures' classes are wanted too
-- @return an iterator: `:next()` gives a tensor batch x channels x height x width in -1..1, and a LongTensor of classes from 1 where
--   labels are wanted, both good until the next call; `.position` may be read and set
-- @raise where labels are wanted and there are none
-- @usage for _ = 1, 10 do local x = batches:next() end
function Dataset:batches(o) return batches.new(self, o) end

return Dataset
