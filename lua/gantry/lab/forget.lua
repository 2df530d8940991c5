--- Forgetting to draw (section 6.3.1 of the DCGAN paper): a logistic regression tells, from the generator's features, where windows are;
-- the feature maps that speak for windows are dropped, and what is drawn then is compared with what was drawn before.
--
-- The paper drops every map with a weight above 0 at all positions: they become 0. An article on it says that positive values are
-- replaced with noise; both are here.
-- @module gantry.lab.forget
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local torch = require 'gantry.torch'
local folder = require 'gantry.gan.folder'
local samples = require 'gantry.gan.samples'
local sheet = require 'gantry.gan.sheet'
local board = require 'gantry.lab.board'
local box_file = require 'gantry.lab.boxes'
local detector = require 'gantry.lab.detector'
local layers = require 'gantry.lab.layers'
local logistic = require 'gantry.lab.logistic'
local pictures = require 'gantry.lab.pictures'
local pointing = require 'gantry.lab.pointing'
local record = require 'gantry.lab.record'
local statistics = require 'gantry.lab.statistics'

local forget = {}

-- ---- features ------------------------------------------------------------------------------------------------------------------------

--- A generator's features for z.
-- @param run
-- @tparam table layer of run.G
-- @param z n x z_size
-- @param[opt] labels where the run has classes
-- @treturn tensor n x channels x height x width
function forget.features(run, layer, z, labels)
  return samples.in_parts(z:size(1), samples.PART, function(from, n)
    return layers.features(run.G, layer, samples.input(z, labels, from, n)).data
  end)
end

