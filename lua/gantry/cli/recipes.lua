--- gantry recipes: what can be trained by name, with the settings beside each.
-- @module gantry.cli.recipes
local argparse = require 'argparse'
local lfs = require 'lfs'
local cli = require 'gantry.cli'

local function parser()
  local p = argparse('gantry recipes', 'Lists the recipes that are installed, or the options of one.')
    :epilog 'Example: gantry recipes dcgan'
  p:argument('recipe', 'name or path: list its options'):args '?'
  return p
end

local function settings_beside(path)
  local folder, base, found = path:match '^(.*/)', path:match '([^/]+)%.lua$', {}
  for entry in lfs.dir(folder) do
    local name = entry:match '^(.+)%.yaml$'
    if name and name:sub(1, #base + 1) == base .. '-' then found[#found + 1] = name:sub(#base + 2) end
  end
  table.sort(found)
  return found
end

local function list(recipes)
  for _, entry in ipairs(recipes.list()) do
    local recipe = recipes.load(entry.path)
    io.stdout:write(('%-12s %s\n'):format(entry.name, recipe.about or ''))
    local settings = settings_beside(entry.path)
    if #settings > 0 then io.stdout:write(('%-12s with --config %s\n'):format('', table.concat(settings, ', '))) end
  end
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  local recipes = require 'gantry.gan.recipe'
  if not given.recipe then
    list(recipes)
    return 0
  end
  local recipe = recipes.load(given.recipe)
  for _, key in ipairs(recipe.options:names()) do
    io.stdout:write(('%-18s %-10s %s\n'):format(key, tostring(recipe.options:default(key)), recipe.options:help(key)))
  end
  return 0
end
