--- The terminal: whether there is one, waiting for input, asking it what it can do.
-- @module gantry.repl.terminal
local ffi = require 'ffi'
local native = require 'gantry.native'

ffi.cdef [[
typedef struct { int fd; short events, revents; } gantry_pollfd;
int gantry_poll(gantry_pollfd *fds, unsigned long n, int timeout) __asm__("poll");
long gantry_read(int fd, void *into, size_t n) __asm__("read");
]]

local terminal = {}

local INPUT = 1 -- POLLIN
local PATIENCE = 300 -- milliseconds for an answer

--- Columns of the terminal that input comes from or output goes to; 0 where it is none.
-- @int fd 0 for standard input, 1 for standard output
function terminal.columns(fd) return native.C.gt_terminal_columns(fd) end

local waiting = ffi.new 'gantry_pollfd[1]'

--- Waits for standard input.
-- @int milliseconds -1 for ever
-- @treturn boolean false where time ran out or a signal came first
function terminal.wait(milliseconds)
  waiting[0].fd, waiting[0].events = 0, INPUT
  return ffi.C.gantry_poll(waiting, 1, milliseconds) > 0
end

--- Writes a question to the terminal and reads its answer.
-- @string question escape sequences
-- @string ending a pattern that a whole answer matches
-- @treturn string what came, which may be nothing
function terminal.ask(question, ending)
  local pipe = io.popen 'stty -g 2>/dev/null'
  local saved = pipe:read '*l'
  pipe:close()
  if not saved or not saved:match '^[%x:]+$' then return '' end
  os.execute 'stty -icanon -echo min 0 time 0'
  io.stdout:write(question)
  io.stdout:flush()
  local buffer, answer = ffi.new 'char[256]', ''
  while not answer:find(ending) and terminal.wait(PATIENCE) do
    local n = tonumber(ffi.C.gantry_read(0, buffer, 256))
    if n <= 0 then break end
    answer = answer .. ffi.string(buffer, n)
  end
  os.execute('stty ' .. saved)
  return answer
end

return terminal
