--- Looking at a generator: z of numbered samples, images from z, grids, and walks between points. Nothing here draws from
-- torch's own generator, records, or moves batch norm's statistics, so that looking never changes a run.
-- @module gantry.gan.samples
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local image = require 'gantry.image'
local torch = require 'gantry.torch'
local sheet = require 'gantry.gan.sheet'
local Step = require 'gantry.gan.step'

local samples = {}

local STREAM = 0x5eed0000 -- keeps the numbers of z apart from those that weights are made of
--- Images that are generated at once.
samples.PART = 64
local PART = samples.PART

--- z of the first n samples of a seed. Sample i of a seed is the same z whatever n is.
-- @int n how many
-- @tparam table o z_size, z ('uniform' or 'normal')
-- @int seed
-- @treturn tensor n x z_size
function samples.z(n, o, seed) return samples.drawer(o, seed)(n) end

--- Draws the z of a seed's samples one part after the other: the first call gives samples 1 .. n, the next goes on from there.
-- @tparam table o z_size, z
-- @int seed
-- @treturn function of n: n x z_size
function samples.drawer(o, seed)
  local generator = torch.Generator((STREAM + seed) % 2 ^ 32)
  return function(n) return Step.draw_z(torch.FloatTensor(n, o.z_size), o.z, generator) end
end

