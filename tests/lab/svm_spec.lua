-- The linear SVM against scikit-learn's (tests/gold/make_lab_gold.py), and the protocols around it.
local torch = require 'gantry.torch'
local native = require 'gantry.native'
local npy = require 'gantry.data.npy'
local svm = require 'gantry.lab.svm'
local protocol = require 'gantry.lab.protocol'
local command = require 'tests.support.command'
local gold = require 'tests.support.gold'

local C, check = native.C, native.check

-- Clouds of points around a mean for each class.
local function clouds(n, features, classes, seed)
  local generator = torch.Generator(seed)
  local means = torch.FloatTensor(classes, features):normal(torch.Generator(99), 0, 0.4)
  local x, labels = torch.FloatTensor(n, features):normal(generator, 0, 1), torch.LongTensor(n)
  for i = 1, n do
    labels[i] = (i - 1) % classes + 1
    x[i]:add(means[labels[i]])
  end
  return x, labels
end

describe('lab.svm', function()
  teardown(command.clean)

  it("finds scikit-learn's solution", function()
    local cases = gold.open 'lab'
    local x, labels = cases.clouds.x:float(), cases.clouds.labels:long()
    local seen = 0
    for name, case in pairs(cases) do
      if name:match '^svm' then
        local o = case.options
        local model = svm.train(x, labels, {C = o.C, loss = o.loss, tolerance = 1e-6, passes = 20000})
        assert.is_true(model.converged)
        assert.is_true((model.w - case.w):abs():max() < 1e-4, name)
        local theirs = setmetatable({w = case.w, C = o.C, loss = o.loss, rows = model.rows}, getmetatable(model)):objective(x, labels)
        assert.is_true(math.abs(model:objective(x, labels) / theirs - 1) < 1e-6, name)
        assert.near(o.accuracy, model:accuracy(x, labels), 1e-9)
        -- LIBLINEAR's own tolerance is loose, and its objective near.
        local loose = svm.train(x, labels, {C = o.C, loss = o.loss})
        assert.is_true(math.abs(loose:objective(x, labels) / theirs - 1) < 0.02, name)
        seen = seen + 1
      end
    end
    assert.equal(4, seen)
  end)

  it('gives the same bits at any number of threads, from memory and from a file, of rows and of their copy', function()
    local x, labels = clouds(400, 37, 12, 1)
    local path = command.folder() .. '/x.npy'
    npy.save(path, x)
    local rows = torch.LongTensor(200)
    for i = 1, 200 do rows[i] = 2 * i - (i % 2) end
    local threads = C.gt_threads()
    local first
    for _, n in ipairs {1, 3} do
      check(C.gt_set_threads(n))
      for _, examples in ipairs {x, (npy.map(path))} do
        local model = svm.train(examples, labels, {C = 0.05, rows = rows, tolerance = 0.01})
        first = first or model
        assert.equal(0, (model.w - first.w):abs():max())
        assert.same(first.passes, model.passes)
      end
    end
    check(C.gt_set_threads(threads))
    local copy = svm.train(x:index(1, rows), labels:index(1, rows), {C = 0.05, tolerance = 0.01, classes = 12})
    assert.equal(0, (copy.w - first.w):abs():max())
  end)

  it('begins with the solution of a smaller C and comes to the same', function()
    local x, labels = clouds(300, 20, 3, 2)
    for _, loss in ipairs {'squared_hinge', 'hinge'} do
      local small = svm.train(x, labels, {C = 0.1, loss = loss, tolerance = 1e-3})
      local cold = svm.train(x, labels, {C = 0.2, loss = loss, tolerance = 1e-5, passes = 5000})
      local warm = svm.train(x, labels, {C = 0.2, loss = loss, tolerance = 1e-5, from = small, passes = 5000})
      assert.is_true(cold.converged and warm.converged)
      assert.is_true((cold.w - warm.w):abs():max() < 1e-3)
      assert.error_matches(function() svm.train(x, labels, {C = 0.05, loss = loss, from = small}) end, 'a larger C')
    end
  end)

  it('leaves examples out while it shrinks and takes them in again', function()
    local x, labels = clouds(500, 6, 2, 3)
    local model = svm.train(x, labels, {C = 1, loss = 'hinge', tolerance = 1e-4, passes = 20000})
    local at_bound, inside = 0, 0
    for i = 1, 500 do
      local a = model.alpha[1][i]
      if a == 0 or a == 1 then at_bound = at_bound + 1 else inside = inside + 1 end
    end
    assert.is_true(model.converged and at_bound > 400 and inside > 2)
    -- Hinge: at the optimum an example right by more than the margin has alpha 0, one inside it alpha C.
    local scores = model:scores(x)
    for i = 1, 500 do
      local margin = (labels[i] == 1 and 1 or -1) * scores[i][1]
      if margin > 1.001 then assert.equal(0, model.alpha[1][i]) end
      if margin < 0.999 then assert.equal(1, model.alpha[1][i]) end
    end
  end)

  it('chooses C by examples that it does not train on, and draws few labels again and again', function()
    local x, labels = clouds(900, 60, 5, 4)
    local test, test_labels = clouds(500, 60, 5, 5)
    local judge, train = protocol.draw(labels, 40, 7)
    assert.equal(200, judge:size(1))
    assert.equal(700, train:size(1))
    local seen = {}
    for i = 1, 200 do seen[tonumber(judge[i])] = true end
    for i = 1, 700 do assert.is_nil(seen[tonumber(train[i])]) end
    local value, tried = protocol.choose(x, labels, train, judge, {values = {1e-5, 1e-3, 1e-1}})
    local best = 0
    for _, t in ipairs(tried) do best = math.max(best, t.accuracy) end
    for _, t in ipairs(tried) do
      if t.C == value then assert.equal(best, t.accuracy) end
    end
    local function few_of()
      return protocol.few(x, labels, test, test_labels, {per_class = 10, draws = 4, judge = judge, choosing = 2, seed = 3})
    end
    local few = few_of()
    assert.equal(4, few.n)
    assert.is_true(few.mean > 0.5 and few.low <= few.mean and few.deviation > 0)
    assert.same(few.accuracies, few_of().accuracies)
    local all = svm.train(x, labels, {C = value, rows = train}):accuracy(test, test_labels)
    assert.is_true(all > few.mean)
    local counts = protocol.confusion(test_labels, test_labels, 5)
    assert.same({100, 0}, {counts[2][2], counts[2][3]})
  end)

  it('says what is wrong', function()
    local x, labels = clouds(20, 3, 2, 6)
    assert.error_matches(function() svm.train(x:double(), labels) end, 'x is a torch.DoubleTensor 20x3, wanted a FloatTensor')
    assert.error_matches(function() svm.train(x, labels:narrow(1, 1, 7)) end, 'of 7, wanted a LongTensor of 20')
    assert.error_matches(function() svm.train(x, labels, {C = 0}) end, 'C is 0, wanted a number above 0')
    assert.error_matches(function() svm.train(x, labels, {loss = 'log'}) end, "loss is 'log'")
    assert.error_matches(function() svm.train(x, labels - 1) end, 'labels from 0 to 1, wanted 1 to 1')
    assert.error_matches(function() svm.train(x, labels, {rows = torch.LongTensor {21}}) end, '21')
    assert.error_matches(function() svm.train(x, labels):predict(torch.FloatTensor(2, 4)) end, 'rows of 4 features, wanted 3')
    assert.error_matches(function() protocol.draw(labels, 11, 1) end, 'class %d has 10 examples, wanted at least 11')
    assert.error_matches(function() protocol.few(x, labels, x, labels, {per_class = 2}) end, 'wanted C, or judge')
    -- The library refuses what does not fit before it has touched anything.
    local m = svm.train(x, labels)
    local order, bounds = torch.LongTensor(20):fill(1), torch.DoubleTensor(2, 5)
    local function visit(o)
      check(C.gt_svm_visit(m.w, m.alpha, torch.ByteTensor(2, 20), o.bounds or bounds, o.x or x, torch.DoubleTensor(20), m.rows, labels,
        o.order or order, o.from or 0, 20, o.c or 1, 1, 1))
    end
    assert.error_matches(function() visit {order = torch.LongTensor(20):fill(21)} end, 'order 1 is 21, wanted 1 to 20')
    assert.error_matches(function() visit {from = 1} end, '20 from 1 on, wanted at most 20')
    assert.error_matches(function() visit {x = x:t()} end, 'x is Float 3x20, wanted Float with contiguous rows')
    assert.error_matches(function() visit {bounds = torch.DoubleTensor(2, 4)} end, 'bounds is Double 2x4, wanted contiguous Double 2x5')
    assert.error_matches(function() visit {c = -1} end, 'C is %-1')
  end)
end)
