-- Training: the same seed gives the same weights, looking changes nothing, memory stays flat, resuming loses nothing.
local lfs = require 'lfs'
local torch = require 'gantry.torch'
local autograd = require 'gantry.autograd'
local data = require 'gantry.data'
local native = require 'gantry.native'
local gan = require 'gantry.gan'
local recipes = require 'gantry.gan.recipe'
local run = require 'gantry.gan.run'
local command = require 'tests.support.command'

local C = native.C

local function settings(changes)
  local values = {
    size = 16, base = 4, kernel = 4, batch = 6, z_size = 8, steps = 6, samples = 4, sample_every = 0, checkpoint_every = 0, log_every = 1,
  }
  for key, value in pairs(changes or {}) do values[key] = value end
  return recipes.load('dcgan').options:resolve {from = 'test', values = values}
end

local function trainer(changes, recipe)
  local o = settings(changes)
  return gan.trainer(recipe or recipes.load 'dcgan', o, data.open('scenes:faces', {size = o.size, channels = o.channels}))
end

local function start(folder, changes, force)
  local o = settings(changes)
  return gan.session.start {recipe = 'dcgan', options = o, data = 'scenes:faces', out = folder, quiet = true, force = force}
end

local function train(folder, changes, force)
  return start(folder, changes, force):run()
end

local function hash_after(steps, changes)
  local t = trainer(changes)
  for _ = 1, steps do t:step() end
  return gan.hash(t.G, t.D)
end

