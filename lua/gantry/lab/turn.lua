--- The turn vector: section 6.3.2 and figure 8 of the DCGAN paper. The mean z of four faces that look left and of four that look right
-- span a vector along which random samples turn. Here a judge picks the faces by rule and says how far each image is turned, so that the
-- rank correlation of the two can be told; beside it the same along random vectors of the same length.
-- @module gantry.lab.turn
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local sheet = require 'gantry.gan.sheet'
local exemplars = require 'gantry.lab.exemplars'
local judges = require 'gantry.lab.judges'
local record = require 'gantry.lab.record'
local rules = require 'gantry.lab.rules'
local statistics = require 'gantry.lab.statistics'

local turn = {}

local EACH = 4 -- faces for each end: the paper's

-- z of samples moved along a vector: z + t v, t from -1 to 1; samples x positions rows.
local function moved(z, v, positions)
  local n, size = z:size(1), z:size(2)
  local all = torch.FloatTensor(n, positions, size)
  for p = 1, positions do
    local t = 2 * (p - 1) / (positions - 1) - 1
    all:select(2, p):copy(z + (v * t):view(1, size):expandAs(z))
  end
  return all:view(n * positions, size)
end

-- What a judge told of an attribute, one number for each image: the number, or the probability of a value (else of the last one).
local function measured(told, wanted)
  if told.numbers then return told.numbers:totable() end
  local column = #told.values
  for v, value in ipairs(told.values) do column = value == wanted and v or column end
  return told.probabilities:select(2, column):totable()
end

-- How much it rises from the first to the last position, mean over samples.
local function rise(list, positions)
  local sum, count = 0, #list / positions
  for i = 1, count do sum = sum + (list[i * positions] - list[(i - 1) * positions + 1]) / count end
  return sum
end

-- The rank correlation of each sample's judged turn with its position.
local function correlations(list, positions)
  local places, found = {}, {}
  for p = 1, positions do places[p] = p end
  for first = 1, #list, positions do
    found[#found + 1] = statistics.rank_correlation(places, {unpack(list, first, first + positions - 1)})
  end
  return found
end

-- What happens to samples along one vector.
local function follow(run, judge, z, v, condition, positions, class)
  local images = run:images(moved(z, v, positions), class)
  local told, rises = judge:attributes(images), {}
  local list = measured(told[condition.name], condition.value)
  for name, what in pairs(told) do rises[name] = rise(name == condition.name and list or measured(what), positions) end
  return {images = images, correlations = correlations(list, positions), rises = rises}
end

--- Turns samples along many vectors.
-- @tparam Run run
-- @tparam Features judge
-- @tparam[opt] table o from and to (rules of the two ends: 'turn<-0.4', 'turn>0.4'; the first condition of `to` is what is measured),
-- vectors (20: each of 8 faces of its own), samples (10: turned along each vector), positions (9), seed (the run's), sure (0.95), class
-- @treturn table vectors (vectors x z_size); along, random: for each vector the mean rank correlation over its samples, along it and along
-- a random vector of its length; change, change_random: how much the measure rises from end to end; others: how much each other attribute
-- does along it, by name; single (rank correlation of each sample); images (of the first vector: samples * positions); measure; seen
-- (samples looked at)
-- @usage local found = turn.along(run, features.load 'judge.safetensors', {vectors = 5})
function turn.along(run, judge, o)
  o = o or {}
  if run.makes_pairs then native.fail('turn: %s turns images into images; there is no z to move', run.path) end
  if run.classes and not o.class then native.fail('turn: %s has %d classes; say of which one with --class', run.path, run.classes) end
  local vectors, count, positions = o.vectors or 20, o.samples or 10, o.positions or 9
  local ends = {}
  for k, text in ipairs {o.from or 'turn<-0.4', o.to or 'turn>0.4'} do
    ends[k] = {conditions = rules.parse(text), name = text, want = vectors * EACH}
  end
  local condition = ends[2].conditions[1]
  local lists, seen = exemplars.find(run, judge, ends, o)
  local function means(k)
    return run:z(lists[k], o.seed):view(vectors, EACH, -1):mean(2):view(vectors, -1)
  end
  local v = means(2) - means(1)
  local others = {} -- samples that no face was picked from
  for i = 1, vectors * count do others[i] = seen + i end
  local z = run:z(others, o.seed)
  local generator = torch.Generator((o.seed or run.options.seed) + 1)
  local found = {vectors = v, measure = condition.name, seen = seen, along = {}, random = {}, change = {}, change_random = {}, single = {},
    others = {}}
  for k = 1, vectors do
    local mine = z:narrow(1, (k - 1) * count + 1, count)
    local here = follow(run, judge, mine, v[k], condition, positions, o.class)
    found.along[k], found.change[k] = statistics.mean(here.correlations).mean, here.rises[condition.name]
    for _, x in ipairs(here.correlations) do found.single[#found.single + 1] = x end
    for name, x in pairs(here.rises) do
      if name ~= condition.name then
        found.others[name] = found.others[name] or {}
        found.others[name][k] = x
      end
    end
    if k == 1 then found.images = here.images end
    local direction = torch.FloatTensor(v:size(2)):normal(generator, 0, 1)
    local elsewhere = follow(run, judge, mine, direction:mul(v[k]:norm() / direction:norm()), condition, positions, o.class)
    found.random[k], found.change_random[k] = statistics.mean(elsewhere.correlations).mean, elsewhere.rises[condition.name]
  end
  return found
end

local function over_vectors(list, paper)
  local m = statistics.mean(list)
  return record.number(m, {paper = paper})
end

local function share_above(list, bound)
  local n = 0
  for _, x in ipairs(list) do n = n + (x > bound and 1 or 0) end
  return record.percent(statistics.wilson(n, #list))
end

--- The experiment: OUT/turn.png and OUT/turn.json.
-- @tparam Run run
-- @tparam Features judge
-- @tparam table o out (directory); as for `along`
-- @treturn table the record
function turn.experiment(run, judge, o)
  local r = record.new('turn', {out = o.out, seed = o.seed or run.options.seed, run = run, about = {
    judge = judge.name, judge_hash = judge.hash, judged_on = judge.about.data, from = o.from or 'turn<-0.4', to = o.to or 'turn>0.4',
    samples = o.samples or 10, positions = o.positions or 9,
  }})
  local found = turn.along(run, judge, o)
  judges.tell(r, judge)
  r:figure(('rank correlation of the position with %s, mean over vectors'):format(found.measure), over_vectors(found.along,
    found.measure == 'turn' and 'samples turn, by eye' or nil))
  r:figure('rank correlation along random vectors of the same length', over_vectors(found.random))
  r:figure(('%s rises from end to end by'):format(found.measure), over_vectors(found.change))
  r:figure(('%s rises along random vectors by'):format(found.measure), over_vectors(found.change_random))
  for _, a in ipairs(judge.about.attributes) do -- in the judge's order
    local rises = found.others[a.name]
    local name = a.values and a.name .. '=' .. a.values[#a.values] or a.name
    if rises then r:figure(('along it %s rises by'):format(name), over_vectors(rises)) end
  end
  r:figure('samples whose rank correlation is above 0.9, %', share_above(found.single, 0.9))
  local positions = o.positions or 9
  r:picture(sheet.make(found.images, {columns = positions}), nil,
    'samples moved along the first vector, from minus the whole of it to plus')
  return r:finish()
end

return turn
