--- Training: the networks, their optimizers and the data of one run, one step after another. Nothing here writes files; a
-- session (gantry.gan.session) does.
--
-- The same recipe, options and data give the same weights, bit by bit, at any number of threads, and whether or not somebody
-- looks: samples are drawn from generators of their own.
-- @module gantry.gan.trainer
local ffi = require 'ffi'
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local torch = require 'gantry.torch'
local precision = require 'gantry.autograd.precision'
local Health = require 'gantry.gan.health'
local losses = require 'gantry.gan.losses'
local network = require 'gantry.gan.network'
local Player = require 'gantry.gan.player'
local reuse = require 'gantry.gan.reuse'
local statistics = require 'gantry.gan.statistics'
local Step = require 'gantry.gan.step'

local C = native.C

local Trainer = {}
Trainer.__index = Trainer

local function expect_network(net, which, recipe)
  if type(net) ~= 'table' or type(net.getParameters) ~= 'function' then
    native.fail("recipe %s: its %s gave a %s, wanted a network", recipe.name, which, torch.type(net))
  end
  return net:training()
end

-- A recipe with labels learns how many classes there are from the data, unless the option says it.
local function settle_classes(recipe, o, dataset)
  if not recipe.labels then return end
  local there = dataset.classes and #dataset.classes
  if recipe.labels == 'data' then
    if not dataset.label_of and not dataset.classes then
      native.fail('recipe %s: wants labelled images, and %s has no labels: a folder with a sub-folder for each class has, mnist:DIR, '
        .. 'cifar10:DIR, and FILE.npy with FILE.labels.npy beside it', recipe.name, tostring(dataset.name))
    end
    if o.classes == 0 then o.classes = there or native.fail('recipe %s: %s does not say how many classes it has; --set classes=N does',
      recipe.name, tostring(dataset.name)) end
    if there and o.classes < there then
      native.fail('recipe %s: classes is %d, but %s has %d', recipe.name, o.classes, tostring(dataset.name), there)
    end
  end
  if o.classes < 1 then native.fail('recipe %s: classes is %d, wanted at least 1', recipe.name, o.classes) end
end

