--- Recipes: what one is, where they are found, and how one is loaded together with the files beside it.
-- @module gantry.gan.recipe
local lfs = require 'lfs'
local native = require 'gantry.native'
local nearest = require 'gantry.gan.nearest'
local options = require 'gantry.gan.options'
local Step = require 'gantry.gan.step'

local recipe = {}

local here = debug.getinfo(1, 'S').source:match '^@(.*)gan/recipe%.lua$' or './'

local Recipe = {}
Recipe.__index = Recipe

local fields = {
  name = 'string', about = 'string', options = 'table', generator = 'function', discriminator = 'function',
  d_loss = 'function', g_loss = 'function', step = 'function', score = 'string', labels = 'string', networks = 'table',
  pairs = 'boolean',
}
local required = {'name', 'generator'}

-- What a step has already, besides its methods: no network may be called so.
local taken = {
  G = true, D = true, options = true, number = true, notes = true, kept = true, players = true, noise = true, real = true, fake = true,
  z = true, labels = true, generated = true, learning = true, said = true, probabilities = true, ema = true,
  input = true, halves = true, takes_labels = true, takes_images = true,
}

--- Declares a recipe; a recipe file returns what this returns.
-- @tparam table r
--   name; about: one line;
--   options: `gan.options {...}` (default: the common ones);
--   generator(o), discriminator(o): networks for the resolved options o;
--   d_loss(s), g_loss(s): the losses of one step as recorded values (default: the cross-entropy of the paper); s has
--     D, G, real, fake and z (values), options and number (of the step);
--   step(s): replaces the standard alternation (see gantry.gan.step); a recipe that has one may do without a discriminator;
--   score: 'logit' (default) or 'critic', what D's output is: D(x) is shown as a probability or as it is;
--   labels: 'data' for those of the data, 'drawn' for classes that are only drawn, like z. G then takes {z, classes}, a step has
--     s.labels (with 'data') and s.fake_labels, LongTensors from 1, and there has to be an option `classes`; at 0 it becomes the
--     number of the data's;
--   pairs: true where the data are pairs of pictures side by side. `size` is that of one of them; s.input is the left one, s.real the
--     right one, G makes images from images;
--   networks: more networks by name, {encoder = function(o) ... end}: s.encoder(x), s:update('encoder', loss).
-- @treturn Recipe
function recipe.declare(r)
  if type(r) ~= 'table' then native.fail('recipe: got a %s, wanted a table', type(r)) end
  local known = {}
  for key in pairs(fields) do known[#known + 1] = key end
  table.sort(known)
  for key, value in pairs(r) do
    local kind = fields[key]
    if not kind then
      local near = nearest(tostring(key), known)
      native.fail('recipe: there is no field %s%s', tostring(key), near and (' (did you mean %s?)'):format(near) or '')
    end
    if type(value) ~= kind then native.fail('recipe: %s is a %s, wanted a %s', key, type(value), kind) end
  end
  for _, key in ipairs(required) do
    if r[key] == nil then native.fail('recipe: %s is missing', key) end
  end
  if r.score and r.score ~= 'logit' and r.score ~= 'critic' then
    native.fail("recipe: score is '%s', wanted 'logit' or 'critic'", r.score)
  end
  if not r.discriminator and not r.step then native.fail 'recipe: discriminator is missing (only a recipe with a step may do without)' end
  if r.labels and r.labels ~= 'data' and r.labels ~= 'drawn' then
    native.fail("recipe: labels is '%s', wanted 'data' or 'drawn'", r.labels)
  end
  if r.pairs and r.labels then native.fail 'recipe: it has both labels and pairs, wanted one of them' end
  for name, make in pairs(r.networks or {}) do
    if type(name) ~= 'string' or not name:match '^%a%w*$' or taken[name] or Step[name] then
      native.fail('recipe: a network cannot be called %s', tostring(name))
    end
    if type(make) ~= 'function' then native.fail('recipe: networks.%s is a %s, wanted a function', name, type(make)) end
  end
  local made = setmetatable({score = 'logit'}, Recipe)
  for key, value in pairs(r) do made[key] = value end
  made.options = r.options or options.declare {}
  if r.labels and not made.options.declared.classes then
    native.fail("recipe: it has labels, but no option classes = {0, 'classes; 0: those of the data', min = 0, integer = true}")
  end
  return made
end

--- Folders with recipes: beside the Lua files when installed, beside lua/ in a checkout.
function recipe.folders()
  local found = {}
  local checkout = (here:match '^(.*)lua/gantry/$' or here .. '../../') .. 'recipes'
  for _, folder in ipairs {here .. 'recipes', checkout} do
    if lfs.attributes(folder, 'mode') == 'directory' then found[#found + 1] = folder end
  end
  return found
end

--- Names and files of all installed recipes, by name.
-- @treturn {{name=string, path=string}, ...}
function recipe.list()
  local list, seen = {}, {}
  for _, folder in ipairs(recipe.folders()) do
    for entry in lfs.dir(folder) do
      local name = entry:match '^([%w_-]+)%.lua$'
      if name and not seen[name] then
        seen[name] = true
        list[#list + 1] = {name = name, path = folder .. '/' .. entry}
      end
    end
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

--- The file of a recipe given by name or path.
function recipe.find(name)
  if type(name) ~= 'string' or name == '' then native.fail('recipe: wanted the name of a recipe or the path of its file') end
  if name:find '/' or name:find '%.lua$' then
    local mode = lfs.attributes(name, 'mode')
    if not mode then native.fail('recipe %s: there is no such file', name) end
    if mode ~= 'file' then native.fail('recipe %s: is a %s, wanted a Lua file', name, mode) end
    return name
  end
  local names = {}
  for _, entry in ipairs(recipe.list()) do
    if entry.name == name then return entry.path end
    names[#names + 1] = entry.name
  end
  local near = nearest(name, names)
  native.fail('there is no recipe %s%s', name, near and (' (did you mean %s?)'):format(near) or
    '; `gantry recipes` lists them, and a path to a Lua file works too')
end

--- Finds modules beside the recipe's file before any other, and notes them, so that a run keeps all it was made of.
local function local_searcher(folder, files)
  return function(name)
    local relative = name:gsub('%.', '/') .. '.lua'
    local path = folder .. relative
    local file = io.open(path, 'rb')
    if not file then return '\n\tno file ' .. path end
    file:close()
    local chunk, problem = loadfile(path)
    if not chunk then error(problem, 0) end
    files[relative] = path
    return chunk
  end
end

--- Loads a recipe by name or path. Files beside it that it requires are found and noted in `files`.
-- @string name
-- @treturn Recipe with path and files = {['dcgan.lua'] = path, ...}
function recipe.load(name)
  local path = recipe.find(name)
  local chunk, problem = loadfile(path)
  if not chunk then native.fail('recipe %s', problem) end
  local folder = path:match '^(.*/)' or './'
  local files = {[path:match '[^/]+$'] = path}
  local loaded = {}
  for key in pairs(package.loaded) do loaded[key] = true end
  table.insert(package.loaders, 2, local_searcher(folder, files))
  local searcher = package.loaders[2]
  local ok, result = xpcall(chunk, function(e) return type(e) == 'string' and e or tostring(e) end)
  for i, loader in ipairs(package.loaders) do
    if loader == searcher then
      table.remove(package.loaders, i)
      break
    end
  end
  -- Another recipe's local module of the same name is another file.
  for relative in pairs(files) do
    local module = relative:gsub('%.lua$', ''):gsub('/', '.')
    if not loaded[module] then package.loaded[module] = nil end
  end
  if not ok then
    -- `return gan.recipe {...}` is a tail call: its errors cannot name their line.
    native.fail('recipe %s', result:match '^[^\n]-:%d+: ' and result or path .. ': ' .. result:gsub('^recipe: ', ''))
  end
  if getmetatable(result) ~= Recipe then native.fail('recipe %s: the file does not return gan.recipe {...}', path) end
  local copy = setmetatable({path = path, files = files}, Recipe)
  for key, value in pairs(result) do copy[key] = copy[key] or value end
  return copy
end

--- A settings file given by path, or by a name that has a YAML file beside the recipe or beside the installed ones: NAME.yaml or
-- RECIPE-NAME.yaml.
-- @string name
-- @tparam Recipe r
-- @treturn string its path
function recipe.find_settings(name, r)
  if lfs.attributes(name, 'mode') == 'file' then return name end
  local folder = r.path:match '^(.*/)' or './'
  local base = r.path:match '([^/]+)%.lua$' or r.name
  local folders = {folder}
  for _, installed in ipairs(recipe.folders()) do folders[#folders + 1] = installed .. '/' end
  for _, place in ipairs(folders) do
    for _, candidate in ipairs {name, name .. '.yaml', base .. '-' .. name .. '.yaml'} do
      if lfs.attributes(place .. candidate, 'mode') == 'file' then return place .. candidate end
    end
  end
  local names, known = {}, {}
  for entry in lfs.dir(folder) do
    local settings = entry:match '^(.+)%.yaml$'
    local owner = settings and settings:match '^(.+)%-[^-]+$'
    local anothers = owner and owner ~= base and lfs.attributes(folder .. owner .. '.lua', 'mode') == 'file'
    if settings and not anothers then
      known[#known + 1] = settings
      if settings:sub(1, #base + 1) == base .. '-' then settings = settings:sub(#base + 2) end
      names[#names + 1], known[#known + 1] = settings, settings
    end
  end
  table.sort(names)
  local near = nearest(name, known)
  native.fail('--config %s: there is no such file%s', name, near and (' (did you mean %s?)'):format(near) or
    #names > 0 and '; beside the recipe there are ' .. table.concat(names, ', ') or '')
end

return recipe
