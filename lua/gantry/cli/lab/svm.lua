--- gantry lab svm RUN: how well a linear classifier tells classes by what a discriminator learned, and what stands beside it.
-- @module gantry.cli.lab.svm
local argparse = require 'argparse'
local cli = require 'gantry.cli'
local look = require 'gantry.cli.look'
local show = require 'gantry.cli.show'
local network = require 'gantry.cli.lab.network'

local COMMAND = 'lab svm'
local baselines = {'pixels', 'nearest', 'random', 'kmeans', 'supervised'}

-- What the paper reports of CIFAR-10: features of a discriminator trained on ImageNet; its baseline of one layer.
local of_paper = {
  D = {'CIFAR-10, a discriminator trained on ImageNet: 82.8', 'CIFAR-10, 400 labels of each class: 73.8 +- 0.4'},
  kmeans = {'CIFAR-10: 80.6', 'CIFAR-10, 400 labels of each class: 63.7 +- 0.7'},
}

local function parser()
  local p = argparse('gantry lab svm', 'Trains a linear L2-SVM on features of a labelled set and tests it on another (DCGAN paper, ' ..
    'sections 5.1 and 5.2). C is chosen on images of the training set that are held out for it.')
    :epilog('Writes svm.png, svm-confusion.png and svm.json. C is LIBLINEAR\'s: it multiplies the sum of the losses.\n\nExamples:\n' ..
      '   gantry lab svm runs/cifar --data cifar/train --test cifar/test --baseline pixels --baseline random\n' ..
      '   gantry lab svm runs/cifar --data cifar/train --test cifar/test --per-class 400 --draws 10')
  p:argument('run', 'directory of the run'):argname 'RUN'
  p:option('--data', 'the labelled training images'):argname 'SPEC'
  p:option('--test', 'the labelled test images'):argname 'SPEC'
  look.record(p)
  p:option('--per-class', 'also: so many labels of each class, drawn again and again'):argname 'N'
  p:option('--draws', 'of few labels', '10'):argname 'N'
  p:option('--choosing', 'draws of few labels that choose C for them', '3'):argname 'N'
  p:option('--baseline', 'what to measure beside it: pixels, nearest (image, in pixels), random (the same network, untrained), kmeans, ' ..
    'supervised (the same shape); several times'):argname('NAME'):count '*'
  p:flag('--only-baselines', "leave the run's own features out")
  p:option('--loss', 'squared_hinge, the paper\'s, or hinge', 'squared_hinge'):argname 'NAME'
  p:option('--tolerance', "when a class is done: LIBLINEAR's", '0.1'):argname 'T'
  p:option('--values', "of C to choose from, ascending (default: the authors', 1e-4 to 1e-2)"):argname 'C,C,...'
  p:option('--standard', 'features whose columns get mean 0 and deviation 1: D, pixels, random, kmeans; several times (default: kmeans)')
    :argname('NAME'):count '*'
  p:option('--validation', 'images of each class that choose C (default: a tenth)'):argname 'N'
  p:option('--centroids', "K-means's; features are four times as many", '800'):argname 'N'
  p:option('--steps', 'of the supervised network, for each of 8 settings', '1000'):argname 'N'
  p:option('--seed', 'of draws, orders and weights', '1'):argname 'N'
  p:flag('--keep', 'keep the files of features')
  network.options(p)
  return p
end

local function set_of(list)
  local set = {}
  for _, name in ipairs(list) do set[name] = true end
  return set
end

-- A line on standard output for each stage that is over.
local function progress(name)
  return function(stage, a, b)
    if stage == 'training set' or stage == 'test set' then
      if a == b then io.stdout:write(('%s: %s, %d images\n'):format(name, stage, b)) end
    elseif stage == 'C' then
      io.stdout:write(('%s: C %g: %.2f%% of the validation images\n'):format(name, a, b))
    else
      io.stdout:write(('%s: %s%s: %.2f%%\n'):format(name, stage, a > 0 and (' %d'):format(a) or '', b))
    end
  end
end

local function percent(s)
  return {share = s.share or s.mean, low = s.low, high = s.high}
end

