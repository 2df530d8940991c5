--- A finished or running run, opened to look at: its networks, z of numbered samples, images, sheets. Executes no code of the
-- run, unless it is trusted with that.
-- @module gantry.gan.run
local data = require 'gantry.data'
local native = require 'gantry.native'
local precision = require 'gantry.autograd.precision'
local torch = require 'gantry.torch'
local checkpoint = require 'gantry.gan.checkpoint'
local folder = require 'gantry.gan.folder'
local Keeper = require 'gantry.gan.keep'
local network = require 'gantry.gan.network'
local options = require 'gantry.gan.options'
local recipe = require 'gantry.gan.recipe'
local samples = require 'gantry.gan.samples'
local sheet = require 'gantry.gan.sheet'
local spatial = require 'gantry.gan.spatial'
local statistics = require 'gantry.gan.statistics'
local summary = require 'gantry.nn.summary'

local C = native.C
local run = {}

local Run = {}

-- ---- networks ---------------------------------------------------------------------------------------------------------------

local function is_whole(x, low, high) return type(x) == 'number' and x % 1 == 0 and x >= low and x <= high end

local MOST_Z = 65536

local function z_options(self)
  local o = self.options
  if not is_whole(o.z_size, 1, MOST_Z) or o.z ~= 'uniform' and o.z ~= 'normal' then
    native.fail('%s: its options do not say what z is', self.checkpoint.path)
  end
  return o
end

-- A grey image of the sizes that the run makes.
local function grey(self)
  local h, w = options.sides(self.options.size)
  local c = self.options.channels
  if not h or not is_whole(c, 1, 4) then native.fail('%s: its options do not say what its images are', self.checkpoint.path) end
  return torch.FloatTensor(1, c, h, w):zero()
end

-- What G makes its first image of.
local function first_z(self)
  if self.makes_pairs then return grey(self) end
  return samples.z(1, z_options(self), 1)
end

-- What a network is given for a batch of one: of D, whether it takes classes too is known from its layers.
local function first_input(self, which, net)
  local x = which == 'G' and first_z(self) or grey(self)
  if self.classes and (which == 'G' or net.conditional) then return {x, samples.labels(1, self.classes)} end
  return x
end

-- A network of classes that Gantry does not know, made by the run's own recipe: this executes it.
local function build_trusted(self, which)
  local name = self.state.recipe
  if type(name) ~= 'string' or name:find '/' then native.fail('%s: does not name its recipe', self.checkpoint.path) end
  local r = recipe.load(folder.file(self.path, 'recipe') .. '/' .. name)
  local o = r.options:resolve {from = self.checkpoint.path, values = self.options}
  local random = torch.getRNGState()
  local ok, net = pcall(which == 'G' and r.generator or r.discriminator, o)
  torch.setRNGState(random)
  if not ok then error(net, 0) end
  network.load_tensors(net, self:part(which), self.checkpoint.file)
  return net:evaluate()
end

local FIRST_IMAGE = 2 ^ 31 -- bytes that one image may take to make: what a file claims is tried on one before it is believed

-- Calls f with no more memory than an image may take.
local function guarded(f)
  local limit, live = C.gt_pool().limit, C.gt_pool().live
  C.gt_pool_set_limit(limit > 0 and math.min(limit, live + FIRST_IMAGE) or live + FIRST_IMAGE)
  local ok, problem = pcall(f)
  C.gt_pool_set_limit(limit)
  if not ok then error(problem, 0) end
end

local function build(self, which)
  local part = self:part(which)
  local unknown, place = network.unknown(self.checkpoint.networks[part], part)
  if not unknown then return checkpoint.network(self.checkpoint, part) end
  if self.trusted then return build_trusted(self, which) end
  native.fail('%s: %s is a %s, which Gantry does not know; if you trust who made this run, --trust (in Lua: {trust = true}) '
    .. 'executes the recipe in it to make one', self.path, place, unknown)
end

--- Under which name a network is stored: G is the average of G's weights where the run keeps one.
function Run:part(which) return which == 'G' and self.checkpoint.networks.ema and 'ema' or which end

Run.__names = {'G', 'D'} -- what the prompt completes beside fields and methods

Run.__index = function(self, key)
  if key == 'G' or key == 'D' then
    local net = build(self, key)
    rawset(self, key, net)
    summary.expect(net, function() return first_input(self, key, net) end, guarded)
    return net
  end
  return Run[key]
end

-- ---- opening ----------------------------------------------------------------------------------------------------------------