describe('gan.trainer', function()
  teardown(command.clean)

  it('reports finite losses and probabilities', function()
    local m = trainer():step()
    assert.equal(1, m.step)
    assert.is_true(m.d_loss > 0 and m.d_loss < 10 and m.g_loss > 0 and m.g_loss < 10)
    assert.is_true(m.d_real > 0 and m.d_real < 1 and m.d_fake > 0 and m.d_fake < 1)
  end)

  it('gives the same weights for the same seed, at any number of threads, and others for another', function()
    local before = C.gt_threads()
    C.gt_set_threads(1)
    local one = hash_after(3)
    C.gt_set_threads(2)
    local two = hash_after(3)
    C.gt_set_threads(before)
    assert.equal(one, two)
    assert.not_equal(one, hash_after(3, {seed = 2}))
  end)

  it('draws z uniformly or normally', function()
    assert.not_equal(hash_after(1), hash_after(1, {z = 'normal'}))
  end)

  it("updates D as the losses' gradients say, and moves its statistics once for each batch", function()
    local t = trainer()
    local D = t.D:clone()
    local s = t.state
    local norm, reference
    for i, m in ipairs(t.D.modules) do
      if m.running_mean then norm, reference = m, D.modules[i] break end
    end
    local real, fake
    s.number = 1
    s:draw()
    real, fake = s.real.data:clone(), s.fake.data:clone()
    s:update_d(gan.d_loss)
    D:zeroGradParameters()
    gan.d_loss({D = function(x) return D:forward(x) end, real = autograd.value(real), fake = autograd.value(fake)}):backward()
    local _, expected = D:getParameters()
    assert.is_true((t.state.players.D.gradients - expected):abs():max() < 1e-6)
    assert.is_true((norm.running_mean - reference.running_mean):abs():max() < 1e-6)

    local mean = norm.running_mean:clone()
    local weights = t.state.players.D.parameters:clone()
    s:update_g(gan.g_loss)
    assert.equal(0, (norm.running_mean - mean):abs():max())
    assert.equal(0, (t.state.players.D.parameters - weights):abs():max())
    assert.is_true((t.state.players.D.gradients - expected):abs():max() < 1e-6)
    s:clear()
  end)

  it('leaves the statistics alone for inputs that gradients are asked for', function()
    local moved
    local recipe = gan.recipe {
      name = 'penalised', options = recipes.load('dcgan').options,
      generator = gan.nets.dcgan_generator, discriminator = gan.nets.dcgan_discriminator,
      d_loss = function(s)
        local norm
        for _, m in ipairs(s.players.D.net.modules) do norm = norm or m.running_mean end
        local plain = gan.d_loss(s)
        local before = norm:clone()
        local x = gan.mix(s.real, s.fake)
        local g = autograd.grad(s.D(x):sum(), x, {create_graph = true})
        moved = (norm - before):abs():max()
        return plain + g:flatten(2):norm(2, 2):pow(2):mean()
      end,
    }
    trainer(nil, recipe):step()
    assert.equal(0, moved)
  end)

  it('runs recipes with several updates of D and with a step of their own', function()
    local seen = {}
    local recipe = gan.recipe {
      name = 'own', options = recipes.load('dcgan').options, score = 'critic',
      generator = gan.nets.dcgan_generator, discriminator = gan.nets.dcgan_discriminator,
      step = function(s)
        for _ = 1, 2 do
          s:draw()
          seen[#seen + 1] = s:update_d(function(state) return state.D(state.fake):mean() - state.D(state.real):mean() end)
        end
        s:update_g(function(state) return -state.D(state.fake):mean() end)
      end,
    }
    local t = trainer(nil, recipe)
    t:step()
    assert.equal(2, #seen)
    assert.equal(12, t.position)
    local several = trainer {critic_steps = 3}
    several:step()
    assert.equal(18, several.position)
  end)

  it('stops, naming the step, where a loss is not finite', function()
    local recipe = gan.recipe {
      name = 'broken', options = recipes.load('dcgan').options,
      generator = gan.nets.dcgan_generator, discriminator = gan.nets.dcgan_discriminator,
      g_loss = function(s) return s.number == 3 and (s.D(s.fake):mean() * 0):log() * 0 or gan.g_loss(s) end,
    }
    local t = trainer(nil, recipe)
    t:step()
    t:step()
    assert.error_matches(function() t:step() end, "step 3: G's loss is not a number")
    assert.is_true(t.diverged)
    assert.equal(2, t.number)
  end)

  it('uses no more memory in the next 1,000 steps than in the first ones', function()
    local t = trainer {batch = 4}
    local function resident()
      local file = io.open '/proc/self/statm'
      if not file then return 0 end
      local pages = file:read '*a':match '^%d+ (%d+)'
      file:close()
      return tonumber(pages) * 4096
    end
    for _ = 1, 50 do t:step() end
    C.gt_pool_reset_peak()
    for _ = 1, 250 do t:step() end -- long enough for the collector to have come round
    local peak, memory = native.memory().peak, resident()
    C.gt_pool_reset_peak()
    for _ = 1, 1000 do t:step() end
    assert.is_true(native.memory().peak <= peak * 1.01 + 65536)
    assert.is_true(resident() <= memory + 8 * 2 ^ 20)
  end)
end)

describe('a run', function()
  teardown(command.clean)

  it('keeps its recipe, options, metrics, samples and a checkpoint', function()
    local folder = command.folder()
    local result = train(folder, {sample_every = 3})
    for _, name in ipairs {
      'recipe/dcgan.lua', 'options.yaml', 'metrics.jsonl', 'samples/000003.png', 'samples/000006.png', 'checkpoint.safetensors', 'log.txt',
    } do
      assert.equal('file', lfs.attributes(folder .. '/' .. name, 'mode'), name)
    end
    assert.matches('weights: ' .. result.hash, command.read(folder .. '/log.txt'))
    local lines = 0
    for line in io.lines(folder .. '/metrics.jsonl') do
      lines = lines + 1
      local m = require('cjson').decode(line)
      assert.equal(lines, m.step)
      for _, key in ipairs {'seconds', 'd_loss', 'g_loss', 'd_real', 'd_fake', 'images_per_second'} do assert.is_number(m[key]) end
    end
    assert.equal(6, lines)
  end)

  it('ends in the same weights with and without sample grids and checkpoints', function()
    assert.equal(train(command.folder()).hash, train(command.folder(), {sample_every = 1, checkpoint_every = 2, samples = 9}).hash)
  end)

  it('goes on bit by bit as if it had not stopped', function()
    local whole = train(command.folder())
    local folder = command.folder()
    train(folder, {steps = 4})
    local resumed = gan.session.resume {path = folder, steps = 6, quiet = true}
    assert.equal(4, resumed.trainer.number)
    assert.same({}, resumed.differences)
    assert.equal(whole.hash, resumed:run().hash)
    local steps = {}
    for line in io.lines(folder .. '/metrics.jsonl') do steps[#steps + 1] = tonumber(line:match '"step":(%d+)') end
    assert.same({1, 2, 3, 4, 5, 6}, steps)
  end)

  for _, signal in ipairs {'TERM', 'HUP'} do
    it('finishes the step and saves when SIG' .. signal .. ' tells it to stop', function()
      local folder = command.folder()
      local session = start(folder, {steps = 50})
      local step = session.trainer.step
      session.trainer.step = function(t)
        local m = step(t)
        if t.number == 3 then os.execute(('kill -%s '):format(signal) .. command.read('/proc/self/stat'):match '^%d+') end
        return m
      end
      local result = session:run()
      assert.is_true(result.interrupted)
      assert.is_true(result.step >= 3 and result.step < 50)
      assert.matches('go on with: gantry resume', command.read(folder .. '/log.txt'))
      assert.equal(result.step, run.open(folder).step)
    end)
  end

  it('opens as data: the networks give the same images, and nothing is drawn from torch', function()
    local folder = command.folder()
    local result = train(folder)
    torch.manualSeed(7)
    local opened = gan.open(folder)
    local z = opened:z(4)
    local images = opened:images(z)
    local first = torch.uniform()
    torch.manualSeed(7)
    assert.equal(torch.uniform(), first)
    assert.equal(0, (images - gan.samples.images(result.trainer.G, z)):abs():max())
    assert.equal(result.hash, gan.hash(opened.G, opened.D))
    assert.equal(0, (opened:z {2, 4} - torch.cat(z:narrow(1, 2, 1), z:narrow(1, 4, 1), 1)):abs():max())
  end)

  it('is not overwritten', function()
    local folder = command.folder()
    train(folder, {steps = 1})
    assert.error_matches(function() train(folder, {steps = 1}) end, 'there is a run in it')
    assert.equal(1, train(folder, {steps = 1}, true).step)
    local other = command.folder()
    command.write(other .. '/precious.txt', 'x')
    assert.error_matches(function() train(other, {steps = 1}, true) end, 'not empty and not a run')
  end)

  it('keeps the last checkpoint when training diverges, and says so', function()
    local folder = command.folder()
    local session = start(folder, {checkpoint_every = 2})
    local step = session.trainer.step
    session.trainer.step = function(t)
      if t.number == 3 then t.state.players.D.parameters:fill(0 / 0) end
      return step(t)
    end
    assert.error_matches(function() session:run() end, "step 4: D's loss is not a number.*the checkpoint of step 2 is kept")
    assert.equal(2, run.open(folder).step)
  end)
end)

describe('a walk', function()
  it('begins and ends at its points', function()
    local points = gan.samples.z(3, {z_size = 6, z = 'uniform'}, 1)
    for _, spherical in ipairs {false, true} do
      local z = gan.samples.path(points, 5, spherical)
      assert.equal(10, z:size(1))
      assert.is_true((z[1] - points[1]):abs():max() < 1e-6)
      assert.is_true((z[5] - points[2]):abs():max() < 1e-6)
      assert.is_true((z[6] - points[2]):abs():max() < 1e-6)
      assert.is_true((z[10] - points[3]):abs():max() < 1e-6)
    end
    local lengths = gan.samples.path(points, 5, true):narrow(1, 1, 5):norm(2, 2)
    assert.near(lengths[3][1], (lengths[1][1] + lengths[5][1]) / 2, 1e-4)
  end)
end)
