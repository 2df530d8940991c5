-- What metrics.jsonl shows of a collapsed and of a diverged run, and of filters that oscillate; looking changes nothing.
local cjson = require 'cjson'
local lfs = require 'lfs'
local torch = require 'gantry.torch'
local nn = require 'gantry.nn'
local data = require 'gantry.data'
local gan = require 'gantry.gan'
local Filters = require 'gantry.gan.filters'
local Health = require 'gantry.gan.health'
local recipes = require 'gantry.gan.recipe'
local command = require 'tests.support.command'

local MOVES = Filters.MOVES

local function options(recipe, changes)
  local values = {
    size = 16, channels = 1, base = 4, batch = 8, z_size = 8, steps = 6, samples = 4, sample_every = 0, checkpoint_every = 0, log_every = 1,
    precision = 'float32',
  }
  for key, value in pairs(changes or {}) do values[key] = value end
  return recipe.options:resolve {from = 'test', values = values}
end

local function start(folder, name, changes)
  local recipe = recipes.load(name)
  return gan.session.start {recipe = recipe, options = options(recipe, changes), data = 'scenes:faces', out = folder, quiet = true}
end

local function lines_of(folder)
  local lines = {}
  for line in io.lines(folder .. '/metrics.jsonl') do lines[#lines + 1] = cjson.decode(line) end
  return lines
end

-- A history of filters: each a function of the number of the logged step.
local function history(filters)
  local x = torch.FloatTensor(MOVES + 1, #filters)
  for k, f in ipairs(filters) do
    for t = 1, MOVES + 1 do x[t][k] = f(t) end
  end
  return x
end

local opposite = 'bench/rules/opposite.lua'

describe('the metrics of a run', function()
  teardown(command.clean)

  it('show a collapse: all images of a minibatch are the same', function()
    local function same(changes)
      local folder, count = command.folder(), 0
      start(folder, opposite, changes):run()
      local lines = lines_of(folder)
      for i = #lines - 19, #lines do
        if lines[i].diversity < 0.01 then count = count + 1 end
      end
      return count
    end
    assert.is_true(same {rule = 'no-norm', lr = 1, lr_d = 0.02, beta1 = 0.9, steps = 200} >= 10)
    assert.equal(0, same {steps = 60})
  end)

  it('show a divergence: gradients that grow, D at 0 and 1, and the step in which numbers were none', function()
    local folder = command.folder()
    local session = start(folder, opposite, {rule = 'no-norm', optimizer = 'sgd', lr = 1, steps = 60})
    assert.error_matches(function() session:run() end, 'training has diverged')
    local lines = lines_of(folder)
    local last = lines[#lines]
    assert.equal(1, last.diverged)
    assert.equal(session.trainer.number + 1, last.step)
    local largest, extreme = 0, 0
    for i = 1, #lines - 1 do
      local m = lines[i]
      largest = math.max(largest, m.d_gradient / lines[1].d_gradient)
      if math.min(m.d_real, 1 - m.d_real, m.d_fake, 1 - m.d_fake) < 1e-3 then extreme = extreme + 1 end
    end
    assert.is_true(largest > 1e6, largest)
    assert.is_true(extreme > 0)
    assert.equal('file', lfs.attributes(folder .. '/metrics.png', 'mode'))
  end)

  it('have the same columns whatever the recipe, and without labels or D', function()
    for name, wanted in pairs {
      cdcgan = {'g_gradient', 'd_gradient', 'diversity'}, vae = {'g_gradient', 'encoder_gradient', 'filters_dead', 'diversity'},
      pix2pix = {'g_gradient', 'd_gradient', 'diversity'}, infogan = {'g_gradient', 'd_gradient', 'filters_dead'},
    } do
      local recipe = recipes.load(name)
      local values = {batch = 4, size = 16, classes = 3}
      for key in pairs(values) do if not recipe.options.declared[key] then values[key] = nil end end
      local o = recipe.options:resolve {from = 'test', values = values}
      o.log_every, o.base, o.maps, o.hidden = 1, 4, 4, 8
      local m = gan.trainer(recipe, o, require('gantry.gan.tryout').noise(o, recipe.pairs)):step()
      for _, key in ipairs(wanted) do assert.is_number(m[key], name .. ': ' .. key) end
    end
  end)

  it('change nothing, and are there at logged steps alone', function()
    local recipe = recipes.load 'dcgan'
    local hashes = {}
    for k, every in ipairs {1, 3, 100} do
      local o = options(recipe, {log_every = every, steps = 100, kernel = 4})
      local t = gan.trainer(recipe, o, data.open('scenes:faces', {size = 16, channels = 1}))
      for number = 1, 5 do
        local m = t:step()
        assert.equal(number % every == 0, m.diversity ~= nil and m.g_gradient ~= nil and m.filters_dead ~= nil)
      end
      hashes[k] = gan.hash(t.G, t.D) .. torch.getRNGState():sum()
    end
    assert.equal(hashes[1], hashes[2])
    assert.equal(hashes[1], hashes[3])
  end)

  it('go on bit by bit when a run is resumed', function()
    local whole, parts = command.folder(), command.folder()
    start(whole, 'dcgan', {steps = 70, kernel = 4}):run()
    start(parts, 'dcgan', {steps = 67, kernel = 4}):run()
    gan.session.resume({path = parts, steps = 70, quiet = true}):run()
    local a, b = lines_of(whole), lines_of(parts)
    for i = 60, 70 do
      for _, key in ipairs {'diversity', 'g_gradient', 'filters_dead', 'filters_oscillating', 'filters_one_mode'} do
        assert.equal(a[i][key], b[i][key])
      end
    end
    assert.is_number(a[70].filters_one_mode)
    assert.is_nil(a[64].filters_one_mode)
  end)

  it('may be what the best checkpoint is chosen by, though not every step has them', function()
    local folder = command.folder()
    start(folder, 'dcgan', {kernel = 4, log_every = 2, steps = 4, checkpoint_every = 2, keep_best = 'max:diversity'}):run()
    assert.equal('file', lfs.attributes(folder .. '/best.safetensors', 'mode'))
  end)
end)

describe('diversity', function()
  it('is the ratio of the root mean square distances of pairs', function()
    torch.manualSeed(3)
    local real, fake = torch.FloatTensor(7, 2, 3, 3):normal(), torch.FloatTensor(7, 2, 3, 3):normal() * 0.5
    local function squares(x)
      local sum = 0
      for i = 1, 7 do
        for k = 1, 7 do sum = sum + (x[i] - x[k]):pow(2):sum() end
      end
      return sum
    end
    assert.near(math.sqrt(squares(fake) / squares(real)), Health.diversity(real, fake), 1e-5)
    assert.near(1, Health.diversity(real, real), 1e-6)
    assert.equal(0, Health.diversity(real, fake:narrow(1, 1, 1):expandAs(fake)))
    assert.is_nil(Health.diversity(fake:zero(), real))
  end)
end)

describe('the histories of filters', function()
  local function swing(period, phase) return function(t) return 5 + 0.1 * math.sin(2 * math.pi * t / period + phase) end end

  it('show which of them oscillate, at any period from 2 to 32 logged steps, over noise and a drift', function()
    for _, period in ipairs {2, 2.5, 3, 5.3, 8, 17, 31} do
      local noise = torch.Generator(1)
      local function noisy(t) return swing(period, 0.7)(t) + 0.05 / period * torch.normal(noise) + 0.05 * t end
      assert.equal(0.5, (Filters.spectrum(history {noisy, function() return torch.normal(noise) end})), period)
    end
  end)

  it('do not take noise, wandering, a trend or rest for it', function()
    local random, walk = torch.Generator(5), 0
    local filters = {}
    for k = 1, 200 do filters[k] = function() return torch.normal(random) end end
    for k = 201, 400 do
      filters[k] = function(t)
        walk = t == 1 and 0 or walk + torch.normal(random)
        return walk
      end
    end
    filters[401], filters[402] = function(t) return 3 * t end, function() return 0 end
    local oscillating, one_mode = Filters.spectrum(history(filters))
    assert.equal(0, oscillating)
    assert.is_true(one_mode < 0.12, one_mode)
  end)

  it('tell filters that swing together from filters of which each has its own way', function()
    local together, apart = {}, {}
    for k = 1, 20 do
      together[k], apart[k] = swing(6, k), swing(2.2 + k, k)
    end
    local oscillating, one_mode = Filters.spectrum(history(together))
    assert.equal(1, oscillating)
    assert.is_true(one_mode > 0.85, one_mode)
    oscillating, one_mode = Filters.spectrum(history(apart))
    assert.is_true(oscillating > 0.9)
    assert.is_true(one_mode < 0.5, one_mode)
  end)

  it('come from the maps behind the activations of a generator, images left out', function()
    local o = {batch = 64, z_size = 4, z = 'uniform'}
    local G = nn.Sequential():add(nn.Linear(4, 3 * 4)):add(nn.ReLU()):add(nn.View(3, 2, 2):setNumInputDims(1))
      :add(nn.SpatialFullConvolution(3, 5, 4, 4, 2, 2, 1, 1)):add(nn.ReLU())
      :add(nn.SpatialFullConvolution(5, 1, 4, 4, 2, 2, 1, 1)):add(nn.Tanh())
    local bias = G:get(4).bias
    local filters = Filters.new(o)
    local found
    for t = 1, MOVES + 1 do
      bias:fill(1)
      bias[2] = 1 + (t % 2)  -- one filter swings,
      bias[4] = -100         -- one is dead, the others rest
      found = filters:look(G)
    end
    assert.equal(3 + 5, filters:saved():size(2))
    assert.equal(1 / 8, found.filters_oscillating)
    assert.near(1, found.filters_one_mode, 1e-4)
    assert.is_true(found.filters_dead >= 1 / 8 and filters.history[MOVES + 1][3 + 4] == 0)
    assert.same({}, Filters.new(o):look(nn.Sequential():add(nn.Linear(4, 16)):add(nn.View(1, 4, 4):setNumInputDims(1)):add(nn.Tanh())))
  end)

  it('are refused where they are none', function()
    assert.error_matches(function() Filters.spectrum(torch.FloatTensor(3, 2)) end,
      'filters: got a tensor of 3 x 2, wanted histories: 65 x filters')
    assert.error_matches(function() Filters.spectrum 'x' end, 'filters: got a string')
  end)
end)
