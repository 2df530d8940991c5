--- Features of images: all convolutional activations of a network after their nonlinearity, max-pooled to 4 x 4 regions each,
-- flattened and concatenated (Radford et al. 2015, section 5.1): 28,672 numbers for the paper's ImageNet network, 7,168 for its SVHN one.
-- Batch norm's statistics are first estimated over the training set, as means of those of batches of 128, and stay fixed from
-- there on: features of an image do not depend on those beside it.
-- @module gantry.lab.features
-- @usage local e = features.extractor(gantry.open 'runs/cifar', set); e:write(set, 'cifar.npy')
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local precision = require 'gantry.autograd.precision'
local npy = require 'gantry.data.npy'
local arrays = require 'gantry.data.arrays'
local torch = require 'gantry.torch'
local samples = require 'gantry.gan.samples'
local statistics = require 'gantry.gan.statistics'
local layers = require 'gantry.lab.layers'
local pooling = require 'gantry.lab.pooling'
local takes_classes = require 'gantry.lab.discriminator'.takes_classes

local C = native.C

local features = {}

local BATCH = 128 -- images in a batch whose statistics are averaged: the paper's

local Extractor = {}
Extractor.__index = Extractor

-- ---- what is looked at --------------------------------------------------------------------------------------------------------

--- Pictures as a source of batches: size, classes (their names, where there are any), label(i), batch(first, last) and pick(list).
-- @param images a data set, a tensor n x channels x height x width in -1..1, or a source
-- @treturn table
function features.source(images)
  if torch.isTensor(images) then
    return {
      size = images:size(1), batch = function(_, first, last) return images:narrow(1, first, last - first + 1) end,
      pick = function(_, list) return images:index(1, torch.LongTensor(list)) end, label = function() end,
    }
  end
  if type(images) ~= 'table' or type(images.batch) ~= 'function' then
    native.fail('features: got a %s, wanted a data set or a tensor of images', torch.type(images))
  end
  if type(images.size) == 'number' then return images end
  return {
    size = images:size(), classes = images.classes, label = function(_, i) return (images:label(i)) end,
    pick = function(_, list) return images:batch(list) end,
    batch = function(_, first, last)
      local list = {}
      for i = first, last do list[#list + 1] = i end
      return images:batch(list)
    end,
  }
end

--- The inputs of a run's generator as a source: z of samples 1 .. n, with their classes where there are any.
-- @tparam Run run
-- @int n
-- @treturn table
function features.latent(run, n)
  local z, labels = run:z(n), run:labels(n)
  local names
  if labels then
    names = {}
    for k = 1, run.classes do names[k] = ('%d'):format(k) end
  end
  return {
    size = n, classes = names, label = function(_, i) return labels and tonumber(labels[i]) end,
    batch = function(_, first, last)
      local part = z:narrow(1, first, last - first + 1)
      return labels and {part, labels:narrow(1, first, last - first + 1)} or part
    end,
  }
end

-- The classes of some of a source's images: a LongTensor from 1; nil unless all have one.
local function labels_of(source)
  if not source.classes then return nil end
  local labels = torch.LongTensor(source.size)
  for i = 1, source.size do
    local class = source:label(i)
    if not class then return nil end
    labels[i] = class
  end
  return labels
end
features.labels = labels_of

-- ---- the extractor ------------------------------------------------------------------------------------------------------------

--- Fails where a run's discriminator is told the class of an image.
-- @tparam table run run or what has its D, classes and path
-- @param images of gantry.lab.pictures, at least two
function features.want_untold(run, images)
  if run.classes and takes_classes(run.D, images:batch(1, 2), samples.labels(2, run.classes)) then
    native.fail('features: the discriminator of %s is told the class of an image; what it makes of one tells nothing', run.path)
  end
end

-- The network to look into: a copy, which is the extractor's own.
local function network_of(source, which, images)
  if torch.isTypeOf(source, 'nn.Module') then return source:clone(), 'float32' end
  if type(source) ~= 'table' or not source.checkpoint then
    native.fail('features: got a %s, wanted a run or a network', torch.type(source))
  end
  if which ~= 'D' and which ~= 'G' then native.fail("features: of is '%s', wanted D or G", tostring(which)) end
  if which == 'D' then features.want_untold(source, images) end
  return source[which]:clone(), source.options.precision or 'float32'
end

local function run(self, input, each) return precision.within(self.precision, layers.activations, self.net, input, each) end

-- Means over batches of 128 of the batch's mean and its (biased) variance.
local function estimate(self, source)
  local size = math.min(BATCH, source.size)
  local counts = {}
  statistics.average(self.net, math.floor(source.size / size), function(k)
    run(self, source:batch((k - 1) * size + 1, k * size), function(m, output)
      if torch.isTensor(m.running_mean) then counts[m] = output.data:nElement() / m.running_mean:nElement() end
    end)
  end)
  for m, n in pairs(counts) do m.running_var:mul((n - 1) / n) end -- the running variance is the unbiased one
end

local function pool(self, k, x)
  if self.windows then return pooling.windows(x, self.windows[k]) end
  return pooling.regions(x, self.pool)
end

local function want_pooling(o)
  local pool_to = o.pool or 4
  if type(pool_to) ~= 'number' or pool_to % 1 ~= 0 or pool_to < 1 then
    native.fail('features: pool is %s, wanted a whole number from 1', tostring(pool_to))
  end
  for _, side in ipairs(o.windows or {}) do
    if type(side) ~= 'number' or side % 1 ~= 0 or side < 1 then
      native.fail('features: a window of %s, wanted whole numbers from 1', tostring(side))
    end
  end
  return pool_to
end

local function describe(self, input)
  local found = run(self, input)
  if #found == 0 then native.fail 'features: there is no convolution with a nonlinearity behind it' end
  if self.windows and #self.windows ~= #found then
    native.fail('features: got %d windows, wanted one for each of %d layers', #self.windows, #found)
  end
  self.layers, self.count = {}, 0
  for k, f in ipairs(found) do
    local y = pool(self, k, f.output)
    local numbers = y:nElement() / y:size(1)
    self.layers[k] = {
      name = torch.type(f.module), channels = f.channels, height = f.height, width = f.width, numbers = numbers,
    }
    self.count = self.count + numbers
  end
end

--- Makes an extractor: finds the activations and estimates batch norm's statistics. The network itself is left as it is.
-- @param source a Run (gantry.open) or a network of nn
-- @param images the training set, over which statistics are estimated: a data set, a tensor n x channels x height x width in -1..1;
-- for a generator what features.latent gives
-- @tparam[opt] table o of = 'D' (default; the paper) or 'G' (of a run), pool = regions a side (4), windows = {4, 2, 1}: in place of
-- regions, the sides of the pooling windows layer by layer (the authors' SVHN program; on its network the same numbers),
-- statistics = false: batch norm keeps its running statistics
-- @treturn Extractor count (numbers for an image) and layers (name, channels, height, width, numbers of each)
-- @usage local e = features.extractor(nets.dcgan_discriminator {size = 32, channels = 3, base = 64, kernel = 5}, x); print(e.count) -- 7168
function features.extractor(source, images, o)
  o = o or {}
  local self = setmetatable({pool = want_pooling(o), windows = o.windows}, Extractor)
  images = features.source(images)
  if images.size < 2 then native.fail('features: got %d images, wanted at least 2', images.size) end
  self.net, self.precision = network_of(source, o.of or 'D', images)
  self.net:evaluate()
  autograd.scope(describe, self, images:batch(1, 2))
  if o.statistics ~= false then estimate(self, images) end
  return self
end

--- Features of images.
-- @param x what the network takes: n x channels x height x width in -1..1; of a generator z, or {z, classes}
-- @treturn tensor FloatTensor n x count, layer after layer, of each layer channel after channel
function Extractor:of(x)
  local rows
  autograd.scope(function()
    local found, at = run(self, x), 1
    for k, f in ipairs(found) do
      local y = pool(self, k, f.output)
      local n = y:size(1)
      rows = rows or torch.FloatTensor(n, self.count)
      local numbers = y:nElement() / n
      rows:narrow(2, at, numbers):copy(y:view(n, numbers))
      at = at + numbers
    end
  end)
  return rows
end

--- Writes what an extractor makes of images to a .npy file, n x count, a batch at a time: it may be larger than memory. Classes, where
-- all images have one, go into NAME.labels.npy, from 0.
-- @param extractor anything with count and of(x)
-- @param images a data set, a tensor, or a source
-- @string path ending in .npy
-- @func[opt] progress called with how many rows were written, and of how many
-- @treturn tensor the file's rows, mapped
-- @treturn tensor LongTensor of classes from 1, or nil
function features.write(extractor, images, path, progress)
  if type(path) ~= 'string' or not path:match '%.npy$' then
    native.fail("features: '%s': wanted a name that ends in .npy", tostring(path))
  end
  images = features.source(images)
  local writer = npy.writer(path, C.GT_FLOAT, {images.size, extractor.count})
  local ok, problem = pcall(function()
    for first = 1, images.size, BATCH do
      local last = math.min(first + BATCH - 1, images.size)
      local rows = extractor:of(images:batch(first, last))
      writer:write(rows)
      C.gt_tensor_release(rows)
      if progress then progress(last, images.size) end
    end
  end)
  if not ok then
    writer:abandon()
    error(problem, 0)
  end
  writer:finish()
  local labels = labels_of(images)
  if labels then npy.save(arrays.labels_path(path), labels - 1) end
  return npy.map(path), labels
end

--- features.write of this extractor.
function Extractor:write(images, path, progress) return features.write(self, images, path, progress) end

--- What the layers see in an image, as pictures: of each layer the mean over its maps of the pooled activations, as bright as the layer's
-- largest.
-- @param x n x channels x height x width, -1..1
-- @treturn {tensor,...} for each layer n x k x k, 0..1
function Extractor:glance(x)
  local pictures = {}
  autograd.scope(function()
    for k, f in ipairs(run(self, x)) do
      local y = pool(self, k, f.output):mean(2):squeeze(2):clone()
      local low, high = y:min(), y:max()
      pictures[k] = y:add(-low):div(math.max(high - low, 1e-12))
    end
  end)
  return pictures
end

--- Rows of features whose columns have mean 0 and deviation 1 in the training set: what pixels and K-means' features want before a
-- linear classifier, and the paper does not do.
-- @param rows n x count, of the training set
-- @treturn table count, of(x), for features.write on tensors of rows
function features.standardiser(rows)
  local n, count = rows:size(1), rows:size(2)
  local sum, squares = torch.DoubleTensor(count):zero(), torch.DoubleTensor(count):zero()
  for first = 1, n, 4 * BATCH do
    local part = rows:narrow(1, first, math.min(4 * BATCH, n - first + 1)):double()
    sum:add(part:sum(1):view(count))
    squares:add(part:pow(2):sum(1):view(count))
  end
  local mean = sum:div(n)
  local inverse = squares:div(n):add(-1, torch.cmul(mean, mean)):clamp(0, math.huge):sqrt():add(1e-6):pow(-1):float():view(1, count)
  mean = mean:float():view(1, count)
  return {count = count, of = function(_, x) return (x - mean:expandAs(x)):cmul(inverse:expandAs(x)) end}
end

return features
