--- One layer of features learned by K-means: Coates, Ng and Lee 2011, "An Analysis of Single-Layer Networks in Unsupervised Feature
-- Learning" (AISTATS), the paper's first baseline. Patches of 6 x 6 pixels are normalised to mean 0 and deviation 1, whitened (ZCA),
-- and clustered; an image's features are, for each centroid k, the sums over its four quadrants of the triangle activation
-- max(0, mean of z - z_k), where z_k is a patch's distance to centroid k, at every position.
-- @module gantry.lab.kmeans
-- @usage local e = kmeans.learn(set, {centroids = 800}); features.write(e, set, 'kmeans.npy')   -- 3,200 numbers for an image
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local eigen = require 'gantry.metrics.eigen'
local features = require 'gantry.lab.features'

local kmeans = {}

local LEVEL = 127.5          -- steps of brightness in 1: the constants below are for pixels of 0..255
local CONTRAST = 10          -- added to a patch's variance
local WHITENING = 0.1        -- added to the eigenvalues of the patches' covariance
local PART = 4096            -- patches whose centroids are looked for at once

local Extractor = {}
Extractor.__index = Extractor

-- All patches of an image c x h x w, one in each row.
local function patches_of(image, side)
  local all = image:unfold(2, side, 1):unfold(3, side, 1) -- c x rows x columns x side x side
  local c, rows, columns = all:size(1), all:size(2), all:size(3)
  return all:permute(2, 3, 1, 4, 5):contiguous():view(rows * columns, c * side * side), rows, columns
end

-- Contrast normalisation, in place: each row to mean 0 and about deviation 1.
local function normalise(x)
  x:add(-1, x:mean(2):expandAs(x))
  local deviation = torch.pow(x, 2):mean(2):mul(LEVEL * LEVEL):add(CONTRAST):sqrt():div(LEVEL)
  return x:cdiv(deviation:expandAs(x))
end

-- Patches from random places of random images.
local function draw_patches(source, o, generator)
  local x, at = nil, 0
  while at < o.patches do
    local first = torch.random(generator, 1, source.size)
    local image = source:batch(first, first)[1]
    local c, h, w = image:size(1), image:size(2), image:size(3)
    if math.min(h, w) < 2 * o.side then native.fail('kmeans: images of %dx%d, wanted twice the patch of %d', h, w, o.side) end
    x = x or torch.FloatTensor(o.patches, c * o.side * o.side)
    for _ = 1, math.min(o.each, o.patches - at) do
      local top, left = torch.random(generator, 1, h - o.side + 1), torch.random(generator, 1, w - o.side + 1)
      at = at + 1
      x[at]:copy(image:narrow(2, top, o.side):narrow(3, left, o.side))
    end
  end
  return normalise(x)
end

-- ZCA: the mean of rows, and the symmetric matrix that makes their covariance (about) one.
local function whitening(x)
  local n, d = x:size(1), x:size(2)
  local wide = x:double()
  local mean = wide:mean(1)
  wide:add(-1, mean:expandAs(wide))
  -- What is added to the eigenvalues stands on the diagonal: then none is 0 where pixels depend on each other, as in gray images.
  local values, vectors = eigen(torch.mm(wide:t(), wide):div(n - 1):add(WHITENING, torch.eye(d):double()))
  local scaled = vectors:clone()
  for i = 1, d do scaled[i]:div(math.sqrt(values[i])) end
  return mean:float(), torch.mm(vectors:t(), scaled):float()
end

-- The nearest centroid of each row, and the sum of squared distances.
local function assign(x, centroids, visit)
  local half = torch.pow(centroids, 2):sum(2):view(1, -1):mul(0.5)
  local sum = 0
  for first = 1, x:size(1), PART do
    local part = x:narrow(1, first, math.min(PART, x:size(1) - first + 1))
    local scores = torch.mm(part, centroids:t())
    scores:add(-1, half:expandAs(scores))
    local best, index = scores:max(2)
    sum = sum + part:double():pow(2):sum() - 2 * best:sum()
    visit(part, index:view(-1))
  end
  return sum
end

