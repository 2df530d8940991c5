-- Activation maximisation: its parts, that answers grow, and the experiment.
local cjson = require 'cjson'
local autograd = require 'gantry.autograd'
local gan = require 'gantry.gan'
local image = require 'gantry.image'
local torch = require 'gantry.torch'
local layers = require 'gantry.lab.layers'
local maximise = require 'gantry.lab.maximise'
local recipes = require 'gantry.gan.recipe'
local command = require 'tests.support.command'

describe('lab.maximise', function()
  teardown(command.clean)

  it('moves pictures around the edge, there and back', function()
    local x = torch.FloatTensor {{{{1, 2, 3}, {4, 5, 6}}}}
    assert.same({{6, 4, 5}, {3, 1, 2}}, maximise.roll(x, 1, 1)[1][1]:totable())
    assert.equal(0, (maximise.roll(maximise.roll(x, 1, -2), -1, 2) - x):abs():max())
    assert.equal(0, (maximise.roll(x, 2, 3) - x):abs():max())
  end)

  it('the gradient of roughness is that of its formula', function()
    local x = torch.DoubleTensor(2, 3, 5, 4):uniform(-1, 1)
    local v = autograd.value(x, true)
    local down = v[{{}, {}, {2, 5}, {}}] - v[{{}, {}, {1, 4}, {}}]
    local right = v[{{}, {}, {}, {2, 4}}] - v[{{}, {}, {}, {1, 3}}]
    local g = autograd.grad(((down * down):sum() + (right * right):sum()) * 0.5, v).data
    assert.near(0, (maximise.roughness(x) - g):abs():max(), 1e-12)
  end)

  it('features answer more and more, at every position or in the middle, and pictures are smoother where it is asked', function()
    torch.manualSeed(2)
    local net = recipes.load('dcgan').discriminator({size = 16, channels = 3, base = 8, kernel = 4}):evaluate()
    local layer = layers.of(net, torch.FloatTensor(2, 3, 16, 16):zero())[2]
    local state = torch.getRNGState()
    for _, target in ipairs {'map', 'centre'} do
      local o = {height = 16, width = 16, channels = 3, target = target, seed = 3, jitter = 1, smooth = 0.1}
      local function answer(steps, smooth)
        o.steps, o.smooth = steps, smooth or 0.1
        local x = maximise.pictures(net, layer, {1, 5, 7}, o)
        assert.is_true(x:max() <= 1 and x:min() >= -1)
        local answers = maximise.answers(net, layer, x, target)
        return (answers[1][1] + answers[2][5] + answers[3][7]) / 3, maximise.roughness(x):norm()
      end
      local first, few = answer(1), answer(8)
      local many, rough = answer(30)
      assert.is_true(first < few and few < many, target)
      assert.equal(many, (answer(30)), 'the same seed, the same pictures')
      local _, smoother = answer(30, 5)
      assert.is_true(smoother < rough)
    end
    assert.is_true(torch.getRNGState():eq(state):all())
    local x = torch.FloatTensor(2, 3, 16, 16):uniform(-1, 1)
    local features = layers.features(net, layer, autograd.value(x)).data
    assert.near(features[2][5]:mean(), maximise.answers(net, layer, x, 'map')[2][5], 1e-6)
    assert.near(features[2][5][3][3], maximise.answers(net, layer, x, 'centre')[2][5], 1e-6)
  end)

  it('gives a D that takes classes the one that each feature answers to most', function()
    torch.manualSeed(2)
    local net = recipes.load('cdcgan').discriminator({size = 16, channels = 1, base = 4, hidden = 8, classes = 3}):evaluate()
    local gray = torch.FloatTensor(3, 1, 16, 16):zero()
    local classes = torch.LongTensor {1, 2, 3}
    local layer = layers.of(net, {gray, classes})[2]
    local answers = maximise.answers(net, layer, {gray, classes}, 'map')
    local o = {height = 16, width = 16, channels = 1, target = 'map', classes = 3, steps = 20, smooth = 0, seed = 1}
    local x, labels = maximise.pictures(net, layer, {1, 2, 3, 4}, o)
    local own, seen = maximise.answers(net, layer, {x, labels}, 'map'), {}
    for c = 1, 4 do
      local class = tonumber(labels[c])
      seen[class] = true
      assert.equal(answers:select(2, c):max(), answers[class][c])
      assert.is_true(own[c][c] > answers[class][c])
    end
    assert.is_not_nil(next(seen, next(seen)), 'not the same for all')
  end)

  it('gantry lab maximise: a record and a picture', function()
    local run = command.folder()
    local o = recipes.load('dcgan').options:resolve {from = 'test', values = {
      size = 16, base = 4, kernel = 5, batch = 8, z_size = 8, steps = 2, samples = 1, channels = 1,
    }}
    gan.session.start({recipe = 'dcgan', options = o, out = run, quiet = true}):run()
    local code, _, err = command.gantry(('lab maximise %s --images 16 --features 4 --shown 3 --steps 5'):format(run))
    assert.equal(0, code, err)
    local c = cjson.decode(command.read(run .. '/lab/maximise.json'))
    assert.same({'maximise', 4, 4}, {c.experiment, #c.figures, c.figures[1].n})
    assert.equal(3, image.load(run .. '/lab/maximise.png'):size(1))
    local _, out, refused = command.gantry(('lab maximise %s --target no'):format(run))
    assert.equal('', out)
    assert.matches('maximise: %-%-target is no, wanted map or centre', refused)
  end)
end)
