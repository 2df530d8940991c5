--- Activation maximisation: the picture that a feature answers to most, found by gradient ascent on the picture. Erhan, Bengio, Courville
-- and Vincent 2009, "Visualizing Higher-Layer Features of a Deep Network".
--
-- Without more such pictures are noise that excites the feature. Two things keep them smooth: each step sees the picture moved by up to
-- `jitter` pixels, around the edge (Mordvintsev, Olah and Tyka 2015), and walks against the squared differences of neighbouring pixels,
-- the total variation of Mahendran and Vedaldi 2015, arXiv 1412.0035, equation 6 with beta = 2. The feature's gradient is first
-- brought to a root mean square of 1 in each picture, so that `smooth` weighs the same whatever the size of a network's weights.
-- @module gantry.lab.maximise
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local optim = require 'gantry.optim'
local torch = require 'gantry.torch'
local samples = require 'gantry.gan.samples'
local sheet = require 'gantry.gan.sheet'
local board = require 'gantry.lab.board'
local discriminator = require 'gantry.lab.discriminator'
local layers = require 'gantry.lab.layers'
local record = require 'gantry.lab.record'
local statistics = require 'gantry.lab.statistics'

local maximise = {}

--- Images moved down and to the right, what leaves at one edge coming in at the other.
-- @param x n x channels x height x width
-- @int dy
-- @int dx
-- @treturn tensor
function maximise.roll(x, dy, dx)
  for dim, by in pairs {[3] = dy, [4] = dx} do
    local n = x:size(dim)
    by = by % n
    if by > 0 then x = torch.cat(x:narrow(dim, n - by + 1, by), x:narrow(dim, 1, n - by), dim) end
  end
  return x
end

--- The gradient of half the sum of squared differences of neighbouring pixels.
-- @param x n x channels x height x width
-- @treturn tensor
function maximise.roughness(x)
  local g = x:clone():zero()
  for dim = 3, 4 do
    local n = x:size(dim) - 1
    local difference = x:narrow(dim, 2, n) - x:narrow(dim, 1, n)
    g:narrow(dim, 2, n):add(difference)
    g:narrow(dim, 1, n):add(-1, difference)
  end
  return g
end

-- Where a feature is asked: 1 / positions everywhere ('map'), or 1 in the middle ('centre').
local function weights_of(layer, target)
  local at = torch.FloatTensor(layer.height, layer.width):zero()
  if target == 'centre' then
    at[math.floor(layer.height / 2) + 1][math.floor(layer.width / 2) + 1] = 1
  else
    at:fill(1 / (layer.height * layer.width))
  end
  return at
end

--- What a layer's features answer to pictures.
-- @param net
-- @tparam table layer from layers.of
-- @param input images, or {images, classes}
-- @string target 'map': the mean over positions; 'centre': the position in the middle
-- @treturn tensor n x channels
function maximise.answers(net, layer, input, target)
  local features = autograd.no_grad(function() return layers.features(net, layer, (layers.input(input))).data end)
  local n = features:size(1)
  return torch.mv(features:contiguous():view(n * layer.channels, -1), weights_of(layer, target):view(-1)):view(n, layer.channels)
end