-- Lloyd's iterations; a centroid that nobody is nearest to begins anew at a random patch.
local function cluster(x, o, generator)
  local n, d = x:size(1), x:size(2)
  local centroids = x:index(1, torch.randperm(torch.LongTensor(), generator, n):narrow(1, 1, o.centroids))
  local before
  for step = 1, o.iterations do
    local sums, counts = torch.FloatTensor(o.centroids, d):zero(), torch.FloatTensor(o.centroids):zero()
    local error_sum = assign(x, centroids, function(part, index)
      sums:indexAdd(1, index, part)
      counts:indexAdd(1, index, torch.FloatTensor(part:size(1)):fill(1))
    end)
    for k = 1, o.centroids do
      if counts[k] > 0 then centroids[k]:copy(sums[k]):div(counts[k]) else centroids[k]:copy(x[torch.random(generator, 1, n)]) end
    end
    if o.progress then o.progress(step, error_sum / n) end
    before = error_sum / n
  end
  return centroids, before
end

local defaults = {centroids = 800, side = 6, patches = 100000, each = 4, iterations = 20, seed = 1}

--- Learns centroids.
-- @param images a data set, a tensor n x channels x height x width in -1..1, or a source of gantry.lab.features
-- @tparam[opt] table o centroids (800), side (6, of a patch), patches (100,000 to learn from, 4 of an image), iterations (20), seed (1),
-- progress (called with the iteration and the mean squared distance)
-- @treturn Extractor count (4 x centroids) and of(x); centroids, distance (the last mean squared one)
function kmeans.learn(images, o)
  local full = {progress = o and o.progress}
  for key, value in pairs(defaults) do
    full[key] = o and o[key] or value
    if type(full[key]) ~= 'number' or full[key] % 1 ~= 0 or full[key] < 1 then
      native.fail('kmeans: %s is %s, wanted a whole number from 1', key, tostring(full[key]))
    end
  end
  if full.centroids > full.patches then native.fail('kmeans: %d centroids of %d patches', full.centroids, full.patches) end
  local generator = torch.Generator(full.seed)
  local x = draw_patches(features.source(images), full, generator)
  local mean, matrix = whitening(x)
  x:add(-1, mean:expandAs(x))
  local centroids, distance = cluster(torch.mm(x, matrix), full, generator)
  local d = centroids:size(2)
  -- [-2 x, |x|^2, 1] times these columns is the squared distance to each centroid.
  local columns = torch.FloatTensor(d + 2, full.centroids):fill(1)
  columns:narrow(1, 1, d):copy(centroids:t())
  columns[d + 2]:copy(torch.pow(centroids, 2):sum(2))
  return setmetatable({
    count = 4 * full.centroids, centroids = centroids, side = full.side, mean = mean, matrix = matrix, columns = columns,
    distance = distance, rows = torch.FloatTensor(), distances = torch.FloatTensor(),
  }, Extractor)
end

-- 4 x positions: which quadrant a position is in.
local function quadrants(rows, columns)
  local q = torch.FloatTensor(4, rows, columns):zero()
  local top, left = math.ceil(rows / 2), math.ceil(columns / 2)
  q[1]:narrow(1, 1, top):narrow(2, 1, left):fill(1)
  q[2]:narrow(1, 1, top):narrow(2, left + 1, columns - left):fill(1)
  q[3]:narrow(1, top + 1, rows - top):narrow(2, 1, left):fill(1)
  q[4]:narrow(1, top + 1, rows - top):narrow(2, left + 1, columns - left):fill(1)
  return q:view(4, rows * columns)
end

--- Features of images.
-- @param x n x channels x height x width, -1..1
-- @treturn tensor FloatTensor n x (4 x centroids), quadrant after quadrant
function Extractor:of(x)
  local n, d, k = x:size(1), self.mean:size(2), self.centroids:size(1)
  local result, rows, distances = torch.FloatTensor(n, self.count), self.rows, self.distances
  for i = 1, n do
    local patches, height, width = patches_of(x[i], self.side)
    local positions = height * width
    normalise(patches):add(-1, self.mean:expandAs(patches))
    rows:resize(positions, d + 2):fill(1)
    local white = rows:narrow(2, 1, d):copy(torch.mm(patches, self.matrix))
    rows:select(2, d + 1):copy(torch.pow(white, 2):sum(2))
    white:mul(-2)
    self.quadrants = self.quadrants and self.quadrants:size(2) == positions and self.quadrants or quadrants(height, width)
    distances:resize(positions, k):mm(rows, self.columns):clamp(0, math.huge):sqrt()
    distances:csub(distances:mean(2):expandAs(distances)):clamp(-math.huge, 0) -- z_k - mean where below 0
    result[i]:view(4, k):mm(self.quadrants, distances):mul(-1)
  end
  return result
end

return kmeans
