--- How well classes can be told by features: the experiment of Radford et al. 2015, sections 5.1 (CIFAR-10) and 5.2 (SVHN, 1,000 labels),
-- for the features of a network and for what stands beside them: raw pixels, the same network before it learned anything, K-means,
-- the nearest training image, and a supervised network of the same shape.
-- @module gantry.lab.classify
local native = require 'gantry.native'
local arrays = require 'gantry.data.arrays'
local torch = require 'gantry.torch'
local features = require 'gantry.lab.features'
local neighbours = require 'gantry.lab.neighbours'
local protocol = require 'gantry.lab.protocol'
local statistics = require 'gantry.lab.statistics'
local svm = require 'gantry.lab.svm'

local classify = {}

local NAMED = 4 -- classes that a message names

-- ---- the task -------------------------------------------------------------------------------------------------------------------

-- The classes of a set, in a message.
local function classes_of(source)
  local names = source.classes
  return ('%d (%s%s)'):format(#names, table.concat(names, ', ', 1, math.min(#names, NAMED)), #names > NAMED and ' ...' or '')
end

--- Makes a task of two labelled sets: which images choose C and settings is drawn once, for all that is compared.
-- @param train a data set, or a source of gantry.lab.features
-- @param test another, of the same classes
-- @tparam[opt] table o seed (1), validation (per class; default: a tenth of the smallest class), per_class (few labels; nil: not asked),
-- draws (10), choosing (3: draws that choose C for them), loss, tolerance, values (of C)
-- @treturn table train, test (sources), labels, test_labels, classes, judge and rest (LongTensors: rows of train), and the options
function classify.task(train, test, o)
  o = o or {}
  train, test = features.source(train), features.source(test)
  local task = {
    train = train, test = test, labels = features.labels(train), test_labels = features.labels(test), classes = train.classes,
    seed = o.seed or 1, per_class = o.per_class, draws = o.draws or 10, choosing = o.choosing, loss = o.loss, tolerance = o.tolerance,
    values = o.values,
  }
  for name, labels in pairs {training = task.labels or false, test = task.test_labels or false} do
    if not labels then native.fail('svm: not all images of the %s set have a class', name) end
  end
  if table.concat(train.classes, '\n') ~= table.concat(test.classes, '\n') then
    native.fail('svm: the classes of the two sets are not the same: %s, and %s', classes_of(train), classes_of(test))
  end
  local least = math.huge
  for class = 1, #train.classes do least = math.min(least, task.labels:eq(class):double():sum()) end
  local validation = o.validation or math.max(1, math.floor(least / 10))
  if validation + (o.per_class or 1) > least then
    native.fail('svm: the smallest class has %d images; %d choose C and %d are trained on', least, validation, o.per_class or 1)
  end
  task.validation = validation
  task.judge, task.rest = protocol.draw(task.labels, validation, task.seed)
  return task
end

local function result_of(task, name, predicted)
  local right = predicted:eq(task.test_labels):double():sum()
  return {
    name = name, all = statistics.wilson(right, task.test.size),
    confusion = protocol.confusion(task.test_labels, predicted, #task.classes),
  }
end

-- ---- features and the linear classifier -------------------------------------------------------------------------------------------

-- A step of one stage to whoever looks.
local function say(o, ...)
  if o.progress then o.progress(...) end
end

-- Features of both sets, in files.
local function written(task, extractor, o)
  local paths, rows = {o.folder .. '/train.npy', o.folder .. '/test.npy'}, {}
  for k, source in ipairs {task.train, task.test} do
    rows[k] = features.write(extractor, source, paths[k], function(done, n) say(o, k == 1 and 'training set' or 'test set', done, n) end)
  end
  return rows[1], rows[2], paths
end

local function standardised(x, y, paths)
  local standard = features.standardiser(x)
  local all = {}
  for k, rows in ipairs {x, y} do
    local path = paths[k]:gsub('%.npy$', '-standard.npy')
    paths[#paths + 1] = path
    all[k] = features.write(standard, rows, path)
  end
  return all[1], all[2]
end

--- Measures features: a linear SVM on all labels, with C from the validation images, and on few.
-- @tparam table task from classify.task
-- @string name of the features
-- @param extractor count and of(x)
-- @tparam table o folder (where the features are written), keep (true: and stay), standard (true: columns of deviation 1), progress (called
-- with a stage and numbers)
-- @treturn table name, numbers, C, tried, all (share, low, high: Wilson's interval), few (statistics of the draws), confusion
function classify.features(task, name, extractor, o)
  local x, y, paths = written(task, extractor, o)
  if o.standard then x, y = standardised(x, y, paths) end
  local how = {loss = task.loss, tolerance = task.tolerance, seed = task.seed, classes = #task.classes, values = task.values}
  function how.progress(value, share) say(o, 'C', value, 100 * share) end
  local value, tried = protocol.choose(x, task.labels, task.rest, task.judge, how)
  how.C, how.progress = value, nil
  local model = svm.train(x, task.labels, how)
  local result = result_of(task, name, model:predict(y))
  result.numbers, result.C, result.tried, result.converged = extractor.count, value, tried, model.converged
  say(o, 'all labels', task.train.size, 100 * result.all.share)
  if task.per_class then
    result.few = protocol.few(x, task.labels, y, task.test_labels, {
      per_class = task.per_class, draws = task.draws, choosing = task.choosing, seed = task.seed, judge = task.judge, loss = task.loss,
      tolerance = task.tolerance, values = task.values, progress = function(k, share) say(o, 'draw', k, 100 * share) end,
    })
  end
  if not o.keep then
    for _, path in ipairs(paths) do
      os.remove(path)
      os.remove(arrays.labels_path(path))
    end
  end
  return result
end

-- ---- beside them ------------------------------------------------------------------------------------------------------------------

--- Raw pixels as features.
-- @param source
-- @treturn table count and of(x)
function classify.pixels(source)
  local count = source:batch(1, 1):nElement()
  return {count = count, of = function(_, x) return x:reshape(x:size(1), count) end}
end

-- All images of a source, or some, as rows of pixels.
local function each_part(source, list, visit)
  for first = 1, #list, 512 do
    local x = source:pick {unpack(list, first, math.min(first + 511, #list))}
    visit(x:reshape(x:size(1), x:nElement() / x:size(1)))
  end
end

-- The classes of the nearest images among some rows of the training set, by Euclidean distance of pixels.
local function of_nearest(task, tests, list)
  local search = neighbours.new(tests)
  each_part(task.train, list, function(part) search:add(part) end)
  local _, found = search:result()
  local classes = torch.LongTensor(found:size(1))
  for i = 1, found:size(1) do classes[i] = task.labels[list[tonumber(found[i][1])]] end
  return classes
end

--- The class of the nearest training image in pixels.
-- @tparam table task
-- @treturn table as classify.features gives, without C
function classify.nearest(task)
  local every, tests = {}, {}
  for i = 1, task.train.size do every[i] = i end
  for i = 1, task.test.size do tests[i] = i end
  local parts = {}
  each_part(task.test, tests, function(part) parts[#parts + 1] = part end)
  local rows = torch.cat(parts, 1)
  local result = result_of(task, 'nearest image', of_nearest(task, rows, every))
  result.numbers = rows:size(2)
  if task.per_class then
    local shares = {}
    for k = 1, task.draws do
      local drawn = protocol.draw(task.labels, task.per_class, (task.seed * 100003 + k) % 2 ^ 31)
      local list = {}
      for i = 1, drawn:size(1) do list[i] = tonumber(drawn[i]) end
      shares[k] = of_nearest(task, rows, list):eq(task.test_labels):double():sum() / task.test.size
    end
    result.few = statistics.mean(shares)
  end
  return result
end

--- The supervised network, on all labels and, where few are asked about, on one draw of them, with the setting that was best on all.
-- @tparam table task
-- @param net the discriminator whose shape it has
-- @tparam[opt] table o steps, progress
-- @treturn table as classify.features gives, with setting in place of C
function classify.supervised(task, net, o)
  o = o or {}
  local supervised = require 'gantry.lab.supervised'
  local how = {steps = o.steps, seed = task.seed}
  function how.progress(s, share) say(o, ('lr %g dropout %g decay %g'):format(s.lr, s.dropout, s.weight_decay), 0, 100 * share) end
  local best = supervised.best(net, task.train, task.labels, task.rest, task.judge, how)
  local result = result_of(task, 'supervised', best:predict(task.test))
  result.setting, result.tried_settings = best.setting, best.tried
  if task.per_class then
    local left = task.labels:index(1, task.rest)
    local rows = task.rest:index(1, (protocol.draw(left, task.per_class, (task.seed * 100003 + 1) % 2 ^ 31)))
    how.settings, how.progress = {best.setting}, nil
    local few = supervised.best(net, task.train, task.labels, rows, task.judge, how)
    local right = few:predict(task.test):eq(task.test_labels):double():sum()
    result.few = statistics.mean {right / task.test.size}
  end
  return result
end

return classify
