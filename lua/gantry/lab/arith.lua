--- Vector arithmetic on z, counted: does smiling woman - neutral woman + neutral man give a smiling man? Section 6.3.2 and figure 7 of the
-- DCGAN paper, which shows it by eye for exemplars picked by hand. Here a judge picks them by rule and says what came out, over many
-- trials of which each has exemplars of its own; beside it the same arithmetic on pixels, and with one exemplar for each concept.
-- @module gantry.lab.arith
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local arithmetic = require 'gantry.gan.arithmetic'
local sheet = require 'gantry.gan.sheet'
local exemplars = require 'gantry.lab.exemplars'
local judges = require 'gantry.lab.judges'
local record = require 'gantry.lab.record'
local rules = require 'gantry.lab.rules'
local sorted = require 'gantry.lab.sorted'
local statistics = require 'gantry.lab.statistics'

local arith = {}

local SHOWN = 8  -- trials in the picture
local BASE = 512 -- samples that tell how often the target holds anyway, and what D says of samples

-- Sums of terms: with all exemplars and with the first alone.
local function add_up(sums, sign, x, trials, each)
  local sizes = x:size():totable()
  local groups = x:view(trials, each, unpack(sizes, 2))
  local row = {trials, unpack(sizes, 2)}
  for name, part in pairs {all = groups:mean(2), one = groups:narrow(2, 1, 1)} do
    part = part:contiguous():view(unpack(row)) * sign
    sums[name] = sums[name] and sums[name] + part or part
  end
end