--- z of samples by number.
-- @tparam {int,...} numbers as on the sheet that `gantry sample` draws
-- @tparam table o z_size, z
-- @int seed
-- @treturn tensor #numbers x z_size
function samples.pick(numbers, o, seed)
  local most = 0
  for _, i in ipairs(numbers) do
    if type(i) ~= 'number' or i < 1 or i % 1 ~= 0 then
      native.fail('z: %s is not the number of a sample, wanted 1, 2, 3 ...', tostring(i))
    end
    most = math.max(most, i)
  end
  if most == 0 then native.fail 'z: wanted at least one number of a sample' end
  local all = samples.z(most, o, seed)
  local z = torch.FloatTensor(#numbers, o.z_size)
  for k, i in ipairs(numbers) do z[k]:copy(all[i]) end
  return z
end

-- How much of the normal distribution lies between 0 and x, for x from 0 on: the series of Marsaglia 2004, "Evaluating the
-- Normal Distribution". And its inverse up to a bound, by Newton's method.
local function area(x)
  local sum, term, k = x, x, 1
  while term > 1e-17 * sum and k < 400 do
    k = k + 2
    term = term * x * x / k
    sum = sum + term
  end
  return sum * math.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
end

local function inverse(p, bound)
  local low, high, x = 0, bound, 0
  for _ = 1, 60 do
    local difference = area(x) - p
    local step = difference * math.sqrt(2 * math.pi) * math.exp(0.5 * x * x)
    if step * step < 1e-18 then break end
    if difference > 0 then high = x else low = x end
    x = x - step
    if x ~= x or x <= low or x >= high then x = (low + high) / 2 end -- Newton left the interval
  end
  return x
end

--- z nearer to the middle, where a generator has seen more: truer to the data and less varied. A sample stays itself: it moves
-- without a jump as the truncation does.
-- Uniform z are multiplied by it. Normal z become those of the distribution cut off at so many standard deviations, each number
-- keeping its rank.
-- @param z n x z_size
-- @string kind 'uniform' or 'normal'
-- @number t above 0; at most 1 for uniform z
-- @treturn tensor
function samples.truncate(z, kind, t)
  if type(t) ~= 'number' or t ~= t or t <= 0 or kind == 'uniform' and t > 1 or t > 8 then
    native.fail('truncation: got %s, wanted a number above 0 and at most %d for %s z', tostring(t), kind == 'uniform' and 1 or 8, kind)
  end
  if kind == 'uniform' then return z * t end
  local whole = 2 * area(t)
  local moved = z:clone()
  local flat = moved:view(-1)
  for i = 1, flat:nElement() do
    local x = flat[i]
    local size = inverse(whole * area(math.min(8, x < 0 and -x or x)), t)
    flat[i] = x < 0 and -size or size
  end
  return moved
end

--- Classes of the first n samples, where there are classes: 1, 2 ... and again from 1. Sample i has the same whatever n is.
-- @tparam int|{int,...} which how many, or which samples
-- @int classes how many there are
-- @treturn tensor LongTensor
function samples.labels(which, classes)
  local numbers = type(which) == 'table' and which or nil
  local labels = torch.LongTensor(numbers and #numbers or which)
  for k = 1, labels:size(1) do labels[k] = ((numbers and numbers[k] or k) - 1) % classes + 1 end
  return labels
end

--- Pairs of pictures, taken apart: the first n of a data set, or those with given numbers.
-- @param dataset whose pictures are pairs, side by side
-- @tparam int|{int,...} which
-- @treturn tensor the left ones
-- @treturn tensor the right ones
function samples.pairs(dataset, which)
  local numbers = type(which) == 'table' and which or {}
  if type(which) == 'number' then
    for i = 1, which do numbers[i] = i end
  end
  local both = dataset:batch(numbers)
  local w = both:size(4) / 2
  return both:narrow(4, 1, w):contiguous(), both:narrow(4, w + 1, w):contiguous()
end

--- Input, output and truth of each pair, one after another, for a sheet of which each row has some.
function samples.triples(inputs, outputs, truths)
  local n, c, h, w = outputs:size(1), outputs:size(2), outputs:size(3), outputs:size(4)
  local all = torch.FloatTensor(n, 3, c, h, w)
  for k, images in ipairs {inputs, outputs, truths} do all:select(2, k):copy(images) end
  return all:view(3 * n, c, h, w)
end

--- What a generator takes: rows from .. from + n - 1 of z, with their classes where there are any.
function samples.input(z, labels, from, n)
  local part = autograd.value(z:narrow(1, from, n))
  return labels and {part, labels:narrow(1, from, n)} or part
end

--- Rows that are made part by part, each in a scope of its own and without recording: memory is that of a part.
-- @int n rows
-- @int part at most so many at once
-- @func make make(from, count) gives a tensor whose rows are number from .. from + count - 1
-- @treturn tensor FloatTensor of n rows
-- @usage local y = samples.in_parts(x:size(1), 64, function(from, n) return net:forward(autograd.value(x:narrow(1, from, n))).data end)
function samples.in_parts(n, part, make)
  local all
  for from = 1, n, part do
    local count = math.min(part, n - from + 1)
    autograd.scope(function()
      local made = autograd.no_grad(make, from, count)
      if not all then
        local sizes = made:size():totable()
        sizes[1] = n
        all = torch.FloatTensor(unpack(sizes))
      end
      all:narrow(1, from, count):copy(made)
    end)
  end
  return all
end

--- Images of z in evaluation mode.
-- @param G a generator; left in the mode it was in
-- @param z n x z_size
-- @tparam[opt] tensor labels LongTensor of n classes, where G takes {z, classes}
-- @treturn tensor n x channels x height x width, -1..1
function samples.images(G, z, labels)
  local was_training = G.train
  G:evaluate()
  local ok, result = pcall(samples.in_parts, z:size(1), PART, function(from, n)
    local out = G:forward(samples.input(z, labels, from, n))
    local made = autograd.is_value(out) and out.data or nil
    if not made or made:dim() ~= 4 then
      native.fail('the generator makes %s, wanted N x channels x height x width', made and ('%d dimensions'):format(made:dim()) or 'a list')
    end
    return made
  end)
  if was_training ~= false then G:training() end
  if not ok then error(result, 0) end
  return result
end

--- Writes images as one PNG; small ones are enlarged by whole pixels.
-- @string path
-- @param images n x channels x height x width, -1..1
-- @int[opt] columns default: nearly square
function samples.save_grid(path, images, columns) image.save(path, sheet.make(images, {columns = columns})) end

-- ---- walks ----------------------------------------------------------------------------------------------------------------

local function row(t, i) return t:narrow(1, i, 1) end

--- A point between two z, on the great circle between their directions: t = 0 gives a, 1 gives b.
-- Lengths are interpolated linearly, so that z of either distribution stay as long as they are.
local function spherical(a, b, t)
  local la, lb = a:norm(), b:norm()
  local cosine = math.max(-1, math.min(1, torch.cmul(a, b):sum() / math.max(la * lb, 1e-12)))
  local angle = math.acos(cosine)
  local sine = math.sin(angle)
  if sine < 1e-4 then return a * (1 - t) + b * t end
  local direction = a * (math.sin((1 - t) * angle) / (sine * la)) + b * (math.sin(t * angle) / (sine * lb))
  return direction * (la * (1 - t) + lb * t)
end

--- z on the lines between points, row after row: row r goes from point r to point r + 1.
-- @param points (rows + 1) x z_size
-- @int frames points on each line, both ends included
-- @bool[opt] on_sphere along great circles
-- @treturn tensor (rows * frames) x z_size
function samples.path(points, frames, on_sphere)
  local rows = points:size(1) - 1
  if rows < 1 then native.fail('walk: got %d points, wanted at least 2', rows + 1) end
  if frames < 2 then native.fail('walk: got %d frames, wanted at least 2', frames) end
  local z = torch.FloatTensor(rows * frames, points:size(2))
  for r = 1, rows do
    local a, b = row(points, r), row(points, r + 1)
    for f = 1, frames do
      local t = (f - 1) / (frames - 1)
      row(z, (r - 1) * frames + f):copy(on_sphere and spherical(a, b, t) or a * (1 - t) + b * t)
    end
  end
  return z
end

return samples
