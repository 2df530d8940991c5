--- Generated images judged by what can be learned from them: real test images get the class of their nearest neighbour among generated
-- ones (the DCGAN paper, appendix 8.1, table 3: conditional MNIST). The lower the error, the nearer to the truth and the more varied they
-- are. What the authors' program logged is beside it: that accuracy (nnc) and the mean distance of the nearest image (nnd).
-- @module gantry.lab.nnc
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local samples = require 'gantry.gan.samples'
local sheet = require 'gantry.gan.sheet'
local neighbours = require 'gantry.lab.neighbours'
local pictures = require 'gantry.lab.pictures'
local record = require 'gantry.lab.record'
local statistics = require 'gantry.lab.statistics'

local PART = 1000 -- images that are generated before they are compared and forgotten
local SHOWN = 48  -- test images in the picture

local paper = {[50000] = '2.98% at 50,000', [10000000] = '1.48% at 10,000,000'}

-- 1 for each test image whose nearest neighbour is of another class, else 0; how many; the mean distance of the nearest.
local function judge(search, truth, class_of)
  local distances, numbers = search:result()
  local wrong, errors, sum = {}, 0, 0
  for i = 1, #truth do
    wrong[i] = class_of(tonumber(numbers[i][1])) ~= truth[i] and 1 or 0
    errors, sum = errors + wrong[i], sum + distances[i][1]
  end
  return wrong, errors, sum / #truth
end

local function figures(r, name, wrong, errors, distance, words)
  local n = #wrong
  local w = statistics.wilson(errors, n)
  r:figure(('error of 1-NN, %s, %%'):format(name), record.percent(w, {paper = words}))
  r:figure(('nnc, accuracy, %s, %%'):format(name), {value = 100 - 100 * w.share, n = n})
  r:figure(('nnd, mean distance to the nearest (pixels 0 to 1), %s'):format(name), {value = distance / 2, n = n})
end

-- At most n elements of a list, evenly.
local function some(list, n)
  local few = {}
  for k = 1, math.min(n, #list) do few[k] = list[1 + math.floor((k - 1) * #list / math.min(n, #list))] end
  return few
end

-- Triples test | nearest generated | nearest real, four in a row: some of those that the generated ones get wrong, then others.
local function picture(test, generated, real, wrong)
  local right, chosen = {}, {}
  for i, w in ipairs(wrong) do table.insert(w == 1 and chosen or right, i) end
  chosen = some(chosen, SHOWN / 2)
  for _, i in ipairs(some(right, SHOWN - #chosen)) do chosen[#chosen + 1] = i end
  local all = samples.triples(test, generated, real):view(test:size(1), 3, test:size(2), test:size(3), test:size(4))
  return sheet.make(all:index(1, torch.LongTensor(chosen)):view(3 * #chosen, test:size(2), test:size(3), test:size(4)),
    {columns = 12, scale = 2})
end

local function want_sizes(sizes)
  local last = 0
  for _, n in ipairs(sizes) do
    if type(n) ~= 'number' or n % 1 ~= 0 or n <= last then
      native.fail('nnc: sizes: got %s after %d, wanted rising whole numbers', tostring(n), last)
    end
    last = n
  end
  if last == 0 then native.fail('nnc: sizes: got none, wanted how many images to generate') end
end

--- The 1-nearest-neighbour evaluation: Euclidean, exact, k = 1. Images are generated in parts, none is held but the nearest; class k
-- of n is that of samples k, k + n, k + 2 n ...
-- @tparam Run run whose G takes classes, usually after run:reestimate()
-- @tparam table o test (spec of labelled pictures that the run never saw), real (spec; default: what the run was trained on), sizes
-- ({1000, 10000, 100000}: how many generated images), seed (of z; the run's), out (directory; default: RUN/lab), progress (called with how
-- many images were generated, and of how many)
-- @treturn table the record: for each size the error with its interval, nnc, nnd, and the error's difference from that of the real data
-- @usage lab.nnc(gantry.open('runs/digits'):reestimate(), {test = 'mnist:DIR@6001..8000'})
return function(run, o)
  local sizes, seed = o.sizes or {1000, 10000, 100000}, o.seed or run.options.seed
  want_sizes(sizes)
  if not run.classes then native.fail('nnc: %s has no classes: wanted a run whose generator is told one', run.path) end
  local test_set = pictures.open(run, o.test or native.fail 'nnc: test is missing: labelled pictures that the run never saw', 'nnc')
  local real_set, real_spec = pictures.open(run, o.real, 'nnc')
  local r = record.new('nnc', {
    out = o.out, seed = seed, run = run, data = real_spec, about = {test = o.test, sizes = sizes},
  })
  local test, truth = pictures.read(test_set), pictures.labels(test_set)
  local real_classes = pictures.labels(real_set)

  local real = neighbours.new(pictures.rows(test), {keep = true})
  for from = 1, real_set:size(), PART do
    real:add(pictures.rows(pictures.read(real_set, from, math.min(PART, real_set:size() - from + 1))))
  end
  local wrong_by_real, errors, distance = judge(real, truth, function(i) return real_classes[i] end)
  figures(r, ('%d real images'):format(real_set:size()), wrong_by_real, errors, distance, '3.1% with 50,000')

  local search, draw = neighbours.new(pictures.rows(test), {keep = true}), samples.drawer(run.options, seed)
  local last, wrong = sizes[#sizes], nil
  local function class_of(i) return (i - 1) % run.classes + 1 end
  for _, size in ipairs(sizes) do
    while search.seen < size do
      local n = math.min(PART, size - search.seen)
      local labels = torch.LongTensor(n)
      for k = 1, n do labels[k] = class_of(search.seen + k) end
      search:add(pictures.rows(run:images(draw(n), labels)))
      if o.progress then o.progress(search.seen, last) end
    end
    local name = ('%d generated images'):format(size)
    wrong, errors, distance = judge(search, truth, class_of)
    figures(r, name, wrong, errors, distance, paper[size])
    local d = statistics.paired(wrong, wrong_by_real, {seed = seed})
    r:figure(('%s: error minus that of the real images, points'):format(name), record.percent(d))
  end
  r:picture(picture(test, search.rows:viewAs(test), real.rows:viewAs(test), wrong), nil,
    'threes: test image, nearest of the generated ones, nearest of the real ones; first those that the generated ones get wrong')
  return r:finish()
end
