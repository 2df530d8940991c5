--- Values as the prompt prints them: tensors by their own shortened text, networks as a table of their layers, tables by their fields,
-- one level deep.
-- @module gantry.repl.print
local torch = require 'gantry.torch'

local printer = {}

local WIDTH = 100  -- columns that a table in one line may take
local MOST = 40    -- fields that are shown

local function is_name(key) return type(key) == 'string' and key:match '^[%a_][%w_]*$' ~= nil end

local function has_text(t)
  local meta = getmetatable(t)
  return type(meta) == 'table' and rawget(meta, '__tostring') ~= nil
end

-- A value inside a table: one line, and short.
local function short(v)
  local kind = type(v)
  if kind == 'string' then
    local text = ('%q'):format(#v > 60 and v:sub(1, 57) .. '...' or v):gsub('\\\n', '\\n'):gsub('[%c\127]', '?')
    return text
  end
  if torch.isTensor(v) or torch.isStorage(v) then return (tostring(v):match '([^\n]+)\n*$') end
  if kind ~= 'table' then return tostring(v) end
  if has_text(v) then
    local text = tostring(v)
    return text:find '\n' and (text:match '^[^\n]*' .. ' ...') or text
  end
  local name = torch.typename(v)
  if name then return '[' .. name .. ']' end
  if next(v) == nil then return '{}' end
  local n = 0
  for _ in pairs(v) do n = n + 1 end
  return n == #v and ('{... %d values}'):format(n) or ('{... %d fields}'):format(n)
end

local ranks = {number = 1, string = 2}

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    local ra, rb = ranks[type(a)] or 3, ranks[type(b)] or 3
    if ra ~= rb then return ra < rb end
    if ra < 3 then return a < b end
    return tostring(a) < tostring(b)
  end)
  return keys
end

local function table_text(t)
  if has_text(t) then return tostring(t) end
  local keys = sorted_keys(t)
  if #keys == 0 then return '{}' end
  local parts, length, in_list = {}, 4, 0
  for i, key in ipairs(keys) do
    if i > MOST then
      parts[i] = ('... and %d more'):format(#keys - MOST)
      length = length + WIDTH
      break
    end
    if key == in_list + 1 then
      in_list = key
      parts[i] = short(t[key])
    else
      parts[i] = ('%s = %s'):format(is_name(key) and key or '[' .. short(key) .. ']', short(t[key]))
    end
    length = length + #parts[i] + 2
  end
  if length <= WIDTH then return '{' .. table.concat(parts, ', ') .. '}' end
  return '{\n  ' .. table.concat(parts, '\n  ') .. '\n}'
end

-- A network as a table of its layers with their outputs' sizes, as far as those are known, and their parameters; nil for others.
local function network_text(v)
  if not torch.isTypeOf(v, 'nn.Module') or type(v.modules) ~= 'table' then return nil end
  local ok, text = pcall(function() return tostring(v:summary()) end)
  return ok and text or nil
end

--- The text of a value.
-- @param v any value
-- @treturn string
function printer.text(v)
  local text = network_text(v)
  if text then return text end
  if type(v) == 'table' then return table_text(v) end
  return (tostring(v):gsub('\n$', ''))
end

--- Prints values, tabs between them; nothing for none.
function printer.print(...)
  local n = select('#', ...)
  if n == 0 then return end
  local texts = {}
  for i = 1, n do texts[i] = printer.text((select(i, ...))) end
  io.stdout:write(table.concat(texts, '\t'), '\n')
end

return printer
