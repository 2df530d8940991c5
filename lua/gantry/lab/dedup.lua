--- Near duplicates by semantic hashing (the DCGAN paper, section 4.1.1): a 3072-128-3072 denoising autoencoder with dropout and ReLU learns
-- from the pictures themselves, at 32 x 32 in colour; which of its 128 units are above 0 is a picture's code, and pictures of equal codes
-- are duplicates, found in linear time.
--
-- What the paper leaves open is chosen here. The noise that is removed is what copies differ by: shifts, brightness, and noise on pixels.
-- Pictures are seen without their mean and contrast. With `margin` above 0, units are also held away from 0, where a code's bits
-- turn over; 0 is the paper's plain autoencoder.
-- @module gantry.lab.dedup
local cjson = require 'cjson'
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local data = require 'gantry.data'
local image = require 'gantry.image'
local nn = require 'gantry.nn'
local optim = require 'gantry.optim'
local torch = require 'gantry.torch'
local network = require 'gantry.gan.network'
local safetensors = require 'gantry.gan.safetensors'
local Trainer = require 'gantry.gan.trainer'
local codes = require 'gantry.lab.codes'

local dedup = {}

local FORMAT = 'gantry-dedup-1'
local SIDE, CHANNELS = 32, 3
local PART = 512
local FLAT = 0.05 -- of -1..1: pictures of less contrast are not enlarged to full contrast

local Dedup = {}
Dedup.__index = Dedup

-- ---- pictures as the network sees them ------------------------------------------------------------------------------------------------

-- Rows of mean 0 and deviation 1.
local function rows_of(x)
  local rows = x:contiguous():view(x:size(1), -1):clone()
  rows:add(rows:mean(2):mul(-1):expandAs(rows))
  local deviation = rows:clone():pow(2):mean(2):sqrt():clamp(FLAT, math.huge)
  return rows:cdiv(deviation:expandAs(rows))
end

-- Gray and see-through pictures in three channels, at 32 x 32.
local function fitted(x)
  if x:size(2) == 1 then x = x:expand(x:size(1), CHANNELS, x:size(3), x:size(4)) end
  if x:size(2) == 4 then x = x:narrow(2, 1, CHANNELS) end
  x = x:contiguous()
  if x:size(3) ~= SIDE or x:size(4) ~= SIDE then x = image.scale(x, SIDE, SIDE) end
  return x
end

--- Pictures moved by whole pixels, their edges continued.
-- @param x FloatTensor n x channels x height x width
-- @tparam function draw gives the move of picture i: right, down
-- @treturn tensor of x's sizes
function dedup.moved(x, draw)
  local h, w = x:size(3), x:size(4)
  local y = torch.FloatTensor(x:size(1), x:size(2), h, w)
  for i = 1, x:size(1) do
    local right, down = draw(i)
    local function places(n, by)
      local index = torch.LongTensor(n)
      for k = 1, n do index[k] = math.max(1, math.min(n, k - by)) end
      return index
    end
    y[i]:copy(x[i]:index(3, places(w, right)):index(2, places(h, down)))
  end
  return y
end

-- Copies as they happen: moved, brighter or darker, with noise on pixels.
local function disturbed(x, o, generator)
  local y = x
  if o.shift > 0 then
    y = dedup.moved(x, function()
      return torch.random(generator, -o.shift, o.shift), torch.random(generator, -o.shift, o.shift)
    end)
  else
    y = x:clone()
  end
  if o.brightness > 0 then
    local factor = torch.FloatTensor(x:size(1), 1, 1, 1):uniform(generator, 1 - o.brightness, 1 + o.brightness)
    y:add(1):cmul(factor:expandAs(y)):add(-1):clamp(-1, 1)
  end
  if o.noise > 0 then y:add(torch.FloatTensor(y:size()):normal(generator, 0, o.noise)) end
  return y
end

-- ---- training -------------------------------------------------------------------------------------------------------------------------

local defaults = {
  units = 128, steps = 3000, batch = 128, lr = 1e-3, seed = 1, shift = 2, brightness = 0.05, noise = 0.1, dropout = 0.2, margin = 1,
}

local function options_of(given)
  local o = {}
  for key, value in pairs(defaults) do o[key] = value end
  for key, value in pairs(given) do
    if key ~= 'progress' then
      if defaults[key] == nil then native.fail('dedup: there is no option %s', tostring(key)) end
      if type(value) ~= 'number' or value < 0 then native.fail('dedup: %s is %s, wanted a number from 0', key, tostring(value)) end
      o[key] = value
    end
  end
  if o.units % 8 ~= 0 or o.units == 0 then native.fail('dedup: units is %d, wanted a multiple of 8', o.units) end
  return o
end

local function autoencoder(o)
  local size = CHANNELS * SIDE * SIDE
  local encoder = nn.Sequential():add(nn.Linear(size, o.units))
  local decoder = nn.Sequential():add(nn.ReLU()):add(nn.Dropout(o.dropout)):add(nn.Linear(o.units, size))
  return encoder, decoder
end

