-- Generators that repeat and that do not, built so that it is known which.
local torch = require 'gantry.torch'
local npy = require 'gantry.data.npy'
local nn = require 'gantry.nn'
local hidden = require 'gantry.lab.hidden'
local nearest = require 'gantry.lab.nearest'
local command = require 'tests.support.command'

describe('lab.nearest', function()
  local dir, train
  setup(function()
    dir = command.folder()
    local all = torch.FloatTensor(160, 8, 8):uniform(torch.Generator(3), -1, 1)
    all[1][1][1], all[1][1][2] = -1, 1
    train = all:narrow(1, 1, 100):clone()
    npy.save(dir .. '/train.npy', train)
    npy.save(dir .. '/test.npy', all:narrow(1, 101, 60):clone())
  end)
  teardown(command.clean)

  -- A run whose generator gives image i by make(i).
  local function run_of(make)
    return {
      path = dir, step = 5, state = {hash = 'x', data = dir .. '/train.npy'}, checkpoint = {networks = {}},
      options = {size = 8, channels = 1, z_size = 2, z = 'uniform', seed = 1},
      z = function(_, n) return torch.FloatTensor(n, 2):zero() end,
      images = function(_, z)
        local x = torch.FloatTensor(z:size(1), 1, 8, 8)
        for i = 1, z:size(1) do x[i]:copy(make(i)) end
        return x
      end,
    }
  end

  local function figures(make, o)
    o.test, o.n, o.out = o.test or dir .. '/test.npy', o.n or 60, dir .. '/lab'
    local c, flagged = nearest.run(run_of(make), o)
    local found = {}
    for _, f in ipairs(c.figures) do found[f.name] = f end
    return found, flagged
  end

  it('flags a generator that gives training images with some noise', function()
    local generator = torch.Generator(7)
    local f, flagged = figures(function(i)
      return train[i % 100 + 1] + torch.FloatTensor(8, 8):normal(generator, 0, 0.1)
    end, {})
    assert.is_true(flagged)
    assert.is_true(f['distance to the nearest training image, generated over held-out, L2'].high < 0.3)
    assert.equal(100, f['generated images that are like copies, as 5% of held-out ones are, L1, %'].value)
    assert.equal(1, f['flagged as memorising (1: yes)'].value)
  end)

  it('does not flag one that gives new images, nor one that gives blurred ones', function()
    local generator = torch.Generator(8)
    local f, flagged = figures(function() return torch.FloatTensor(8, 8):uniform(generator, -1, 1) end, {})
    assert.is_false(flagged)
    local ratio = f['distance to the nearest training image, generated over held-out, L2']
    assert.is_true(ratio.low < 1 and ratio.high > 1 and ratio.high - ratio.low < 0.1)
    f, flagged = figures(function() return torch.FloatTensor(8, 8):uniform(generator, -0.2, 0.2) end, {})
    assert.is_true(f['distance to the nearest training image, generated over held-out, L2'].high < 0.85)
    assert.is_false(flagged)
    -- Of white noise, a copy moved by a pixel is as far away as any other image.
    assert.is_true(f['the same, of training images moved by one pixel, L2'].high > 0.9)
  end)

  it('does not take training images for held-out ones', function()
    local function same(i) return train[i] end
    assert.error_matches(function() figures(same, {test = dir .. '/train.npy'}) end,
      '60 of 60 images of [^ ]+train.npy are training images; wanted some that the run never saw')
    local some = torch.cat(torch.FloatTensor(30, 8, 8):uniform(torch.Generator(4), -1, 1), train:narrow(1, 1, 10), 1)
    npy.save(dir .. '/some.npy', some)
    assert.equal(25, figures(same, {test = dir .. '/some.npy'})['held-out images that are training images, %'].value)
    -- Every other one, not the first 20, which are new.
    assert.equal(25, figures(same, {test = dir .. '/some.npy', n = 20})['held-out images that are training images, %'].value)
    assert.error_matches(function() figures(same, {test = dir .. '/test.npy@1..19'}) end, '@1..19 has 19 images, wanted at least 20')
  end)

  it('counts collisions of codes', function()
    local dedup, data = require 'gantry.lab.dedup', require 'gantry.data'
    local net = dedup.train(data.open(dir .. '/train.npy', {size = 32, channels = 3}), {steps = 2, batch = 8})
    local f = figures(function(i) return train[i] end, {dedup = net})
    -- Not all: the training images are read in 256 steps of brightness.
    assert.is_true(f['generated images with the code of a training image (equal), %'].value > 60)
    assert.equal(0, f['held-out images with the code of a training image (equal), %'].value)
  end)

  it("measures by D's last hidden layer", function()
    local D = nn.Sequential():add(nn.View(64):setNumInputDims(3)):add(nn.Linear(64, 5)):add(nn.LeakyReLU(0.2)):add(nn.Linear(5, 1))
    local x = torch.FloatTensor(300, 1, 8, 8):uniform(-1, 1)
    local rows = hidden({D = D:evaluate()}, x)
    local wanted = D.modules[2]:forward(x:view(300, 64)):clone()
    wanted = wanted:cmul(wanted:gt(0):float():mul(0.8):add(0.2))
    assert.is_true((rows - wanted):abs():max() < 1e-5)
    -- One that takes classes joins them to every layer.
    local both = nn.Sequential():add(nn.ParallelTable():add(nn.View(64):setNumInputDims(3)):add(nn.Identity())):add(nn.JoinLabels(3))
      :add(nn.Linear(67, 4)):add(nn.ReLU()):add(nn.Linear(4, 1))
    local labels = torch.LongTensor(300):random(1, 3)
    assert.same({300, 4}, hidden({D = both:evaluate()}, x, labels):size():totable())
    assert.same({300, 5}, hidden({D = D}, x, labels):size():totable())
    assert.error_matches(function() hidden({path = 'r', D = nn.Sequential():add(nn.View(64):setNumInputDims(3)):add(nn.Linear(64, 1))}, x)
    end, 'has no hidden layer')
  end)

  it('says what is wrong, and is a command', function()
    assert.error_matches(function() nearest.run(run_of(function() end), {n = 3}) end, 'n is 3')
    local code, _, problem = command.gantry(
      ('train dcgan --data %s/train.npy --out %s/run --steps 1 --set size=8 channels=1 batch=4 base=2 kernel=4 samples=3'):format(dir, dir))
    assert.equal(0, code, problem)
    local out, err
    code, out, err = command.gantry(('lab nearest %s/run --test %s/test.npy --n 20'):format(dir, dir))
    assert.equal(0, code, err)
    assert.matches('trivially fooled', out)
    assert.matches("generated over held%-out, D's features: ", out)
    assert.matches('/run/lab/nearest.png', out, 1, true)
    code, out, err = command.gantry(('lab nearest %s/run --out %s/bare'):format(dir, dir)) -- only the picture
    assert.equal(0, code, err)
    assert.is_nil(out:find 'held%-out')
    assert.matches('/bare/nearest.png', out, 1, true)
  end)
end)
