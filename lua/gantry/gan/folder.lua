--- The directory of a run: what is in it, how it is made, locked, tidied and emptied.
--
--     RUN/options.yaml  metrics.jsonl  metrics.png  checkpoint.safetensors  best.safetensors  checkpoints/*.safetensors
--     RUN/log.txt  lock  samples/*.png  recipe/*.lua  scores.jsonl
-- @module gantry.gan.folder
local ffi = require 'ffi'
local lfs = require 'lfs'
local native = require 'gantry.native'
local checkpoint = require 'gantry.gan.checkpoint'
local options = require 'gantry.gan.options'

local C = native.C
local folder = {}

local names = {
  options = 'options.yaml', metrics = 'metrics.jsonl', plot = 'metrics.png', checkpoint = 'checkpoint.safetensors',
  best = 'best.safetensors', checkpoints = 'checkpoints', log = 'log.txt', lock = 'lock', samples = 'samples', recipe = 'recipe',
  scores = 'scores.jsonl',
}

--- Where a part of a run is.
-- @string path the run's directory
-- @string part 'options', 'metrics', 'plot', 'checkpoint', 'best', 'checkpoints', 'log', 'lock', 'samples', 'recipe' or 'scores'
function folder.file(path, part) return path .. '/' .. names[part] end

local file = folder.file

--- What kind of thing is there: 'file', 'directory' ... or nil.
function folder.kind(path) return (lfs.attributes(path, 'mode')) end

local kind = folder.kind

--- Makes a directory and those above it.
function folder.make(path)
  local at = path:sub(1, 1) == '/' and '/' or ''
  for piece in path:gmatch '[^/]+' do
    at = at .. piece
    local mode = kind(at)
    if not mode then
      local ok, problem = lfs.mkdir(at)
      if not ok and kind(at) ~= 'directory' then native.fail('%s: cannot be made: %s', at, problem) end
    elseif mode ~= 'directory' then
      native.fail('%s: is a %s, wanted a directory', at, mode)
    end
    at = at .. '/'
  end
end

--- The names in a directory; none where there is no such directory.
function folder.entries(path)
  local list = {}
  if kind(path) ~= 'directory' then return list end
  for entry in lfs.dir(path) do
    if entry ~= '.' and entry ~= '..' then list[#list + 1] = entry end
  end
  table.sort(list)
  return list
end

--- Writes a file, whole or not at all.
function folder.write(path, text)
  local parts, sizes = ffi.new('const void *[1]', ffi.cast('const void *', ffi.cast('const char *', text))), ffi.new('double[1]', #text)
  native.check(C.gt_file_replace(path, 1, parts, sizes))
end

--- The bytes of a file.
function folder.read(path)
  local opened, problem = io.open(path, 'rb')
  if not opened then native.fail('%s', problem) end
  local text = opened:read '*a'
  opened:close()
  if not text then native.fail('%s: cannot be read', path) end
  return text
end

-- ---- locks ------------------------------------------------------------------------------------------------------------------

local Lock = {}
Lock.__index = Lock

--- Gives the lock back. It is also given back when nothing refers to it any more, and when the process ends, however it ends.
function Lock:release()
  if self.held then C.gt_file_unlock(self.held) end
  self.held = nil
  getmetatable(self.guard).held = nil
end

-- The process that holds a run: nil, or its number (0: unknown).
local function take(path)
  local held, holder = ffi.new 'int[1]', ffi.new 'double[1]'
  native.check(C.gt_file_lock(held, holder, file(path, 'lock')))
  if held[0] < 0 then return nil, holder[0] end
  return held[0]
end

--- Takes the lock of a run, so that one process at a time writes into it.
-- @string path
-- @treturn Lock
-- @raise where another process has it: the message names it
function folder.lock(path)
  local held, holder = take(path)
  if not held then
    local who = holder > 0 and ('process %d'):format(holder) or 'another process'
    native.fail('%s: %s is training in it; wait until it is done, or stop it%s', path, who,
      holder > 0 and (' with kill %d: it saves and says so'):format(holder) or '')
  end
  local guard = newproxy(true)
  local about = getmetatable(guard)
  about.held = held
  about.__gc = function()
    if about.held then C.gt_file_unlock(about.held) end
  end
  return setmetatable({held = held, guard = guard}, Lock)
end

--- The number of the process that is at work in a run; 0 where it is unknown, nil where there is none.
function folder.holder(path)
  if kind(file(path, 'lock')) ~= 'file' then return nil end
  local ok, held, holder = pcall(take, path)
  if not ok then return nil end
  if not held then return holder end
  C.gt_file_unlock(held)
end

-- ---- making and emptying ------------------------------------------------------------------------------------------------------

local function remove_matching(path, pattern)
  for _, entry in ipairs(folder.entries(path)) do
    if entry:match(pattern) then os.remove(path .. '/' .. entry) end
  end
end

local HALF_WRITTEN = '%.tmp%-%d+$'

--- Removes what a process that was killed had half written. Whoever calls it holds the lock.
function folder.tidy(path)
  for _, part in ipairs {'samples', 'checkpoints', 'recipe'} do remove_matching(file(path, part), HALF_WRITTEN) end
  remove_matching(path, HALF_WRITTEN)
end

-- Removes what Gantry writes into a run, and nothing else.
local function clear(path)
  folder.tidy(path)
  for _, part in ipairs {'options', 'metrics', 'plot', 'checkpoint', 'best', 'log', 'scores'} do os.remove(file(path, part)) end
  remove_matching(file(path, 'samples'), '^%d+%.png$')
  remove_matching(file(path, 'checkpoints'), '^%d+%.safetensors$')
  remove_matching(file(path, 'recipe'), '%.lua$')
end

-- A run that failed before its first step, or was killed before its first checkpoint, has nothing to lose.
local function is_untrained(path)
  if not kind(file(path, 'checkpoint')) then return #folder.entries(file(path, 'checkpoints')) == 0 end
  local ok, opened = pcall(checkpoint.open, file(path, 'checkpoint'))
  return ok and opened.state.step == 0
end

-- What there is in a directory besides a lock and the folders that are made first.
local function is_empty(path)
  for _, entry in ipairs(folder.entries(path)) do
    local empty = (entry == names.samples or entry == names.recipe) and #folder.entries(path .. '/' .. entry) == 0
    if entry ~= names.lock and not empty then return false end
  end
  return true
end

local function refuse_to_overwrite(path, force)
  if is_empty(path) then return end
  local is_run = kind(file(path, 'options')) == 'file' or kind(file(path, 'recipe')) == 'directory' and kind(file(path, 'lock')) == 'file'
  if not is_run then native.fail('%s: is not empty and not a run; choose another --out', path) end
  if not force and not is_untrained(path) then
    native.fail('%s: there is a run in it: `gantry resume %s` goes on with it, --force starts over, or choose another --out', path, path)
  end
end

--- Writes a run's options.
function folder.write_options(path, recipe, o) folder.write(file(path, 'options'), options.to_yaml(o, recipe.options)) end

--- Makes a run's directory and writes the recipe and the options into it. One that is there must be empty.
-- @string path
-- @tparam Recipe recipe as loaded
-- @tparam table o resolved options
-- @bool[opt] force empties a run that is there; one that has not done a step is emptied without it
-- @treturn Lock
function folder.create(path, recipe, o, force)
  if type(path) ~= 'string' or path == '' then native.fail 'out: wanted the path of a directory for the run' end
  local mode = kind(path)
  if mode and mode ~= 'directory' then native.fail('%s: is a %s, wanted a directory for the run', path, mode) end
  if mode then refuse_to_overwrite(path, force) end
  folder.make(path)
  local lock = folder.lock(path)
  local ok, problem = pcall(function()
    if mode then
      refuse_to_overwrite(path, force) -- again: nobody can begin in between now
      clear(path)
    end
    folder.make(file(path, 'samples'))
    folder.make(file(path, 'recipe'))
    for relative, source in pairs(recipe.files or {}) do
      local target = file(path, 'recipe') .. '/' .. relative
      folder.make(target:match '^(.*)/')
      folder.write(target, folder.read(source))
    end
    folder.write_options(path, recipe, o)
  end)
  if ok then return lock end
  lock:release()
  error(problem, 0)
end

return folder
