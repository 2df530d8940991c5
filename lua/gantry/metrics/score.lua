--- The scores of a run: its samples beside real images, and for comparison other real images and images whose pixels are drawn alone.
-- @module gantry.metrics.score
local native = require 'gantry.native'
local data = require 'gantry.data'
local torch = require 'gantry.torch'
local tensor = require 'gantry.torch.tensor'
local options = require 'gantry.gan.options'
local samples = require 'gantry.gan.samples'
local metrics = require 'gantry.metrics'

local C, check = native.C, native.check

local score = {}

local SLICED = 512 -- images that the sliced distance looks at

-- Images with 256 steps of brightness, as files have: what is real was read from such.
local function in_bytes(x)
  local bytes, r = tensor.new(C.GT_BYTE), tensor.new(C.GT_FLOAT)
  check(C.gt_image_quantize(bytes, x, -1, 1))
  check(C.gt_image_dequantize(r, bytes, -1, 1))
  return r
end

-- n pictures of a set from the k-th on in an order that depends on the seed alone; of pairs the right ones, and the left ones.
local function pictures(run, set, order, from, n)
  local list = {}
  for k = 1, n do list[k] = order[from + k - 1] end
  if not run.makes_pairs then return set:batch(list) end
  local inputs, truths = samples.pairs(set, list)
  return truths, inputs
end

--- Images whose every pixel is drawn alone, with the mean and the deviation that it has in real images: what a generator has to beat.
-- @param real n x channels x height x width
-- @int n
-- @int seed
function score.pixel_noise(real, n, seed)
  local mean, deviation = real:mean(1), real:std(1)
  local x = torch.FloatTensor(n, real:size(2), real:size(3), real:size(4)):normal(torch.Generator(seed), 0, 1)
  return x:cmul(deviation:expandAs(x)):add(mean:expandAs(x)):clamp(-1, 1)
end

--- Scores of images beside real ones.
-- @param real n x channels x height x width, -1..1
-- @param fake as many
-- @param[opt] net a feature net; without one only what needs none is measured
-- @tparam[opt=1] int|boolean seed of the sliced distance's patches and directions; false: without that distance, which takes longest
-- @treturn table numbers by name: with a net frechet, kernel, kernel_interval, precision, recall, density, coverage and, where it knows
-- classes, inception; sliced; alikeness where sides are at least 11
function score.images(real, fake, net, seed)
  fake = in_bytes(fake)
  local found = {}
  if net then
    local a = net:of(real)
    local b, classes = net:of(fake)
    found.frechet = metrics.frechet(a, b)
    found.kernel, found.kernel_interval = metrics.kernel(a, b)
    for name, x in pairs(metrics.manifold(a, b)) do found[name] = x end
    found.inception = classes and metrics.inception(classes) or nil
  end
  if seed ~= false then
    local few = math.min(SLICED, real:size(1), fake:size(1))
    found.sliced = select(2, metrics.sliced(real:narrow(1, 1, few), fake:narrow(1, 1, few), {seed = seed}))
  end
  if math.min(fake:size(3), fake:size(4)) >= 11 then found.alikeness = metrics.alikeness(fake) end
  return found
end

--- Opens the real images beside a run's, as it was trained on them but never mirrored, moved or enlarged. A program that a run names is
-- not executed.
-- @tparam Run run
-- @string[opt] spec of the data, which may be a program; default: the run's
-- @string who asks, for messages
-- @return a data set
-- @treturn string its spec
function score.data(run, spec, who)
  local trained_on = run.state.data
  if not spec and tostring(trained_on):match '%.lua$' then
    native.fail('%s: the run was trained on a program, %s; --data %s executes it', who, trained_on, trained_on)
  end
  spec = spec or trained_on
  local ok, wanted = pcall(options.for_data, run.options, run.makes_pairs)
  if not ok or type(spec) ~= 'string' then
    native.fail('%s: %s does not say what it was trained on; --data SPEC does', who, run.path)
  end
  wanted.flip, wanted.crop, wanted.scale = nil, nil, nil
  return data.open(spec, wanted), spec
end

--- Scores a run.
-- @tparam Run run from gantry.open, usually after run:reestimate()
-- @tparam[opt] table o net (a feature net), n (2000: images of each kind), data (a spec; default: the run's), seed (1: of the samples and
-- of which real images)
-- @treturn table of, data, n, seed, step, weights, net, net_hash, and `rows`: samples, other real images (where the set has enough),
-- pixel noise, each {name =, scores ...}, and of a run that turns images into images `distance`: from the true pictures, the mean over
-- pixels
-- @usage local s = score.run(gantry.open('runs/faces'):reestimate(), {net = features.load 'faces.safetensors'})
function score.run(run, o)
  o = o or {}
  local set, spec = score.data(run, o.data, 'score')
  local seed, n = o.seed or 1, o.n or 2000
  local size = set:size()
  if size == 0 then native.fail('score: %s has no end; wanted a set of pictures', spec) end
  n = math.min(n, size)
  if n < 40 then native.fail('score: got %d images, wanted at least 40', n) end
  local order = torch.randperm(torch.Generator(seed), size)
  local real, inputs = pictures(run, set, order, 1, n)
  local rows = {}
  local function add(name, fake)
    local row = score.images(real, fake, o.net, seed)
    row.name = name
    if inputs then row.distance = (in_bytes(fake) - real):abs():mean() end
    rows[#rows + 1] = row
  end
  add('samples', run:images(inputs or run:z(n, seed)))
  if size >= 2 * n then add('other real images', (pictures(run, set, order, n + 1, n))) end
  add('pixel noise', score.pixel_noise(real, n, seed))
  return {
    of = run.path, step = run.step, weights = run.state.hash, data = spec, n = n, seed = seed, rows = rows,
    net = o.net and o.net.name or nil, net_hash = o.net and o.net.hash or nil,
  }
end

return score
