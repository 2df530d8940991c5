-- Feature nets that tell attributes: columns of a table of labels, and the attributes of built-in scenes.
local image = require 'gantry.image'
local torch = require 'gantry.torch'
local data = require 'gantry.data'
local features = require 'gantry.metrics.features'
local statistics = require 'gantry.lab.statistics'
local command = require 'tests.support.command'

describe('attributes', function()
  teardown(command.clean)

  -- Gray images of noise; bright on the left or not, and a line in one of three heights.
  local function folder()
    local path, generator = command.folder(), torch.Generator(1)
    local lines = {'image\tleft\theight\tname'}
    for i = 1, 60 do
      local left, height = i % 2, i % 3
      local x = torch.FloatTensor(1, 16, 16):uniform(generator, 0, 0.4)
      if left == 1 then x:narrow(3, 1, 8):add(0.3) end
      x:narrow(2, 1 + 5 * height, 4):add(0.3)
      image.save(('%s/%02d.png'):format(path, i), x)
      lines[#lines + 1] = ('%02d.png\t%d\t%s\tno. %d'):format(i, left, ({[0] = 'high', 'middle', 'low'})[height], i)
    end
    return path, command.write(path .. '/labels.tsv', table.concat(lines, '\n') .. '\n')
  end

  it('of a table are learned, each by itself, and told of images', function()
    local path, labels = folder()
    local o = {size = 16, channels = 1, width = 16, steps = 150, batch = 16, labels = labels, attributes = {'left', 'height'}}
    local f = features.train(path, o)
    assert.same({'0', '1'}, f.about.attributes[1].values)
    assert.same({'high', 'low', 'middle'}, f.about.attributes[2].values)
    for _, a in ipairs(f.about.attributes) do
      assert.equal(6, a.judges)
      assert.equal(1, a.accuracy, a.name)
    end
    assert.equal(1, f.about.score)
    local file = command.folder() .. '/judge.safetensors'
    f:save(file)
    local g = features.load(file)
    local told = g:attributes(data.open(path, {size = 16, channels = 1}):batch {1, 2, 3, 4, 5, 6})
    assert.same({6, 3}, told.height.probabilities:size():totable())
    assert.is_true((told.height.probabilities:sum(2) - 1):abs():max() < 1e-6)
    local _, best = told.height.probabilities:max(2)
    assert.same({3, 2, 1, 3, 2, 1}, best:view(-1):totable())
    assert.is_true(told.left.probabilities[1][2] > 0.7 and told.left.probabilities[2][2] < 0.3)
    local rows, classes = g:of(torch.FloatTensor(2, 1, 16, 16):zero())
    assert.equal(16, rows:size(2))
    assert.is_nil(classes)

    o.attributes = {'hieght'}
    assert.error_matches(function() features.train(path, o) end, 'has no attribute hieght %(did you mean height%?%)')
    o.attributes = nil
    assert.error_matches(function() features.train(path, o) end, 'name of .* has 60 values')
    assert.error_matches(function() features.train('scenes:faces', {size = 16, labels = labels}) end, 'scenes:faces is none')
    assert.error_matches(function() features.train(path, {size = 16, attributes = {'left'}}) end, '%-%-labels FILE.tsv names those')
    command.write(labels, 'image\tleft\n01.png\t0\n02.png\t1\n')
    assert.error_matches(function() features.train(path, {size = 16, labels = labels}) end, 'has no row for .*%.png')
  end)

  it('of scenes are numbers in their own unit', function()
    local f = features.train('scenes:faces', {size = 16, width = 16, steps = 150, batch = 32, attributes = {'turn'}})
    assert.equal('turn', f.about.attributes[1].name)
    assert.is_true(f.about.attributes[1].explained > 0.5, f.about.attributes[1].explained)
    local set, truth, list = data.open('scenes:faces', {size = 16, seed = 2}), {}, {}
    for i = 1, 100 do truth[i], list[i] = set:attributes(i).turn, i end
    local told = f:attributes(set:batch(list)).turn.numbers
    assert.is_true(statistics.correlation(told:totable(), truth) > 0.7)
    assert.is_true(math.abs(told:std() - statistics.mean(truth).deviation) < 0.25)
    assert.error_matches(function() features.train('scenes:faces', {size = 16, attributes = {'hat'}}) end, 'has no attribute hat')
  end)

  it('are refused where a file lies about them', function()
    local f = features.train('scenes:faces', {size = 16, width = 4, steps = 1, batch = 4, attributes = {'turn', 'smile'}})
    local path = command.folder() .. '/judge.safetensors'
    local function with(attributes)
      f.about.attributes = attributes
      f:save(path)
      return function() return features.load(path):attributes(torch.FloatTensor(1, 3, 16, 16):zero()) end
    end
    local wrongs = {
      'x', {1}, {{name = 1, mean = 0, deviation = 1}}, {{name = 'a', mean = 'x', deviation = 1}}, {{name = 'a', values = {1}}},
    }
    for _, wrong in ipairs(wrongs) do
      assert.error_matches(with(wrong), 'what it says of its attributes cannot be read')
    end
    assert.error_matches(with {{name = 'a', values = {'0', '1', '2'}}}, 'the net has 2 outputs, its attributes 3')
    assert.error_matches(with(nil), 'knows classes, no attributes')
  end)

  it('gantry features learns them', function()
    local path, labels = folder()
    local line = 'features --data %s --labels %s --channels 1 --size 16 --width 8 --steps 20 --out %s/j.safetensors --attributes %s'
    local code, out, err = command.gantry(line:format(path, labels, path, 'left,height'))
    assert.equal(0, code, err)
    assert.matches('left: [%d.]+%% %(0, 1%)\n  height: [%d.]+%% %(high, low, middle%)', out)
    code, out, err = command.gantry(line:format(path, labels, path, 'width'))
    assert.equal(1, code, out)
    assert.matches('has no attribute width', err)
  end)
end)
