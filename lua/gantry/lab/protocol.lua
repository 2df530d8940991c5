--- Protocols around the linear classifier: C chosen on validation examples, few labels with repeated draws, confusion of classes.
-- @module gantry.lab.protocol
-- @usage local C = protocol.choose(rows, labels, train, judge)
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local statistics = require 'gantry.lab.statistics'
local svm = require 'gantry.lab.svm'

local fail = native.fail

local protocol = {}

--- The values of C that the paper's authors chose from.
protocol.values = {1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2}

-- The rows of each class, in random order.
local function shuffled(labels, generator)
  local by_class = {}
  local order = torch.randperm(torch.LongTensor(), generator, labels:nElement())
  for k = 1, order:size(1) do
    local i = tonumber(order[k])
    local class = tonumber(labels[i])
    by_class[class] = by_class[class] or {}
    table.insert(by_class[class], i)
  end
  return by_class
end

local function sorted(list)
  table.sort(list)
  return torch.LongTensor(list)
end

--- Draws n examples of each class.
-- @param labels LongTensor, classes from 1
-- @int n
-- @int seed
-- @treturn tensor LongTensor: their rows
-- @treturn tensor LongTensor: the others'
function protocol.draw(labels, n, seed)
  local taken, left = {}, {}
  for class, list in pairs(shuffled(labels, torch.Generator(seed))) do
    if #list < n then fail('svm: class %d has %d examples, wanted at least %d', class, #list, n) end
    for k, i in ipairs(list) do table.insert(k <= n and taken or left, i) end
  end
  return sorted(taken), #left > 0 and sorted(left) or torch.LongTensor()
end

-- The C with the highest accuracy, the smallest of several.
local function best_of(tried)
  local best
  for _, found in ipairs(tried) do
    if not best or found.accuracy > best.accuracy then best = found end
  end
  return best.C
end

--- Chooses C by the accuracy on examples that are not trained on. Each C begins with the solution of the one before.
-- @param x FloatTensor n x features
-- @param labels LongTensor n
-- @param train LongTensor: rows to train on
-- @param judge LongTensor: rows to judge by
-- @tparam[opt] table o as for svm.train, and values (protocol.values: of C, ascending), progress (called with C and its accuracy)
-- @treturn number the C with the highest accuracy, the smallest of several
-- @treturn {table,...} C, accuracy and passes (the most of a class) of each
function protocol.choose(x, labels, train, judge, o)
  o = o or {}
  local tried, model = {}, nil
  for i, value in ipairs(o.values or protocol.values) do
    local own = {}
    for key, v in pairs(o) do own[key] = v end
    own.C, own.rows, own.from = value, train, model
    model = svm.train(x, labels, own)
    tried[i] = {
      C = value, accuracy = model:accuracy(x, labels, judge), passes = math.max(unpack(model.passes)), converged = model.converged,
    }
    if o.progress then o.progress(value, tried[i].accuracy) end
  end
  return best_of(tried), tried
end

-- C by the mean accuracy over some draws.
local function choose_over_draws(x, labels, draws, judge, o)
  local tried = {}
  for _, rows in ipairs(draws) do
    local _, found = protocol.choose(x, labels, rows, judge, o)
    for i, f in ipairs(found) do
      tried[i] = tried[i] or {C = f.C, accuracy = 0}
      tried[i].accuracy = tried[i].accuracy + f.accuracy / #draws
    end
  end
  return best_of(tried), tried
end

--- The few-label protocol (Radford et al. 2015, section 5.2, and its authors' program): C by the mean accuracy on validation examples over
-- some draws of n examples of each class; then with that C other draws, each judged on the test set.
-- @param x FloatTensor n x features, the training set
-- @param labels LongTensor n
-- @param test FloatTensor m x features
-- @param test_labels LongTensor m
-- @tparam table o per_class, draws (10), seed (1), judge (LongTensor: rows of x that choose C and are never trained on), choosing (draws
-- that choose C: 3), values, loss, tolerance, C (in place of choosing), progress (called with the draw and its accuracy)
-- @treturn table mean, deviation, low, high (of the mean, 95%), n, accuracies, C, tried (C and mean accuracy of each)
-- @usage local few = protocol.few(rows, labels, test, test_labels, {per_class = 400, judge = judge})
function protocol.few(x, labels, test, test_labels, o)
  local judged, left = torch.ByteTensor(labels:nElement()):zero(), {}
  if o.judge then judged:indexFill(1, o.judge, 1) end
  for i = 1, labels:nElement() do
    if judged[i] == 0 then left[#left + 1] = i end
  end
  left = torch.LongTensor(left)
  local own_labels, seed = labels:index(1, left), o.seed or 1
  -- Draws of a seed are the same ones whatever C is; those that choose C are others.
  local function draw(k) return left:index(1, (protocol.draw(own_labels, o.per_class, (seed * 100003 + k) % 2 ^ 31))) end
  local function options(more)
    more.loss, more.tolerance, more.values, more.seed, more.classes = o.loss, o.tolerance, o.values, seed, labels:max()
    return more
  end
  local value, tried = o.C, nil
  if not value then
    if not o.judge then fail 'few: wanted C, or judge: the rows that choose it' end
    local draws = {}
    for k = 1, o.choosing or 3 do draws[k] = draw(50000 + k) end
    value, tried = choose_over_draws(x, labels, draws, o.judge, options {})
  end
  local accuracies = {}
  for k = 1, o.draws or 10 do
    local model = svm.train(x, labels, options {C = value, rows = draw(k)})
    accuracies[k] = model:accuracy(test, test_labels)
    if o.progress then o.progress(k, accuracies[k]) end
  end
  local found = statistics.mean(accuracies)
  found.accuracies, found.C, found.tried = accuracies, value, tried
  return found
end

--- How often examples of each class were taken for each.
-- @param wanted LongTensor n, classes from 1
-- @param got LongTensor n
-- @int classes
-- @treturn tensor DoubleTensor classes x classes: row the true class, column what it was taken for
function protocol.confusion(wanted, got, classes)
  local counts = torch.DoubleTensor(classes, classes):zero()
  for i = 1, wanted:nElement() do
    local row, column = tonumber(wanted[i]), tonumber(got[i])
    counts[row][column] = counts[row][column] + 1
  end
  return counts
end

return protocol
