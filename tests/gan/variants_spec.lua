-- What variants need of the trainer: labels, averages, optimizers, schedules, accumulation, kept state; each resumes bit by bit.
local lfs = require 'lfs'
local torch = require 'gantry.torch'
local data = require 'gantry.data'
local nn = require 'gantry.nn'
local gan = require 'gantry.gan'
local Player = require 'gantry.gan.player'
local recipes = require 'gantry.gan.recipe'
local command = require 'tests.support.command'

-- A data set of 24 small pictures of three classes, in a .npy file.
local function labelled()
  local folder = command.folder()
  local npy = require 'gantry.data.npy'
  npy.save(folder .. '/x.npy', torch.ByteTensor(24, 3, 16, 16):random(torch.Generator(1), 0, 255))
  local labels = torch.LongTensor(24)
  for i = 1, 24 do labels[i] = (i - 1) % 3 end
  npy.save(folder .. '/x.labels.npy', labels)
  return folder .. '/x.npy'
end

local small = {
  size = 16, base = 4, kernel = 4, batch = 6, z_size = 8, steps = 6, samples = 4, sample_every = 0, checkpoint_every = 0, log_every = 1,
}

local function resolve(recipe, changes)
  local values = {}
  for key, v in pairs(small) do values[key] = recipe.options.declared[key] and v or nil end
  for key, v in pairs(changes or {}) do values[key] = v end
  return recipe.options:resolve {from = 'test', values = values}
end

-- Trains a recipe's file for 6 steps at once, and for 3 and 3; gives the two hashes, the run and the trainer.
local function both_ways(path, changes, spec)
  local recipe = recipes.load(path)
  local function train(folder, steps)
    local o = resolve(recipe, changes)
    o.steps = steps
    return gan.session.start({recipe = recipe, options = o, data = spec or 'scenes:faces', out = folder, quiet = true}):run()
  end
  local whole = train(command.folder(), 6)
  local folder = command.folder()
  local session = gan.session.start {
    recipe = recipe, options = resolve(recipe, changes), data = spec or 'scenes:faces', out = folder, quiet = true,
  }
  for _ = 1, 3 do session.trainer:step() end
  session:save()
  session:leave()
  local resumed = gan.session.resume {path = folder, quiet = true}
  assert.equal(3, resumed.trainer.number)
  return whole, resumed:run(), folder
end

local function recipe_file(text)
  local path = command.folder() .. '/own.lua'
  command.write(path, "local gantry = require 'gantry'\nlocal gan, nn = gantry.gan, gantry.nn\n" ..
    'local losses, penalties = gan.losses, gan.penalties\n' .. text)
  return path
end

local head = "return gan.recipe {name = 'own', options = gan.options('dcgan', {}), " ..
  'generator = gan.nets.dcgan_generator, discriminator = gan.nets.dcgan_discriminator,\n'

