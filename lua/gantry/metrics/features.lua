--- Feature nets: small convolutional networks that learned to tell what is in the images of a labelled set, and whose last hidden layer
-- is what distances between sets of images compare. Every figure names the net it was made with: its file's name and the hash of its
-- weights. A file holds the network as data; loading one executes nothing.
-- @module gantry.metrics.features
local cjson = require 'cjson'
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local ops = require 'gantry.autograd.ops'
local data = require 'gantry.data'
local image = require 'gantry.image'
local nn = require 'gantry.nn'
local optim = require 'gantry.optim'
local torch = require 'gantry.torch'
local losses = require 'gantry.gan.losses'
local network = require 'gantry.gan.network'
local safetensors = require 'gantry.gan.safetensors'
local Trainer = require 'gantry.gan.trainer'

local features = {}

local FORMAT = 'gantry-features-1'
local PART = 256      -- images that go through the net at once
local HELD_OUT = 10   -- every tenth image is not trained on, and judges the net
local MOST_JUDGES = 2000

local Features = {}
Features.__index = Features

-- ---- the network --------------------------------------------------------------------------------------------------------------------

-- Halvings down to 4 pixels or so, a hidden layer of `width`: the features; and a last matrix.
local function build(size, channels, width, outputs)
  local net, maps, side, from = nn.Sequential(), 32, size, channels
  while side > 7 do
    net:add(nn.SpatialConvolution(from, maps, 4, 4, 2, 2, 1, 1):noBias()):add(nn.SpatialBatchNormalization(maps)):add(nn.LeakyReLU(0.2))
    from, maps, side = maps, math.min(2 * maps, 256), math.floor(side / 2)
  end
  net:add(nn.View(from * side * side):setNumInputDims(3)):add(nn.Linear(from * side * side, width, false))
  net:add(nn.BatchNormalization(width)):add(nn.LeakyReLU(0.2))
  return net:add(nn.Linear(width, outputs))
end

-- ---- what is learned: classes, or the attributes of built-in scenes as numbers of mean 0 and deviation 1 ----------------------------

