--- Lines of input: edited, with history and completion, where there are a terminal and lua-readline; plain elsewhere.
--
-- The history is kept in $XDG_STATE_HOME/gantry/history (~/.local/state/gantry/history). GANTRY_HISTORY names another file;
-- empty, it means none.
-- @module gantry.repl.reader
local ffi = require 'ffi'
local folder = require 'gantry.gan.folder'
local interrupt = require 'gantry.repl.interrupt'
local terminal = require 'gantry.repl.terminal'

ffi.cdef 'void rl_callback_handler_remove(void);'

local reader = {}

local KEPT = 1000    -- lines of history

-- ---- history ----------------------------------------------------------------------------------------------------------------

local function history_path()
  local named = os.getenv 'GANTRY_HISTORY'
  if named then return named ~= '' and named or nil end
  local state, home = os.getenv 'XDG_STATE_HOME', os.getenv 'HOME'
  if state and state:sub(1, 1) == '/' then return state .. '/gantry/history' end
  return home and home ~= '' and home .. '/.local/state/gantry/history' or nil
end

-- What was typed before; and a function that keeps another line. Where the file cannot be written, nothing is kept.
local function open_history()
  local path = history_path()
  if not path then return {}, function() end end
  local lines = {}
  local file = io.open(path, 'r')
  if file then
    for line in file:lines() do lines[#lines + 1] = line end
    file:close()
  end
  local ok = pcall(function()
    folder.make(path:match '^(.*)/[^/]*$' or '.')
    if #lines > 2 * KEPT then
      lines = {unpack(lines, #lines - KEPT + 1)}
      folder.write(path, table.concat(lines, '\n') .. '\n')
    end
  end)
  if not ok then return lines, function() end end
  return lines, function(line)
    local target = io.open(path, 'a')
    if not target then return end
    target:write(line, '\n')
    target:close()
  end
end

-- ---- reading ----------------------------------------------------------------------------------------------------------------

-- Waits for standard input; false where Ctrl-C came first.
local function wait()
  while not interrupt.pressed() do
    if terminal.wait(-1) then return true end
  end
  return false
end

-- Ends the editing of a line. lua-readline's handler_remove closes the terminal's stream before it lets readline put the terminal
-- back, which writes to it; so readline is asked to do that first.
local function remover(readline)
  for _, name in ipairs {'libreadline.so.8', 'readline'} do
    local ok, library = pcall(ffi.load, name)
    if ok then
      return function()
        library.rl_callback_handler_remove()
        readline.handler_remove()
      end
    end
  end
end

local function with_readline(readline, candidates, remove)
  readline.set_options {histfile = '', auto_add = false, completion = true}
  readline.set_readline_name 'gantry'
  local lines, keep = open_history()
  for _, line in ipairs(lines) do readline.add_history(line) end
  local previous = lines[#lines]

  -- readline's words end at blanks, quotes and some operators; what is offered is for the end of a word.
  readline.set_complete_function(function(line, from, to)
    readline.set_completion_append_character ''
    local ok, list, replaced = pcall(candidates, line:sub(1, to))
    if not ok then return {} end
    local word, offered = line:sub(from, to), {}
    for i, candidate in ipairs(list) do
      if #replaced <= #word then
        offered[i] = word:sub(1, #word - #replaced) .. candidate
      else
        offered[i] = candidate:sub(#replaced - #word + 1)
      end
    end
    return offered
  end)

  return function(prompt)
    local line, complete
    interrupt.clear()
    readline.handler_install(prompt, function(text)
      line, complete = text, true
      remove()
    end)
    while not complete do
      if not wait() then
        remove()
        io.stdout:write '^C\n'
        return false
      end
      readline.read_char()
    end
    -- A Ctrl-C that comes while readline itself reads can look like the end of input to it.
    if not line and interrupt.pressed() then
      io.stdout:write '^C\n'
      return false
    end
    if line and line:find '%S' and line ~= previous then
      previous = line
      for piece in line:gmatch '[^\n]+' do
        readline.add_history(piece)
        keep(piece)
      end
    end
    return line
  end
end

--- A function that reads a line: read(prompt) returns it, nil at the end of input, false where Ctrl-C was pressed.
-- @bool interactive whether there is a terminal
-- @tparam function candidates what Tab offers for a line up to the cursor: a list, and the text that each of it replaces
-- @treturn function
function reader.open(interactive, candidates)
  if not interactive then
    return function() return io.stdin:read '*l' end
  end
  local ok, readline = pcall(require, 'readline')
  local remove = ok and readline.handler_install and readline.set_complete_function and remover(readline)
  if remove then return with_readline(readline, candidates, remove) end
  return function(prompt)
    io.stdout:write(prompt)
    io.stdout:flush()
    interrupt.clear()
    if wait() then return io.stdin:read '*l' end
    io.stdout:write '\n'
    return false
  end
end

return reader
