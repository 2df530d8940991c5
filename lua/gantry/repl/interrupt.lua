--- Ctrl-C at the prompt: ends what runs there, in the middle of any Lua loop, compiled or not, the user's or Gantry's.
--
-- SIGINT is only noted (gt_watch_interrupts). A count hook looks at the note while code is interpreted. LuaJIT calls no hooks
-- from compiled code, but code that it compiles while its profiler is on leaves for the interpreter when the profiler's clock
-- ticks; there the hook is told to look at the very next instruction. Nothing has to be slowed down for it.
--
-- What cannot be ended: a single call into C, until it returns (a product of matrices, io.read waiting for a line, a string
-- pattern that backtracks). A training session is first asked to finish its step and save; a second Ctrl-C ends it as well.
-- @module gantry.repl.interrupt
local native = require 'gantry.native'

local C = native.C
local getinfo, sethook, running = debug.getinfo, debug.sethook, coroutine.running

local interrupt = {}

local TICK = 20        -- milliseconds of processor time between looks out of compiled code
local EVERY = 100000   -- instructions between looks in interpreted code
local PATIENCE = 4     -- how often a pcall in the user's code may swallow the error before every instruction raises it

local here = getinfo(1, 'S').source
local session = here:gsub('repl/interrupt%.lua$', 'gan/session.lua')

local watching, armed, raised = false, false, 0
local profiler, profiler_thread

-- Code that must not be interrupted is on the stack: this file's own (it takes the hook away), or a session that saves first.
local function excused(signals)
  if getinfo(3, 'S').source == here then return true end
  if signals > 1 then return false end
  local level = 3
  while true do
    local info = getinfo(level, 'S')
    if not info then return false end
    if info.source == session then return true end
    level = level + 1
  end
end

local function look()
  if not armed then return end
  local signals = C.gt_interrupted()
  if signals == 0 or running() == profiler_thread then return end
  if excused(signals) then return sethook(look, '', EVERY) end
  raised = raised + 1
  sethook(look, '', raised < PATIENCE and EVERY or 1)
  error('interrupted', 0)
end

-- Runs in a thread of the profiler's own.
local function tick()
  profiler_thread = running()
  if armed and C.gt_interrupted() ~= 0 then sethook(look, '', 1) end
end

--- Takes charge of Ctrl-C.
function interrupt.start()
  native.check(C.gt_watch_interrupts(1))
  local ok, found = pcall(require, 'jit.profile')
  if ok then
    profiler = found
    profiler.start('li' .. TICK, tick)
  else
    jit.off()
  end
  watching = true
end

--- Gives Ctrl-C back.
function interrupt.stop()
  watching = false
  if profiler then profiler.stop() else jit.on() end
  profiler = nil
  C.gt_watch_interrupts(0)
end

--- Whether Ctrl-C was pressed since the last call of `clear` or `call`.
function interrupt.pressed() return C.gt_interrupted() ~= 0 end

--- Forgets a Ctrl-C.
function interrupt.clear() C.gt_clear_interrupt() end

--- Calls a function as xpcall does. Ctrl-C raises the error 'interrupted' in it.
-- @tparam function f
-- @tparam function handler of errors, called where they were raised
-- @treturn boolean whether f returned
-- @return what f returned first, or the handler did
function interrupt.call(f, handler)
  if not watching then return xpcall(f, handler) end
  raised = 0
  C.gt_clear_interrupt()
  armed = true
  sethook(look, '', EVERY)
  local ok, result = xpcall(f, function(problem)
    armed = false
    sethook()
    return handler(problem)
  end)
  armed = false
  sethook()
  C.gt_clear_interrupt()
  return ok, result
end

return interrupt
