--- What Tab offers at the prompt: names, fields and methods of values that are there, files inside strings.
--
-- Nothing is called to find out: only names, fields and indices written as numbers or strings are followed. A metatable may
-- list, as __names, what its __index finds beyond the fields that can be seen.
-- @module gantry.repl.complete
local lfs = require 'lfs'
local Value = require 'gantry.autograd.value'
local torch = require 'gantry.torch'
local tensor = require 'gantry.torch.tensor'
local storage = require 'gantry.torch.storage'

local complete = {}

local keywords = {
  'and', 'break', 'do', 'else', 'elseif', 'end', 'false', 'for', 'function', 'if', 'in', 'local', 'nil', 'not', 'or', 'repeat',
  'return', 'then', 'true', 'until', 'while',
}

-- ---- names ------------------------------------------------------------------------------------------------------------------

local function collect(found, t, plain)
  for key in pairs(t) do
    if type(key) == 'string' and key:match '^[%a_][%w_]*$' and not (plain and key:match '^__') then found[key] = true end
  end
end

local function collect_up(found, t)
  for _ = 1, 30 do
    if type(t) ~= 'table' then return end
    collect(found, t, true)
    local meta = getmetatable(t)
    if type(meta) ~= 'table' then return end
    for _, name in ipairs(rawget(meta, '__names') or {}) do found[name] = found[name] or 'made when asked for' end
    local index = rawget(meta, '__index')
    -- Where __index is a function, methods are usually what the metatable holds.
    if type(index) == 'function' then
      collect(found, meta, true)
      meta = getmetatable(meta)
      index = type(meta) == 'table' and rawget(meta, '__index')
    end
    t = index
  end
end

--- Names of what a value has: fields, and methods.
-- @param value any
-- @treturn table name -> true, or a text for what looking at would make
function complete.names(value)
  local found = {}
  if type(value) == 'string' then
    collect(found, string)
  elseif torch.isTensor(value) then
    collect_up(found, tensor.methods[value.dtype])
  elseif torch.isStorage(value) then
    collect_up(found, storage.methods[value.dtype])
  elseif Value.is(value) then
    collect(found, value)
    collect(found, Value.methods)
  else
    collect_up(found, value)
  end
  return found
end

local function index(value, key)
  local ok, result = pcall(function() return value[key] end)
  if ok then return result end
end

-- The value of names, fields and literal indices at the end of a text; nil where there is something else.
local function value_before(text, environment)
  local steps, base = {}, text
  while true do
    local rest, number = base:match '^(.-)%[%s*(%-?%d+)%s*%]$'
    if rest then
      table.insert(steps, 1, tonumber(number))
      base = rest
    else
      local before, _, literal = base:match '^(.-)%[%s*(["\'])([^"\'%]]*)%2%s*%]$'
      if before then
        table.insert(steps, 1, literal)
        base = before
      else
        local name = base:match '[%a_][%w_]*$'
        if not name then return nil end
        base = base:sub(1, -#name - 1)
        table.insert(steps, 1, name)
        if not base:match '[^.]%.$' then break end
        base = base:sub(1, -2)
      end
    end
  end
  if base:match '[:.%]%)]$' then return nil end
  local value = environment
  for _, step in ipairs(steps) do
    value = index(value, step)
    if value == nil then return nil end
  end
  return value
end
complete.value = value_before

local function callable(value)
  if type(value) == 'function' then return true end
  local meta = type(value) == 'table' and getmetatable(value)
  return type(meta) == 'table' and rawget(meta, '__call') ~= nil
end

local function matching(found, start)
  local list = {}
  for name in pairs(found) do
    if name:sub(1, #start) == start and (start ~= '' or name:sub(1, 1) ~= '_') then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

local function in_code(text, environment)
  local last = text:match '[%a_][%w_]*$' or ''
  local rest = text:sub(1, -#last - 1)
  local mark = rest:match '[^.]([.:])$'
  if not mark then
    if rest:match '[.:]$' or last == '' and rest:match '[%w_)%]]%s*$' then return {}, last end
    local found = complete.names(environment)
    collect(found, _G)
    for _, word in ipairs(keywords) do found[word] = true end
    return matching(found, last), last
  end
  local value = value_before(rest:sub(1, -2), environment)
  if value == nil then return {}, last end
  local list, names = {}, complete.names(value)
  for _, name in ipairs(matching(names, last)) do
    if mark == '.' or names[name] == true and callable(index(value, name)) then list[#list + 1] = name end
  end
  return list, last
end

-- ---- files ------------------------------------------------------------------------------------------------------------------

local function is_run(path) return lfs.attributes(path .. '/checkpoint.safetensors', 'mode') == 'file' end

local function entries(start, folders_only)
  local folder, last = start:match '^(.*/)([^/]*)$'
  if not folder then folder, last = '', start end
  local real = folder:gsub('^~/', (os.getenv 'HOME' or '~') .. '/')
  local list = {}
  if lfs.attributes(real == '' and '.' or real, 'mode') ~= 'directory' then return list end
  local ok, iterate, state = pcall(lfs.dir, real == '' and '.' or real)
  if not ok then return list end
  for entry in iterate, state do
    if entry:sub(1, #last) == last and (last ~= '' or entry:sub(1, 1) ~= '.') and entry ~= '.' and entry ~= '..' then
      local is_folder = lfs.attributes(real .. entry, 'mode') == 'directory'
      if is_folder or not folders_only then
        list[#list + 1] = folder .. entry .. (is_folder and not is_run(real .. entry) and '/' or '')
      end
    end
  end
  table.sort(list)
  return list
end

-- A directory that is the only choice is gone into: readline would close the quotes behind it.
local function files(start, folders_only)
  local list = entries(start, folders_only)
  for _ = 1, 20 do
    if #list ~= 1 or not list[1]:match '/$' then break end
    local inside = entries(list[1], folders_only)
    if #inside == 0 then break end
    list = inside
  end
  return list, start
end

-- Where the string begins that is open at the end of a text; nil outside of strings.
local function open_string(text)
  local at, quote, from = 1, nil, nil
  while at <= #text do
    local c = text:sub(at, at)
    if quote then
      if c == '\\' then at = at + 1 elseif c == quote then quote = nil end
    elseif c == '"' or c == "'" then
      quote, from = c, at + 1
    elseif text:sub(at, at + 1) == '--' then
      return nil
    end
    at = at + 1
  end
  return quote and from
end

-- ---- all of it --------------------------------------------------------------------------------------------------------------

--- What may stand at the end of a text.
-- @string text the line up to the cursor
-- @tparam table environment the names that code at the prompt sees
-- @tparam {string,...} commands words after %
-- @treturn {string,...} candidates
-- @treturn string what they replace: the last part of the text
function complete.candidates(text, environment, commands)
  local command = text:match '^%s*%%(%w*)$'
  if command then
    local found = {}
    for _, word in ipairs(commands) do found[word] = true end
    return matching(found, command), command
  end
  local file = text:match '^%s*%%run%s+(%S*)$'
  if file then return files(file) end
  local rest = text:match '^%s*%%time%s+(.*)$' or text:match '^%s*%?%s*(.*)$' or text
  local from = open_string(rest)
  if from then return files(rest:sub(from), rest:sub(1, from - 2):match 'open%s*%(?%s*$' ~= nil) end
  return in_code(rest, environment)
end

return complete