describe('a variant', function()
  teardown(command.clean)

  for name, changes in pairs {
    ['an average of G'] = {ema = 0.9}, ['RMSprop'] = {optimizer = 'rmsprop', lr = 1e-4},
    ['momentum and weight decay'] = {optimizer = 'sgd', momentum = 0.9, weight_decay = 1e-3},
    ['a linear schedule'] = {schedule = 'linear', decay_from = 0}, ['an exponential schedule'] = {schedule = 'exponential'},
    ['another step size for D'] = {lr_d = 1e-3}, ['clipped gradients'] = {clip_gradients = 0.01},
    ['accumulated gradients'] = {accumulate = 2},
  } do
    it('with ' .. name .. ' goes on bit by bit, and is another run than without', function()
      local whole, resumed, folder = both_ways('dcgan', changes)
      assert.equal(whole.hash, resumed.hash)
      if changes.ema then
        assert.equal(gan.hash(whole.trainer:generator()), gan.hash(resumed.trainer:generator()))
        local run = gan.open(folder)
        assert.equal(gan.hash(run.G), gan.hash(resumed.trainer.ema))
        assert.not_equal(gan.hash(run.G), gan.hash(resumed.trainer.G))
      else
        assert.not_equal(both_ways('dcgan').hash, whole.hash)
      end
    end)
  end

  it('with augmentation, instance noise, historical averaging and smoothed labels goes on bit by bit', function()
    local path = recipe_file(head .. [[
      d_loss = function(s)
        local function seen(x) return s.D(penalties.noise(gan.augment(x, 'color translation cutout'), 0.1)) end
        return losses.minimax_d(seen(s.real), seen(s.fake), 0.9) + 0.1 * penalties.history(s, 'D')
          + penalties.lazy(s, 2, function() return penalties.r1(s.D, s.real) end)
      end,
      g_loss = function(s) return losses.non_saturating_g(s.D(gan.augment(s.fake, 'color translation cutout'))) end,
    }]])
    local whole, resumed = both_ways(path)
    assert.equal(whole.hash, resumed.hash)
    local kept = whole.trainer.state.kept
    assert.equal(6, kept.history_updates_D[1])
    assert.equal(0, (kept.history_D - resumed.trainer.state.kept.history_D):abs():max())
    local m = whole.trainer.metrics
    assert.is_true(m.d_real > 0 and m.d_real < 1 and m.d_fake > 0 and m.d_fake < 1)
  end)

  it('leaves training alone when it only looks: an average changes no weights', function()
    assert.equal(both_ways('dcgan').hash, both_ways('dcgan', {ema = 0.99}).hash)
  end)
end)

describe('the average of G', function()
  it('is what the formula says, with statistics of its own', function()
    local recipe = recipes.load 'dcgan'
    local o = resolve(recipe, {ema = 0.5})
    local t = gan.trainer(recipe, o, data.open('scenes:faces', {size = 16}))
    local mean = t.state.players.G.parameters:clone()
    for n = 1, 4 do
      t:step()
      local d = math.min(0.5, (1 + n) / (10 + n))
      mean = mean * d + t.state.players.G.parameters * (1 - d)
    end
    assert.is_true((mean - t.ema_parameters):abs():max() < 1e-6)
    local averaged = t:generator()
    local norm
    for _, m in ipairs(averaged.modules) do norm = norm or m.running_mean and m end
    local before = norm.running_mean:clone()
    assert.equal(averaged, t:generator())
    assert.equal(0, (norm.running_mean - before):abs():max())
    t:step()
    t:generator()
    assert.not_equal(0, (norm.running_mean - before):abs():max())
  end)
end)

describe('a generator that draws', function()
  it('draws nothing where somebody looks at its average', function()
    local recipe = recipe_file [[
      return gan.recipe {
        name = 'own', options = gan.options('dcgan', {}), discriminator = gan.nets.dcgan_discriminator,
        generator = function(o)
          return gan.nets.dcgan_generator(o):insert(nn.Dropout(0.5), 4):insert(nn.NoiseInjection(4 * o.base), 3)
        end,
      }]]
    recipe = recipes.load(recipe)
    local t = gan.trainer(recipe, resolve(recipe, {ema = 0.5, size = 32}), data.open('scenes:faces', {size = 32}))
    t:step()
    local state = torch.getRNGState()
    t:generator()
    assert.is_true(torch.getRNGState():eq(state):all())
  end)
end)

