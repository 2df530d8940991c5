-- The option reuse_fake against dcgan.torch's way written out with modules, and what it refuses.
local torch = require 'gantry.torch'
local nn = require 'gantry.nn'
local optim = require 'gantry.optim'
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local data = require 'gantry.data'
local gan = require 'gantry.gan'
local recipes = require 'gantry.gan.recipe'
local command = require 'tests.support.command'

local C = native.C

local function settings(recipe, changes)
  local values = {size = 16, batch = 6, steps = 6, samples = 4, sample_every = 0, checkpoint_every = 0, log_every = 1}
  for key, small in pairs {base = 4, kernel = 4, z_size = 8} do
    if recipe.options.declared[key] then values[key] = small end
  end
  for key, value in pairs(changes or {}) do values[key] = value end
  return recipe.options:resolve {from = 'test', values = values}
end

local function trainer(changes, recipe)
  recipe = recipe or recipes.load 'dcgan'
  local o = settings(recipe, changes)
  local h, w = gan.sides(o.size)
  return gan.trainer(recipe, o, data.open('scenes:faces', {size = {h, recipe.pairs and 2 * w or w}, channels = o.channels}))
end

local function hash_after(steps, changes, recipe)
  local t = trainer(changes, recipe)
  for _ = 1, steps do t:step() end
  return gan.hash(t.G, t.D)
end

-- Ops run in a step, by name.
local function count_ops(changes, name)
  local t, n = trainer(changes), 0
  t:step()
  local nothing = function() end
  local before = autograd.observe {
    begin_op = function(_, op) if op.name == name then n = n + 1 end end,
    end_op = nothing, begin_backward = nothing, end_backward = nothing,
  }
  t:step()
  autograd.observe(before)
  return n
end

--- One update as in dcgan.torch's main.lua: D's two batches apart, then G through D's kept activations and new weights.
local function torch7_step(nets, real, z)
  local G, D, o = nets.G, nets.D, nets.options
  local criterion, sigmoid = nn.BCECriterion(), nn.Sigmoid()
  local function towards(target)
    return function(score)
      local said = sigmoid:forward(score)
      local labels = said:clone():fill(target)
      criterion:forward(said, labels)
      return sigmoid:backward(score, criterion:backward(said, labels))
    end
  end
  local loss_gradient = towards(1)
  nets.gd:zero()
  local score = D:forward(real)
  D:backward(real, loss_gradient(score))
  local fake = G:forward(z)
  score = D:forward(fake)
  D:backward(fake, towards(0)(score))
  local config = {learningRate = o.lr, beta1 = o.beta1, beta2 = o.beta2}
  optim.adam(function() return 0, nets.gd end, nets.pd, config, nets.state_d)
  nets.gg:zero()
  G:backward(z, D:updateGradInput(fake, loss_gradient(score)))
  optim.adam(function() return 0, nets.gg end, nets.pg, config, nets.state_g)
end

-- How far two vectors are apart, as a part of the second one's length.
local function distance(a, b) return (a - b):norm() / b:norm() end

