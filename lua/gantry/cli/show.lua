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

--- Sets the number of threads if a flag asks for it.
function show.set_threads(command, text)
  if text then native.check(native.C.gt_set_threads(show.whole(command, '--threads', text, 1, 256))) end
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
