--- Scores of images themselves, without a feature net: sliced Wasserstein distance, and how alike pairs of images are.
-- @module gantry.metrics.images
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'

local images = {}

local function gaussian(side, deviation)
  local g = torch.FloatTensor(side)
  for i = 1, side do g[i] = math.exp(-(i - (side + 1) / 2) ^ 2 / (2 * deviation ^ 2)) end
  g:div(g:sum())
  return torch.ger(g, g):view(1, 1, side, side)
end

-- Every channel of every image alone: N C x 1 x H x W.
local function planes(x) return x:contiguous():view(-1, 1, x:size(3), x:size(4)) end

-- Raises an error unless two sets are of images of one shape, with sides of at least `least`.
local function want_images(what, a, b, least)
  for _, x in ipairs {a, b} do
    if torch.type(x) ~= 'torch.FloatTensor' or x:dim() ~= 4 or math.min(x:size(3), x:size(4)) < least then
      native.fail('%s: got a %s%s, wanted images: a FloatTensor N x C x H x W with sides of at least %d', what, torch.type(x),
        torch.isTensor(x) and ' of ' .. table.concat(x:size():totable(), ' x ') or '', least)
    end
  end
  local shape, other = table.concat(a[1]:size():totable(), ' x '), table.concat(b[1]:size():totable(), ' x ')
  if shape ~= other then native.fail('%s: got images of %s and of %s', what, shape, other) end
end

-- ---- structural similarity ----------------------------------------------------------------------------------------------------------

local SIDE, DEVIATION = 11, 1.5
local whole = ops.conv_shape {}

--- Structural similarity of pairs of images, 1 for equal ones: the mean over pixels and channels. Wang et al. 2004, "Image Quality
-- Assessment: From Error Visibility to Structural Similarity", equation 13, with its constants and its 11 x 11 Gaussian window; windows
-- do not reach beyond the edge.
-- @param a FloatTensor n x channels x height x width, -1..1, sides of at least 11
-- @param b as many
-- @treturn tensor n numbers
function images.similarity(a, b)
  want_images('similarity', a, b, SIDE)
  if a:size(1) ~= b:size(1) then native.fail('similarity: got %d and %d images, wanted pairs', a:size(1), b:size(1)) end
  local window = gaussian(SIDE, DEVIATION)
  local function blur(x) return ops.conv(x, window, whole) end
  local x, y = (planes(a) + 1) / 2, (planes(b) + 1) / 2
  local c1, c2 = 0.01 ^ 2, 0.03 ^ 2 -- for values in 0..1
  local mx, my = blur(x), blur(y)
  local mxy, mxx, myy = torch.cmul(mx, my), torch.cmul(mx, mx), torch.cmul(my, my)
  local vx, vy, cov = blur(torch.cmul(x, x)) - mxx, blur(torch.cmul(y, y)) - myy, blur(torch.cmul(x, y)) - mxy
  local s = torch.cdiv(torch.cmul(mxy * 2 + c1, cov * 2 + c2), torch.cmul(mxx + myy + c1, vx + vy + c2))
  return s:view(a:size(1), -1):mean(2):view(-1)
end

--- How alike images of one set are: the mean similarity of images 1 and 2, 3 and 4 ... Lower is more varied. The idea is that of Odena et
-- al. 2016 (arXiv 1610.09585), section 4.2, with one scale in place of several.
-- @param x FloatTensor of an even number of images, in random order
-- @treturn number
function images.alikeness(x)
  want_images('alikeness', x, x, SIDE)
  local n = math.floor(x:size(1) / 2)
  if n == 0 then native.fail 'alikeness: got 1 image, wanted at least 2' end
  local odd, even = torch.LongTensor(n), torch.LongTensor(n)
  for i = 1, n do odd[i], even[i] = 2 * i - 1, 2 * i end
  return images.similarity(x:index(1, odd), x:index(1, even)):mean()
end

-- ---- sliced Wasserstein ---------------------------------------------------------------------------------------------------------------

local half = ops.conv_shape {stride_h = 2, stride_w = 2, pad_h = 2, pad_w = 2}

