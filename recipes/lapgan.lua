-- LAPGAN. Denton, Chintala, Szlam, Fergus 2015, "Deep Generative Image Models using a Laplacian Pyramid of Adversarial Networks", arXiv
-- 1506.05751: one GAN makes a coarse image from z; at each finer level another looks at the coarse image made larger and at a plane
-- of noise, and makes what is missing (equation 7). Every level is trained alone, on the real coarse image; samples go through all of them.
-- The coarsest level has matrices only, twice as wide in G as in D; the layers of the finer ones are those of the authors' program for
-- CIFAR-10: 7x7, 7x7 and 5x5 in G; 5x5, 5x5 and dropout in D.
local gantry = require 'gantry'
local gan, nn, ops = gantry.gan, gantry.nn, gantry.autograd.ops
local losses = gan.losses

-- The sides of the levels, coarsest first: 8, 16 and 32 for images of 32.
local function levels(o)
  local h, w = gan.sides(o.size)
  if h % 4 ~= 0 or w % 4 ~= 0 then error(('lapgan: size is %s, wanted sides that can be halved twice'):format(o.size), 0) end
  return {{h / 4, w / 4}, {h / 2, w / 2}, {h, w}}
end

-- How many numbers of z are noise of the finer levels: a plane each. What is left is the coarsest level's.
local function noise_of(o)
  local sides = levels(o)
  local noise = sides[2][1] * sides[2][2] + sides[3][1] * sides[3][2]
  if o.z_size <= noise then
    error(('lapgan: z_size is %d, wanted more than the %d that the finer levels take'):format(o.z_size, noise), 0)
  end
  return noise
end

local function conv(from, to, k) return nn.SpatialConvolution(from, to, k, k, 1, 1, (k - 1) / 2, (k - 1) / 2) end

-- A matrix that keeps the size of what it is given through a ReLU (He et al. 2015, arXiv 1502.01852), so that images depend on z at once.
local function matrix(from, to)
  local layer = nn.Linear(from, to)
  layer.weight:normal(0, math.sqrt(2 / from))
  return layer
end

-- z to the coarsest image.
local function first(o, side)
  local n = o.channels * side[1] * side[2]
  return nn.Sequential():add(matrix(o.z_size - noise_of(o), o.hidden)):add(nn.ReLU()):add(matrix(o.hidden, o.hidden)):add(nn.ReLU())
    :add(matrix(o.hidden, n)):add(nn.Tanh()):add(nn.View(o.channels, side[1], side[2]):setNumInputDims(1))
end

-- {a coarse image, numbers of noise} to the finer image: the coarse one made larger, and what is missing.
local function finer(o, side)
  local missing = nn.Sequential():add(nn.JoinTable(2)):add(conv(o.channels + 1, o.maps, 7)):add(nn.ReLU()):add(conv(o.maps, o.maps, 7))
    :add(nn.ReLU()):add(conv(o.maps, o.channels, 5))
  return nn.Sequential()
    :add(nn.ParallelTable():add(nn.SpatialUpSamplingBilinear {oheight = side[1], owidth = side[2]})
      :add(nn.View(1, side[1], side[2]):setNumInputDims(1)))
    :add(nn.ConcatTable():add(nn.SelectTable(1)):add(missing)):add(nn.CAddTable()):add(nn.HardTanh())
end

-- The judge of the coarsest images, and of finer ones.
local function first_judge(o, side)
  local n, h = o.channels * side[1] * side[2], math.ceil(o.hidden / 2)
  return nn.Sequential():add(nn.View(n):setNumInputDims(3)):add(matrix(n, h)):add(nn.LeakyReLU(0.2)):add(nn.Dropout(0.5))
    :add(matrix(h, h)):add(nn.LeakyReLU(0.2)):add(nn.Dropout(0.5)):add(nn.Linear(h, 1))
end

local function judge(o, side)
  local h, w = side[1] / 2, side[2] / 2
  return nn.Sequential():add(conv(o.channels, o.maps, 5)):add(nn.LeakyReLU(0.2))
    :add(nn.SpatialConvolution(o.maps, o.maps, 5, 5, 2, 2, 2, 2)):add(nn.LeakyReLU(0.2)):add(nn.Dropout(0.5))
    :add(nn.View(o.maps * h * w):setNumInputDims(3)):add(nn.Linear(o.maps * h * w, 1))
end

-- The real pyramid, and each level as G makes it from the real level below.
local function pyramids(s)
  local half = ops.pool_shape {kh = 2, kw = 2}
  local middle = ops.avg_pool(s.real, half)
  local coarse = ops.avg_pool(middle, half)
  local z = s:part('G', {1}, s.z) -- {the coarsest image, noise, noise}
  return {coarse, middle, s.real}, {z[1], s:part('G', {2, 1, 2}, {coarse, z[2]}), s:part('G', {3}, {middle, z[3]})}
end

local function each_level(real, fake, loss)
  local sum
  for i = 1, 3 do
    local term = loss(real[i], fake[i])
    sum = sum and sum + term or term
  end
  return sum
end

return gan.recipe {
  name = 'lapgan',
  about = 'coarse images made finer, level by level: Denton et al. (2015)',
  options = gan.options {
    size = 32, z_size = 1380, batch = 64, lr = 2e-4, beta1 = 0.5,
    maps = {64, 'maps of the convolutions', min = 1, integer = true},
    hidden = {1200, 'units of the coarsest generator; D has half as many', min = 1, integer = true},
  },
  generator = function(o)
    local sides = levels(o)
    local at, planes = o.z_size - noise_of(o), nn.ConcatTable()
    planes:add(nn.Sequential():add(nn.Narrow(2, 1, at)):add(first(o, sides[1])))
    for i = 2, 3 do
      local n = sides[i][1] * sides[i][2]
      planes:add(nn.Narrow(2, at + 1, n))
      at = at + n
    end
    return nn.Sequential():add(planes)
      :add(nn.ConcatTable():add(nn.Sequential():add(nn.NarrowTable(1, 2)):add(finer(o, sides[2]))):add(nn.SelectTable(3)))
      :add(finer(o, sides[3]))
  end,
  discriminator = function(o)
    local D = nn.ParallelTable()
    for i, side in ipairs(levels(o)) do D:add((i == 1 and first_judge or judge)(o, side)) end
    return D
  end,

  d_loss = function(s)
    local real, fake = pyramids(s)
    return each_level(s.D(real), s.D(fake), losses.minimax_d)
  end,
  g_loss = function(s)
    local real, fake = pyramids(s)
    return each_level(real, s.D(fake), function(_, on_fake) return losses.non_saturating_g(on_fake) end)
  end,
}
