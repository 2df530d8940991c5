--- A detector of objects: a small network that learned, on labelled real pictures, in which cells of a grid a bed, a window or a lamp is.
-- Where the largest of a kind's cells is above a threshold, there is one in the picture; the cells around it are its box. The threshold
-- is chosen, and how often the detector is right is counted, on real pictures that it was not trained on, not the same ones.
-- @module gantry.lab.detector
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local nn = require 'gantry.nn'
local optim = require 'gantry.optim'
local torch = require 'gantry.torch'
local network_file = require 'gantry.gan.network_file'
local samples = require 'gantry.gan.samples'
local pointing = require 'gantry.lab.pointing'
local statistics = require 'gantry.lab.statistics'

local detector = {}

local FORMAT = 'gantry-detector-1'
local GRID = 16       -- cells along a side, at most
local PART = 128      -- pictures that go through at once
local HELD_OUT = 10   -- every tenth picture is not trained on
local BATCH = 32

local Detector = {}
Detector.__index = Detector

-- Halvings to the grid, then 3 x 3 kernels so that a cell sees its surroundings.
local function build(h, w, channels, outputs)
  local net, from, maps = nn.Sequential(), channels, 24
  while math.max(h, w) > GRID do
    net:add(nn.SpatialConvolution(from, maps, 4, 4, 2, 2, 1, 1):noBias()):add(nn.SpatialBatchNormalization(maps)):add(nn.LeakyReLU(0.2))
    from, maps, h, w = maps, math.min(2 * maps, 64), math.floor(h / 2), math.floor(w / 2)
  end
  for _ = 1, 4 do
    net:add(nn.SpatialConvolution(from, 48, 3, 3, 1, 1, 1, 1):noBias()):add(nn.SpatialBatchNormalization(48)):add(nn.LeakyReLU(0.2))
    from = 48
  end
  return net:add(nn.SpatialConvolution(from, outputs, 1, 1))
end