describe('reuse_fake', function()
  teardown(command.clean)

  for _, how in ipairs {{batch = 6}, {batch = 16, kernel = 5}} do
    it(('gives the gradients of dcgan.torch, to float accuracy: batch %d'):format(how.batch), function()
      how.reuse_fake = true
      local t = trainer(how)
      local nets = {G = t.G:clone(), D = t.D:clone(), options = t.options, state_d = {}, state_g = {}}
      nets.pd, nets.gd = nets.D:getParameters()
      nets.pg, nets.gg = nets.G:getParameters()
      local s = t.state
      for step = 1, 3 do
        s.number = step
        s:draw()
        torch7_step(nets, s.real.data:clone(), s.z.data:clone())
        s:update_d(t.d_loss)
        assert.is_true(distance(s.players.D.gradients, nets.gd) < 2e-5)
        local before = s.players.D.gradients:clone()
        s:update_g(t.g_loss)
        assert.equal(0, (s.players.D.gradients - before):abs():max())
        assert.is_true(distance(s.players.G.gradients, nets.gg) < 2e-5)
        s:clear()
      end
      assert.is_true(distance(s.players.G.parameters, nets.pg) < 2e-5)
      assert.is_true(distance(s.players.D.parameters, nets.pd) < 2e-5)
    end)
  end

  it('is another algorithm than asking D anew, with a forward pass of D less', function()
    assert.not_equal(hash_after(1), hash_after(1, {reuse_fake = true}))
    local fresh, reused = count_ops(nil, 'conv') + count_ops(nil, 'conv_activated'),
      count_ops({reuse_fake = true}, 'conv') + count_ops({reuse_fake = true}, 'conv_activated')
    -- D has three convolutions at 16 x 16.
    assert.equal(fresh - 3, reused)
    assert.equal(count_ops(nil, 'conv_weight'), count_ops({reuse_fake = true}, 'conv_weight'))
  end)

  it('gives the same weights at any number of threads, and of one loss as of a list of terms', function()
    local before = C.gt_threads()
    C.gt_set_threads(1)
    local one = hash_after(2, {reuse_fake = true, batch = 16})
    C.gt_set_threads(2)
    assert.equal(one, hash_after(2, {reuse_fake = true, batch = 16}))
    C.gt_set_threads(before)
    local whole = gan.recipe {
      name = 'whole', options = recipes.load('dcgan').options,
      generator = gan.nets.dcgan_generator, discriminator = gan.nets.dcgan_discriminator,
      d_loss = function(s) return gan.d_loss(s) end,
      step = function(s, t)
        s:draw()
        s:update_d(t.d_loss)
        s:update_g {function(x) return gan.g_loss(x) * 0.5 end, function(x) return gan.g_loss(x) * 0.5 end}
      end,
    }
    local a = trainer {reuse_fake = true}
    a:step()
    local b = trainer({reuse_fake = true}, whole)
    b:step()
    assert.is_true(distance(b.state.players.G.gradients, a.state.players.G.gradients) < 1e-5)
  end)

  it('goes on bit by bit, and the run says that it was on', function()
    local function start(steps)
      local recipe, folder = recipes.load 'dcgan', command.folder()
      local o = settings(recipe, {reuse_fake = true, steps = steps})
      return folder, gan.session.start {recipe = 'dcgan', options = o, data = 'scenes:faces', out = folder, quiet = true}
    end
    local _, whole = start(5)
    local hash = whole:run().hash
    local folder, part = start(2)
    part:run()
    assert.is_true(gan.open(folder).options.reuse_fake)
    assert.equal(hash, gan.session.resume({path = folder, steps = 5, quiet = true}):run().hash)
  end)

  it('serves layers with only Torch7\'s methods, in both updates', function()
    local Scale = torch.class('spec.ScaleLayer', 'nn.Module')
    function Scale:__init()
      nn.Module.__init(self)
      self.weight, self.gradWeight = torch.ones(1), torch.zeros(1)
    end
    function Scale:updateOutput(x)
      self.output:resizeAs(x):copy(x):mul(self.weight[1])
      return self.output
    end
    function Scale:updateGradInput(_, g)
      self.gradInput:resizeAs(g):copy(g):mul(self.weight[1])
      return self.gradInput
    end
    function Scale:accGradParameters(x, g, scale) self.gradWeight:add(scale * x:clone():cmul(g):sum()) end
    local recipe = gan.recipe {
      name = 'scaled', options = recipes.load('dcgan').options, generator = gan.nets.dcgan_generator,
      discriminator = function(o) return gan.nets.dcgan_discriminator(o):add(Scale()) end,
    }
    local t = trainer({reuse_fake = true}, recipe)
    local scale = t.D.modules[#t.D.modules]
    local s = t.state
    s.number = 1
    s:draw()
    s:update_d(t.d_loss)
    local gradient = scale.gradWeight[1]
    assert.is_true(gradient ~= 0 and scale.weight[1] ~= 1)
    s:update_g(t.g_loss)
    assert.equal(gradient, scale.gradWeight[1])
    assert.is_true(s.players.G.gradients:norm() > 0)
    s:clear()
  end)

  it('works with lists, classes, penalties, clipped weights and normalised ones', function()
    for _, name in ipairs {'wgan', 'wgan-gp', 'sngan', 'pix2pix', 'infogan'} do
      local t = trainer({reuse_fake = true}, recipes.load(name))
      t:step()
      local m = t:step()
      assert.is_true(m.d_loss - m.d_loss == 0 and m.g_loss - m.g_loss == 0, name)
    end
  end)

  it('is refused in one line where there is nothing to reuse', function()
    local function refused(recipe, text, changes)
      local values = {reuse_fake = true}
      for key, value in pairs(changes or {}) do values[key] = value end
      local ok, problem = pcall(function() trainer(values, type(recipe) == 'string' and recipes.load(recipe) or recipe):step() end)
      assert.is_false(ok)
      assert.matches(text, problem)
      assert.is_nil(tostring(problem):find '\n')
    end
    refused(gan.recipe {
      name = 'alone', options = gan.options('dcgan', {}), generator = recipes.load('dcgan').generator,
      step = function(s) s:draw() s:update_g(function() return s.fake:pow(2):mean() end) end,
    }, 'recipe alone: reuse_fake: it has no D')
    refused('vae', 'there is no option reuse_fake')
    refused('dcgan', 'recipe dcgan: reuse_fake: accumulate is 2, wanted 1', {accumulate = 2})
    refused('ragan', "step 1: reuse_fake: G's loss asks D about something else than s.fake")
    refused('improved', "step 1: reuse_fake: G's loss .*only what D said of s.fake in its own update can be used again")
    local late = gan.recipe {
      name = 'late', options = recipes.load('dcgan').options,
      generator = gan.nets.dcgan_generator, discriminator = gan.nets.dcgan_discriminator,
      step = function(s, t)
        s:draw()
        s:update_d(t.d_loss)
        s:draw()
        s:update_g(t.g_loss)
      end,
    }
    assert.error_matches(function() trainer({reuse_fake = true}, late):step() end, "G's loss asks D about what D's loss did not")
  end)
end)
