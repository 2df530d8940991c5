--- `?name` at the prompt: what the comments in the source files say about it.
--
-- What is described is found by value: a function by the file and line that define it, a class by its name, a module by its file.
-- @module gantry.repl.describe
local torch = require 'gantry.torch'
local storage = require 'gantry.torch.storage'
local tensor = require 'gantry.torch.tensor'
local op = require 'gantry.autograd.op'
local comments = require 'gantry.repl.comments'
local complete = require 'gantry.repl.complete'

local describe = {}

local root = debug.getinfo(1, 'S').source:match '^@(.*)repl/describe%.lua$'

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

local function place(path, line)
  return ('[%s%s]'):format((path:gsub('^%./', '')), line and ':' .. line or '')
end

-- ---- functions --------------------------------------------------------------------------------------------------------------

-- The names in the parentheses of a function's definition, the object of a method first.
local function parameters_of(line)
  local list = {line and line:match 'function%s+[%w_.]+:' and 'self' or nil}
  for name in (line and line:match 'function[%s%w_.:]*%((.-)%)' or ''):gmatch '[^,%s]+' do list[#list + 1] = name end
  return list
end

-- What to show of a function's arguments: those that the comment tells of, behind the first one of the definition where the comment
-- takes that for granted (a method's tensor; not `r`, a result that may be given). A comment that tells of none leaves the definition's.
local function signature(name, told, defined)
  if #told == 0 then told = defined end
  local known, first = {}, defined[1]
  for _, argument in ipairs(told) do known[argument] = true end
  if name:find ':' or first == 'self' then
    if known[first] and told[1] == first then told = {unpack(told, 2)} end
  elseif first and first ~= 'r' and not known[first] and not (told[1] == '...' and defined[#defined] ~= '...') then
    told = {first, unpack(told)}
  end
  return ('%s(%s)'):format(name, table.concat(told, ', '))
end

-- A function that op.define gave is described where that was called.
local function definition_of(f, last)
  local info = debug.getinfo(f, 'S')
  local entry = info.source:match 'gantry/autograd/op%.lua$' and op.table[last]
  if entry then return debug.getinfo(entry.backward, 'S').source:match '^@(.*)$', nil, info end
  return info.source:match '^@(.*)$', info.linedefined, info
end

-- What the function says that makes functions like this one in a loop: a comment in which NAME stands for their names.
local function shared(lines, line, last)
  local text = line and comments.ending_at(lines, comments.outermost(lines, line) - 1)
  while text and text[1] and not text[1]:find('NAME', 1, true) do table.remove(text, 1) end
  if text and text[1] then return (comments.lay_out(text):gsub('NAME', last)) end
end

-- The same method of a parent of the class that an object belongs to, where that is another function.
local function inherited(owner, last, f)
  local class = type(owner) == 'table' and getmetatable(owner)
  while type(class) == 'table' and rawget(class, '__typename') do
    local found = rawget(class, last)
    if type(found) == 'function' and found ~= f then return found end
    local meta = getmetatable(class)
    class = type(meta) == 'table' and rawget(meta, '__index')
  end
end

local function of_function(f, name, environment)
  local last = name:match '[%w_]+$' or name
  local path, line, info = definition_of(f, last)
  if info.what == 'C' then return name .. ': a function of LuaJIT or a C library' end
  local lines = path and comments.lines_of(path)
  if not lines then return name .. ': a function without a source file' end
  local direct, documents
  if line then direct, documents = comments.ending_at(lines, line - 1) end
  local comment = comments.about(lines, last) or documents and direct or comments.above_definition(lines, last) or direct
  local text, told = comments.lay_out(comment or {}, last)
  local common = shared(lines, line, last)
  if text == '' and not common then
    local owner = complete.value(name:match '^(.*)[.:]' or '', environment)
    local above = inherited(owner, last, f)
    if above then return of_function(above, name, environment) end
    text = 'there is no description'
  end
  local defined = line and parameters_of(lines[line]) or {}
  local parts = {common and #told == 0 and name or signature(name, told, defined)}
  if text ~= '' then parts[2] = text end
  parts[#parts + 1] = common
  parts[#parts + 1] = place(path, line)
  return table.concat(parts, '\n')
end

-- ---- classes, types, modules ------------------------------------------------------------------------------------------------

-- The file that defines a class, its lines, and which one of them does.
local function class_file(class, typename)
  local init = rawget(class, '__init')
  local seen = {}
  local function try(f)
    local path = type(f) == 'function' and debug.getinfo(f, 'S').source:match '^@(.*)$'
    if not path or seen[path] then return end
    seen[path] = true
    local lines = comments.lines_of(path)
    for i, line in ipairs(lines or {}) do
      if line:find(("('%s'"):format(typename), 1, true) then return path, lines, i end
    end
  end
  local path, lines, line = try(init)
  if path then return path, lines, line end
  for _, f in pairs(class) do
    path, lines, line = try(f)
    if path then return path, lines, line end
  end
  -- A class that others define for it has a file of its own name: nn.CAddTable is in nn/cadd_table.lua.
  local module, last = typename:match '^(.-)%.(.*)$'
  if not module then return nil end
  local file = last:gsub('(%l)(%u)', '%1_%2'):gsub('(%u)(%u%l)', '%1_%2'):lower()
  path = ('%s%s/%s.lua'):format(root, module, file)
  return path, comments.lines_of(path)
end

local function of_class(class, typename)
  local path, lines, line = class_file(class, typename)
  if not lines then return typename .. ': a class without a source file' end
  local about, top = comments.about(lines, typename), comments.header(lines)
  local above, documents
  if line then above, documents = comments.ending_at(lines, line - 1) end
  local text, told = comments.lay_out(about or {})
  -- What the class is, then what it is made with.
  local what = documents and above or top and top[1]:find(typename, 1, true) and top
  text = (what and comments.lay_out(what) or '') .. (what and text ~= '' and '\n' or '') .. text
  if text == '' and top then text = comments.lay_out(top) end
  local init = rawget(class, '__init')
  if #told == 0 and init then told = {unpack(parameters_of(lines[debug.getinfo(init, 'S').linedefined]), 2)} end
  local methods = {}
  for key, value in pairs(class) do
    if type(value) == 'function' and not key:match '^__' then methods[#methods + 1] = key end
  end
  table.sort(methods)
  local meta = getmetatable(class)
  local parent = type(meta) == 'table' and type(meta.__index) == 'table' and rawget(meta.__index, '__typename')
  return ('%s(%s)%s\n%s%s\n%s'):format(typename, table.concat(told, ', '), parent and ', a ' .. parent or '', text,
    #methods > 0 and '\n' .. wrapped('its own methods:', methods) or '', place(path, line))
end

-- torch.FloatTensor, torch.LongStorage ...: what they are made from, which is the same for all.
local function of_type(value, name, typename)
  local construct = typename:match 'Storage$' and storage.construct or tensor.construct
  local info = debug.getinfo(construct, 'S')
  local path = info.source:match '^@(.*)$'
  local lines = comments.lines_of(path)
  local text = lines and comments.lay_out(comments.ending_at(lines, info.linedefined - 1) or {}) or ''
  local methods = {}
  for key in pairs(complete.names(value)) do methods[#methods + 1] = key end
  table.sort(methods)
  return ('%s(...)%s\n%s\n%s\n%s'):format(name, name ~= typename and ', which is ' .. typename or '', text, wrapped('methods:', methods),
    place(path, info.linedefined))
end

local function of_module(value, name)
  local module -- the one with the shortest name: gantry.nn, not gantry.nn.namespace
  for key, loaded in pairs(package.loaded) do
    if loaded == value and key:match '^gantry' and (not module or #key < #module) then module = key end
  end
  local path = module and package.searchpath(module, package.path)
  local lines = path and comments.lines_of(path)
  local top = lines and comments.header(lines)
  if not top then return nil end
  local members = {}
  for key in pairs(complete.names(value)) do members[#members + 1] = key end
  table.sort(members)
  return ('%s\n%s\n%s\n%s'):format(name, comments.lay_out(top), wrapped('in it:', members), place(path))
end

--- What the source files say about a name.
-- @string name such as nn.SpatialConvolution, torch.add, run.z, x:narrow
-- @tparam table environment the names that code at the prompt sees
-- @treturn string
function describe.text(name, environment)
  name = name:match '^%s*(.-)%s*$':gsub('%(.*%)$', '')
  local value = complete.value((name:gsub(':', '.')), environment)
  if value == nil then return ('there is nothing called %s'):format(name) end
  if type(value) == 'function' then return of_function(value, name, environment) end
  if type(value) == 'table' then
    local typename = rawget(value, '__typename')
    if typename then return of_class(value, typename) end
    local found = of_module(value, name)
    if found then return found end
    for _, constructors in pairs {tensor.constructors, storage.constructors} do
      for _, constructor in pairs(constructors) do
        if value == constructor then return of_type(value, name, value.__typename) end
      end
    end
  end
  local kind = torch.typename(value)
  local class = kind and torch.getmetatable(kind)
  if type(value) == 'table' and class then return ('%s is a %s\n%s'):format(name, kind, of_class(class, kind)) end
  if kind then return ('%s is a %s; ?%s.METHOD describes what it can do, Tab after %s: lists it'):format(name, kind, name, name) end
  if type(value) == 'table' and not getmetatable(value) then
    local keys = {}
    for key in pairs(value) do keys[#keys + 1] = tostring(key) end
    table.sort(keys)
    return #keys > 0 and #keys <= 200 and wrapped(name .. ' is a table; in it:', keys) or name .. ' is a table'
  end
  return ('%s is a %s'):format(name, type(value))
end

return describe