--- Raises an error unless a path is a run's directory.
function run.expect(path)
  local mode = type(path) == 'string' and folder.kind(path)
  if not mode then native.fail('%s: there is no such run', tostring(path)) end
  if mode ~= 'directory' then native.fail('%s: is a %s, wanted the directory of a run', path, mode) end
  if folder.kind(folder.file(path, 'checkpoint')) == 'file' then return end
  if folder.kind(folder.file(path, 'options')) == 'file' then
    native.fail('%s: was stopped before its first checkpoint; begin again with the same `gantry train ...`', path)
  end
  native.fail('%s: is not a run: there is no checkpoint in it', path)
end

--- Opens a run, finished or still training: its last checkpoint. Executes no code of the run.
-- @string path the run's directory
-- @tparam[opt] table how checkpoint = 'last' (default), 'best', or a step that was kept; trust = true: where a network has modules
-- that Gantry does not know, execute the run's recipe to make them
-- @treturn Run with path, options, step, state, G and D (networks in evaluation mode, built when first asked for), and classes: how
-- many there are, where G takes {z, classes}
-- @usage local r = gantry.open 'runs/faces'; local x = r:images(r:z {3, 17, 42})
function run.open(path, how)
  how = how or {}
  run.expect(path)
  local opened = checkpoint.open(Keeper.find(path, how.checkpoint))
  local self = setmetatable({
    path = path, checkpoint = opened, options = opened.options, step = opened.state.step, state = opened.state, trusted = how.trust,
  }, Run)
  self.makes_pairs = self.state.pairs == true
  if self.state.labels then
    local n = self.options.classes
    if not is_whole(n, 1, 2 ^ 24) then native.fail('%s: its options do not say how many classes there are', opened.path) end
    self.classes = n
  end
  return self
end

-- ---- looking ----------------------------------------------------------------------------------------------------------------

--- What fn makes of the arguments in the precision that the run is trained in.
local function at_precision(self, fn, ...)
  local name = self.options.precision or 'float32' -- runs of before there was a choice have none
  if not precision.codes[name] then native.fail('%s: its options name no precision', self.checkpoint.path) end
  return precision.within(name, fn, ...)
end

--- The seed of z: the one given, else the run's.
local function seed_of(self, seed)
  seed = seed or self.options.seed
  if not is_whole(seed, 0, 2 ^ 31) then
    native.fail('%s: seed is %s, wanted a whole number from 0', self.path, tostring(seed):sub(1, 40))
  end
  return seed
end

-- The data that a run was trained on. A program of its own is executed only where the run is trusted.
local function data_of(self)
  local spec = self.state.data
  if spec:match '%.lua$' and not self.trusted then
    native.fail('%s: its inputs are made by a program, %s; --trust (in Lua: {trust = true}) executes it', self.path, spec)
  end
  local ok, wanted = pcall(options.for_data, self.options, true)
  if not ok then native.fail('%s: its options do not say what its data are', self.checkpoint.path) end
  return data.open(spec, wanted)
end

--- The pairs of pictures of a run that turns images into images.
-- @tparam int|{int,...} which the first n of its data, or those with the given numbers
-- @treturn tensor inputs: n x channels x height x width
-- @treturn tensor what they should become
function Run:pairs(which)
  if not self.makes_pairs then native.fail('%s: does not turn images into images', self.path) end
  return samples.pairs(data_of(self), which)
end

--- Has G move styles towards their mean from now on, truer to the data and less varied, where it has styles (nn.StyleTruncation). Of z's
-- length and middle such a G sees little.
-- @number psi 0: all styles are the mean; 1: they stay what they are
-- @treturn boolean whether G has styles
-- @usage local run = gantry.open 'runs/styles'; run:truncate(0.7); show(run:images(run:z(16)))
function Run:truncate(psi)
  local found = self.G:findModules 'nn.StyleTruncation'
  for _, m in ipairs(found) do m:truncate(psi) end
  return #found > 0
end

--- z of samples: the first n, or those with the given numbers. Of a run that turns images into images: its inputs.
-- @tparam int|{int,...} which
-- @int[opt] seed default: the run's
-- @number[opt] truncation below 1 for uniform z, in standard deviations for normal z: see samples.truncate
-- @treturn tensor n x z_size
function Run:z(which, seed, truncation)
  if self.makes_pairs then
    if seed or truncation then native.fail('%s: turns images into images; there is no z with a seed or a truncation', self.path) end
    return (self:pairs(which))
  end
  local o = z_options(self)
  seed = seed_of(self, seed)
  if truncation and #self.G:findModules 'nn.StyleTruncation' > 0 then
    native.fail('%s: its generator has styles, which are truncated in place of z: run:truncate(%g)', self.path, truncation)
  end
  local z
  if type(which) == 'table' then z = samples.pick(which, o, seed) else z = samples.z(which, o, seed) end
  return truncation and samples.truncate(z, o.z, truncation) or z
