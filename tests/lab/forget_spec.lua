-- Forgetting: the regression's optimum, boxes in files, the detector, what is dropped, and the experiment.
local cjson = require 'cjson'
local autograd = require 'gantry.autograd'
local data = require 'gantry.data'
local gan = require 'gantry.gan'
local image = require 'gantry.image'
local torch = require 'gantry.torch'
local boxes = require 'gantry.lab.boxes'
local detector = require 'gantry.lab.detector'
local forget = require 'gantry.lab.forget'
local layers = require 'gantry.lab.layers'
local logistic = require 'gantry.lab.logistic'
local recipes = require 'gantry.gan.recipe'
local command = require 'tests.support.command'

describe('lab.logistic', function()
  -- n points in d dimensions, of which the first alone decides, with noise.
  local function points(n, d, noise)
    local g = torch.Generator(4)
    local x = torch.DoubleTensor(n, d):normal(g, 0, 1)
    local decides = x:select(2, 1) + torch.DoubleTensor(n):normal(g, 0, noise) + 0.5
    return x, decides:gt(0):double()
  end

  it('finds the optimum: the gradient of what it minimises, by autograd, is 0 there and nowhere near', function()
    local x, y = points(200, 7, 0.8)
    for _, C in ipairs {0.01, 1, 100} do
      local m = logistic.fit(x, y, C)
      local function gradient(weight, bias)
        local w, b = autograd.value(weight:view(-1, 1):clone(), true), autograd.value(torch.DoubleTensor {bias}, true)
        local out = (autograd.ops.matmul(autograd.value(x), w) + b):view(-1)
        local loss = autograd.ops.bce_with_logits(out, autograd.value(y)) * (200 * C) + (w * w):sum() * 0.5
        loss:backward()
        return math.max(w.grad:norm(), b.grad:norm())
      end
      assert.is_true(gradient(m.weight, m.bias) < 1e-6 * math.max(1, C), C)
      assert.is_true(gradient(m.weight * 1.1, m.bias) > 1e-3)
      assert.is_true(m.weight[1] > 0)
    end
    assert.is_true(logistic.fit(x, y, 0.01).weight:norm() < logistic.fit(x, y, 1).weight:norm())
  end)

  it('chooses C by groups that stay together', function()
    local x, y = points(120, 30, 1)
    local groups = {}
    for i = 1, 120 do groups[i] = math.ceil(i / 4) end
    local m = logistic.sweep(x, y, groups)
    assert.is_true(m.accuracy > 0.6 and m.accuracy < 1)
    assert.is_true(m.C < 100, 'with 30 features for 120 rows the least regularised is not the best')
    -- Rows of one group are the same and their class is drawn: only who has seen them elsewhere knows it.
    local g = torch.Generator(1)
    for i = 1, 120 do
      if i % 4 == 1 then
        x[i]:normal(g, 0, 1)
        y[i] = torch.random(g, 0, 1)
      else
        x[i]:copy(x[i - 1])
        y[i] = y[i - 1]
      end
    end
    assert.is_true(logistic.sweep(x, y, groups, {values = {100}}).accuracy < 0.75)
    assert.error_matches(function() logistic.fit(x, y, 0) end, 'logistic: C is 0, wanted a number above 0')
    assert.error_matches(function() logistic.sweep(x, y, groups, {folds = 40}) end, 'got 30 groups of rows, wanted at least 40')
  end)
end)

