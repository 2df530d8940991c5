--- The prompt: reads Lua, runs it, prints what expressions give. An error does not end it. Works in a pipe.
--
-- Gantry's parts are there by name (torch, nn, optim, image, data, autograd, gan), without being globals: they belong to the
-- prompt's own environment, as does what is assigned at it.
-- @module gantry.repl
local native = require 'gantry.native'
local gantry = require 'gantry'
local script = require 'gantry.repl.script'

local repl = {}

local parts = {torch = true, nn = true, optim = true, image = true, data = true, autograd = true, gan = true}

--- The names that code at the prompt sees: Lua's, Gantry's, and its own.
function repl.environment()
  local environment = {gantry = gantry}
  environment._G = environment
  return setmetatable(environment, {__index = function(_, key)
    if parts[key] then return gantry[key] end
    return rawget(_G, key)
  end})
end

local function values(...) return ... end

--- Compiles a piece of input as an expression if it is one, else as statements.
-- @string code
-- @string name of the chunk, for messages
-- @tparam table environment
-- @return function; or nil, message, and true where more input would complete it
function repl.compile(code, name, environment)
  code = code:gsub('^%s*=', '')
  -- The expression is an argument, not what is returned: a tail call would take its line out of error messages.
  local chunk = loadstring('return ' .. code, name) and loadstring('local values = ... return values(' .. code .. '\n)', name)
  if chunk then
    setfenv(chunk, environment)
    return function() return chunk(values) end
  end
  local problem
  chunk, problem = loadstring(code, name)
  if not chunk then return nil, problem, problem:find("'<eof>'", 1, true) ~= nil or problem:find('unfinished long', 1, true) ~= nil end
  return setfenv(chunk, environment)
end

local function field_text(v)
  if type(v) == 'string' then return ('%q'):format(v) end
  if type(v) == 'cdata' then return (tostring(v):match '[^\n]*$') end
  return tostring(v)
end

-- A table that has no text of its own: its fields, the first few, a level deep.
local function table_text(t)
  local meta = getmetatable(t)
  if meta and meta.__tostring then return tostring(t) end
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    if type(a) == type(b) and (type(a) == 'number' or type(a) == 'string') then return a < b end
    return type(a) == 'number' and type(b) ~= 'number' or type(a) == 'string' and type(b) ~= 'number' and type(b) ~= 'string'
  end)
  if #keys == 0 then return '{}' end
  local lines = {}
  for i, key in ipairs(keys) do
    if i > 40 then
      lines[#lines + 1] = ('  ... and %d more'):format(#keys - 40)
      break
    end
    lines[#lines + 1] = ('  %s = %s'):format(type(key) == 'string' and key or '[' .. tostring(key) .. ']', field_text(t[key]))
  end
  return '{\n' .. table.concat(lines, '\n') .. '\n}'
end

--- Prints values as the prompt does: nothing for none, tables by their fields.
function repl.print(...)
  local n = select('#', ...)
  if n == 0 then return end
  local texts = {}
  for i = 1, n do
    local v = select(i, ...)
    texts[i] = type(v) == 'table' and table_text(v) or tostring(v)
  end
  io.stdout:write(table.concat(texts, '\t'), '\n')
end

--- A function that reads a line, with editing where a terminal and readline are there; nil at the end of input.
local function line_reader(interactive)
  if interactive then
    local ok, readline = pcall(require, 'readline')
    if ok then
      if readline.set_readline_name then readline.set_readline_name 'gantry' end
      return function(prompt)
        local line = readline.readline(prompt)
        if line and line:find '%S' then readline.add_history(line) end
        return line
      end
    end
  end
  return function(prompt)
    if interactive then
      io.stdout:write(prompt)
      io.stdout:flush()
    end
    return io.stdin:read '*l'
  end
end

local function execute(chunk)
  local trace
  local ok = xpcall(function() repl.print(chunk()) end, function(e)
    trace = script.traceback(e, 2)
    return e
  end)
  io.stdout:flush()
  if not ok then io.stderr:write(trace, '\n') end
end

--- Runs the prompt until the end of input, `exit` or `quit`.
-- @treturn int exit code
function repl.run()
  local interactive = native.C.gt_terminal_columns(0) > 0
  local read = line_reader(interactive)
  local environment = repl.environment()
  if interactive then io.stdout:write('Gantry ', native.version, ', ', jit.version, '. Ctrl-D ends.\n') end
  local pending
  while true do
    local line = read(pending and '>> ' or '> ')
    if not line then break end
    if not pending and (line:match '^%s*exit%s*$' or line:match '^%s*quit%s*$') then return 0 end
    local code = pending and pending .. '\n' .. line or line
    if code:find '%S' then
      local chunk, problem, incomplete = repl.compile(code, '=prompt', environment)
      if chunk then
        pending = nil
        execute(chunk)
      elseif incomplete then
        pending = code
      else
        pending = nil
        io.stderr:write(problem, '\n')
      end
    end
  end
  if pending then io.stderr:write 'the input ended in the middle of a statement\n' end
  if interactive then io.stdout:write '\n' end
  return 0
end

return repl