--- Makes a trainer at step 0: seeds torch's generator with the options' seed and makes the networks.
-- @tparam Recipe recipe
-- @tparam table o resolved options; where the recipe has labels and `classes` is 0, that of the data is filled in
-- @param dataset from gantry.data
-- @treturn Trainer with G, D (where the recipe has one), nets (all of them by name), ema (where the option is above 0)
-- @usage local t = gan.trainer(recipe, options, data.open('scenes:faces', {size = 32})); print(t:step().d_loss)
function Trainer.new(recipe, o, dataset)
  if type(recipe) ~= 'table' or type(o) ~= 'table' or type(dataset) ~= 'table' then
    native.fail('trainer: got a %s, a %s and a %s, wanted a recipe, its resolved options and a data set', torch.type(recipe), torch.type(o),
      torch.type(dataset))
  end
  local self = setmetatable({recipe = recipe, options = o, dataset = dataset, number = 0, position = 0}, Trainer)
  settle_classes(recipe, o, dataset)
  reuse.check(recipe, o)
  torch.manualSeed(o.seed)
  self.nets, self.names = {}, {'G'}
  self.G = expect_network(recipe.generator(o), 'generator', recipe)
  if recipe.discriminator then
    self.D = expect_network(recipe.discriminator(o), 'discriminator', recipe)
    self.names[2] = 'D'
  end
  self.nets.G, self.nets.D = self.G, self.D
  local others = {}
  for name in pairs(recipe.networks or {}) do others[#others + 1] = name end
  table.sort(others)
  for _, name in ipairs(others) do
    self.nets[name] = expect_network(recipe.networks[name](o), name, recipe)
    self.names[#self.names + 1] = name
  end
  self.state = Step.new(self.nets, o, function() return self:next_images() end,
    {is_logit = recipe.score == 'logit', labels = recipe.labels, pairs = recipe.pairs})
  if o.ema > 0 then
    self.ema = self.G:clone():evaluate()
    self.ema_parameters = self.ema:getParameters()
  end
  self.d_loss, self.g_loss = recipe.d_loss or losses.d_terms, recipe.g_loss or losses.g_loss
  self.health = Health.new(recipe, o)
  return self
end

function Trainer:next_images()
  if not self.source then
    self.source = self.dataset:batches {
      batch = self.options.batch, seed = self.options.seed, start = self.position, labels = self.recipe.labels == 'data',
    }
  end
  self.position = self.position + self.options.batch
  return self.source:next()
end

local function standard(s, trainer)
  for _ = 1, s.options.critic_steps do
    s:draw()
    s:update_d(trainer.d_loss)
  end
  s:update_g(trainer.g_loss)
end

local function one_step(self)
  (self.recipe.step or standard)(self.state, self)
  return self:is_logged(self.state.number) and self.health:look(self.state) or nil
end

-- The moving average of G's weights: from step n on w = d w + (1 - d) G, where d is the option but at first (1 + n) / (10 + n), so
-- that what G began as is soon forgotten.
local function average(self)
  if not self.ema then return end
  local d = math.min(self.options.ema, (1 + self.number) / (10 + self.number))
  self.ema_parameters:mul(d):add(1 - d, self.state.players.G.parameters)
end

--- The generator that samples are drawn from: the average of G where the run keeps one, with batch norm's statistics estimated from its
-- own images (they depend on its weights alone), else G itself.
-- @return a network
function Trainer:generator()
  if not self.ema then return self.G end
  if self.estimated ~= self.number then
    local o, own = self.options, {}
    -- What layers keep besides weights is what training has now ...
    network.tensors(self.G, '', function(name, t) own[name] = t end)
    network.tensors(self.ema, '', function(name, t)
      if not (name:find '%.weight$' or name:find '%.bias$' or name:find '%.parameter_%d+$') then t:copy(own[name]) end
    end)
    -- ... but for batch norm, where there is a z to generate from.
    if not self.recipe.pairs then
      precision.within(o.precision, statistics.reestimate, self.ema, o, o.batch, self.recipe.labels and o.classes)
    end
    self.estimated = self.number
  end
  return self.ema
end

--- Whether a step's metrics go into metrics.jsonl.
-- @int number of the step
function Trainer:is_logged(number) return number % self.options.log_every == 0 or number == self.options.steps end

--- Does one step.
-- @treturn table metrics, filled anew by every step: step, d_loss, g_loss, d_real (mean of D(x)), d_fake (mean of D(G(z))),
-- what the recipe noted with s:note, and at logged steps what gantry.gan.health sees
-- @raise where a loss or gradient is not finite: the message names the step and the layer, and self.diverged is true
function Trainer:step()
  local s = self.state
  s.number = self.number + 1
  local ok, seen = pcall(precision.within, self.options.precision, autograd.scope, one_step, self)
  s:clear()
  if not ok then
    self.diverged = s.diverged
    error(seen, 0)
  end
  self.number = s.number
  average(self)
  local m = self.metrics or {}
  self.metrics = m
  for name in pairs(self.seen or {}) do m[name] = nil end
  self.seen = seen
  for name, x in pairs(seen or {}) do m[name] = x end
  for name, x in pairs(s.notes) do m[name] = x end
  m.step, m.d_loss, m.g_loss, m.d_real, m.d_fake = s.number, s.d_loss, s.g_loss, s.d_real, s.d_fake
  return m
end

--- Calls visit(name, tensor) for all that a checkpoint has to hold: weights, buffers, what the optimizers remember, what the recipe
-- keeps, the averaged generator, what G's filters did.
function Trainer:tensors(visit)
  for _, name in ipairs(self.names) do network.tensors(self.nets[name], name, visit) end
  if self.ema then network.tensors(self:generator(), 'ema', visit) end
  for _, name in ipairs(self.names) do
    self.state.players[name]:tensors(function(key, t) visit(('%s.%s.%s'):format(self.options.optimizer, name, key), t) end)
  end
  local kept = {}
  for name in pairs(self.state.kept) do kept[#kept + 1] = name end
  table.sort(kept)
  for _, name in ipairs(kept) do visit('kept.' .. name, self.state.kept[name]) end
  local histories = self.health.filters and self.health.filters:saved()
  if histories then visit('filters.history', histories) end
end

--- True if every weight is a finite number.
function Trainer:is_finite()
  for _, p in pairs(self.state.players) do
    if Player.count_bad(p.parameters) > 0 then return false end
  end
  return true
end

--- The numbers of the optimizers that are not tensors, by network.
function Trainer:counters()
  local counters = {}
  for name, p in pairs(self.state.players) do counters[name] = p:counters() end
  return counters
end

--- Goes to a saved state: step, position in the data, optimizers, weights, torch's generator.
-- @tparam table saved {step =, position =, counters =, optimizer =}; what another optimizer remembered is left
-- @tparam File file from safetensors.open, with the tensors that Trainer:tensors names and 'torch.generator'
function Trainer:restore(saved, file)
  for _, name in ipairs(self.names) do network.load_tensors(self.nets[name], name, file) end
  if self.ema then
    if saved.ema then network.load_tensors(self.ema, 'ema', file) else self.ema_parameters:copy(self.state.players.G.parameters) end
  end
  local players, optimizer = self.state.players, self.options.optimizer
  if saved.optimizer == optimizer then
    for name, p in pairs(players) do
      for key, entry in pairs(saved.counters[name] or {}) do p.state[key] = entry end
    end
  end
  for name in pairs(file.entries) do
    local rule, which, key = name:match '^(%a+)%.(%w+)%.([%w_]+)$'
    if rule == optimizer and players[which] then players[which].state[key] = file:read(name) end
    local kept = name:match '^kept%.([%w_]+)$'
    if kept then self.state.kept[kept] = file:read(name) end
  end
  if self.health.filters then self.health.filters:restore(file.entries['filters.history'] and file:read 'filters.history') end
  self.number, self.position, self.source, self.estimated = saved.step, saved.position, nil, nil
  torch.setRNGState(file:read 'torch.generator')
end

--- Sixteen hexadecimal digits that name a network's weights and buffers.
-- @param ... networks
function Trainer.hash(...)
  local hash = ffi.new 'uint64_t[1]'
  for _, net in ipairs {...} do
    network.tensors(net, '', function(_, t) native.check(C.gt_hash(hash, t)) end)
  end
  return bit.tohex(hash[0], 16)
end

return Trainer