end

local function try_one(self)
  if self.tried then return end
  local made
  local labels = self.classes and samples.labels(1, self.classes)
  local ok, problem = pcall(guarded, function() made = at_precision(self, samples.images, self.G, first_z(self), labels) end)
  if not ok then
    native.fail('%s: its generator makes no images: %s', self.checkpoint.path, (tostring(problem):gsub('^.-%.lua:%d+: ', '')))
  end
  local channels = made:size(2)
  if channels ~= 1 and channels ~= 3 and channels ~= 4 then
    native.fail('%s: its generator makes images of %d channels, wanted 1, 3 or 4', self.checkpoint.path, channels)
  end
  self.tried = true
end

--- Classes of samples, where there are classes.
-- @tparam int|{int,...} which how many, or which samples
-- @int[opt] class one for all of them; default: 1, 2 ... in turn, by the sample's number
-- @treturn tensor LongTensor; nil where the run has no classes
function Run:labels(which, class)
  if not self.classes then
    if class then native.fail('%s: has no classes', self.path) end
    return nil
  end
  if not class then return samples.labels(which, self.classes) end
  if not is_whole(class, 1, self.classes) then
    native.fail('%s: class is %s, wanted 1 to %d', self.path, tostring(class), self.classes)
  end
  return torch.LongTensor(type(which) == 'table' and #which or which):fill(class)
end

--- Images of z in evaluation mode.
-- @param z n x z_size, or z_size numbers; or n x z_size x h x w, of which a generator that is convolutional throughout makes larger images
-- (gantry.gan.spatial)
-- @tparam[opt] tensor|int labels where the run has classes: n of them, or one for all; default: 1, 2 ... in turn
-- @treturn tensor n x channels x height x width, -1..1
function Run:images(z, labels)
  if not torch.isTensor(z) then native.fail('images: got a %s, wanted a tensor', type(z)) end
  if z:dim() == 1 then z = z:view(1, z:size(1)) end
  if not torch.isTensor(labels) then labels = self:labels(z:size(1), labels) end
  if labels and labels:nElement() ~= z:size(1) then
    native.fail('images: got %d classes for %d images', labels:nElement(), z:size(1))
  end
  try_one(self)
  local G = z:dim() == 4 and not self.makes_pairs and spatial.network(self.G) or self.G
  return at_precision(self, samples.images, G, z, labels)
end

--- Estimates the statistics of G's batch normalisation anew, in memory: over batches of generated images, as they are used in
-- training, in place of the running averages over the generators of many steps that training kept.
-- @treturn Run self
-- @treturn int images that were generated for it; 0 where G has no batch normalisation or no z
function Run:reestimate()
  try_one(self)
  if self.makes_pairs then return self, 0 end
  local batch = is_whole(self.options.batch, 2, 4096) and self.options.batch or 64
  return self, at_precision(self, statistics.reestimate, self.G, z_options(self), batch, self.classes)
end

--- A sheet of samples with their numbers; of a run that turns images into images, input, output and truth of each pair.
-- @tparam[opt=64] int|{int,...} which how many, or which
-- @tparam[opt] table how seed, truncation, class, columns, scale (see sheet.make), numbers = false for none
-- @treturn tensor channels x height x width, 0..1
-- @usage image.save('sheet.png', gantry.open('runs/faces'):sheet())
function Run:sheet(which, how)
  how = how or {}
  which = which or 64
  local numbers = how.numbers ~= false and {} or nil
  if numbers then
    for i = 1, type(which) == 'table' and #which or which do numbers[i] = type(which) == 'table' and which[i] or i end
  end
  if self.makes_pairs then
    local inputs, truths = self:pairs(which)
    local all = samples.triples(inputs, self:images(inputs), truths)
    return sheet.make(all, {columns = how.columns or sheet.columns_of_triples(inputs:size(1)), scale = how.scale})
  end
  local images = self:images(self:z(which, how.seed, how.truncation), self:labels(which, how.class))
  local columns = how.columns
  if self.classes and not how.class and type(which) == 'number' then
    columns = columns or sheet.columns_of_classes(self.classes, which)
  end
  return sheet.make(images, {columns = columns, scale = how.scale, labels = numbers})
end

return run