local function report(r, task, results)
  local record = require 'gantry.lab.record'
  local rows = {}
  for _, one in ipairs(results) do
    local paper = of_paper[one.key] or {}
    local how = one.C and ('C %g'):format(one.C) or one.setting and
      ('lr %g, dropout %g, decay %g'):format(one.setting.lr, one.setting.dropout, one.setting.weight_decay) or 'no setting'
    local label = ('%s%s'):format(one.name, one.numbers and (', %d numbers'):format(one.numbers) or '')
    local all = one.all
    r:figure(('%s, all %d labels, %s: right, %%'):format(label, task.train.size, how), record.percent(all, {paper = paper[1]}))
    if one.few then
      local few = one.few
      r:figure(('%s, %d labels of each class%s: right, %%'):format(label, task.per_class, few.C and (', C %g'):format(few.C) or ''),
        record.percent(few, {paper = paper[2]}))
      if few.n > 1 then
        local name = ('%s, %d labels of each class: 1.96 deviations of a draw, %%'):format(label, task.per_class)
        r:figure(name, {value = 196 * few.deviation})
      end
    end
    rows[#rows + 1] = {one.name, percent(all), one.few and percent(one.few) or false}
  end
  local tally = require 'gantry.lab.tally'
  local series = {'all labels'}
  if task.per_class then series[2] = ('%d labels of each class'):format(task.per_class) end
  r:picture(tally.bars(rows, series, 1 / #task.classes), nil, 'images of the test set whose class was told, per cent; dotted: by chance')
  r:picture(tally.confusion(results[1].confusion, task.classes), 'confusion',
    ('%s: rows the true class, columns what it was taken for, per cent'):format(results[1].name))
end

-- What each kind of features is made by: name in the table, extractor or measured result.
local function measure(kind, run, task, how, given, folder, standard)
  local classify, features = require 'gantry.lab.classify', require 'gantry.lab.features'
  local o = {folder = folder .. '/svm-' .. kind, keep = given.keep, standard = standard[kind]}
  if kind == 'nearest' then return classify.nearest(task) end
  if kind == 'supervised' then
    features.want_untold(run, task.train)
    return classify.supervised(task, run.D, {steps = given.steps, progress = progress(kind)})
  end
  local name, extractor = kind
  if kind == 'D' then
    name, extractor = 'discriminator', features.extractor(run, task.train, how)
  elseif kind == 'pixels' then
    extractor = classify.pixels(task.train)
  elseif kind == 'random' then
    local begun = setmetatable({D = require('gantry.gan.network').untrained(run.D, task.seed)}, {__index = run})
    name, extractor = 'untrained', features.extractor(begun, task.train, how)
  else
    name, extractor = 'k-means', require('gantry.lab.kmeans').learn(task.train, {centroids = given.centroids, seed = task.seed})
  end
  require('gantry.gan.folder').make(o.folder)
  o.progress = progress(name)
  local result = classify.features(task, name, extractor, o)
  if not given.keep then os.remove(o.folder) end
  return result
end

-- The values of C as typed: '1e-4,1e-3'.
local function values_of(text)
  if not text then return nil end
  local values = {}
  for piece in (text .. ','):gmatch '([^,]*),' do
    local value = show.number(COMMAND, '--values', piece)
    if value <= (values[#values] or 0) then cli.usage('%s: --values is %s, wanted numbers above 0, ascending', COMMAND, text) end
    values[#values + 1] = value
  end
  return values
end

local function checked(given)
  local names = set_of(baselines)
  for _, name in ipairs(given.baseline) do
    if not names[name] then cli.usage('%s: --baseline is %s, wanted %s', COMMAND, name, table.concat(baselines, ', ')) end
  end
  for _, name in ipairs(given.standard) do
    if name ~= 'D' and name ~= 'none' and not names[name] then
      cli.usage('%s: --standard is %s, wanted D, pixels, random, kmeans or none', COMMAND, name)
    end
  end
  if not given.data or not given.test then cli.usage('%s: --data SPEC and --test SPEC are wanted: labelled images', COMMAND) end
  if given.only_baselines and #given.baseline == 0 then cli.usage('%s: --only-baselines without --baseline leaves nothing', COMMAND) end
  if given.loss ~= 'squared_hinge' and given.loss ~= 'hinge' then
    cli.usage('%s: --loss is %s, wanted squared_hinge or hinge', COMMAND, given.loss)
  end
  given.centroids = show.whole(COMMAND, '--centroids', given.centroids, 2, 65536)
  given.steps = show.whole(COMMAND, '--steps', given.steps, 1, 1e7)
  return {
    seed = show.whole(COMMAND, '--seed', given.seed, 0, 2 ^ 31), draws = show.whole(COMMAND, '--draws', given.draws, 1, 1000),
    per_class = given.per_class and show.whole(COMMAND, '--per-class', given.per_class, 1, 1e6), loss = given.loss,
    validation = given.validation and show.whole(COMMAND, '--validation', given.validation, 1, 1e6),
    tolerance = show.number(COMMAND, '--tolerance', given.tolerance),
    choosing = show.whole(COMMAND, '--choosing', given.choosing, 1, 1000), values = values_of(given.values),
  }
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  local o = checked(given)
  local run, how = network.open(COMMAND, given)
  local open = require('gantry.lab.pictures').open
  local task = require('gantry.lab.classify').task(open(run, given.data, COMMAND), open(run, given.test, COMMAND), o)
  local r = require('gantry.lab.record').new('svm', {
    out = given.out, run = run, seed = task.seed, data = given.data,
    about = {
      test = given.test, loss = o.loss, tolerance = o.tolerance, validation = task.validation, pool = how.pool, windows = how.windows,
      values = o.values, standard = given.standard, centroids = given.centroids, steps = given.steps,
    },
  })
  local kinds = given.only_baselines and {} or {'D'}
  for _, name in ipairs(given.baseline) do kinds[#kinds + 1] = name end
  local standard = set_of(#given.standard > 0 and given.standard or {'kmeans'})
  local results = {}
  for k, kind in ipairs(kinds) do
    results[k] = measure(kind, run, task, how, given, r.out, standard)
    results[k].key = kind
  end
  report(r, task, results)
  r:finish()
  return 0
end
