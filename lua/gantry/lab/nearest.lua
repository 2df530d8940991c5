--- Does a generator repeat what it was trained on? The training images nearest to generated ones, by pixels and by features, and how near
-- they are beside how near images are that the generator never saw. A check that the DCGAN paper leaves out, for a reason that is
-- printed with every result.
-- @module gantry.lab.nearest
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local samples = require 'gantry.gan.samples'
local sheet = require 'gantry.gan.sheet'
local codes = require 'gantry.lab.codes'
local dedup = require 'gantry.lab.dedup'
local hidden = require 'gantry.lab.hidden'
local neighbours = require 'gantry.lab.neighbours'
local pictures = require 'gantry.lab.pictures'
local record = require 'gantry.lab.record'
local statistics = require 'gantry.lab.statistics'

local nearest = {}

local SHOWN, NEIGHBOURS = 10, 3
local FEWEST = 20  -- images of which 5% are one
local AROUND = 50  -- training images whose mean distance says what is near, for each image
local CLOSE = 0.05 -- the part of held-out images that count as copies
local TIMES = 3    -- as large a part of the generated ones is too much
local PART = 512   -- training images that are looked at together

--- What is said beside every result.
nearest.warning = 'Nearest neighbours are trivially fooled by small image transforms (Radford et al. 2015): a copy that is moved by a ' ..
  'pixel is far away by pixels. A generator that is flagged repeats; one that is not may still.'

-- ---- spaces ---------------------------------------------------------------------------------------------------------------------------