--- Many trials of an arithmetic.
-- @tparam Run run
-- @tparam Features judge
-- @tparam table|string expression from rules.expression, or its text
-- @tparam[opt] table o trials (200), exemplars (3: for each concept), seed (the run's), sure (0.95), class
-- @treturn table expression; lists (numbers of samples by term), seen (samples looked at), base (how often the target holds among
-- samples); verdicts: lists of booleans by name, z and pixels (means of all exemplars), z_of_one and pixels_of_one (the first of each),
-- neighbours (8 of each z), means (by term: whether the mean z gives what its exemplars are); images: by the same names, and means
-- @usage local found = arith.trials(run, judge, 'smile=1,gender=female - smile=0,gender=female + smile=0,gender=male', {trials = 50})
function arith.trials(run, judge, expression, o)
  o = o or {}
  if run.makes_pairs then native.fail('arith: %s turns images into images; there is no z to add', run.path) end
  if run.classes and not o.class then native.fail('arith: %s has %d classes; say of which one with --class', run.path, run.classes) end
  local e = type(expression) == 'string' and rules.expression(expression) or expression
  local trials, each = o.trials or 200, o.exemplars or 3
  local wanted = {}
  for k, term in ipairs(e.terms) do wanted[k] = {conditions = term.conditions, name = term.name, want = trials * each} end
  rules.check(judge, e.target.conditions)
  local lists, seen = exemplars.find(run, judge, wanted, o)
  local function judged(images, conditions) return judges.verdicts(judge, images, conditions or e.target.conditions) end

  local z, pixels, means, mean_images = {}, {}, {}, {}
  for k, term in ipairs(e.terms) do
    local of_term = run:z(lists[k], o.seed)
    add_up(z, term.sign, of_term, trials, each)
    add_up(pixels, term.sign, run:images(of_term, o.class), trials, each)
    mean_images[k] = run:images(of_term:view(trials, each, -1):mean(2):view(trials, -1), o.class)
    means[k] = judged(mean_images[k], term.conditions)
  end
  local around = {}
  for i = 1, trials do
    local nine = arithmetic.neighbours(z.all:narrow(1, i, 1))
    around[2 * i - 1], around[2 * i] = nine:narrow(1, 1, 4), nine:narrow(1, 6, 4)
  end
  local images = {
    z = run:images(z.all, o.class), z_of_one = run:images(z.one, o.class), means = mean_images,
    pixels = pixels.all:clamp(-1, 1), pixels_of_one = pixels.one:clamp(-1, 1),
  }
  local verdicts = {means = means, neighbours = judged(run:images(torch.cat(around, 1), o.class))}
  for _, name in ipairs {'z', 'z_of_one', 'pixels', 'pixels_of_one'} do verdicts[name] = judged(images[name]) end
  local base = judged(run:images(run:z(BASE, o.seed), o.class))
  return {expression = e, lists = lists, seen = seen, base = base, verdicts = verdicts, images = images}
end

local function share(list, paper)
  return record.percent(statistics.wilson(judges.count(list), #list), {paper = paper})
end

local function numbers(list)
  local n = {}
  for i, x in ipairs(list) do n[i] = x and 1 or 0 end
  return n
end

local function difference(a, b)
  return record.percent(statistics.paired(numbers(a), numbers(b)))
end

-- What is seen in the picture of trials: the concepts' means, then the results with the judge's verdicts.
local function trials_picture(found, shown)
  local columns, words = {}, {}
  local results = {'z', 'z_of_one', 'pixels'}
  for i = 1, shown do
    for _, images in ipairs(found.images.means) do
      columns[#columns + 1], words[#words + 1] = images:narrow(1, i, 1), ''
    end
    for _, name in ipairs(results) do
      columns[#columns + 1] = found.images[name]:narrow(1, i, 1)
      words[#words + 1] = found.verdicts[name][i] and 'yes' or 'no'
    end
  end
  return sheet.make(torch.cat(columns, 1), {columns = #found.expression.terms + #results, labels = words})
end

-- How many of the results D holds for no less real than all but the least real twentieth of samples, and how many of those succeed.
local function plausible(r, run, found, o)
  local function scores(images) return sorted.scores(run, images, run:labels(images:size(1), o.class)) end
  local of_samples = scores(run:images(run:z(BASE, o.seed), o.class))
  table.sort(of_samples)
  local bound = of_samples[math.floor(#of_samples / 20) + 1]
  for _, pair in ipairs {{'z', 'with z'}, {'z_of_one', 'with z of one exemplar each'}, {'pixels', 'with pixels'}} do
    local real, both = {}, {}
    for i, x in ipairs(scores(found.images[pair[1]])) do
      real[i] = x >= bound
      both[i] = real[i] and found.verdicts[pair[1]][i]
    end
    local name = ('%s, %s: '):format(found.expression.target.name, pair[2])
    r:figure(name .. 'D scores it as 95% of samples or higher, %', share(real))
    r:figure(name .. 'both this and success, %', share(both))
  end
end

-- One expression's figures and pictures.
local function tell(r, run, found, o, suffix)
  local target, v = found.expression.target.name, found.verdicts
  r:figure(target .. ', with z: success, %', share(v.z, 'seen in the examples shown'))
  r:figure(target .. ', with z of one exemplar each: success, %', share(v.z_of_one))
  r:figure(target .. ', with pixels: success, %', share(v.pixels))
  r:figure(target .. ', with pixels of one exemplar each: success, %', share(v.pixels_of_one))
  r:figure(target .. ': all exemplars less one, points', difference(v.z, v.z_of_one))
  r:figure(target .. ': z less pixels, points', difference(v.z, v.pixels))
  r:figure(target .. ', 8 neighbours of each z: success, %', share(v.neighbours))
  r:figure(target .. ' among samples, %', share(found.base))
  for k, term in ipairs(found.expression.terms) do r:figure('mean z is ' .. term.name .. ', %', share(v.means[k])) end
  if run.checkpoint.networks.D then plausible(r, run, found, o) end
  local terms = {}
  for k, term in ipairs(found.expression.terms) do
    terms[k] = {sign = term.sign, numbers = {unpack(found.lists[k], 1, o.exemplars or 3)}}
  end
  r:picture(arithmetic.picture(run, terms, o), suffix, found.expression.text .. ': the first trial')
  local shown = math.min(SHOWN, #v.z)
  r:picture(trials_picture(found, shown), suffix and suffix .. '-trials' or 'trials',
    ('%d trials: means of the concepts; results with z, with z of one exemplar each, with pixels; yes: %s'):format(shown, target))
end

--- The experiment: what the judge knows of real images, then for each arithmetic its trials; OUT/arith.png, OUT/arith-trials.png (then
-- arith-2.png ...) and OUT/arith.json.
-- @tparam Run run
-- @tparam Features judge
-- @tparam {string,...} expressions
-- @tparam table o out (directory); as for `trials`; second (another judge: how often the two agree about samples)
-- @treturn table the record
function arith.experiment(run, judge, expressions, o)
  local r = record.new('arith', {out = o.out, seed = o.seed or run.options.seed, run = run, about = {
    judge = judge.name, judge_hash = judge.hash, judged_on = judge.about.data, trials = o.trials or 200, exemplars = o.exemplars or 3,
    sure = o.sure or 0.95, rules = expressions,
  }})
  judges.tell(r, judge)
  if o.second then judges.tell_agreement(r, judge, o.second, run:images(run:z(BASE, o.seed), o.class)) end
  for k, text in ipairs(expressions) do
    tell(r, run, arith.trials(run, judge, text, o), o, k > 1 and tostring(k) or nil)
  end
  return r:finish()
end

return arith
