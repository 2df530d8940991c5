--- A supervised network of the same shape as a discriminator: its convolutional layers with weights of their own, and a matrix to the
-- classes; the best of eight settings on validation examples. The paper's baseline for SVHN (section 5.2: 28.87% error, there the
-- best of 64 settings at random).
-- @module gantry.lab.supervised
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local nn = require 'gantry.nn'
local optim = require 'gantry.optim'
local torch = require 'gantry.torch'
local losses = require 'gantry.gan.losses'
local network = require 'gantry.gan.network'
local layers = require 'gantry.lab.layers'
local features = require 'gantry.lab.features'

local supervised = {}

local PART = 128 -- images that are judged at once

--- The settings that are tried.
supervised.settings = {}
for _, lr in ipairs {1e-3, 3e-4} do
  for _, dropout in ipairs {0, 0.5} do
    for _, decay in ipairs {0, 1e-4} do table.insert(supervised.settings, {lr = lr, dropout = dropout, weight_decay = decay}) end
  end
end

-- The module of a Sequential that holds another.
local function place_of(net, wanted)
  for i, m in ipairs(net.modules) do
    for _, inner in ipairs(m:listModules()) do
      if inner == wanted then return i end
    end
  end
end

--- A network with the convolutional layers of another and a matrix to classes behind them, all weights drawn anew.
-- @param net an nn.Sequential
-- @param x some images that it takes
-- @int classes
-- @number dropout of what the matrix is given; 0: none
-- @int seed
-- @return nn.Sequential, in evaluation mode: images to n x classes
function supervised.network(net, x, classes, dropout, seed)
  if not torch.isTypeOf(net, 'nn.Sequential') then native.fail('supervised: got a %s, wanted an nn.Sequential', torch.type(net)) end
  local found = layers.activations(net:evaluate(), x)
  if #found == 0 then native.fail 'supervised: there is no convolution with a nonlinearity behind it' end
  local last = found[#found]
  local numbers = last.output:nElement() / last.output:size(1)
  local new = nn.Sequential()
  for i = 1, place_of(net, last.module) do new:add(net.modules[i]) end
  new:add(nn.View(numbers):setNumInputDims(3))
  if dropout > 0 then new:add(nn.Dropout(dropout)) end
  return network.untrained(new:add(nn.Linear(numbers, classes)), seed)
end

-- The classes that a network gives images, by number.
local function classify(net, source, list)
  local found = torch.LongTensor(#list)
  net:evaluate()
  for first = 1, #list, PART do
    local last = math.min(first + PART - 1, #list)
    autograd.scope(function()
      local x = source:pick {unpack(list, first, last)}
      local out = autograd.no_grad(net.forward, net, autograd.value(x)).data
      local _, best = out:max(2)
      found:narrow(1, first, last - first + 1):copy(best:view(-1))
    end)
  end
  return found
end

local function numbers(t)
  local list = {}
  for i = 1, t:nElement() do list[i] = tonumber(t[i]) end
  return list
end

local function accuracy(net, source, labels, list)
  return classify(net, source, list):eq(labels:index(1, torch.LongTensor(list))):double():sum() / #list
end

-- Minibatches of examples drawn at random, by Adam, its rate falling to zero.
local function fit(net, source, labels, rows, setting, o)
  local generator = torch.Generator(o.seed)
  local parameters, gradients = net:training():getParameters()
  local config, state, loss_now = {weightDecay = setting.weight_decay}, {}, 0
  local function evaluate() return loss_now, gradients end
  local random = torch.getRNGState()
  torch.manualSeed(o.seed) -- dropout's
  for step = 1, o.steps do
    autograd.scope(function()
      local list, own = {}, torch.LongTensor(o.batch)
      for k = 1, o.batch do
        list[k] = rows[torch.random(generator, 1, #rows)]
        own[k] = labels[list[k]]
      end
      gradients:zero()
      local loss = losses.classification(net:forward(autograd.value(source:pick(list))), own)
      loss_now = loss:item()
      loss:backward()
      config.learningRate = setting.lr * (1 - (step - 1) / o.steps)
      optim.adam(evaluate, parameters, config, state)
    end)
  end
  torch.setRNGState(random)
  return net
end

--- Trains each setting and keeps the best on validation examples.
-- @param like an nn.Sequential: the shape
-- @param images a data set, tensor or source
-- @param labels LongTensor, classes from 1
-- @param train LongTensor: images to train on
-- @param judge LongTensor: images to choose by
-- @tparam[opt] table o steps (1000, of each setting), batch (64), seed (1), settings (supervised.settings), progress (called with the
-- setting and its accuracy)
-- @treturn table net, setting, accuracy (on judge), tried (setting and accuracy of each), predict(images): LongTensor of classes
function supervised.best(like, images, labels, train, judge, o)
  o = o or {}
  local source, classes = features.source(images), labels:max()
  local how = {steps = o.steps or 1000, batch = o.batch or 64, seed = o.seed or 1}
  local rows, judges, sample = numbers(train), numbers(judge), source:batch(1, 2)
  local best, tried = nil, {}
  for i, setting in ipairs(o.settings or supervised.settings) do
    local net = supervised.network(like, sample, classes, setting.dropout, how.seed)
    fit(net, source, labels, rows, setting, how)
    tried[i] = {setting = setting, accuracy = accuracy(net, source, labels, judges)}
    if not best or tried[i].accuracy > best.accuracy then best = {net = net, setting = setting, accuracy = tried[i].accuracy} end
    if o.progress then o.progress(setting, tried[i].accuracy) end
  end
  best.tried = tried
  function best.predict(_, others)
    others = features.source(others)
    local all = {}
    for i = 1, others.size do all[i] = i end
    return classify(best.net, others, all)
  end
  return best
end

return supervised
