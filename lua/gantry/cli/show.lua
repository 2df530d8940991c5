--- What several commands need: numbers from flags, the number of threads, settings printed.
-- @module gantry.cli.show
local native = require 'gantry.native'
local cli = require 'gantry.cli'

local show = {}

--- A whole number from a flag, or exit code 2.
function show.whole(command, flag, text, low, high)
  local n = tonumber(text)
  if not n or n % 1 ~= 0 or n < low or n > high then
    cli.usage('%s: %s is %s, wanted a whole number from %d to %d', command, flag, text, low, high)
  end
  return n
end

--- Whole numbers from a flag, as '3,17,42', or exit code 2.
function show.wholes(command, flag, text, low, high)
  local numbers = {}
  for piece in (text .. ','):gmatch '([^,]*),' do numbers[#numbers + 1] = show.whole(command, flag, piece, low, high) end
  return numbers
end

--- What --checkpoint says, 'last', 'best' or a step, or exit code 2.
function show.checkpoint(command, text)
  if text == 'last' or text == 'best' then return text end
  return show.whole(command, '--checkpoint', text, 0, 1e9)
end

--- A number from a flag, or exit code 2.
function show.number(command, flag, text)
  local n = tonumber(text)
  if not n or n ~= n or n == math.huge or n == -math.huge then cli.usage('%s: %s is %s, wanted a number', command, flag, text) end
  return n
end

--- Settings from `--set key=value ...`, which may stand several times.
function show.pairs(command, groups)
  local values = {}
  for _, group in ipairs(groups) do
    for _, pair in ipairs(group) do
      local key, value = pair:match '^([^=]+)=(.*)$'
      if not key then cli.usage('%s: --set %s: wanted key=value', command, pair) end
      values[key] = value
    end
  end
  return values
end

--- The recipe that a command was given, and its options: defaults < --config < --set < flags.
-- @string command its name, for messages
-- @tparam table given recipe, config, set, steps, seed, precision
-- @treturn Recipe
-- @treturn table resolved options
function show.resolve(command, given)
  local recipes, options = require 'gantry.gan.recipe', require 'gantry.gan.options'
  local recipe = recipes.load(given.recipe)
  local layers = {}
  if given.config then
    local path = recipes.find_settings(given.config, recipe)
    layers[1] = {from = path, values = options.read_yaml(path)}
  end
  layers[#layers + 1] = {from = '--set', values = show.pairs(command, given.set)}
  layers[#layers + 1] = {from = command, values = {steps = given.steps, seed = given.seed, precision = given.precision}}
  local ok, resolved = pcall(recipe.options.resolve, recipe.options, unpack(layers))
  if not ok then cli.usage('%s', resolved) end
  return recipe, resolved
end

--- Text from a file that anybody may have written, without control characters.
function show.printable(text)
  return (tostring(text):gsub('[%z\1-\31\127]', function(c) return ('\\x%02x'):format(c:byte()) end))
end

--- Sets the number of threads if a flag asks for it.
function show.set_threads(command, text)
  if text then native.check(native.C.gt_set_threads(show.whole(command, '--threads', text, 1, 256))) end
end

--- A line on the terminal, where there is one, that says how far a command is.
-- @string what is done
-- @treturn function update(done, all), which takes the line away when all is done
-- @treturn function clear(), for what may end before
function show.progress(what)
  local columns = native.C.gt_terminal_columns(2)
  if columns == 0 then return function() end, function() end end
  local function clear() io.stderr:write('\r', (' '):rep(columns - 1), '\r') end
  local function update(done, all)
    io.stderr:write(('\r%s %d of %d'):format(what, done, all))
    if done == all then clear() end
  end
  return update, clear
end

--- Prints resolved options; those that differ from the recipe's defaults are marked.
function show.settings(recipe, o)
  local number_text = require('gantry.gan.options').number_text
  local parts = {}
  for _, key in ipairs(recipe.options:names()) do
    local v = o[key]
    local text = ('%s=%s'):format(key, type(v) == 'number' and number_text(v) or tostring(v))
    parts[#parts + 1] = v == recipe.options:default(key) and text or text .. '*'
  end
  io.stdout:write('recipe: ', recipe.name, ' (', recipe.path, ')\n')
  local line = 'settings (* changed):'
  for _, part in ipairs(parts) do
    if #line + #part > 78 then
      io.stdout:write(line, '\n')
      line = ' '
    end
    line = line .. ' ' .. part
  end
  io.stdout:write(line, '\n')
end

return show