-- Where distances are measured: name, metric, and rows of images.
local function spaces_of(run, net)
  local list = {
    {name = 'L1', metric = 'l1', rows = pictures.rows}, {name = 'L2', metric = 'l2', rows = pictures.rows},
  }
  if run.checkpoint.networks.D then
    list[3] = {name = "D's features", metric = 'l2', rows = function(x, labels) return hidden(run, x, labels) end}
  end
  if net then
    list[#list + 1] = {name = 'features of ' .. net.name, metric = 'l2', rows = function(x) return net:of(x):float() end}
  end
  return list
end

-- Of each image the distance to its nearest training image, and the same over the mean distance to those around it: what is blurred is
-- near to many images, a copy to one.
local function listed(distances)
  local nearest_of, relative, mean = {}, {}, distances:mean(2)
  for i = 1, distances:size(1) do
    nearest_of[i] = distances[i][1]
    relative[i] = distances[i][1] / math.max(mean[i][1], 1e-12)
  end
  return nearest_of, relative
end

-- ---- the verdict ----------------------------------------------------------------------------------------------------------------------

-- The number below which a part of a list lies.
local function close_of(list)
  local sorted = {unpack(list)}
  table.sort(sorted)
  return sorted[math.max(1, math.floor(CLOSE * #sorted + 0.5))]
end

local function count_within(list, limit)
  local count = 0
  for _, x in ipairs(list) do
    if x <= limit then count = count + 1 end
  end
  return count
end

-- Images moved by one pixel: right, left, down and up, a quarter of them each.
local function moved(images)
  local copies, n = torch.FloatTensor(images:size()), images:size(1)
  for k, move in ipairs {{1, 0}, {-1, 0}, {0, 1}, {0, -1}} do
    local from, to = math.floor((k - 1) * n / 4), math.floor(k * n / 4)
    copies:narrow(1, from + 1, to - from):copy(dedup.moved(images:narrow(1, from + 1, to - from), move[1], move[2]))
  end
  return copies
end

-- ---- the picture ----------------------------------------------------------------------------------------------------------------------

local function picture(generated, train, spaces, found)
  local c, h, w = train.channels, train.height, train.width
  local rows = math.min(SHOWN, generated:size(1))
  local columns = 1 + NEIGHBOURS * #spaces
  local all, labels = torch.FloatTensor(rows, columns, c, h, w):zero(), {'sample'}
  for i = 1, rows do
    all[i][1]:copy(generated[i])
    for s = 1, #spaces do
      for k = 1, math.min(NEIGHBOURS, found[s]:size(2)) do
        local column = 1 + (s - 1) * NEIGHBOURS + k
        all[i][column]:copy(train:get(tonumber(found[s][i][k])))
        labels[column] = k == 1 and 'by ' .. spaces[s].name:match '^%w+' or tostring(k)
      end
    end
  end
  return sheet.make(all:view(rows * columns, c, h, w), {columns = columns, labels = labels})
end

-- ---- the experiment -------------------------------------------------------------------------------------------------------------------

local function read(run, set, numbers)
  return {images = set:batch(numbers), labels = run.classes and torch.LongTensor(pictures.labels(set, numbers)) or nil}
end

local function generate(run, n, seed)
  local labels = run.classes and samples.labels(n, run.classes) or nil
  return {images = run:images(run:z(n, seed), labels), labels = labels}
end

-- Shows every training image, part by part, to a search in each space for each set of queries; collects their codes where a network for
-- those is given.
local function search(run, set, spaces, queries, net, progress)
  local searches, known = {}, {}
  for s, space in ipairs(spaces) do
    searches[s] = {}
    for what, q in pairs(queries) do
      searches[s][what] = neighbours.new(space.rows(q.images, q.labels), {k = math.min(AROUND, set:size()), metric = space.metric})
    end
  end
  for from = 1, set:size(), PART do
    local numbers = {}
    for i = from, math.min(from + PART - 1, set:size()) do numbers[#numbers + 1] = i end
    local part = read(run, set, numbers)
    for s, space in ipairs(spaces) do
      local rows = space.rows(part.images, part.labels)
      for _, one in pairs(searches[s]) do one:add(rows) end
    end
    for _, code in ipairs(net and net:codes(part.images) or {}) do known[#known + 1] = code end
    if progress then progress(math.min(from + PART - 1, set:size()), set:size()) end
  end
  return searches, known
end

local function collisions(r, net, radius, known, queries)
  local index = codes.index(known, radius)
  for _, what in ipairs {'generated', 'held-out'} do
    if queries[what] then
      local count, list = 0, net:codes(queries[what].images)
      for _, code in ipairs(list) do
        if index:has(code) then count = count + 1 end
      end
      local w = statistics.wilson(count, #list)
      r:figure(('%s images with the code of a training image (%s), %%'):format(what, radius == 0 and 'equal' or 'within ' .. radius),
        record.percent(w))
    end
  end
end

-- Images that are no better than held out: those which the run was trained on.
local function check_held_out(r, found, test)
  local seen, n = count_within(listed((found:result())), 0), found.queries:size(1)
  if seen > n / 2 then
    native.fail('nearest: %d of %d images of %s are training images; wanted some that the run never saw', seen, n, test)
  end
  if seen > 0 then r:figure('held-out images that are training images, %', record.percent(statistics.wilson(seen, n))) end
end

-- Figures of one space. Returns whether too many generated images are like copies.
local function figures(r, name, found, seed)
  local generated, relative = listed((found.generated:result()))
  local held_out, held_out_relative = listed((found['held-out']:result()))
  local function add(what, list)
    local ratio = statistics.ratio(list, held_out, {seed = seed})
    r:figure(('%s, %s'):format(what, name), record.number(ratio, {n = #list}))
  end
  add('distance to the nearest training image, generated over held-out', generated)
  add('the same, of training images moved by one pixel', (listed((found.moved:result()))))
  local w = statistics.wilson(count_within(relative, close_of(held_out_relative)), #relative)
  r:figure(('generated images that are like copies, as 5%% of held-out ones are, %s, %%'):format(name),
    record.percent(w, {expected = 'about 5 where nothing is repeated'}))
  return w.low > TIMES * CLOSE
end

--- Looks for training images that a run's generator repeats.
--
-- In each space (L1 and L2 of pixels, the last hidden layer of D where there is one, and a feature net's features where one is given) the
-- mean distance from generated images to the nearest training image is divided by that from held-out images: about 1 for a generator
-- that draws new images, towards 0 for one that repeats. Blurred images make it smaller too. So the distance to the nearest is also
-- divided by the mean of those to the 50 nearest, image by image (Carlini et al. 2023, arXiv 2301.13188, section 5.1): only a copy is much
-- nearer to one training image than to the others. A generator is flagged where more than 15% of its images, by the lower end of the
-- interval, are below what 5% of the held-out images are below, in L1 or L2.
-- @tparam Run run usually after run:reestimate()
-- @tparam table o test (spec of pictures like those trained on, which the run never saw), n (500: generated, and held-out images, evenly
-- from all of them), net (a feature net of gantry.metrics.features), dedup (a network of gantry.lab.dedup: collisions of codes), radius
-- (0: bits in which codes may differ), seed (the run's), out (directory; default: RUN/lab), progress (called with how many training
-- images were looked at, and of how many)
-- @treturn table the record
-- @treturn boolean whether the generator is flagged as memorising; nil without test
-- @usage lab.nearest.run(gantry.open('runs/digits'):reestimate(), {test = 'mnist:DIR@6001..8000'})
function nearest.run(run, o)
  local seed, n = o.seed or run.options.seed, o.n or 500
  if type(n) ~= 'number' or n % 1 ~= 0 or n < FEWEST then
    native.fail('nearest: n is %s, wanted a whole number from %d', tostring(n), FEWEST)
  end
  if run.makes_pairs then native.fail('nearest: %s turns images into images', run.path) end
  local set, spec = pictures.open(run, o.data, 'nearest')
  local r = record.new('nearest', {out = o.out, seed = seed, run = run, data = spec, about = {test = o.test, n = n}})
  local queries = {generated = generate(run, o.test and n or SHOWN, seed)}
  if o.test then
    local test_set = pictures.open(run, o.test, 'nearest')
    if test_set:size() < FEWEST then
      native.fail('nearest: %s has %d images, wanted at least %d', o.test, test_set:size(), FEWEST)
    end
    queries['held-out'] = read(run, test_set, pictures.evenly(test_set:size(), n))
    queries.moved = read(run, set, pictures.evenly(set:size(), n))
    queries.moved.images = moved(queries.moved.images)
  end
  local spaces, numbers, flagged = spaces_of(run, o.net), {}, nil
  local searches, known = search(run, set, spaces, queries, o.dedup, o.progress)
  if o.test then check_held_out(r, searches[1]['held-out'], o.test) end
  for s, space in ipairs(spaces) do
    numbers[s] = select(2, searches[s].generated:result())
    if o.test then
      local repeats = figures(r, space.name, searches[s], seed)
      if space.rows == pictures.rows then flagged = flagged or repeats end
    end
  end
  if o.dedup then collisions(r, o.dedup, o.radius or 0, known, queries) end
  if o.test then r:figure('flagged as memorising (1: yes)', {value = flagged and 1 or 0}) end
  r:picture(picture(queries.generated.images, set, spaces, numbers), nil,
    'a sample, and the three training images nearest to it in each space')
  io.stdout:write(nearest.warning, '\n')
  return r:finish(), flagged
end

return nearest