--- Positions to learn from: those in boxes, and as many random other ones of the same images.
-- @param features n x channels x height x width, of samples 1 .. n
-- @tparam {table,...} boxes with sample, 1 .. n
-- @int seed of the random ones
-- @treturn tensor x: rows x channels, each channel divided by its deviation, which changes no sign of a weight
-- @treturn tensor y: rows, 1 in a box and 0 elsewhere
-- @treturn {int,...} the sample of each row
function forget.positions(features, boxes, seed)
  local n, c, h, w = features:size(1), features:size(2), features:size(3), features:size(4)
  local of, generator = {}, torch.Generator(seed)
  for _, box in ipairs(boxes) do
    of[box.sample] = of[box.sample] or {}
    table.insert(of[box.sample], box)
  end
  local where, truths, groups = {}, {}, {}
  for i = 1, n do
    if of[i] then
      local mask, inside, outside = pointing.mask(of[i], h, w), {}, {}
      for p = 1, h * w do
        local list = mask[math.floor((p - 1) / w) + 1][(p - 1) % w + 1] == 1 and inside or outside
        list[#list + 1] = p
      end
      local order = torch.randperm(generator, math.max(1, #outside))
      for k = 1, math.min(#inside, #outside) do
        for truth, p in pairs {[0] = outside[order[k]], [1] = inside[k]} do
          where[#where + 1], truths[#truths + 1], groups[#groups + 1] = {i, p}, truth, i
        end
      end
    end
  end
  if #where == 0 then native.fail('forget: no box lies in the samples') end
  local x, flat = torch.DoubleTensor(#where, c), features:view(n, c, h * w)
  for k, at in ipairs(where) do x[k]:copy(flat[at[1]]:select(2, at[2])) end
  local deviation = x:std(1):clamp(1e-6, math.huge)
  return x:cdiv(deviation:expandAs(x)), torch.DoubleTensor(truths), groups
end

--- The maps that speak for what the boxes hold: those with a weight above 0, the strongest first.
-- @tparam table model from logistic
-- @int[opt] most at most so many
-- @treturn {int,...}
function forget.maps(model, most)
  local list = {}
  for c = 1, model.weight:size(1) do
    if model.weight[c] > 0 then list[#list + 1] = c end
  end
  table.sort(list, function(a, b) return model.weight[a] > model.weight[b] end)
  return {unpack(list, 1, math.min(#list, most or #list))}
end

--- Images that are drawn without some maps.
-- @param run
-- @tparam table layer of run.G
-- @tparam {int,...} maps
-- @param z n x z_size
-- @param labels or nil
-- @tparam table o replace: 'zero', the paper's, or 'noise': positive values become uniform noise with the mean that the map's positive
-- values have; means (of those, by map); seed of the noise
-- @treturn tensor n x channels x height x width, -1..1
function forget.images(run, layer, maps, z, labels, o)
  local keep = torch.FloatTensor(1, layer.channels, 1, 1):fill(1)
  for _, c in ipairs(maps) do keep[1][c][1][1] = 0 end
  local generator = torch.Generator(o.seed or 1)
  return layers.with_change(layer, function(v)
    local kept = v * autograd.value(keep)
    if o.replace ~= 'noise' then return kept end
    local noise = torch.FloatTensor(v:size(1), v:size(2), v:size(3), v:size(4)):uniform(generator, 0, 2)
    noise:cmul(o.means:view(1, -1, 1, 1):expandAs(noise)):cmul((1 - keep):expandAs(noise)):cmul(v.data:gt(0):float())
    return kept + autograd.value(noise)
  end, function() return run:images(z, labels) end)
end

--- The mean of each map's positive values.
-- @param features n x channels x height x width
-- @treturn tensor FloatTensor of channels
function forget.positive_means(features)
  local means = torch.FloatTensor(features:size(2))
  for c = 1, features:size(2) do
    local map = features:select(2, c)
    local positive = map:gt(0):float()
    means[c] = torch.cmul(map, positive):sum() / math.max(1, positive:sum())
  end
  return means
end

--- How much images changed in boxes and elsewhere: means of the absolute differences of pixels, in parts of the range from black to white.
-- @param before n x channels x height x width
-- @param after as many
-- @tparam table boxes n boxes or false
-- @treturn {number,...} in the boxes, of each image with one
-- @treturn {number,...} elsewhere in them
function forget.changes(before, after, boxes)
  local inside, outside = {}, {}
  local h, w = before:size(3), before:size(4)
  for i = 1, before:size(1) do
    if boxes[i] then
      local difference = (before[i] - after[i]):abs():mean(1):view(h, w) / 2
      local mask = pointing.mask({boxes[i]}, h, w)
      local covered = mask:sum()
      if covered < h * w then
        local sum = torch.cmul(difference, mask):sum()
        inside[#inside + 1], outside[#outside + 1] = sum / covered, (difference:sum() - sum) / (h * w - covered)
      end
    end
  end
  return inside, outside
end

-- ---- the experiment ------------------------------------------------------------------------------------------------------------------

-- A detector: the one in the file, or one that is trained on the run's data and kept there.
local function detector_of(run, o)
  local found
  if o.detector and folder.kind(o.detector) == 'file' then
    found = detector.load(o.detector)
  else
    found = detector.train(pictures.open(run, o.data, 'forget'), {steps = o.steps, seed = o.seed})
    if o.detector then found:save(o.detector) end
  end
  local image = run:images(run:z(1), run:labels(1))
  if found.height ~= image:size(3) or found.width ~= image:size(4) or found.channels ~= image:size(2) then
    native.fail('forget: the detector takes images of %d x %d x %d, the run makes %d x %d x %d', found.channels, found.height, found.width,
      image:size(2), image:size(3), image:size(4))
  end
  return found
end

-- The kinds of objects that a detector will tell: those of the one in the file, or of the data that it will be trained on.
local function kinds_of(run, o)
  if o.detector and folder.kind(o.detector) == 'file' then return detector.load(o.detector).kinds end
  local ok, set = pcall(pictures.open, run, o.data, 'forget')
  return ok and pointing.kinds(set) or {}
end

-- The boxes to learn from, and the detector where there is one.
local function look(run, before, o)
  local h, w = before:size(3), before:size(4)
  local given = o.boxes and box_file.read(o.boxes, h, w)
  local kinds = kinds_of(run, o)
  if not given then
    if #kinds == 0 then
      native.fail('forget: %s knows no boxes of objects, as scenes:rooms does; --boxes FILE gives some drawn by hand',
        tostring(run.state.data))
    end
    local names = table.concat(kinds, ', ')
    if not (', ' .. names .. ','):find((', %s,'):format(o.object), 1, true) then
      native.fail('forget: object is %s, wanted one of those that are known: %s', o.object, names)
    end
  end
  local judge = #kinds > 0 and detector_of(run, o) or nil
  for _, box in ipairs(given or {}) do
    if box.sample > o.samples then
      native.fail('%s: has a box of sample %d; it is learned from the first %d samples', o.boxes, box.sample, o.samples)
    end
  end
  if given then return given, judge end
  local boxes = {}
  for i, box in ipairs(judge:boxes(before:narrow(1, 1, o.samples), o.object)) do
    if box then
      box.sample = i
      boxes[#boxes + 1] = box
    end
  end
  if #boxes == 0 then native.fail('forget: the detector finds no %s in %d samples of %s', o.object, o.samples, run.path) end
  return boxes, judge
end

local function outline(pixels, boxes, columns, times, h, w)
  local canvas = require('gantry.gan.canvas').new(pixels)
  for i, box in ipairs(boxes) do
    local x, y = 2 + (i - 1) % columns * (w * times + 2), 2 + math.floor((i - 1) / columns) * (h * times + 2)
    local x0, y0, x1, y1 = x + box.x0 * w * times, y + box.y0 * h * times, x + box.x1 * w * times - 1, y + box.y1 * h * times - 1
    for _, line in ipairs {{x0, y0, x1, y0}, {x0, y1, x1, y1}, {x0, y0, x0, y1}, {x1, y0, x1, y1}} do
      canvas:line(line[1], line[2], line[3], line[4], {1, 0, 0})
    end
  end
  return canvas.pixels
end

local COLUMNS = 8

-- Samples with a box, before and after, one below the other; the boxes of the first that has several.
local function draw(r, object, boxes, before, dropped, random)
  local numbers, shown, seen = {}, {}, {}
  for _, box in ipairs(boxes) do
    if not seen[box.sample] and #numbers < 2 * COLUMNS then
      seen[box.sample] = true
      numbers[#numbers + 1], shown[#shown + 1] = box.sample, box
    end
  end
  local h, w, list = before:size(3), before:size(4), torch.LongTensor(numbers)
  local times = math.max(1, math.floor(128 / math.max(h, w)))
  local function rows(x) return sheet.make(x:index(1, list), {columns = COLUMNS, scale = times}) end
  local function colour(pixels) return pixels:size(1) == 1 and pixels:expand(3, pixels:size(2), pixels:size(3)):clone() or pixels end
  r:picture(board.make {
    {{('samples with a %s in its box'):format(object), outline(colour(rows(before)), shown, COLUMNS, times, h, w)}},
    {{('the same, maps of a %s dropped'):format(object), rows(dropped)}},
    {{'the same, as many random maps dropped', rows(random)}},
  }, nil, ('samples with a %s, and the same without its maps'):format(object))
end

local PAPER = 'judged by eye: windows mostly not drawn, or replaced with doors and mirrors'

local function shares(r, judge, object, found)
  for _, kind in ipairs(judge.kinds) do
    local own = kind == object
    local function share(list)
      local sum = 0
      for _, x in ipairs(list) do sum = sum + x end
      return statistics.wilson(sum, #list)
    end
    local function figure(what, s, more)
      r:figure(('samples with a %s, %s, %%'):format(kind, what), record.percent(s, more))
    end
    figure('before', share(found.before[kind]))
    figure(('maps of a %s dropped'):format(object), share(found.dropped[kind]), own
      and {paper = PAPER, expected = 'falls, and further than with random maps'} or {expected = 'stays nearly what it was'})
    local means, each = {}, {}
    for d, draw_found in ipairs(found.random) do
      means[d] = share(draw_found[kind]).share
      for i, x in ipairs(draw_found[kind]) do each[i] = (each[i] or 0) + x / #found.random end
    end
    local m = statistics.mean(means)
    figure(('as many random maps dropped, mean of %d draws'):format(#means),
      {share = m.mean, low = math.max(0, m.low), high = math.min(1, m.high), n = m.n})
    local d = statistics.paired(found.dropped[kind], each)
    r:figure(('samples with a %s: without maps of a %s less without random ones, points'):format(kind, object),
      record.percent(d, {expected = own and 'below 0' or 'above 0'}))
  end
end

--- The experiment of section 6.3.1.
-- @tparam Run run usually after run:reestimate()
-- @tparam[opt] table o out (a directory; default: RUN/lab), object ('window': what is forgotten), samples (150: to learn from), judged
-- (400: others, that are counted), boxes (a file of boxes drawn by hand; default: the detector's), detector (a file: read, or written
-- where there is none), steps (600: of its training), data (a spec with boxes; default: the run's), layer (-3: of G's convolutions; -1
-- makes the image), replace ('zero' or 'noise'), most (drop at most so many maps), draws (5: of random maps), seed (default: the run's, so
-- that samples have the numbers of `gantry sample --numbered`)
-- @treturn table the record
-- @usage gantry.lab.forget.run(gantry.open('runs/rooms'):reestimate())
function forget.run(run, o)
  o = o or {}
  if run.makes_pairs then native.fail('forget: %s turns images into images; there is no z to draw from', run.path) end
  local full = {
    object = o.object or 'window', samples = o.samples or 150, judged = o.judged or 400, layer = o.layer or -3,
    replace = o.replace or 'zero', draws = o.draws or 5, most = o.most, steps = o.steps or 600,
  }
  if full.replace ~= 'zero' and full.replace ~= 'noise' then
    native.fail("forget: replace is '%s', wanted 'zero' or 'noise'", tostring(full.replace))
  end
  local seed = o.seed or run.options.seed
  local r = record.new('forget', {out = o.out, seed = seed, run = run, data = o.data or run.state.data, about = full})
  local z, labels = run:z(full.samples + full.judged, seed), run:labels(full.samples + full.judged)
  local before = run:images(z, labels)
  local boxes, judge = look(run, before, {
    boxes = o.boxes, detector = o.detector, data = o.data, samples = full.samples, object = full.object, steps = full.steps, seed = seed,
  })

  local first = labels and labels:narrow(1, 1, 2)
  local layer = layers.pick(layers.of(run.G, first and {z:narrow(1, 1, 2), first} or z:narrow(1, 1, 2)), full.layer, 'forget')
  local features = forget.features(run, layer, z:narrow(1, 1, full.samples), labels)
  local model = logistic.sweep(forget.positions(features, boxes, seed))
  local maps = forget.maps(model, full.most)
  if #maps == 0 then native.fail 'forget: no map has a weight above 0' end
  local how = {replace = full.replace, means = forget.positive_means(features), seed = seed}
  local dropped = forget.images(run, layer, maps, z, labels, how)

  local generator, random = torch.Generator(seed), {}
  local function counted(images) return judge and judge:present(images:narrow(1, full.samples + 1, full.judged)) end
  local found = {before = counted(before), dropped = counted(dropped), random = {}}
  for d = 1, full.draws do
    local order, list = torch.randperm(generator, layer.channels), {}
    for k = 1, #maps do list[k] = order[k] end
    local images = forget.images(run, layer, list, z, labels, how)
    random[d], found.random[d] = d == 1 and images or nil, counted(images)
  end

  draw(r, full.object, boxes, before, dropped, random[1])
  folder.write(r.out .. '/forget-boxes.tsv', box_file.lines(boxes, before:size(3), before:size(4)))
  r:figure('boxes learned from', {value = #boxes, n = full.samples, paper = '52 in 150 samples'})
  r:figure(('positions told right by %s, cross-validated, %%'):format(layer.name), {value = 100 * model.accuracy})
  r:figure('C', {value = model.C})
  r:figure('maps dropped', {value = #maps, n = layer.channels, paper = '200'})
  if judge then
    for _, kind in ipairs(judge.kinds) do
      local a = judge.accuracy[kind]
      r:figure(('real pictures in which the detector is right about a %s, %%'):format(kind), record.percent(a))
    end
    shares(r, judge, full.object, found)
  end
  local by_sample = {}
  for _, box in ipairs(boxes) do by_sample[box.sample] = by_sample[box.sample] or box end
  for _, side in ipairs {{('maps of a %s'):format(full.object), dropped}, {'random maps', random[1]}} do
    local inside, outside = forget.changes(before, side[2], by_sample)
    for _, part in ipairs {{'in the boxes', inside}, {'elsewhere', outside}} do
      if #part[2] > 0 then
        local m = statistics.mean(part[2])
        r:figure(('change of pixels %s, %s dropped, %% of the range'):format(part[1], side[1]), record.percent(m))
      end
    end
  end
  return r:finish()
end

return forget
