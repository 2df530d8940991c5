--- The arguments of the processes that benchmarks compare: key=value.
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

--- Arguments from a table, in the order of their names.
function settings.format(s)
  local parts = {}
  for key, value in pairs(s) do parts[#parts + 1] = ("%s='%s'"):format(key, tostring(value)) end
  table.sort(parts)
  return table.concat(parts, ' ')
end

return settings
