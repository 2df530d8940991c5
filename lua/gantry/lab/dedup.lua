--- Near duplicates by semantic hashing (the DCGAN paper, section 4.1.1): a 3072-128-3072 denoising autoencoder with dropout and ReLU learns
-- from the pictures themselves, at 32 x 32 in colour; which of its 128 units are above 0 is a picture's code, and pictures of equal codes
-- are duplicates, found in linear time.
--
-- What the paper leaves open is chosen here. The noise that is removed is what copies differ by: shifts, brightness, and noise on pixels.
-- Pictures are seen without their mean and contrast. With `margin` above 0, units are also held away from 0, where a code's bits
-- turn over; 0 is the paper's plain autoencoder.
-- @module gantry.lab.dedup
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local data = require 'gantry.data'
local image = require 'gantry.image'
local nn = require 'gantry.nn'
local optim = require 'gantry.optim'
local torch = require 'gantry.torch'
local network_file = require 'gantry.gan.network_file'
local Trainer = require 'gantry.gan.trainer'
local codes = require 'gantry.lab.codes'
local pictures = require 'gantry.lab.pictures'

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

local function places(n, by)
  local index = torch.LongTensor(n)
  for k = 1, n do index[k] = math.max(1, math.min(n, k - by)) end
  return index
end

--- Pictures moved by whole pixels, their edges continued.
-- @param x FloatTensor n x channels x height x width
-- @int right
-- @int down
-- @treturn tensor of x's sizes
function dedup.moved(x, right, down)
  return x:index(4, places(x:size(4), right)):index(3, places(x:size(3), down))
end

-- Copies as they happen: moved, brighter or darker, with noise on pixels.
local function disturbed(x, o, generator)
  local y, shift = x:clone(), o.shift
  for i = 1, shift > 0 and x:size(1) or 0 do
    local picture = x:narrow(1, i, 1)
    y:narrow(1, i, 1):copy(dedup.moved(picture, torch.random(generator, -shift, shift), torch.random(generator, -shift, shift)))
  end
  if o.brightness > 0 then
    local factor = torch.FloatTensor(x:size(1), 1, 1, 1):uniform(generator, 1 - o.brightness, 1 + o.brightness)
    y:add(1):cmul(factor:expandAs(y)):add(-1):clamp(-1, 1)
  end
  if o.noise > 0 then y:add(torch.FloatTensor(y:size()):normal(generator, 0, o.noise)) end
  return y
end

-- ---- training -------------------------------------------------------------------------------------------------------------------------

--- What a network is trained with, where options do not say otherwise.
dedup.defaults = {
  units = 128, steps = 1000, batch = 128, lr = 3e-3, seed = 1, shift = 1, brightness = 0.05, noise = 0.1, dropout = 0.2, margin = 0.1,
}

local function names_of(defaults)
  local names = {}
  for name in pairs(defaults) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function options_of(given)
  local o = {}
  for key, value in pairs(dedup.defaults) do o[key] = value end
  for key, value in pairs(given) do
    if key ~= 'progress' then
      if dedup.defaults[key] == nil then
        native.fail('dedup: there is no option %s; wanted %s', tostring(key), table.concat(names_of(dedup.defaults), ', '))
      end
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

-- The mean of some pictures, evenly from all: what they have in common says nothing of any one.
local function mean_of(set)
  return rows_of(fitted(set:batch(pictures.evenly(set:size(), PART)))):mean(1)
end

