--- Running a user's program or line: arguments in `arg`, errors as a traceback into the user's code only.
-- @module gantry.repl.script
local native = require 'gantry.native'

local script = {}

local here = debug.getinfo(1, 'S').source:match '^@(.*)repl/script%.lua$' or './'

--- A message and the stack below it, without Gantry's own frames and what called the user's code.
-- @param problem the error
-- @int level where the stack begins
-- @treturn string
function script.traceback(problem, level)
  local lines = {}
  -- An error that passed through Gantry was raised deeper than where it is caught.
  local trace = native.traced == problem and native.trace or debug.traceback('', (level or 1) + 1)
  native.traced, native.trace = nil, nil
  for line in trace:gmatch '\n(\t[^\n]+)' do
    local file = line:match '^\t(.-):%d+:' or ''
    local ours = file:sub(1, #here) == here or #file > 3 and file:sub(1, 3) == '...' and file:find('/gantry/', 1, true)
    if not ours and not line:match '^\t%[C%]' then lines[#lines + 1] = line end
  end
  local text = tostring(problem)
  -- A single line that the message begins with already says nothing more.
  if #lines == 1 and lines[1]:sub(2, -1):match '^(.-:%d+: )' == text:match '^(.-:%d+: )' then return text end
  return #lines > 0 and text .. '\nstack traceback:\n' .. table.concat(lines, '\n') or text
end

local function run(chunk, name, arguments)
  rawset(_G, 'arg', arguments)
  arguments[0] = name
  local trace
  local ok, problem = xpcall(function() chunk(unpack(arguments)) end, function(e)
    trace = script.traceback(e, 2)
    return e
  end)
  if ok then return 0 end
  io.stdout:flush()
  io.stderr:write(trace or tostring(problem), '\n')
  return 1
end

--- Runs a Lua file.
-- @string path
-- @tparam {string,...} arguments
-- @treturn int exit code
function script.file(path, arguments)
  local chunk, problem = loadfile(path)
  if not chunk then native.fail('%s', problem) end
  local folder = path:match '^(.*/)' or './'
  package.path = package.path .. ';' .. folder .. '?.lua'
  return run(chunk, path, arguments)
end

--- Runs a line of Lua with the prompt's names; the value of an expression is printed.
-- @string code
-- @tparam {string,...} arguments
-- @treturn int exit code
function script.line(code, arguments)
  local repl = require 'gantry.repl'
  local environment = repl.environment()
  local chunk, problem = repl.compile(code, '=(command line)', environment)
  if not chunk then
    io.stderr:write('gantry: ', problem, '\n')
    return 1
  end
  return run(function(...) repl.print(chunk(...)) end, '-e', arguments)
end

return script