-- How far units are from being above (or below) 0 by a whole deviation of theirs on the side where the undisturbed picture has them.
local function hinge(units, clean)
  local side = clean:clone():sign()
  local deviation = clean:std(1):clamp(1e-3, math.huge)
  side:cdiv(deviation:expandAs(side))
  return (1 - units * autograd.value(side)):relu():mean()
end

local function train(set, o, progress)
  torch.manualSeed(o.seed)
  local encoder, decoder = autoencoder(o)
  local whole = nn.Sequential():add(encoder):add(decoder)
  local parameters, gradients = whole:getParameters()
  local generator, config, state, loss_number = torch.Generator(o.seed), {}, {}, 0
  local function evaluate() return loss_number, gradients end
  local size = set:size()
  for step = 1, o.steps do
    autograd.scope(function()
      local list = {}
      for k = 1, o.batch do list[k] = torch.random(generator, 1, size) end
      local x = fitted(set:batch(list))
      local clean = rows_of(x)
      local units = encoder:forward(autograd.value(rows_of(disturbed(x, o, generator))))
      local loss = (decoder:forward(units) - autograd.value(clean)):pow(2):mean()
      if o.margin > 0 then
        local target = autograd.no_grad(function() return encoder:forward(autograd.value(clean)).data end)
        loss = loss + o.margin * hinge(units, target)
      end
      loss_number = loss:item()
      gradients:zero()
      loss:backward()
      config.learningRate = o.lr * (1 - (step - 1) / o.steps)
      optim.adam(evaluate, parameters, config, state)
    end)
    if progress then progress(step, loss_number) end
  end
  encoder:evaluate():clearState()
  return encoder, loss_number
end

--- The data set as the network wants it.
-- @string spec
-- @treturn a data set of 32 x 32 in colour
function dedup.open(spec)
  local set = data.open(spec, {size = SIDE, channels = CHANNELS})
  if set:size() == 0 then native.fail('dedup: %s has no end; wanted a set of pictures', spec) end
  return set
end

--- Trains the network on a data set.
-- @param set from dedup.open
-- @tparam[opt] table o units (128), steps (3000), batch (128), lr (1e-3, falling to 0), seed (1); of the copies that are undone: shift (2
-- pixels to each side), brightness (0.05), noise (0.1, deviation on -1..1); dropout of the code (0.2); margin (1; 0: none);
-- progress (called with step and loss)
-- @treturn Dedup
-- @usage local d = dedup.train(dedup.open 'photos'); d:save 'photos-dedup.safetensors'
function dedup.train(set, o)
  o = o or {}
  local full = options_of(o)
  local random = torch.getRNGState()
  local ok, encoder, loss = pcall(train, set, full, o.progress)
  torch.setRNGState(random)
  if not ok then error(encoder, 0) end
  full.loss, full.data = loss, set.name
  return setmetatable({net = encoder, about = full, hash = Trainer.hash(encoder)}, Dedup)
end

--- Writes the network to a file.
-- @string path
function Dedup:save(path)
  local entries = {}
  network.tensors(self.net, 'net', function(name, t) entries[#entries + 1] = {name, t} end)
  safetensors.write(path, entries, {format = FORMAT, network = cjson.encode(network.describe(self.net)), about = cjson.encode(self.about)})
end

--- Reads a network that was saved. Executes nothing.
-- @string path
-- @treturn Dedup
function dedup.load(path)
  local file = safetensors.open(path)
  if file.metadata.format ~= FORMAT then native.fail('%s: is not a network for duplicates; `gantry lab dedup` makes one', path) end
  local ok, about = pcall(cjson.decode, file.metadata.about or '')
  local readable, description = pcall(cjson.decode, file.metadata.network or '')
  if not ok or not readable or type(about) ~= 'table' then native.fail('%s: what it says of itself cannot be read', path) end
  local net = network.build(description, 'net', file):evaluate()
  return setmetatable({net = net, about = about, hash = Trainer.hash(net)}, Dedup)
end

-- ---- use ------------------------------------------------------------------------------------------------------------------------------

--- The codes of images.
-- @param x FloatTensor n x channels x height x width, -1..1; other sizes than 32 x 32 are scaled
-- @treturn {string,...} of units / 8 characters
function Dedup:codes(x)
  local list = {}
  for from = 1, x:size(1), PART do
    local rows = rows_of(fitted(x:narrow(1, from, math.min(PART, x:size(1) - from + 1))))
    local units = autograd.no_grad(function() return self.net:forward(autograd.value(rows)).data end)
    for _, code in ipairs(codes.pack(units:gt(0))) do list[#list + 1] = code end
  end
  return list
end

--- The codes of all pictures of a data set.
-- @param set
-- @treturn {string,...}
function Dedup:codes_of(set)
  local list = {}
  for from = 1, set:size(), PART do
    local numbers = {}
    for i = from, math.min(from + PART - 1, set:size()) do numbers[#numbers + 1] = i end
    for _, code in ipairs(self:codes(set:batch(numbers))) do list[#list + 1] = code end
  end
  return list
end

return dedup