local function train(set, o, progress)
  torch.manualSeed(o.seed)
  local encoder, decoder = autoencoder(o)
  local whole = nn.Sequential():add(encoder):add(decoder)
  local parameters, gradients = whole:getParameters()
  local linear, mean = encoder.modules[1], mean_of(set)
  local function centred(x)
    local rows = rows_of(x)
    return rows:csub(mean:expandAs(rows))
  end
  local generator, config, state, loss_number = torch.Generator(o.seed), {}, {}, 0
  local function evaluate() return loss_number, gradients end
  local size = set:size()
  for step = 1, o.steps do
    autograd.scope(function()
      local list = {}
      for k = 1, o.batch do list[k] = torch.random(generator, 1, size) end
      local x = fitted(set:batch(list))
      local clean = centred(x)
      local units = encoder:forward(autograd.value(centred(disturbed(x, o, generator))))
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
  linear.bias:csub(torch.mv(linear.weight, mean:view(-1))) -- W (x - mean) + b = W x + (b - W mean)
  encoder:evaluate():clearState()
  return encoder, loss_number
end

--- The data set as the network wants it.
-- @string spec
-- @tparam[opt] table o fit and background, as for data.open
-- @treturn a data set of 32 x 32 in colour
function dedup.open(spec, o)
  o = o or {}
  local set = data.open(spec, {size = SIDE, channels = CHANNELS, fit = o.fit, background = o.background, warn = o.warn})
  if set:size() == 0 then native.fail('dedup: %s has no end; wanted a set of pictures', spec) end
  return set
end

--- Trains the network on a data set.
-- @param set from dedup.open
-- @tparam[opt] table o units (128), steps (1000), batch (128), lr (3e-3, falling to 0), seed (1); of the copies that are undone: shift (1
-- pixel to each side), brightness (0.05), noise (0.1, deviation on -1..1); dropout of the code (0.2); margin (0.1; 0: none);
-- progress (called with step and loss)
-- @treturn Dedup
-- @usage local d = dedup.train(dedup.open 'photos'); d:save 'photos-dedup.safetensors'
function dedup.train(set, o)
  o = o or {}
  local full = options_of(o)
  if set:size() < 2 then native.fail('dedup: %s has %d pictures, wanted at least 2', set.name, set:size()) end
  local random = torch.getRNGState()
  local ok, encoder, loss = pcall(train, set, full, o.progress)
  torch.setRNGState(random)
  if not ok then error(encoder, 0) end
  full.loss, full.data = loss, set.name
  return setmetatable({net = encoder, about = full, hash = Trainer.hash(encoder)}, Dedup)
end

--- Writes the network to a file.
-- @string path
function Dedup:save(path) network_file.write(path, FORMAT, self.net, self.about) end

--- Reads a network that was saved. Executes nothing.
-- @string path
-- @treturn Dedup
function dedup.load(path)
  local net, about = network_file.read(path, FORMAT, 'is not a network for duplicates; `gantry lab dedup` makes one')
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

-- Moves by up to so many pixels, one of each and its opposite: where a is b moved, b is a moved back.
local function moves(most)
  local list = {}
  for down = 0, most do
    for right = -most, most do
      if down > 0 or right > 0 then list[#list + 1] = {right, down} end
    end
  end
  return list
end

--- The codes of pictures, and those of the same pictures moved.
-- @param set a data set, or images as for codes
-- @int[opt=0] shifts pixels
-- @func[opt] progress called with how many pictures were looked at, and of how many
-- @treturn {string,...}
-- @treturn {{string,...},...} one list for each move: 2 shifts (shifts + 1) of them
function Dedup:codes_of(set, shifts, progress)
  local list, probes, all = {}, {}, moves(shifts or 0)
  for s = 1, #all do probes[s] = {} end
  local size = torch.isTensor(set) and set:size(1) or set:size()
  for from = 1, size, PART do
    local n = math.min(PART, size - from + 1)
    local x
    if torch.isTensor(set) then x = set:narrow(1, from, n) else
      local numbers = {}
      for i = 1, n do numbers[i] = from + i - 1 end
      x = set:batch(numbers)
    end
    x = fitted(x)
    local function add(to, images)
      for _, code in ipairs(self:codes(images)) do to[#to + 1] = code end
    end
    add(list, x)
    for s, move in ipairs(all) do add(probes[s], dedup.moved(x, move[1], move[2])) end
    if progress then progress(from + n - 1, size) end
  end
  return list, probes
end

--- How much two pictures are the same but for a move: 1 for equal ones. Of the part that both show, without its mean and contrast, 1 less
-- half the mean squared difference (their correlation), for the best of the moves.
-- @param a FloatTensor 1 x channels x height x width, -1..1
-- @param b as a
-- @int shifts pixels by which b may be moved
-- @number[opt] enough moves are tried until it is so much
-- @treturn number
function dedup.likeness(a, b, shifts, enough)
  a, b = fitted(a), fitted(b)
  local inner, best = SIDE - 2 * shifts, -math.huge
  local function part(x, right, down)
    return rows_of(x:narrow(3, 1 + shifts + down, inner):narrow(4, 1 + shifts + right, inner))
  end
  local middle = part(a, 0, 0)
  for distance = 0, shifts do -- the smallest moves first
    for down = -distance, distance do
      for right = -distance, distance do
        if math.max(math.abs(down), math.abs(right)) == distance then
          best = math.max(best, 1 - part(b, right, down):csub(middle):pow(2):mean() / 2)
          if enough and best >= enough then return best end
        end
      end
    end
  end
  return best
end

--- How pictures are found to be duplicates. 'paper': by equal codes. 'near': codes that differ in at most 6 of the 128 bits, of a picture
-- or of it moved by up to 2 pixels, say which pictures to compare, and those whose likeness is at least 0.975 are duplicates.
dedup.readings = {paper = {radius = 0, shifts = 0, likeness = 0}, near = {radius = 6, shifts = 2, likeness = 0.975}}

--- Finds duplicates.
-- @param set a data set, or images as for codes
-- @tparam[opt] table o radius (6), shifts (2), likeness (0.975; 0: codes decide alone): see dedup.readings; progress: see codes_of
-- @treturn table groups ({{number,...},...}: each picture of a group is near another of it), kept (numbers: all but those in a group
-- after its first), left_out (the others)
-- @usage local found = d:duplicates(set, dedup.readings.paper); print(#found.left_out)
function Dedup:duplicates(set, o)
  o = o or {}
  local near = dedup.readings.near
  local shifts, likeness = o.shifts or near.shifts, o.likeness or near.likeness
  local list, probes = self:codes_of(set, shifts, o.progress)
  local function picture(i) return torch.isTensor(set) and set:narrow(1, i, 1) or set:batch {i} end
  local accept = likeness > 0 and function(i, j) return dedup.likeness(picture(i), picture(j), shifts, likeness) >= likeness end
  local found = {groups = codes.groups(list, o.radius or near.radius, probes, accept or nil), kept = {}, left_out = {}}
  local out = {}
  for _, group in ipairs(found.groups) do
    for k = 2, #group do out[group[k]] = true end
  end
  for i = 1, #list do table.insert(out[i] and found.left_out or found.kept, i) end
  return found
end

return dedup
