--- A finished or running run, opened to look at: its networks, z of numbered samples, images, sheets. Executes no code of the
-- run, unless it is trusted with that.
-- @module gantry.gan.run
local native = require 'gantry.native'
local precision = require 'gantry.autograd.precision'
local torch = require 'gantry.torch'
local checkpoint = require 'gantry.gan.checkpoint'
local folder = require 'gantry.gan.folder'
local Keeper = require 'gantry.gan.keep'
local options = require 'gantry.gan.options'
local summary = require 'gantry.nn.summary'
local network = require 'gantry.gan.network'
local recipe = require 'gantry.gan.recipe'
local samples = require 'gantry.gan.samples'
local sheet = require 'gantry.gan.sheet'
local statistics = require 'gantry.gan.statistics'

local C = native.C
local run = {}

local Run = {}

-- ---- networks ---------------------------------------------------------------------------------------------------------------

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
  network.load_tensors(net, which, self.checkpoint.file)
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
  local unknown, place = network.unknown(self.checkpoint.networks[which], which)
  if not unknown then return checkpoint.network(self.checkpoint, which) end
  if self.trusted then return build_trusted(self, which) end
  native.fail('%s: %s is a %s, which Gantry does not know; if you trust who made this run, --trust (in Lua: {trust = true}) '
    .. 'executes the recipe in it to make one', self.path, place, unknown)
end

Run.__names = {'G', 'D'} -- what the prompt completes beside fields and methods

Run.__index = function(self, key)
  if key == 'G' or key == 'D' then
    local net, o = build(self, key), self.options
    rawset(self, key, net)
    local h, w = options.sides(o.size)
    if key == 'G' then summary.expect(net, {1, o.z_size}, guarded) elseif h then summary.expect(net, {1, o.channels, h, w}, guarded) end
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
-- @treturn Run with path, options, step, state, G and D (networks in evaluation mode, built when first asked for)
-- @usage local r = gantry.open 'runs/faces'; local x = r:images(r:z {3, 17, 42})
function run.open(path, how)
  how = how or {}
  run.expect(path)
  local opened = checkpoint.open(Keeper.find(path, how.checkpoint))
  return setmetatable({
    path = path, checkpoint = opened, options = opened.options, step = opened.state.step, state = opened.state, trusted = how.trust,
  }, Run)
end

-- ---- looking ----------------------------------------------------------------------------------------------------------------

local MOST_Z = 65536

local function is_whole(x, low, high) return type(x) == 'number' and x % 1 == 0 and x >= low and x <= high end

local function z_options(self)
  local o = self.options
  if not is_whole(o.z_size, 1, MOST_Z) or o.z ~= 'uniform' and o.z ~= 'normal' then
    native.fail('%s: its options do not say what z is', self.checkpoint.path)
  end
  return o
end

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

--- z of samples: the first n, or those with the given numbers.
-- @tparam int|{int,...} which
-- @int[opt] seed default: the run's
-- @number[opt] truncation below 1 for uniform z, in standard deviations for normal z: see samples.truncate
-- @treturn tensor n x z_size
function Run:z(which, seed, truncation)
  local o = z_options(self)
  seed = seed_of(self, seed)
  local z
  if type(which) == 'table' then z = samples.pick(which, o, seed) else z = samples.z(which, o, seed) end
  return truncation and samples.truncate(z, o.z, truncation) or z
end

local function try_one(self)
  if self.tried then return end
  local made
  local ok, problem = pcall(guarded, function() made = at_precision(self, samples.images, self.G, samples.z(1, z_options(self), 1)) end)
  if not ok then
    native.fail('%s: its generator makes no images: %s', self.checkpoint.path, (tostring(problem):gsub('^.-%.lua:%d+: ', '')))
  end
  local channels = made:size(2)
  if channels ~= 1 and channels ~= 3 and channels ~= 4 then
    native.fail('%s: its generator makes images of %d channels, wanted 1, 3 or 4', self.checkpoint.path, channels)
  end
  self.tried = true
end

--- Images of z in evaluation mode.
-- @param z n x z_size, or z_size numbers
-- @treturn tensor n x channels x height x width, -1..1
function Run:images(z)
  if not torch.isTensor(z) then native.fail('images: got a %s, wanted a tensor', type(z)) end
  if z:dim() == 1 then z = z:view(1, z:size(1)) end
  try_one(self)
  return at_precision(self, samples.images, self.G, z)
end

--- Estimates the statistics of G's batch normalisation anew, in memory: over batches of generated images, as they are used in
-- training, in place of the running averages over the generators of many steps that training kept.
-- @treturn Run self
-- @treturn int images that were generated for it; 0 where G has no batch normalisation
function Run:reestimate()
  try_one(self)
  local batch = is_whole(self.options.batch, 2, 4096) and self.options.batch or 64
  return self, at_precision(self, statistics.reestimate, self.G, z_options(self), batch)
end

--- A sheet of samples with their numbers.
-- @tparam[opt=64] int|{int,...} which how many, or which
-- @tparam[opt] table how seed, truncation, columns, scale (see sheet.make), numbers = false for none
-- @treturn tensor channels x height x width, 0..1
-- @usage image.save('sheet.png', gantry.open('runs/faces'):sheet())
function Run:sheet(which, how)
  how = how or {}
  which = which or 64
  local numbers = how.numbers ~= false and {} or nil
  if numbers then
    for i = 1, type(which) == 'table' and #which or which do numbers[i] = type(which) == 'table' and which[i] or i end
  end
  return sheet.make(self:images(self:z(which, how.seed, how.truncation)), {columns = how.columns, scale = how.scale, labels = numbers})
end

return run