local function class_targets(set)
  return {outputs = #set.classes, loss = losses.classification, of = function(indices)
    local labels = torch.LongTensor(#indices)
    for k, i in ipairs(indices) do
      labels[k] = set:label(i) or native.fail('features: picture %d of %s has no label', i, set.name)
    end
    return labels
  end, judge = function(out, wanted) return losses.accuracy(out, wanted) end, measure = 'accuracy'}
end

local function attribute_row(attributes, names)
  local row = {}
  for k, name in ipairs(names) do
    local x = attributes[name]
    if type(x) == 'boolean' then x = x and 1 or 0 end
    if type(x) == 'table' then x = x.x0 and 1 or 0 end -- a box: there or not
    row[k] = x
  end
  return row
end

local function attribute_targets(set)
  local names = {}
  for name, x in pairs(set:attributes(1)) do
    local colour = type(x) == 'table' and not x.x0
    if not colour then names[#names + 1] = name end
  end
  table.sort(names)
  local sample = torch.DoubleTensor(math.min(set:size(), 1000), #names)
  for i = 1, sample:size(1) do sample[i]:copy(torch.DoubleTensor(attribute_row(set:attributes(i), names))) end
  local mean, deviation = sample:mean(1), sample:std(1):clamp(1e-6, math.huge)
  return {
    outputs = #names, measure = 'explained',
    loss = function(out, wanted) return (out - autograd.value(wanted)):pow(2):mean() end,
    of = function(indices)
      local rows = torch.DoubleTensor(#indices, #names)
      for k, i in ipairs(indices) do rows[k]:copy(torch.DoubleTensor(attribute_row(set:attributes(i), names))) end
      return (rows - mean:expandAs(rows)):cdiv(deviation:expandAs(rows)):float()
    end,
    judge = function(out, wanted) return 1 - (out - wanted):pow(2):mean() / wanted:var() end,
  }
end

-- What modules first .. last of a network make of a tensor, without recording.
local function run(net, x, first, last)
  return autograd.no_grad(function()
    local v = autograd.value(x)
    for i = first, last do v = net.modules[i]:forward(v) end
    return v.data
  end)
end

-- ---- training -----------------------------------------------------------------------------------------------------------------------

-- The numbers of the pictures that judge, and a function that draws n others.
local function split(set, generator)
  local judges = {}
  for i = HELD_OUT, set:size(), HELD_OUT do
    if #judges < MOST_JUDGES then judges[#judges + 1] = i end
  end
  return judges, function(n)
    local list = {}
    while #list < n do
      local i = torch.random(generator, 1, set:size())
      if i % HELD_OUT ~= 0 then list[#list + 1] = i end
    end
    return list
  end
end

local function judge(net, set, targets, judges)
  local sum, count = 0, 0
  net:evaluate()
  for from = 1, #judges, PART do
    local list = {unpack(judges, from, math.min(from + PART - 1, #judges))}
    local out = run(net, set:batch(list), 1, #net.modules)
    sum, count = sum + targets.judge(out, targets.of(list)) * #list, count + #list
  end
  net:training()
  return sum / count
end

local function train(set, o)
  local targets
  if set.classes then targets = class_targets(set) elseif set.attributes_of then targets = attribute_targets(set) else
    native.fail('features: %s has no labels: a folder with a sub-folder for each class has, mnist:DIR, cifar10:DIR, scenes:faces', set.name)
  end
  local size = math.min(set.height, set.width)
  torch.manualSeed(o.seed)
  local net = build(size, set.channels, o.width, targets.outputs)
  local generator = torch.Generator(o.seed)
  local judges, draw = split(set, generator)
  if #judges == 0 then native.fail('features: %s has only %d pictures, wanted at least %d', set.name, set:size(), HELD_OUT) end
  local parameters, gradients = net:getParameters()
  local config, state, images, loss_number = {}, {}, torch.FloatTensor(), 0
  local function evaluate() return loss_number, gradients end
  for step = 1, o.steps do
    autograd.scope(function()
      local list = draw(o.batch)
      gradients:zero()
      local loss = targets.loss(net:forward(autograd.value(set:batch(list, images))), targets.of(list))
      loss_number = loss:item()
      loss:backward()
      config.learningRate = o.lr * (1 - (step - 1) / o.steps)
      optim.adam(evaluate, parameters, config, state)
    end)
    if o.progress then o.progress(step, loss_number) end
  end
  local score = judge(net, set, targets, judges)
  net:evaluate():clearState()
  return net, {
    data = set.name, size = size, channels = set.channels, width = o.width, steps = o.steps, seed = o.seed, batch = o.batch,
    classes = set.classes and #set.classes or nil, measure = targets.measure, score = score, judges = #judges,
  }
end

--- Trains a feature net on a labelled data set: to tell the classes, or, for built-in scenes, the attributes.
-- @string spec of the data: 'mnist:DIR', a folder with sub-folders, 'scenes:faces' ...
-- @tparam[opt] table o size (32), channels (the data's), width (128: how many features), steps (2000), batch (64), lr (1e-3), seed (1),
-- progress (called with the step and the loss)
-- @treturn Features
-- @usage local f = features.train('scenes:faces', {steps = 1000}); f:save 'faces.safetensors'
function features.train(spec, o)
  o = o or {}
  local set = data.open(spec, {size = o.size or 32, channels = o.channels, seed = 1})
  local full = {
    width = o.width or 128, steps = o.steps or 2000, batch = o.batch or 64, lr = o.lr or 1e-3, seed = o.seed or 1, progress = o.progress,
  }
  local random = torch.getRNGState()
  local ok, net, about = pcall(train, set, full)
  torch.setRNGState(random)
  if not ok then error(net, 0) end
  return setmetatable({net = net, about = about, hash = Trainer.hash(net), name = 'unnamed'}, Features)
end

-- ---- files --------------------------------------------------------------------------------------------------------------------------

local function name_of(path) return path:match '([^/]+)$':gsub('%.safetensors$', '') end

--- Writes a feature net; its name is the file's.
-- @string path
function Features:save(path)
  local entries = {}
  network.tensors(self.net, 'net', function(name, t) entries[#entries + 1] = {name, t} end)
  safetensors.write(path, entries, {format = FORMAT, network = cjson.encode(network.describe(self.net)), about = cjson.encode(self.about)})
  self.name = name_of(path)
end

--- Reads a feature net. Executes nothing.
-- @string path
-- @treturn Features net, about (data, size, channels, width, classes ...), name, hash
function features.load(path)
  local file = safetensors.open(path)
  if file.metadata.format ~= FORMAT then native.fail('%s: is not a feature net; `gantry features` makes one', path) end
  local ok, about = pcall(cjson.decode, file.metadata.about or '')
  local readable, description = pcall(cjson.decode, file.metadata.network or '')
  local whole = ok and readable and type(about) == 'table'
  for _, key in ipairs {'size', 'channels'} do
    local x = whole and about[key]
    whole = type(x) == 'number' and x % 1 == 0 and x >= 1 and x <= 4096
  end
  if not whole then native.fail('%s: what it says of itself cannot be read', path) end
  local net = network.build(description, 'net', file):evaluate()
  return setmetatable({net = net, about = about, hash = Trainer.hash(net), name = name_of(path)}, Features)
end

-- ---- use ----------------------------------------------------------------------------------------------------------------------------

-- Images as the net wants them.
local function fitted(self, x)
  local a = self.about
  if x:size(2) == 1 and a.channels == 3 then x = x:expand(x:size(1), 3, x:size(3), x:size(4)):contiguous() end
  if x:size(2) ~= a.channels then
    native.fail('features: %s takes images of %d channels, got %d', self.name, a.channels, x:size(2))
  end
  if x:size(3) ~= a.size or x:size(4) ~= a.size then x = image.scale(x, a.size, a.size) end
  return x
end

--- The features of images, and what the net says of their classes.
-- @param x FloatTensor n x channels x height x width, -1..1; other sizes than the net's are scaled, gray becomes RGB
-- @treturn tensor DoubleTensor n x width
-- @treturn tensor DoubleTensor n x classes, probabilities; nil where the net knows no classes
function Features:of(x)
  local n, rows, classes = x:size(1), nil, nil
  local last = #self.net.modules
  for from = 1, n, PART do
    local part = fitted(self, x:narrow(1, from, math.min(PART, n - from + 1)))
    part = run(self.net, part, 1, last - 1)
    rows = rows or torch.DoubleTensor(n, part:size(2))
    rows:narrow(1, from, part:size(1)):copy(part)
    if self.about.classes then
      local out = ops.softmax(run(self.net, part, last, last):double(), 2)
      classes = classes or torch.DoubleTensor(n, out:size(2))
      classes:narrow(1, from, out:size(1)):copy(out)
    end
  end
  return rows, classes
end

return features
