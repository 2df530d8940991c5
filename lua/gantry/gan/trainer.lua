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
local losses = require 'gantry.gan.losses'
local network = require 'gantry.gan.network'
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

--- Makes a trainer at step 0: seeds torch's generator with the options' seed and makes the networks.
-- @tparam Recipe recipe
-- @tparam table o resolved options
-- @param dataset from gantry.data
-- @treturn Trainer
-- @usage local t = gan.trainer(recipe, options, data.open('scenes:faces', {size = 32})); print(t:step().d_loss)
function Trainer.new(recipe, o, dataset)
  if type(recipe) ~= 'table' or type(o) ~= 'table' or type(dataset) ~= 'table' then
    native.fail('trainer: got a %s, a %s and a %s, wanted a recipe, its resolved options and a data set', torch.type(recipe), torch.type(o),
      torch.type(dataset))
  end
  local self = setmetatable({recipe = recipe, options = o, dataset = dataset, number = 0, position = 0}, Trainer)
  torch.manualSeed(o.seed)
  self.G = expect_network(recipe.generator(o), 'generator', recipe)
  self.D = expect_network(recipe.discriminator(o), 'discriminator', recipe)
  self.state = Step.new(self.G, self.D, o, function() return self:next_images() end, recipe.score == 'logit')
  self.d_loss, self.g_loss = recipe.d_loss or losses.d_loss, recipe.g_loss or losses.g_loss
  return self
end

function Trainer:next_images()
  if not self.source then
    self.source = self.dataset:batches {batch = self.options.batch, seed = self.options.seed, start = self.position}
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
end

--- Does one step.
-- @treturn table metrics, filled anew by every step: step, d_loss, g_loss, d_real (mean of D(x)), d_fake (mean of D(G(z))),
-- and what the recipe noted with s:note
-- @raise where a loss or gradient is not finite: the message names the step and the layer, and self.diverged is true
function Trainer:step()
  local s = self.state
  s.number = self.number + 1
  local ok, problem = pcall(precision.within, self.options.precision, autograd.scope, one_step, self)
  s:clear()
  if not ok then
    self.diverged = s.diverged
    error(problem, 0)
  end
  self.number = s.number
  local m = self.metrics or {}
  self.metrics = m
  for name, x in pairs(s.notes) do m[name] = x end
  m.step, m.d_loss, m.g_loss, m.d_real, m.d_fake = s.number, s.d_loss, s.g_loss, s.d_real, s.d_fake
  return m
end

--- Calls visit(name, tensor) for all that a checkpoint has to hold: weights, buffers, the optimizers' moments.
function Trainer:tensors(visit)
  network.tensors(self.G, 'G', visit)
  network.tensors(self.D, 'D', visit)
  for _, name in ipairs {'D', 'G'} do
    local state, keys = self.state.players[name].state, {}
    for key, entry in pairs(state) do
      if torch.isTensor(entry) then keys[#keys + 1] = key end
    end
    table.sort(keys)
    for _, key in ipairs(keys) do visit(('adam.%s.%s'):format(name, key), state[key]) end
  end
end

--- True if every weight is a finite number.
function Trainer:is_finite()
  local count = ffi.new 'double[1]'
  for _, p in pairs(self.state.players) do
    native.check(C.gt_count_nonfinite(count, p.parameters))
    if count[0] > 0 then return false end
  end
  return true
end

--- The numbers of the optimizers that are not tensors, by network.
function Trainer:counters()
  local counters = {}
  for name, p in pairs(self.state.players) do
    counters[name] = {}
    for key, entry in pairs(p.state) do
      if type(entry) == 'number' then counters[name][key] = entry end
    end
  end
  return counters
end

--- Goes to a saved state: step, position in the data, optimizers, weights, torch's generator.
-- @tparam table saved {step =, position =, counters =}
-- @tparam File file from safetensors.open, with the tensors that Trainer:tensors names and 'torch.generator'
function Trainer:restore(saved, file)
  network.load_tensors(self.G, 'G', file)
  network.load_tensors(self.D, 'D', file)
  for name, p in pairs(self.state.players) do
    for key, entry in pairs(saved.counters[name] or {}) do p.state[key] = entry end
  end
  for name in pairs(file.entries) do
    local which, key = name:match '^adam%.([GD])%.([%w_]+)$'
    if which then self.state.players[which].state[key] = file:read(name) end
  end
  self.number, self.position, self.source = saved.step, saved.position, nil
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
