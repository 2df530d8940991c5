-- How many of a run's samples would a stranger call faces? A small classifier is trained here on the built-in scenes (faces,
-- rooms, and noise of several grains), tested on scenes it has not seen, and then shown samples of the run.
--
--   gantry examples/judge.lua RUN [SAMPLES]          256 samples by default; takes about half a minute
local gantry = require 'gantry'
local torch, nn, optim, data, autograd = gantry.torch, gantry.nn, gantry.optim, gantry.data, gantry.autograd
local ops = autograd.ops

local run_path, count = (...), tonumber((select(2, ...))) or 256
if not run_path then
  io.stderr:write 'usage: gantry examples/judge.lua RUN [SAMPLES]\n'
  os.exit(2)
end
local run = gantry.open(run_path)
local size = run.options.size
if type(size) ~= 'number' then
  io.stderr:write('judge: the images of ', run_path, ' are ', size, ', wanted square ones\n')
  os.exit(2)
end
local classes = {'face', 'room', 'noise'}
local BATCH, STEPS = 32, 250

torch.manualSeed(1)
local function layer(net, from, to)
  return net:add(nn.SpatialConvolution(from, to, 4, 4, 2, 2, 1, 1):noBias()):add(nn.SpatialBatchNormalization(to)):add(nn.LeakyReLU(0.2))
end
local judge = nn.Sequential()
layer(layer(layer(judge, 3, 16), 16, 32), 32, 64)
local features = 64 * (size / 8) ^ 2
judge:add(nn.View(features):setNumInputDims(3)):add(nn.Linear(features, #classes))

--- Noise in squares of 1, 2, 4 ... pixels: as blurred as an untrained generator's images, and as crisp.
local function noise(out)
  for i = 1, out:size(1) do
    local grain = 2 ^ (i % 5)
    local side = math.ceil(size / grain)
    local coarse = torch.FloatTensor(3, side, 1, side, 1):uniform(-1, 1):expand(3, side, grain, side, grain):contiguous()
    out[i]:copy(coarse:view(3, side * grain, side * grain):narrow(2, 1, size):narrow(3, 1, size))
  end
end

local function source(seed)
  local faces = data.open('scenes:faces', {size = size, seed = seed}):batches {batch = BATCH, seed = seed}
  local rooms = data.open('scenes:rooms', {size = size, seed = seed}):batches {batch = BATCH, seed = seed}
  local images, labels = torch.FloatTensor(3 * BATCH, 3, size, size), torch.LongTensor(3 * BATCH, 1)
  for c = 1, 3 do labels:narrow(1, (c - 1) * BATCH + 1, BATCH):fill(c) end
  return function()
    images:narrow(1, 1, BATCH):copy(faces:next())
    images:narrow(1, BATCH + 1, BATCH):copy(rooms:next())
    noise(images:narrow(1, 2 * BATCH + 1, BATCH))
    return images, labels
  end
end

local parameters, gradients = judge:getParameters()
local state = {learningRate = 1e-3}
local next_batch = source(1)
for _ = 1, STEPS do
  autograd.scope(function()
    local images, labels = next_batch()
    gradients:zero()
    local likely = ops.log_softmax(judge:forward(autograd.value(images)), 2)
    local loss = -ops.gather(likely, 2, labels):mean()
    loss:backward()
    optim.adam(function() return loss:item(), gradients end, parameters, state)
  end)
end

judge:evaluate()
local function verdicts(images)
  local _, best = judge:forward(images):max(2)
  return best
end

local right, seen = 0, 0
local unseen = source(1000)
for _ = 1, 10 do
  local images, labels = unseen()
  right = right + verdicts(images):eq(labels):sum()
  seen = seen + images:size(1)
end
print(('the judge is right on %.1f%% of %d scenes it has not seen'):format(100 * right / seen, seen))

local best = verdicts(run:images(run:z(count)))
for c, name in ipairs(classes) do
  print(('%s: %.1f%% of %d samples of %s'):format(name, 100 * best:eq(c):sum() / count, count, run_path))
end