describe('a run with styles', function()
  teardown(command.clean)

  it('gives the same images for a seed; truncated, images nearer to that of the mean style', function()
    local recipe, folder = recipes.load 'stylegan', command.folder() .. '/run'
    local o = resolve(recipe, {batch = 4, style = 8, steps = 2})
    gan.session.start({recipe = recipe, options = o, data = 'scenes:faces', out = folder, quiet = true}):run()
    local run = gan.open(folder):reestimate()
    for _, m in ipairs(run.G:findModules 'nn.NoiseInjection') do m.weight:fill(0.1) end
    local z = run:z(3)
    local images = run:images(z)
    assert.equal(0, (run:images(z) - images):abs():max())
    assert.equal(0, (run:images(z:narrow(1, 2, 1)) - images:narrow(1, 2, 1)):abs():max())
    local function apart(x) return (x[1] - x[2]):norm() end
    assert.is_true(run:truncate(0.5))
    local half = run:images(z)
    assert.is_true(apart(half) < apart(images) and apart(half) > 0)
    run:truncate(0)
    assert.equal(0, apart(run:images(z)))
    run:truncate(1)
    assert.equal(0, (run:images(z) - images):abs():max())
    assert.error_matches(function() run:z(3, 1, 0.5) end, 'its generator has styles, .* run:truncate%(0.5%)')
    assert.error_matches(function() run:truncate(1.5) end, 'truncation: got 1.5, wanted a number from 0 to 1')
    local code, out, err = command.gantry(('sample %s --n 4 --truncation 0.3 --out %s/t.png'):format(folder, folder))
    assert.equal(0, code, err)
    assert.matches('4 samples of step 2', out)
    assert.not_equal(command.read(folder .. '/t.png'), command.read(folder .. '/samples/000002.png'))
    assert.equal(1, (command.gantry(('sample %s --truncation 1.5'):format(folder))))
  end)
end)

describe('schedules', function()
  it('have the rates of their formulas', function()
    local o = {schedule = 'linear', decay_from = 0.5, lr_final = 0.01, steps = 100}
    assert.equal(1, Player.rate(o, 50))
    assert.near(0.98, Player.rate(o, 52), 1e-12)
    assert.near(0.02, Player.rate(o, 100), 1e-12)
    o.schedule = 'exponential'
    assert.equal(1, Player.rate(o, 1))
    assert.near(0.1, Player.rate(o, 76), 1e-12)
    o.schedule = 'constant'
    assert.equal(1, Player.rate(o, 100))
  end)
end)

describe('accumulation', function()
  it('of two batches of 3 is one batch of 6, where no layer looks at the batch', function()
    local recipe = gan.recipe {
      name = 'plain', options = recipes.load('dcgan').options,
      generator = function(o)
        return nn.Sequential():add(nn.Linear(o.z_size, 3 * 256)):add(nn.Tanh()):add(nn.View(3, 16, 16):setNumInputDims(1))
      end,
      discriminator = function() return nn.Sequential():add(nn.View(768):setNumInputDims(3)):add(nn.Linear(768, 1)) end,
    }
    local function first_d_update(changes)
      changes.optimizer = 'sgd'
      local t = gan.trainer(recipe, resolve(recipe, changes), data.open('scenes:faces', {size = 16}))
      t.state.number = 1
      t.state:draw()
      local loss = t.state:update_d(gan.d_loss)
      t.state:clear()
      return t.state.players.D.gradients, loss
    end
    local g6, l6 = first_d_update {batch = 6}
    local g3, l3 = first_d_update {batch = 3, accumulate = 2}
    assert.near(l6, l3, 1e-6)
    assert.is_true((g6 - g3):abs():max() < 1e-6)
  end)
end)

