--- Checkpoints: everything a run needs to go on bit by bit, in one safetensors file; and everything that drawing samples
-- needs, without executing code: the networks are stored as data.
-- @module gantry.gan.checkpoint
local cjson = require 'cjson'
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local network = require 'gantry.gan.network'
local options = require 'gantry.gan.options'
local safetensors = require 'gantry.gan.safetensors'
local Trainer = require 'gantry.gan.trainer'

local checkpoint = {}

local FORMAT = 'gantry-1'
local C = native.C

--- Writes a trainer's state.
-- @string path
-- @tparam Trainer trainer
-- @tparam table about {recipe = name, data = spec, seconds = of training so far, score = the recipe's, keeper = what is best so far}
-- @treturn string the weights hash
function checkpoint.save(path, trainer, about)
  local entries = {}
  trainer:tensors(function(name, t) entries[#entries + 1] = {name, t} end)
  entries[#entries + 1] = {'torch.generator', torch.getRNGState()}
  local hash = Trainer.hash(trainer.G, trainer.D)
  local state = {
    step = trainer.number, position = trainer.position, counters = trainer:counters(), hash = hash,
    recipe = about.recipe, data = about.data, seconds = about.seconds, score = about.score, keeper = about.keeper,
    data_size = trainer.dataset:size(),
  }
  safetensors.write(path, entries, {
    format = FORMAT,
    gantry = native.version,
    machine = cjson.encode(checkpoint.machine()),
    options = options.to_yaml(trainer.options),
    state = cjson.encode(state),
    networks = cjson.encode {G = network.describe(trainer.G), D = network.describe(trainer.D)},
  })
  return hash
end

--- What results may depend on besides the recipe: Gantry's version, the kernels' level, the table of their choices, the BLAS.
function checkpoint.machine()
  local ffi = require 'ffi'
  return {
    gantry = native.version, level = ffi.string(C.gt_cpu_level()), choices = native.choices_name(), blas = ffi.string(C.gt_blas_name()),
  }
end

local function decode(path, file, key)
  local ok, result = pcall(cjson.decode, file.metadata[key] or '')
  if not ok or type(result) ~= 'table' then native.fail('%s: its %s cannot be read', path, key) end
  return result
end

--- Opens a checkpoint; tensors are read when they are needed.
-- @string path
-- @treturn table file, state, options (as text and numbers, unchecked), networks, machine
function checkpoint.open(path)
  local file = safetensors.open(path)
  if file.metadata.format ~= FORMAT then
    native.fail("%s: is not a checkpoint that this Gantry reads (format '%s', wanted '%s')", path,
      tostring(file.metadata.format):sub(1, 40), FORMAT)
  end
  local ok, stored = pcall(require('lyaml').load, file.metadata.options or '')
  if not ok or type(stored) ~= 'table' then native.fail('%s: its options cannot be read', path) end
  local opened = {
    path = path, file = file, options = stored,
    state = decode(path, file, 'state'), networks = decode(path, file, 'networks'), machine = decode(path, file, 'machine'),
  }
  local state = opened.state
  local numbers = type(state.step) == 'number' and type(state.position) == 'number'
  if not numbers or type(state.counters) ~= 'table' or type(state.data) ~= 'string' then
    native.fail('%s: its state is incomplete', path)
  end
  return opened
end

--- Builds a network of an opened checkpoint, in evaluation mode. Executes nothing.
-- @tparam table opened from checkpoint.open
-- @string which 'G' or 'D'
function checkpoint.network(opened, which)
  local net = network.build(opened.networks[which], which, opened.file)
  net:evaluate()
  return net
end

return checkpoint
