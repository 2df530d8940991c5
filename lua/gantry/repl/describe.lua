--- `?name` at the prompt: what the comments in the source files say about it.
--
-- Comments are LDoc's. What is described is found by value: a function by the file and line that define it, a class by its
-- name, a module by its file. Functions that are made in a loop have the comments around the place where they are made.
-- @module gantry.repl.describe
local torch = require 'gantry.torch'
local complete = require 'gantry.repl.complete'

local describe = {}

-- ---- source files -----------------------------------------------------------------------------------------------------------

local root = debug.getinfo(1, 'S').source:match '^@(.*)repl/describe%.lua$'

local function lines_of(path)
  local file = io.open(path, 'r')
  if not file then return nil end
  local lines = {}
  for line in file:lines() do lines[#lines + 1] = line end
  file:close()
  return lines
end

-- The comment whose last line is `last`, without the dashes; nil where that line is none.
local function comment_ending_at(lines, last)
  local first = last
  while first >= 1 and lines[first]:match '^%s*%-%-' do
    first = first - 1
    if lines[first + 1]:match '^%s*%-%-%-' then break end
  end
  if first == last then return nil end
  local text = {}
  for i = first + 1, last do text[#text + 1] = (lines[i]:gsub('^%s*%-%-+ ?', '')) end
  return text
end

-- The comment at the top of a file.
local function header(lines)
  local last = 0
  while lines[last + 1] and lines[last + 1]:match '^%-%-' and not (last > 0 and lines[last + 1]:match '^%-%-%-') do last = last + 1 end
  return last > 0 and comment_ending_at(lines, last) or nil
end

-- A comment that names what it is about: "--- @function NAME".
local function named_comment(lines, name)
  for i, line in ipairs(lines) do
    if line:match '^%-%-%- @function (%S+)' == name then
      local last = i
      while lines[last + 1] and lines[last + 1]:match '^%-%-' do last = last + 1 end
      return comment_ending_at(lines, last)
    end
  end
end

-- ---- layout -----------------------------------------------------------------------------------------------------------------

local arguments = {param = true, tparam = true, string = true, int = true, number = true, bool = true, func = true, tab = true}

local function modifiers(text)
  local inside = text:match '^%[(.-)%]%s'
  if not inside then return text, '' end
  return text:sub(#inside + 3):match '^%s*(.*)$', (inside:gsub('^opt=(.*)$', 'default %1'):gsub('^opt$', 'may be left out'))
end

local function argument_line(tag, text)
  local rest, note = modifiers(text .. ' ')
  local kind = tag
  if tag == 'tparam' then kind, rest = rest:match '^(%S+)%s+(.*)$' end
  if tag == 'param' then kind = nil end
  local name, about = (rest or ''):match '^(%S+)%s*(.-)%s*$'
  if not name then return nil end
  local notes = {}
  if kind and kind ~= '' then notes[1] = kind end
  if note ~= '' then notes[#notes + 1] = note end
  local shown = #notes > 0 and (' (%s)'):format(table.concat(notes, ', ')) or ''
  return ('  %s%s%s'):format(name, shown, about ~= '' and ': ' .. about or ''), name
end

-- Words in lines of up to 100 characters.
local function wrapped(label, words)
  local lines, line = {}, label
  for _, word in ipairs(words) do
    if #line + #word > 100 then
      lines[#lines + 1] = line
      line = '   '
    end
    line = line .. ' ' .. word
  end
  lines[#lines + 1] = line
  return table.concat(lines, '\n')
end

-- A comment as text, its tags in words, and the names of its arguments.
local function lay_out(comment)
  local out, names, example, kind = {}, {}, {}, nil
  for _, line in ipairs(comment) do
    local tag, text = line:match '^@(%a+)(.*)$'
    if not tag and kind == 'example' then
      example[#example + 1] = line
    elseif not tag then
      if not (line == '' and #out == 0) then out[#out + 1] = kind and '    ' .. line:match '^%s*(.*)$' or line end
    elseif arguments[tag] then
      kind = 'argument'
      local shown, name = argument_line(tag, (text:gsub('^%s+', '')))
      out[#out + 1] = shown
      if name and not name:find '%.' then names[#names + 1] = name end
    elseif tag == 'return' or tag == 'treturn' then
      kind = 'result'
      out[#out + 1] = '  returns' .. text:gsub('^%[.-%]', '')
    elseif tag == 'raise' then
      kind = 'result'
      out[#out + 1] = '  raises an error' .. text
    elseif tag == 'usage' then
      kind = 'example'
      example[1] = text:match '^%s*(.-)$'
    else
      kind = nil
    end
  end
  while out[#out] and out[#out]:match '^%s*$' do out[#out] = nil end
  if #example > 0 then
    out[#out + 1] = 'example:'
    for _, line in ipairs(example) do
      if line:find '%S' then out[#out + 1] = '  ' .. line end
    end
  end
  return table.concat(out, '\n'), names
end

local function place(path, line)
  return ('[%s%s]'):format((path:gsub('^%./', '')), line and ':' .. line or '')
end

-- ---- finding ----------------------------------------------------------------------------------------------------------------

-- What is said inside the definition at the left margin that a function is made in.
local function comments_around(lines, line)
  local top = line
  while top > 1 and not lines[top]:match '^[%a]' do top = top - 1 end
  for i = line - 1, top, -1 do
    local comment = comment_ending_at(lines, i)
    if comment then return comment end
  end
  return comment_ending_at(lines, top - 1)
end

local function signature(lines, line, name)
  local args = lines[line] and lines[line]:match 'function[%s%w_.:]*(%b())'
  return args and name .. args or name
end

local function of_function(f, name)
  local info = debug.getinfo(f, 'S')
  if info.what == 'C' then return name .. ': a function of LuaJIT or a C library' end
  local path = info.source:match '^@(.*)$'
  local lines = path and lines_of(path)
  if not lines then return name .. ': a function without a source file' end
  local named = named_comment(lines, name)
  if named then
    local text, names = lay_out(named)
    return ('%s(%s)\n%s\n%s'):format(name, table.concat(names, ', '), text, place(path))
  end
  local direct = comment_ending_at(lines, info.linedefined - 1)
  local parts = {signature(lines, info.linedefined, name)}
  if direct then
    parts[2] = lay_out(direct)
  else
    local around, top = comments_around(lines, info.linedefined), header(lines)
    parts[#parts + 1] = around and lay_out(around)
    parts[#parts + 1] = top and lay_out(top)
  end
  if #parts == 1 then parts[2] = 'there is no description' end
  parts[#parts + 1] = place(path, info.linedefined)
  return table.concat(parts, '\n')
end

-- The file that defines a class, and its lines.
local function class_file(class, typename)
  local init = rawget(class, '__init')
  local seen = {}
  local function try(f)
    local path = type(f) == 'function' and debug.getinfo(f, 'S').source:match '^@(.*)$'
    if not path or seen[path] then return end
    seen[path] = true
    local lines = lines_of(path)
    for _, line in ipairs(lines or {}) do
      if line:find(("torch.class('%s'"):format(typename), 1, true) then return path, lines end
    end
  end
  local path, lines = try(init)
  if path then return path, lines end
  for _, f in pairs(class) do
    path, lines = try(f)
    if path then return path, lines end
  end
  -- A class that others define for it has a file of its own name: nn.CAddTable is in nn/cadd_table.lua.
  local module, last = typename:match '^(.-)%.(.*)$'
  if not module then return nil end
  local file = last:gsub('(%l)(%u)', '%1_%2'):gsub('(%u)(%u%l)', '%1_%2'):lower()
  path = ('%s%s/%s.lua'):format(root, module, file)
  return path, lines_of(path)
end

local function of_class(class, typename)
  local path, lines = class_file(class, typename)
  if not lines then return typename .. ': a class without a source file' end
  local comment = named_comment(lines, typename)
  local text, names = lay_out(comment or header(lines) or {})
  local init, args = rawget(class, '__init'), nil
  if not comment and init then
    args = signature(lines, debug.getinfo(init, 'S').linedefined, '')
    args = args:match '^%((.*)%)$'
  end
  local methods = {}
  for key, value in pairs(class) do
    if type(value) == 'function' and not key:match '^__' then methods[#methods + 1] = key end
  end
  table.sort(methods)
  local meta = getmetatable(class)
  local parent = type(meta) == 'table' and type(meta.__index) == 'table' and rawget(meta.__index, '__typename')
  return ('%s(%s)%s\n%s%s\n%s'):format(typename, args or table.concat(names, ', '), parent and ', a ' .. parent or '', text,
    #methods > 0 and '\n' .. wrapped('its own methods:', methods) or '', place(path))
end

local function of_module(value, name)
  for module, loaded in pairs(package.loaded) do
    if loaded == value and module:match '^gantry' then
      local path = package.searchpath(module, package.path)
      local lines = path and lines_of(path)
      local top = lines and header(lines)
      if top then
        local members = {}
        for key in pairs(complete.names(value)) do members[#members + 1] = key end
        table.sort(members)
        return ('%s\n%s\n%s\n%s'):format(name, lay_out(top), wrapped('in it:', members), place(path))
      end
    end
  end
end

--- What the source files say about a name.
-- @string name such as nn.SpatialConvolution, torch.add, run.z, x:narrow
-- @tparam table environment the names that code at the prompt sees
-- @treturn string
function describe.text(name, environment)
  name = name:match '^%s*(.-)%s*$':gsub('%(%s*%)$', ''):gsub(':', '.')
  local value = complete.value(name, environment)
  if value == nil then return ('there is nothing called %s'):format(name) end
  if type(value) == 'function' then return of_function(value, name) end
  if type(value) == 'table' then
    local typename = rawget(value, '__typename')
    if typename then return of_class(value, typename) end
    local found = of_module(value, name)
    if found then return found end
  end
  local kind = torch.typename(value)
  local class = kind and torch.getmetatable(kind)
  if type(value) == 'table' and class then return ('%s is a %s\n%s'):format(name, kind, of_class(class, kind)) end
  if kind then return ('%s is a %s; ?%s.METHOD describes what it can do, Tab after %s: lists it'):format(name, kind, name, name) end
  return ('%s is a %s'):format(name, type(value))
end

return describe
