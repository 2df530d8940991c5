--- Feature nets: small convolutional networks that learned to tell what is in the images of a labelled set. Their last hidden layer is
-- what distances between sets of images compare, and what they tell of attributes judges generated images. Every figure names the net it
-- was made with: its file's name and the hash of its weights. A file holds the network as data; loading one executes nothing.
-- @module gantry.metrics.features
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local ops = require 'gantry.autograd.ops'
local data = require 'gantry.data'
local image = require 'gantry.image'
local nn = require 'gantry.nn'
local optim = require 'gantry.optim'
local torch = require 'gantry.torch'
local network_file = require 'gantry.gan.network_file'
local Trainer = require 'gantry.gan.trainer'
local kinds = require 'gantry.metrics.targets'

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
  local outs, wanted = {}, {}
  net:evaluate()
  for from = 1, #judges, PART do
    local list = {unpack(judges, from, math.min(from + PART - 1, #judges))}
    outs[#outs + 1], wanted[#wanted + 1] = run(net, set:batch(list), 1, #net.modules), targets.of(list)
  end
  net:training()
  return targets.judge(torch.cat(outs, 1), torch.cat(wanted, 1))
end

local function train(set, o)
  local targets = kinds.of(set, o)
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
    classes = not targets.attributes and targets.outputs or nil, attributes = targets.attributes, labels = o.labels,
    measure = targets.measure, score = score, judges = #judges,
  }
end

--- Trains a feature net on a labelled data set: to tell the classes, or, of built-in scenes and of folders with a table of labels, the
-- attributes. Every tenth image is kept from it and judges it: `about.score`, and in `about.attributes` each attribute's accuracy.
-- @string spec of the data: 'mnist:DIR', a folder with sub-folders, 'scenes:faces' ...
-- @tparam[opt] table o size (32), channels (the data's), width (128: how many features), steps (2000), batch (64), lr (1e-3), seed (1),
-- labels (path of a table, see gantry.data.labels), attributes (a list: those to learn; default: all), progress (called with the step
-- and the loss)
-- @treturn Features
-- @usage local f = features.train('scenes:faces', {steps = 1000}); f:save 'faces.safetensors'
function features.train(spec, o)
  o = o or {}
  local set = data.open(spec, {size = o.size or 32, channels = o.channels, seed = 1})
  local full = {
    width = o.width or 128, steps = o.steps or 2000, batch = o.batch or 64, lr = o.lr or 1e-3, seed = o.seed or 1, progress = o.progress,
    labels = o.labels, attributes = o.attributes,
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
  network_file.write(path, FORMAT, self.net, self.about)
  self.name = name_of(path)
end

--- Reads a feature net. Executes nothing.
-- @string path
-- @treturn Features net, about (data, size, channels, width, classes ...), name, hash
function features.load(path)
  local net, about = network_file.read(path, FORMAT, 'is not a feature net; `gantry features` makes one', function(about)
    for _, key in ipairs {'size', 'channels'} do
      local x = about[key]
      if type(x) ~= 'number' or x % 1 ~= 0 or x < 1 or x > 4096 then return false end
    end
    if about.attributes then kinds.check(path, about.attributes) end
    return true
  end)
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

--- What the net says of the attributes of images.
-- @param x as for `of`
-- @treturn table by name: {values = texts, probabilities = DoubleTensor n x #values} of a table's column, {numbers = DoubleTensor n} of
-- an attribute of built-in scenes
-- @raise where it was trained on classes
-- @usage local p = net:attributes(run:images(run:z(8))).smile.probabilities
function Features:attributes(x)
  if not self.about.attributes then
    native.fail('features: %s knows classes, no attributes; train one with --labels FILE.tsv, or on scenes', self.name)
  end
  local n, outs = x:size(1), {}
  for from = 1, n, PART do
    outs[#outs + 1] = run(self.net, fitted(self, x:narrow(1, from, math.min(PART, n - from + 1))), 1, #self.net.modules)
  end
  return kinds.read(torch.cat(outs, 1), self.about.attributes)
end

return features