-- For each feature the class with which it answers most to a gray picture.
local function best_classes(net, layer, channels, o)
  local gray = torch.FloatTensor(o.classes, o.channels, o.height, o.width):zero()
  local answers = maximise.answers(net, layer, {gray, samples.labels(o.classes, o.classes)}, o.target)
  local labels = torch.LongTensor(#channels)
  for i, c in ipairs(channels) do
    local _, best = answers:select(2, c):clone():max(1)
    labels[i] = best[1]
  end
  return labels
end

--- Pictures that features answer to most.
-- @param net in evaluation mode
-- @tparam table layer from layers.of
-- @tparam {int,...} channels the features
-- @tparam table o height, width, channels (of pictures); steps (128), rate (0.05: Adam's step size), jitter (a sixteenth of the side),
-- smooth (1), target ('map' or 'centre'), classes (where the net takes them: how many), seed (1)
-- @treturn tensor #channels x channels x height x width, -1..1
-- @treturn[opt] tensor LongTensor of the class beside each picture: the one that a gray picture is answered to most with
function maximise.pictures(net, layer, channels, o)
  local n, generator = #channels, torch.Generator(o.seed or 1)
  local x = torch.FloatTensor(n, o.channels, o.height, o.width):normal(generator, 0, 0.1)
  local jitter = o.jitter or math.floor(math.max(o.height, o.width) / 16)
  local labels = o.classes and best_classes(net, layer, channels, o)
  local seed = torch.FloatTensor(n, layer.channels, layer.height, layer.width):zero()
  for i, c in ipairs(channels) do seed[i][c]:copy(weights_of(layer, o.target)) end
  local state, config = {}, {learningRate = o.rate or 0.05}
  for _ = 1, o.steps or 128 do
    autograd.scope(function()
      local dy, dx = torch.random(generator, -jitter, jitter), torch.random(generator, -jitter, jitter)
      local moved = maximise.roll(x, dy, dx)
      local input, image = layers.input(labels and {moved, labels} or moved, true)
      local g = autograd.grad(layers.features(net, layer, input), image, {grad_outputs = seed}).data
      g = maximise.roll(g, -dy, -dx):contiguous()
      for i = 1, n do
        local rms = g[i]:norm() / math.sqrt(g[i]:nElement())
        if rms > 0 then g[i]:div(-rms) end -- the optimizer descends
      end
      g:add(o.smooth or 1, maximise.roughness(x))
      optim.adam(function() return 0, g end, x, config, state)
      x:clamp(-1, 1)
    end)
  end
  return x, labels
end

-- ---- the experiment ------------------------------------------------------------------------------------------------------------------

local sides = discriminator.sides

-- Means and deviations of the answers to real images, and the largest, by feature.
local function real_answers(looker, net, layer, target)
  local all = torch.FloatTensor(#looker.numbers, layer.channels)
  looker:each(looker.numbers, function(input, part, at)
    all:narrow(1, at + 1, #part):copy(maximise.answers(net, layer, input, target))
  end)
  return all:mean(1):view(-1), all:std(1):view(-1), (all:max(1)):view(-1)
end

-- The figures of one network: how far beyond real images its features' own pictures go, and whether each is its feature's own.
local function measure(looker, net, layer, pictures, labels, o)
  local mean, deviation, most = real_answers(looker, net, layer, o.target)
  local answers = maximise.answers(net, layer, labels and {pictures, labels} or pictures, o.target)
  local beyond, own = {}, 0
  for i = 1, pictures:size(1) do
    local unit = math.max(deviation[i], 1e-12)
    beyond[i] = (answers[i][i] - mean[i]) / math.max(most[i] - mean[i], 1e-3 * unit)
    local _, best = answers:select(2, i):clone():max(1)
    if tonumber(best[1]) == i then own = own + 1 end
  end
  return statistics.mean(beyond), statistics.wilson(own, pictures:size(1))
end

--- The experiment: for each layer of D the pictures that its first features answer to most, of D and of one that was never trained.
-- @tparam Run run
-- @tparam[opt] table o out (a directory; default: RUN/lab), data (a spec; default: the run's), images (500: real ones, that answers are
-- compared with), features (32: measured, of one layer), shown (8: drawn of every layer), layer (-1: the one that is measured), steps,
-- rate, jitter, smooth and target as for pictures, seed (1)
-- @treturn table the record
-- @usage gantry.lab.maximise.run(gantry.open 'runs/rooms')
function maximise.run(run, o)
  o = o or {}
  local full = {
    images = o.images or 500, features = o.features or 32, shown = o.shown or 8, layer = o.layer or -1, steps = o.steps or 128,
    rate = o.rate or 0.05, jitter = o.jitter, smooth = o.smooth or 1, target = o.target or 'map',
  }
  if full.target ~= 'map' and full.target ~= 'centre' then
    native.fail("maximise: target is '%s', wanted 'map' or 'centre'", tostring(full.target))
  end
  local seed = o.seed or 1
  local spec = o.data or run.state.data
  local r = record.new('maximise', {out = o.out, seed = seed, run = run, data = spec, about = full})
  local looker = discriminator.open(run, {who = 'maximise', data = o.data, images = full.images, seed = seed})
  local how = {
    height = looker.set.height, width = looker.set.width, channels = looker.set.channels, steps = full.steps, rate = full.rate,
    jitter = full.jitter, smooth = full.smooth, target = full.target, classes = looker.conditional and run.classes or nil, seed = seed,
  }
  local columns, figures = {}, {}
  for k, side in ipairs(sides) do
    local net = looker[side[1]]
    local list = layers.of(net, looker:input {looker.numbers[1]})
    local measured, parts, row = layers.pick(list, full.layer, 'maximise'), {}, full.shown
    for _, layer in ipairs(list) do
      local channels = {}
      for c = 1, math.min(layer.channels, layer == measured and math.max(full.features, row) or row) do channels[c] = c end
      local pictures, labels = maximise.pictures(net, layer, channels, how)
      if layer == measured then
        local m = {}
        m.beyond, m.own = measure(looker, net, layer, pictures, labels, how)
        figures[side[2]] = m
      end
      local drawn = pictures:narrow(1, 1, math.min(row, #channels))
      parts[#parts + 1] = {('%s, %s'):format(side[2], layer.name), sheet.make(drawn, {columns = row})}
    end
    columns[k] = parts
  end
  local rows = {}
  for i = 1, #columns[1] do rows[i] = {columns[1][i], columns[2][i]} end
  r:picture(board.make(rows), nil, 'the pictures that the first features of each convolution answer to most')
  for k = #sides, 1, -1 do
    local name, m = sides[k][2], figures[sides[k][2]]
    r:figure(('answer to its own picture, largest to a real one = 1, %s'):format(name), record.number(m.beyond))
    r:figure(('features that answer most to their own picture, %s, %%'):format(name), record.percent(m.own))
  end
  return r:finish()
end

return maximise
