--- Run directories: what is in one, how one is made, and what a finished or running one is good for.
--
--     RUN/options.yaml  metrics.jsonl  checkpoint.safetensors  log.txt  samples/*.png  recipe/*.lua
-- @module gantry.gan.run
local lfs = require 'lfs'
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local checkpoint = require 'gantry.gan.checkpoint'
local options = require 'gantry.gan.options'
local samples = require 'gantry.gan.samples'

local run = {}

local Run = {}

local names = {
  options = 'options.yaml', metrics = 'metrics.jsonl', checkpoint = 'checkpoint.safetensors', log = 'log.txt',
  samples = 'samples', recipe = 'recipe',
}

--- Where a part of a run is.
-- @string path the run's directory
-- @string part 'options', 'metrics', 'checkpoint', 'log', 'samples' or 'recipe'
function run.file(path, part) return path .. '/' .. names[part] end

-- ---- making ---------------------------------------------------------------------------------------------------------------

local function make_folder(path)
  local at = path:sub(1, 1) == '/' and '/' or ''
  for piece in path:gmatch '[^/]+' do
    at = at .. piece
    local mode = lfs.attributes(at, 'mode')
    if not mode then
      local ok, problem = lfs.mkdir(at)
      if not ok and lfs.attributes(at, 'mode') ~= 'directory' then native.fail('%s: cannot be made: %s', at, problem) end
    elseif mode ~= 'directory' then
      native.fail('%s: is a %s, wanted a directory', at, mode)
    end
    at = at .. '/'
  end
end
run.make_folder = make_folder

local function is_empty(path)
  for entry in lfs.dir(path) do
    if entry ~= '.' and entry ~= '..' then return false end
  end
  return true
end

local function write_file(path, text)
  local file, problem = io.open(path, 'wb')
  if not file then native.fail('%s', problem) end
  local ok, why = file:write(text)
  if ok then ok, why = file:close() end
  if not ok then native.fail('%s: %s', path, why) end
end

local function read_file(path)
  local file, problem = io.open(path, 'rb')
  if not file then native.fail('%s', problem) end
  local text = file:read '*a'
  file:close()
  return text
end

-- Removes what Gantry writes into a run, and nothing else.
local function clear(path)
  for _, part in ipairs {'options', 'metrics', 'checkpoint', 'log'} do os.remove(run.file(path, part)) end
  for _, folder in ipairs {run.file(path, 'samples'), run.file(path, 'recipe')} do
    if lfs.attributes(folder, 'mode') == 'directory' then
      for entry in lfs.dir(folder) do
        if entry:match '^%d+%.png$' or entry:match '%.lua$' then os.remove(folder .. '/' .. entry) end
      end
    end
  end
end

-- A run that failed before its first step has nothing to lose.
local function is_untrained(path)
  local ok, opened = pcall(checkpoint.open, run.file(path, 'checkpoint'))
  return ok and opened.state.step == 0
end

--- Makes a run's directory and writes the recipe and the options into it. One that is there must be empty.
-- @string path
-- @tparam Recipe recipe as loaded
-- @tparam table o resolved options
-- @bool[opt] force empties a run that is there; one that has not done a step is emptied without it
function run.create(path, recipe, o, force)
  if type(path) ~= 'string' or path == '' then native.fail 'out: wanted the path of a directory for the run' end
  local mode = lfs.attributes(path, 'mode')
  if mode and mode ~= 'directory' then native.fail('%s: is a %s, wanted a directory for the run', path, mode) end
  if mode and not is_empty(path) then
    local is_run = lfs.attributes(run.file(path, 'options'), 'mode') == 'file'
    if not is_run then native.fail('%s: is not empty and not a run; choose another --out', path) end
    if not force and not is_untrained(path) then
      native.fail('%s: there is a run in it: `gantry resume %s` goes on with it, --force starts over, or choose another --out', path, path)
    end
    clear(path)
  end
  make_folder(path)
  make_folder(run.file(path, 'samples'))
  make_folder(run.file(path, 'recipe'))
  for relative, source in pairs(recipe.files or {}) do
    local target = run.file(path, 'recipe') .. '/' .. relative
    make_folder(target:match '^(.*)/')
    write_file(target, read_file(source))
  end
  write_file(run.file(path, 'options'), options.to_yaml(o, recipe.options))
end

-- ---- metrics ----------------------------------------------------------------------------------------------------------------

local order = {'step', 'seconds', 'd_loss', 'g_loss', 'd_real', 'd_fake', 'images_per_second'}

--- One line of metrics.jsonl.
function run.metrics_line(m)
  local parts = {}
  for _, key in ipairs(order) do
    if m[key] then parts[#parts + 1] = ('"%s":%.7g'):format(key, m[key]) end
  end
  return '{' .. table.concat(parts, ',') .. '}\n'
end

--- Takes the lines after a step out of metrics.jsonl: a run that goes on from there writes them again.
function run.cut_metrics(path, step)
  local name = run.file(path, 'metrics')
  if lfs.attributes(name, 'mode') ~= 'file' then return end
  local kept = {}
  for line in read_file(name):gmatch '[^\n]+\n' do
    local at = tonumber(line:match '"step":(%d+)')
    if at and at <= step then kept[#kept + 1] = line end
  end
  write_file(name, table.concat(kept))
end

-- ---- opening ----------------------------------------------------------------------------------------------------------------

local lazy = {
  G = function(self) return checkpoint.network(self.checkpoint, 'G') end,
  D = function(self) return checkpoint.network(self.checkpoint, 'D') end,
}

Run.__index = function(self, key)
  if lazy[key] then
    local net = lazy[key](self)
    rawset(self, key, net)
    return net
  end
  return Run[key]
end

--- Opens a run, finished or still training: its last checkpoint. Executes no code of the run.
-- @string path the run's directory
-- @treturn Run with path, options, step, state, G and D (networks in evaluation mode, built when first asked for)
-- @usage local r = gantry.open 'runs/faces'; local x = r:images(r:z {3, 17, 42})
function run.open(path)
  local mode = type(path) == 'string' and lfs.attributes(path, 'mode')
  if not mode then native.fail('%s: there is no such run', tostring(path)) end
  if mode ~= 'directory' then native.fail('%s: is a %s, wanted the directory of a run', path, mode) end
  local file = run.file(path, 'checkpoint')
  if lfs.attributes(file, 'mode') ~= 'file' then native.fail('%s: is not a run: there is no checkpoint in it', path) end
  local opened = checkpoint.open(file)
  return setmetatable({path = path, checkpoint = opened, options = opened.options, step = opened.state.step, state = opened.state}, Run)
end

local function z_options(self)
  local o = self.options
  if type(o.z_size) ~= 'number' or o.z_size < 1 or o.z_size > 2 ^ 20 or o.z_size % 1 ~= 0 or o.z ~= 'uniform' and o.z ~= 'normal' then
    native.fail('%s: its options do not say what z is', self.checkpoint.path)
  end
  return o
end

--- z of samples: the first n, or those with the given numbers.
-- @tparam int|{int,...} which
-- @int[opt] seed default: the run's
-- @treturn tensor n x z_size
function Run:z(which, seed)
  seed = seed or self.options.seed
  if type(which) == 'table' then return samples.pick(which, z_options(self), seed) end
  return samples.z(which, z_options(self), seed)
end

--- Images of z.
-- @param z n x z_size, or z_size numbers
-- @treturn tensor n x channels x height x width, -1..1
function Run:images(z)
  if not torch.isTensor(z) then native.fail('images: got a %s, wanted a tensor', type(z)) end
  if z:dim() == 1 then z = z:view(1, z:size(1)) end
  return samples.images(self.G, z)
end

return run
