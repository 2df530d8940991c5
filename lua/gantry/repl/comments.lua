--- Comments in source files: found by what they are about, and laid out as text for the prompt.
--
-- They are LDoc's. A comment is about what is defined in the line after it, or about what it names (@function add), where functions
-- are made in a loop. Its first line may give a signature: "--- scale(x, k): x * k".
-- @module gantry.repl.comments
local comments = {}

-- ---- finding ----------------------------------------------------------------------------------------------------------------

--- The lines of a file; nil where there is none.
-- @string path
-- @treturn {string,...}
function comments.lines_of(path)
  local file = io.open(path, 'r')
  if not file then return nil end
  local lines = {}
  for line in file:lines() do lines[#lines + 1] = line end
  file:close()
  return lines
end

--- The comment whose last line is `last`, without the dashes.
-- @tparam {string,...} lines of a file
-- @int last
-- @treturn {string,...} nil where that line is none
-- @treturn boolean whether it is a documentation comment
function comments.ending_at(lines, last)
  local first, documents = last, false
  while first >= 1 and lines[first] and lines[first]:match '^%s*%-%-' and not documents do
    documents = lines[first]:match '^%s*%-%-%-' ~= nil
    first = first - 1
  end
  if first == last then return nil end
  local text = {}
  for i = first + 1, last do text[#text + 1] = (lines[i]:gsub('^%s*%-%-+ ?', '')) end
  return text, documents
end

--- The comment at the top of a file.
function comments.header(lines)
  local last = 0
  while lines[last + 1] and lines[last + 1]:match '^%-%-' and not (last > 0 and lines[last + 1]:match '^%-%-%-') do last = last + 1 end
  return last > 0 and comments.ending_at(lines, last) or nil
end

--- The comment that says that it is about a name: "@function NAME".
-- @tparam {string,...} lines of a file
-- @string name 'nn.Linear'; or the last part of a name, for functions
-- @treturn {string,...} nil where there is none
function comments.about(lines, name)
  for i, line in ipairs(lines) do
    if line:match '^%s*%-%-+ ?@function (%S+)' == name then
      local last = i
      while lines[last + 1] and lines[last + 1]:match '^%s*%-%-' and not lines[last + 1]:match '^%s*%-%-%-' do last = last + 1 end
      return (comments.ending_at(lines, last))
    end
  end
end

--- The documentation comment above the line that defines a name: "x.NAME =", "function x.NAME(", "define {name = 'NAME'".
function comments.above_definition(lines, name)
  local assigned, called = '^%s*[%w_]+%.' .. name .. '%s*=', '^%s*function [%w_]+[.:]' .. name .. '%s*%('
  local declared = ("name = '%s'"):format(name)
  for i, line in ipairs(lines) do
    if line:match(assigned) or line:match(called) or line:find(declared, 1, true) then
      local text, documents = comments.ending_at(lines, i - 1)
      if documents then return text end
    end
  end
end

--- The line at the left margin that a definition stands in.
function comments.outermost(lines, line)
  local top = line
  while top > 1 and not lines[top]:match '^[%a]' do top = top - 1 end
  return top
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
  if tag == 'tparam' then
    kind, rest = rest:match '^(%S+)%s+(.*)$'
    if not kind then return nil end
    if note == '' then rest, note = modifiers(rest) end
  end
  if tag == 'param' then kind = nil end
  local name, about = (rest or ''):match '^(%S+)%s*(.-)%s*$'
  if not name then return nil end
  local notes = {}
  if kind and kind ~= '' then notes[1] = kind end
  if note ~= '' then notes[#notes + 1] = note end
  local shown = #notes > 0 and (' (%s)'):format(table.concat(notes, ', ')) or ''
  return ('  %s%s%s'):format(name, shown, about ~= '' and ': ' .. about or ''), name
end

--- A comment as text, its tags in words.
-- @tparam {string,...} comment
-- @string[opt] name that its first line may give a signature of: "NAME(x, k): ..."
-- @treturn string
-- @treturn {string,...} the names of its arguments; of what it has a signature of: that
function comments.lay_out(comment, name)
  local out, names, example, kind = {}, {}, {}, nil
  local signature, rest = (comment[1] or ''):match '^([%w_]+%b()): (.*)$'
  if signature and signature:match '^[%w_]+' ~= name then signature = nil end
  for i, line in ipairs(comment) do
    if i == 1 and signature then line = rest:gsub('^%l%l', function(two) return two:sub(1, 1):upper() .. two:sub(2) end) end
    local tag, text = line:match '^@(%a+)(.*)$'
    if not tag and kind == 'example' then
      example[#example + 1] = line
    elseif not tag then
      if not (line == '' and #out == 0) then out[#out + 1] = kind and '    ' .. line:match '^%s*(.*)$' or line end
    elseif arguments[tag] then
      kind = 'argument'
      local shown, argument = argument_line(tag, (text:gsub('^%s+', '')))
      out[#out + 1] = shown
      if argument and not argument:find '%.%a' then names[#names + 1] = argument end
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
  if signature then
    names = {}
    for argument in signature:match '%((.*)%)$':gmatch '[^,%s]+' do names[#names + 1] = argument end
  end
  return table.concat(out, '\n'), names
end

return comments