describe('lab.forget', function()
  local rooms = data.open('scenes:rooms', {size = 32, count = 600})
  teardown(command.clean)

  it('boxes in files', function()
    local path = command.folder() .. '/boxes.tsv'
    local list = {{sample = 2, x0 = 0.25, y0 = 0, x1 = 0.5, y1 = 1}, {sample = 7, x0 = 0, y0 = 0.125, x1 = 1, y1 = 0.25}}
    command.write(path, boxes.lines(list, 32, 16))
    assert.same(list, boxes.read(path, 32, 16))
    for text, message in pairs {
      ['1 2 3 4\n'] = 'line 1: got', ['# x\n1\t0\t0\t99\t5\n'] = "line 2: got '1\t0\t0\t99\t5', wanted the number of a sample",
      ['0 0 0 1 1'] = 'line 1', ['1 4 0 4 1'] = 'line 1', ['1 a 0 4 1'] = 'line 1', ['\n# none\n'] = 'holds no boxes',
    } do
      command.write(path, text)
      assert.error_matches(function() boxes.read(path, 32, 16) end, message)
    end
    assert.error_matches(function() boxes.read(path .. '.none', 32, 16) end, 'No such file')
  end)

  it('the detector learns, says how well, is kept, and finds boxes', function()
    local state = torch.getRNGState()
    local d = detector.train(rooms, {steps = 80, judges = 30})
    assert.is_true(torch.getRNGState():eq(state):all())
    assert.same({'bed', 'lamp', 'window'}, d.kinds)
    assert.equal(30, d.accuracy.bed.n)
    assert.is_true(d.accuracy.window.share >= 0.8, d.accuracy.window.share)
    local path = command.folder() .. '/detector.safetensors'
    d:save(path)
    local again = detector.load(path)
    local numbers = {}
    for i = 1, 40 do numbers[i] = i end
    local x = rooms:batch(numbers)
    assert.same(d:present(x), again:present(x))
    assert.near(d.accuracy.lamp.low, again.accuracy.lamp.low, 1e-9)
    local overlap, n = 0, 0
    for i, box in ipairs(again:boxes(x, 'window')) do
      local truth = rooms:attributes(i).window
      if box and truth then
        local w = math.max(0, math.min(box.x1, truth.x1) - math.max(box.x0, truth.x0))
        local h = math.max(0, math.min(box.y1, truth.y1) - math.max(box.y0, truth.y0))
        local both = (box.x1 - box.x0) * (box.y1 - box.y0) + (truth.x1 - truth.x0) * (truth.y1 - truth.y0) - w * h
        overlap, n = overlap + w * h / both, n + 1
      end
    end
    assert.is_true(n > 10 and overlap / n > 0.4, overlap / n)
    assert.error_matches(function() detector.train(data.open('scenes:faces', {size = 16, count = 50})) end,
      'detector: scenes:faces knows no boxes of objects')
    command.write(path, 'no')
    assert.is_false(pcall(detector.load, path))
  end)

  describe('on a run', function()
    local run
    setup(function()
      run = command.folder()
      local o = recipes.load('dcgan').options:resolve {from = 'test', values = {
        size = 32, base = 8, kernel = 4, batch = 8, z_size = 8, steps = 3, samples = 1,
      }}
      gan.session.start({recipe = 'dcgan', data = 'scenes:rooms', options = o, out = run, quiet = true}):run()
    end)

    it('positions are those of boxes and as many others; maps are dropped', function()
      local opened = gan.open(run):reestimate()
      local z = opened:z(10)
      local layer = layers.pick(layers.of(opened.G, z), -2, 'test')
      local features = forget.features(opened, layer, z)
      assert.same({10, 8, 16, 16}, features:size():totable())
      local marked = features:clone():zero()
      local list = {{sample = 3, x0 = 0, y0 = 0, x1 = 0.5, y1 = 0.25}, {sample = 4, x0 = 0.5, y0 = 0.5, x1 = 1, y1 = 1}}
      marked[3][2]:narrow(1, 1, 4):narrow(2, 1, 8):fill(1)
      marked[4][2]:narrow(1, 9, 8):narrow(2, 9, 8):fill(1)
      marked[4][5]:fill(2)
      local x, y, groups = forget.positions(marked, list, 1)
      assert.equal(2 * (32 + 64), x:size(1))
      assert.equal(32 + 64, y:sum())
      local two = x:select(2, 2):gt(0):double()
      assert.equal(0, (two - y):abs():max())
      for k, group in ipairs(groups) do assert.equal(group == 4, x[k][5] > 0) end
      local model = logistic.sweep(x, y, groups, {folds = 2})
      assert.same({2}, forget.maps(model, 1))
      assert.equal(1, model.accuracy)

      local before = opened:images(z)
      local how = {replace = 'zero', means = forget.positive_means(features)}
      local all = {1, 2, 3, 4, 5, 6, 7, 8}
      local none = forget.images(opened, layer, all, z, nil, how)
      assert.near(0, (none - none[1]:view(1, 3, 32, 32):expandAs(none)):abs():max(), 1e-6)
      local one = forget.images(opened, layer, {3}, z, nil, how)
      assert.is_true((one - before):abs():max() > 1e-4)
      local dropped
      layers.with_change(layer, function(v)
        dropped = v.data:clone()
        return v
      end, function() opened:images(z) end)
      assert.equal(0, (dropped - features):abs():max())
      local noise = forget.images(opened, layer, {3}, z, nil, {replace = 'noise', means = how.means, seed = 1})
      local same = forget.images(opened, layer, {3}, z, nil, {replace = 'noise', means = how.means, seed = 1})
      assert.is_true((noise - one):abs():max() > 1e-4)
      assert.equal(0, (noise - same):abs():max())
      assert.equal(0, (opened:images(z) - before):abs():max())
      local inside, outside = forget.changes(before:clone():fill(0), before:clone():fill(1), {list[1], false})
      assert.same({{0.5}, {0.5}}, {inside, outside})
    end)

    it('gantry lab forget, with boxes from a file', function()
      local file = command.write(run .. '/windows.tsv', '1 4 4 12 12\n2 8 8 16 20\n3 4 4 12 12\n5 8 4 16 12\n6 20 20 31 31\n')
      local arguments = ('lab forget %s --boxes %s --steps 5 --samples 8 --judged 6 --draws 2 --layer -2'):format(run, file)
      local code, out, err = command.gantry(arguments .. ' --detector ' .. run .. '/detector.safetensors')
      assert.equal(0, code, err)
      assert.matches('samples with a window, maps of a window dropped, %%', out)
      local c = cjson.decode(command.read(run .. '/lab/forget.json'))
      assert.same({'forget', 5}, {c.experiment, c.figures[1].value})
      assert.equal(3, image.load(run .. '/lab/forget.png'):size(1))
      for _, f in ipairs(c.figures) do
        assert.is_true(f.low == nil or f.low <= f.value + 1e-9 and f.value <= f.high + 1e-9, f.name)
      end
      assert.equal(5, #boxes.read(run .. '/lab/forget-boxes.tsv', 32, 32))
      assert.equal(0, (command.gantry(arguments .. ' --replace noise --detector ' .. run .. '/detector.safetensors')))
      for flags, message in pairs {
        ['--replace no'] = 'forget: %-%-replace is no, wanted zero or noise',
        ['--object door'] = 'object is door, wanted one of those that are known: bed, lamp, window',
        ['--data scenes:faces'] = 'knows no boxes of objects',
        ['--boxes ' .. file] = 'windows.tsv: has a box of sample 5; it is learned from the first 4 samples',
      } do
        code, out, err = command.gantry(('lab forget %s --samples 4 --judged 4 --steps 2 %s'):format(run, flags))
        assert.is_true(code > 0 and out == '')
        assert.matches(message, err)
      end
    end)
  end)
end)
