--- The prompt: reads Lua, runs it, prints what expressions give. An error does not end it, nor does Ctrl-C. Works in a pipe.
--
-- Gantry's parts are there by name (torch, nn, optim, image, data, autograd, gan, show), without being globals: they belong to
-- the prompt's own environment, as does what is assigned at it.
-- @module gantry.repl
local native = require 'gantry.native'
local gantry = require 'gantry'
local commands = require 'gantry.repl.commands'
local complete = require 'gantry.repl.complete'
local interrupt = require 'gantry.repl.interrupt'
local printer = require 'gantry.repl.print'
local reader = require 'gantry.repl.reader'
local script = require 'gantry.repl.script'
local terminal = require 'gantry.repl.terminal'

local repl = {print = printer.print}

local parts = {'torch', 'nn', 'optim', 'image', 'data', 'autograd', 'gan'}
local is_part = {}
for _, name in ipairs(parts) do is_part[name] = true end

--- The names that code at the prompt sees: Lua's, Gantry's, and its own.
function repl.environment()
  local environment = {gantry = gantry}
  environment._G = environment
  local names = {'show', unpack(parts)}
  return setmetatable(environment, {__names = names, __index = function(_, key)
    if is_part[key] then return gantry[key] end
    if key == 'show' then return require 'gantry.repl.show' end
    return rawget(_G, key)
  end})
end

local function values(...) return ... end

-- Whether what is wrong with a piece of code is that it ends too early.
local function is_incomplete(problem) return problem:find "near '<eof>'$" ~= nil or problem:find('unfinished long', 1, true) ~= nil end

--- Compiles a piece of input as an expression if it is one, else as statements.
-- @string code
-- @string name of the chunk, for messages
-- @tparam table environment
-- @return function; or nil, message, and true where more input would complete it
function repl.compile(code, name, environment)
  code = code:gsub('^%s*=', '')
  -- The expression is an argument, not what is returned: a tail call would take its line out of error messages.
  local expression, unfinished = loadstring('return ' .. code, name)
  local chunk = expression and loadstring('local values = ... return values(' .. code .. '\n)', name)
  if chunk then
    setfenv(chunk, environment)
    return function() return chunk(values) end
  end
  local problem
  chunk, problem = loadstring(code, name)
  if not chunk then return nil, problem, is_incomplete(problem) or not expression and is_incomplete(unfinished) end
  return setfenv(chunk, environment)
end

--- Runs compiled input and prints what it gives; errors go to standard error, with the stack as far as it is the user's.
-- @tparam function chunk
-- @treturn boolean whether it came to its end
function repl.execute(chunk)
  local ok, trace = interrupt.call(function() printer.print(chunk()) end, function(problem) return script.traceback(problem, 1) end)
  io.stdout:flush()
  if not ok then io.stderr:write((trace:gsub("(prompt:%d+: in) function 'chunk'", '%1 main chunk')), '\n') end
  return ok
end

--- Runs the prompt until the end of input, `exit` or `quit`.
-- @treturn int exit code
function repl.run()
  local interactive = terminal.columns(0) > 0
  local environment = repl.environment()
  local read = reader.open(interactive, function(text) return complete.candidates(text, environment, commands.names) end)
  if interactive then
    interrupt.start()
    io.stdout:write('Gantry ', native.version, ', ', jit.version, '. %help says what there is, Ctrl-D ends.\n')
  end
  local pending
  while true do
    local line = read(pending and '>> ' or '> ')
    if line == nil then break end
    if line == false then
      pending = nil
    else
      if not pending and (line:match '^%s*exit%s*$' or line:match '^%s*quit%s*$') then
        interactive = false
        break
      end
      local code = pending and pending .. '\n' .. line or line
      local command = not pending and commands.find(line, environment, repl)
      if command then
        repl.execute(command)
      elseif code:find '%S' then
        local chunk, problem, incomplete = repl.compile(code, '=prompt', environment)
        pending = nil
        if chunk then
          repl.execute(chunk)
        elseif incomplete then
          pending = code
        else
          io.stderr:write(problem, '\n')
        end
      end
    end
  end
  if pending then io.stderr:write 'the input ended in the middle of a statement\n' end
  if interactive then io.stdout:write '\n' end
  return 0
end

return repl