--- 1 in the cells of each kind's box.
local function targets(set, kinds, numbers, h, w)
  local t = torch.FloatTensor(#numbers, #kinds, h, w)
  for i, number in ipairs(numbers) do
    local attributes = set:attributes(number)
    for k, kind in ipairs(kinds) do t[i][k]:copy(pointing.mask({attributes[kind] or nil}, h, w)) end
  end
  return t
end

-- ---- use ------------------------------------------------------------------------------------------------------------------------------

--- Logits of cells.
-- @param x n x channels x height x width, -1..1
-- @treturn tensor n x kinds x rows x columns
function Detector:cells(x)
  return samples.in_parts(x:size(1), PART, function(from, n) return self.net:forward(autograd.value(x:narrow(1, from, n))).data end)
end

-- The largest of each kind's cells.
local function strongest(cells)
  local n, kinds = cells:size(1), cells:size(2)
  return (cells:contiguous():view(n, kinds, -1):max(3)):view(n, kinds)
end

--- Whether there is one of each kind.
-- @param x n x channels x height x width, -1..1
-- @treturn table by kind: a list of n numbers, 1 or 0
function Detector:present(x)
  local most, found = strongest(self:cells(x)), {}
  for k, kind in ipairs(self.kinds) do
    local list = {}
    for i = 1, x:size(1) do list[i] = most[i][k] > self.thresholds[k] and 1 or 0 end
    found[kind] = list
  end
  return found
end

-- The box around the cells above the level that hang together with the strongest.
local function box_around(map, level)
  local h, w = map:size(1), map:size(2)
  local _, place = map:contiguous():view(-1):max(1)
  local at = tonumber(place[1]) - 1
  local stack, seen = {at}, {[at] = true}
  local top, bottom, left, right = h, 0, w, 0
  while #stack > 0 do
    local cell = table.remove(stack)
    local y, x = math.floor(cell / w), cell % w
    top, bottom, left, right = math.min(top, y), math.max(bottom, y), math.min(left, x), math.max(right, x)
    for _, step in ipairs {{-1, 0}, {1, 0}, {0, -1}, {0, 1}} do
      local ny, nx = y + step[1], x + step[2]
      local key = ny * w + nx
      if ny >= 0 and ny < h and nx >= 0 and nx < w and not seen[key] and map[ny + 1][nx + 1] > level then
        seen[key] = true
        stack[#stack + 1] = key
      end
    end
  end
  return {x0 = left / w, y0 = top / h, x1 = (right + 1) / w, y1 = (bottom + 1) / h}
end

--- The boxes of a kind.
-- @param x n x channels x height x width, -1..1
-- @string kind
-- @treturn table n boxes x0, y0, x1, y1 in 0..1 from the top left, false where there is none
function Detector:boxes(x, kind)
  local cells, boxes = self:cells(x), {}
  for k, name in ipairs(self.kinds) do
    if name == kind then
      for i = 1, x:size(1) do
        local map = cells[i][k]
        boxes[i] = map:max() > self.thresholds[k] and box_around(map, math.min(0, self.thresholds[k]))
      end
    end
  end
  return boxes
end

-- ---- training -------------------------------------------------------------------------------------------------------------------------

--- The threshold between the values with which most are right.
local function threshold(values, truths)
  local order, ones = {}, 0
  for i = 1, #values do
    order[i] = i
    ones = ones + truths[i]
  end
  table.sort(order, function(a, b) return values[a] < values[b] end)
  -- With everything taken for there, as many are right as are there; each value that falls below changes one.
  local right, best, at = ones, ones, values[order[1]] - 1
  for place, i in ipairs(order) do
    right = right + (truths[i] == 0 and 1 or -1)
    if right > best then
      local above = order[place + 1]
      best, at = right, above and (values[i] + values[above]) / 2 or values[i] + 1
    end
  end
  return at
end

local function truths_of(set, kind, numbers)
  local list = {}
  for i, number in ipairs(numbers) do list[i] = set:attributes(number)[kind] and 1 or 0 end
  return list
end

local function calibrate(self, set, numbers)
  local most = strongest(self:cells(set:batch(numbers)))
  for k, kind in ipairs(self.kinds) do
    local values = {}
    for i = 1, #numbers do values[i] = most[i][k] end
    self.thresholds[k] = threshold(values, truths_of(set, kind, numbers))
  end
end

local function judge(self, set, numbers)
  local found = self:present(set:batch(numbers))
  for _, kind in ipairs(self.kinds) do
    local truths, right = truths_of(set, kind, numbers), 0
    for i, truth in ipairs(truths) do right = right + (truth == found[kind][i] and 1 or 0) end
    self.accuracy[kind] = statistics.wilson(right, #numbers)
  end
end

local function train(self, set, o)
  torch.manualSeed(o.seed)
  local net = build(set.height, set.width, set.channels, #self.kinds)
  local generator = torch.Generator(o.seed)
  local parameters, gradients = net:getParameters()
  local config, state, loss = {}, {}, 0
  local function evaluate() return loss, gradients end
  for step = 1, o.steps do
    autograd.scope(function()
      local numbers = {}
      while #numbers < BATCH do
        local i = torch.random(generator, 1, set:size())
        if i % HELD_OUT ~= 0 then numbers[#numbers + 1] = i end
      end
      gradients:zero()
      local out = net:forward(autograd.value(set:batch(numbers)))
      local wrong = autograd.ops.bce_with_logits(out, targets(set, self.kinds, numbers, out:size(3), out:size(4)))
      loss = wrong:item()
      wrong:backward()
      config.learningRate = o.lr * (1 - (step - 1) / o.steps)
      optim.adam(evaluate, parameters, config, state)
    end)
  end
  self.net = net:evaluate():clearState()
end

--- Trains a detector.
-- @param set a data set that knows boxes, as data.open 'scenes:rooms'
-- @tparam[opt] table o steps (600), lr (2e-3), seed (1), judges (1000: held-out pictures that it is judged by; half as many more choose
-- the thresholds). torch's own generator is left as it was
-- @treturn Detector kinds, accuracy (by kind: statistics.wilson), thresholds
-- @usage local d = detector.train(data.open('scenes:rooms', {size = 64})); d:present(images).window
function detector.train(set, o)
  o = o or {}
  local kinds = pointing.kinds(set)
  if #kinds == 0 then native.fail('detector: %s knows no boxes of objects, as scenes:rooms does', set.name) end
  local held, judges = {}, o.judges or 1000
  for i = HELD_OUT, set:size(), HELD_OUT do held[#held + 1] = i end
  if #held < 3 then native.fail('detector: %s has only %d pictures, wanted at least %d', set.name, set:size(), 3 * HELD_OUT) end
  local split = math.ceil(math.min(#held, 1.5 * judges) / 3)
  local self = setmetatable({
    kinds = kinds, thresholds = {}, accuracy = {}, height = set.height, width = set.width, channels = set.channels, data = set.name,
    steps = o.steps or 600,
  }, Detector)
  local random = torch.getRNGState()
  local ok, problem = pcall(train, self, set, {steps = self.steps, lr = o.lr or 2e-3, seed = o.seed or 1})
  torch.setRNGState(random)
  if not ok then error(problem, 0) end
  calibrate(self, set, {unpack(held, 1, split)})
  judge(self, set, {unpack(held, split + 1, math.min(#held, split + judges))})
  return self
end

-- ---- files ----------------------------------------------------------------------------------------------------------------------------

local about = {'kinds', 'thresholds', 'accuracy', 'height', 'width', 'channels', 'data', 'steps'}

--- Writes a detector.
function Detector:save(path)
  local told = {}
  for _, key in ipairs(about) do told[key] = self[key] end
  network_file.write(path, FORMAT, self.net, told)
end

local function is_whole(told)
  local whole = type(told.kinds) == 'table' and type(told.thresholds) == 'table' and type(told.accuracy) == 'table'
  for _, key in ipairs {'height', 'width', 'channels'} do whole = whole and type(told[key]) == 'number' end
  for k, kind in ipairs(whole and told.kinds or {}) do
    local accuracy = told.accuracy[kind]
    whole = whole and type(told.thresholds[k]) == 'number' and type(accuracy) == 'table' and type(accuracy.share) == 'number'
  end
  return whole
end

--- Reads a detector. Executes nothing.
-- @string path
-- @treturn Detector
function detector.load(path)
  local net, told = network_file.read(path, FORMAT, 'is not a detector; gantry lab forget writes one', is_whole)
  local self = setmetatable({net = net}, Detector)
  for _, key in ipairs(about) do self[key] = told[key] end
  return self
end

return detector
