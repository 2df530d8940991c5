--- The arguments of benchmarks and of the processes that they compare, and where their tables go.
local folder = require 'gantry.gan.folder'

local settings = {}

--- Ends the program: it was asked for wrongly.
function settings.quit(message, ...)
  io.stderr:write('bench: ', message:format(...), '\n')
  os.exit(2)
end

--- A table from arguments; numbers become numbers, what is not given keeps its default.
function settings.parse(arguments, defaults)
  local s = {}
  for key, value in pairs(defaults) do s[key] = value end
  for _, argument in ipairs(arguments) do
    local key, value = argument:match '^(%w+)=(.*)$'
    if not key or defaults[key] == nil then settings.quit("there is no setting '%s'", argument) end
    s[key] = tonumber(value) or value
  end
  return s
end

--- A table from a command line: `--key value`, and `--flag` where the default is false. Numbers stay numbers.
-- @tparam {string,...} arguments
-- @tparam table defaults by name; '' for an option that has none
function settings.options(arguments, defaults)
  local s, names, i = {}, {}, 1
  for key, value in pairs(defaults) do
    s[key] = value
    names[#names + 1] = '--' .. key
  end
  table.sort(names)
  while arguments[i] do
    local key = arguments[i]:match '^%-%-(%a+)$'
    local default = defaults[key or '']
    if default == nil then settings.quit('there is no option %s; %s', arguments[i], table.concat(names, ', ')) end
    if default == false then
      s[key] = true
    else
      i = i + 1
      local value = arguments[i] or settings.quit('--%s: wanted a value', key)
      s[key] = type(default) ~= 'number' and value or tonumber(value) or settings.quit('--%s is %s, wanted a number', key, value)
    end
    i = i + 1
  end
  return s
end

--- Arguments from a table, in the order of their names.
function settings.format(s)
  local parts = {}
  for key, value in pairs(s) do parts[#parts + 1] = ("%s='%s'"):format(key, tostring(value)) end
  table.sort(parts)
  return table.concat(parts, ' ')
end

--- Replaces tables in a Markdown file: what is between <!-- bench NAME --> and <!-- end -->.
-- @string path
-- @tparam table tables name -> {line, ...}
function settings.write_tables(path, tables)
  local page = folder.read(path)
  for name, lines in pairs(tables) do
    local from, to = ('<!-- bench %s -->\n'):format(name), '<!-- end -->'
    local first, last = page:find(from, 1, true)
    local stop = first and page:find(to, last, true)
    if not stop then error(('bench: %s has no place for the table %s'):format(path, name), 0) end
    page = page:sub(1, last) .. '\n' .. table.concat(lines, '\n') .. '\n\n' .. page:sub(stop)
  end
  folder.write(path, page)
  print(('tables: %s'):format(path))
end

return settings
