--- Files in MNIST's idx format, gzipped or not.
-- @module gantry.data.idx
local lfs = require 'lfs'
local native = require 'gantry.native'
local tensor = require 'gantry.torch.tensor'

local C, check, fail = native.C, native.check, native.fail
local idx = {}

--- Reads an idx file of bytes.
-- @string path the file, gzipped or not
-- @treturn tensor ByteTensor of the file's sizes
function idx.read(path)
  local r = tensor.new(C.GT_BYTE)
  check(C.gt_idx_read(r, path))
  return r
end

--- The labels of n images.
-- @string path an idx file of one dimension
-- @int n how many there must be
-- @treturn tensor ByteTensor N
function idx.labels(path, n)
  local labels = idx.read(path)
  if labels.rank ~= 1 or labels:size(1) ~= n then
    fail('data: %s holds %s labels for %d images', path, tensor.shape_text(labels), n)
  end
  return labels
end

local function find(dir, name)
  for _, ending in ipairs {'', '.gz'} do
    local path = ('%s/%s%s'):format(dir, name, ending)
    if lfs.attributes(path, 'mode') == 'file' then return path end
  end
end

--- The images of a folder of MNIST's files, and their labels where they are there.
-- @string dir the folder
-- @treturn tensor ByteTensor N x 1 x H x W
-- @treturn tensor ByteTensor N, or nil
function idx.mnist(dir)
  if lfs.attributes(dir, 'mode') ~= 'directory' then fail("data: mnist: there is no folder '%s'", dir) end
  local path = find(dir, 'train-images-idx3-ubyte')
  if not path then fail('data: mnist: %s has neither train-images-idx3-ubyte nor train-images-idx3-ubyte.gz', dir) end
  local images = idx.read(path)
  if images.rank ~= 3 or tensor.count(images) == 0 then
    fail('data: mnist: %s holds a block of %s, wanted images N x H x W', path, tensor.shape_text(images))
  end
  local n = images:size(1)
  local labels_path, labels = find(dir, 'train-labels-idx1-ubyte'), nil
  if labels_path then
    labels = idx.labels(labels_path, n)
    if labels:max() > 9 then fail('data: mnist: %s holds label %d, wanted 0..9', labels_path, labels:max()) end
  end
  return images:view(n, 1, images:size(2), images:size(3)), labels
end

return idx