describe('labels', function()
  teardown(command.clean)

  -- Sub-folders of PNG files, one of which cannot be read.
  local function photos()
    local folder = command.folder()
    for i = 1, 24 do
      local class = ('%s/class%d'):format(folder, i % 2)
      lfs.mkdir(class)
      local path = ('%s/%02d.png'):format(class, i)
      require('gantry.image').save(path, torch.FloatTensor(3, 16, 16):uniform(torch.Generator(i), 0, 1))
      if i == 5 then command.write(path, command.read(path):sub(1, 200)) end
    end
    return folder
  end

  local function program()
    local path = command.folder() .. '/own.lua'
    command.write(path, [[
      local torch = require('gantry').torch
      return {size = 24, classes = {'a', 'b', 'c', 'd'}, label = function(i) return i % 4 + 1 end,
        get = function(i) return torch.FloatTensor(3, 16, 16):fill(i / 30) end}]])
    return path
  end

  for what, make in pairs {['a .npy file'] = labelled, ['a folder'] = photos, ['a program'] = program} do
    it('come with the batches of ' .. what .. ', in the same order', function()
      local set = data.open(make(), {size = 16, warn = function() end})
      local batches = set:batches {batch = 7, labels = true, seed = 3, start = 5}
      for _ = 1, 4 do
        local x, y = batches:next()
        for k = 1, 7 do
          local found
          for i = 1, set:size() do
            local ok, picture = pcall(set.get, set, i)
            if ok and (x[k] - picture):abs():max() == 0 then found = set:label(i) end
          end
          assert.equal(found, y[k])
        end
      end
    end)
  end

  it('are missing where there are none', function()
    assert.error_matches(function() data.open('scenes:faces'):batches {labels = true} end, 'scenes:faces has no labels')
  end)

  local path
  setup(function()
    path = recipe_file [[
      return gan.recipe {
        name = 'own', labels = 'data', options = gan.options('dcgan', {classes = {0, 'classes', min = 0, integer = true}}),
        generator = function(o)
          return nn.Sequential():add(nn.SelectTable(1)):add(gan.nets.dcgan_generator(o))
        end,
        discriminator = gan.nets.dcgan_discriminator,
        d_loss = function(s)
          assert(s.labels:size(1) == 6 and s.fake_labels:min() >= 1 and s.fake_labels:max() <= 3)
          s:note('mean_label', s.labels:double():mean())
          s:note('mean_fake_label', s.fake_labels:double():mean())
          return losses.d_loss(s)
        end,
      }]]
  end)

  it('reach the step; the number of classes is the data\'s; a run goes on bit by bit', function()
    local spec = labelled()
    local whole, resumed, folder = both_ways(path, nil, spec)
    assert.equal(whole.hash, resumed.hash)
    assert.equal(3, whole.trainer.options.classes)
    local run = gan.open(folder)
    assert.equal(3, run.classes)
    assert.same({'0', '1', '2'}, {unpack(run.state.classes, 1, 3)})
  end)

  it('are wanted of the data, and named where they are missing', function()
    local recipe = recipes.load(path)
    assert.error_matches(function() gan.trainer(recipe, resolve(recipe), data.open('scenes:faces', {size = 16})) end,
      'recipe own: wants labelled images, and scenes:faces has no labels')
    local o = resolve(recipe, {classes = 2})
    assert.error_matches(function() gan.trainer(recipe, o, data.open(labelled())) end, 'classes is 2, but .* has 3')
  end)
end)

describe('a recipe with more networks', function()
  teardown(command.clean)

  it('updates them alone or together, keeps and restores them', function()
    local path = recipe_file [[
      return gan.recipe {
        name = 'auto', options = gan.options {base = {4, 'maps', min = 1}, kernel = {4, 'kernel'}},
        generator = gan.nets.dcgan_generator,
        networks = {encoder = function(o)
          return nn.Sequential():add(nn.View(3 * 256):setNumInputDims(3)):add(nn.Linear(3 * 256, o.z_size))
        end},
        step = function(s)
          s:draw()
          s:update_g(function() return (s.G(s.encoder(s.real)) - s.real):pow(2):mean() end, {'encoder'})
          s:note('only', s:update('encoder', function() return s.encoder(s.real):pow(2):mean() end))
        end,
      }]]
    local whole, resumed = both_ways(path)
    assert.equal(whole.hash, resumed.hash)
    assert.is_true(whole.trainer.metrics.only > 0)
    assert.is_nil(whole.trainer.D)
    local report = require('gantry.gan.tryout').run(recipes.load(path), resolve(recipes.load(path)))
    assert.same({}, report.problems)
  end)

  it('refuses names that a step has, and unknown ones', function()
    local function declare(networks)
      local nets = gan.nets
      return gan.recipe {name = 'x', generator = nets.dcgan_generator, discriminator = nets.dcgan_discriminator, networks = networks}
    end
    assert.error_matches(function() declare {draw = function() end} end, 'a network cannot be called draw')
    assert.error_matches(function() declare {E = 3} end, 'networks.E is a number')
    assert.error_matches(function() gan.recipe {name = 'x', generator = function() end} end, 'discriminator is missing')
  end)
end)