-- The 5 x 5 binomial filter of Burt and Adelson 1983.
local function binomial()
  local g = torch.FloatTensor {1, 4, 6, 4, 1} / 16
  return torch.ger(g, g):view(1, 1, 5, 5)
end

--- The levels of a Laplacian pyramid: each holds what halving loses, the last what is left.
-- @param x n x channels x height x width
-- @int levels
-- @treturn {tensor,...} finest first
function images.pyramid(x, levels)
  local filter, list = binomial(), {}
  local n, c = x:size(1), x:size(2)
  for _ = 2, levels do
    local h, w = x:size(3), x:size(4)
    if h % 2 ~= 0 or w % 2 ~= 0 then native.fail('pyramid: %d x %d cannot be halved', h, w) end
    local smaller = ops.conv(planes(x), filter, half)
    local back = ops.conv_input(smaller, filter * 4, half, h, w)
    list[#list + 1] = x - back:view(n, c, h, w)
    x = smaller:view(n, c, h / 2, w / 2)
  end
  list[#list + 1] = x
  return list
end

local PATCH = 7

-- Patches of 7 x 7 pixels at given places (0-based tops and lefts, one row for each image), each channel with mean 0 and deviation 1 over
-- all patches: (n places) x (channels 49).
local function patches(x, tops, lefts)
  local n, c, each = x:size(1), x:size(2), tops:size(2)
  local all = torch.FloatTensor(n * each, c, PATCH * PATCH)
  for i = 1, n do
    for k = 1, each do
      all[(i - 1) * each + k]:copy(x[i]:narrow(2, tops[i][k] + 1, PATCH):narrow(3, lefts[i][k] + 1, PATCH))
    end
  end
  for channel = 1, c do
    local part = all:select(2, channel)
    part:add(-part:mean()):div(math.max(part:std(), 1e-12))
  end
  return all:view(n * each, -1)
end

--- The mean distance of two sets of points seen along directions: their projections are sorted and compared one by one.
-- @param a n x d
-- @param b n x d
-- @param directions d x k, columns of length 1
-- @treturn number
function images.along(a, b, directions)
  local function sorted(x) return (torch.sort(torch.mm(x, directions), 1)) end
  return (sorted(a) - sorted(b)):abs():mean()
end

--- The sliced Wasserstein distance of patches at each level of a Laplacian pyramid. Karras et al. 2017 (arXiv 1710.10196), section 5.
-- There are as many levels as leave sides of at least 16.
-- @param real FloatTensor n x channels x height x width, -1..1
-- @param fake as many
-- @tparam[opt] table o each (64 patches of an image), directions (256), seed (1)
-- @treturn {number,...} 1000 times the distance of each level, finest first
-- @treturn number their mean
function images.sliced(real, fake, o)
  o = o or {}
  want_images('sliced', real, fake, PATCH)
  local generator = torch.Generator(o.seed or 1)
  local n, each = math.min(real:size(1), fake:size(1)), o.each or 64
  real, fake = real:narrow(1, 1, n), fake:narrow(1, 1, n)
  local levels, side = 1, math.min(real:size(3), real:size(4))
  while side >= 16 * 2 and real:size(3) % 2 ^ levels == 0 and real:size(4) % 2 ^ levels == 0 do levels, side = levels + 1, side / 2 end
  local of_real, of_fake, found, sum = images.pyramid(real, levels), images.pyramid(fake, levels), {}, 0
  for level = 1, levels do
    local x, y = of_real[level], of_fake[level]
    local d = x:size(2) * PATCH * PATCH
    local directions = torch.FloatTensor(d, o.directions or 256):normal(generator, 0, 1)
    directions:cdiv(directions:norm(2, 1):expandAs(directions))
    local function places(size) return torch.LongTensor(n, each):random(generator, 0, size - PATCH) end
    local a = patches(x, places(x:size(3)), places(x:size(4)))
    local b = patches(y, places(y:size(3)), places(y:size(4)))
    found[level] = 1000 * images.along(a, b, directions)
    sum = sum + found[level]
  end
  return found, sum / levels
end

return images
