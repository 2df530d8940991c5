--- torch.Timer, torch.tic and torch.toc: elapsed wall, user and system time in seconds.
-- @module gantry.torch.timer
local ffi = require 'ffi'
local class = require 'gantry.torch.class'
local dtypes = require 'gantry.torch.dtypes'

ffi.cdef [[
typedef struct gantry_timeval { long sec, usec; } gantry_timeval;
typedef struct gantry_timespec { long sec, nsec; } gantry_timespec;
typedef struct gantry_rusage { gantry_timeval user, sys; long rest[32]; } gantry_rusage;
int getrusage(int who, gantry_rusage *usage);
int clock_gettime(int clock, gantry_timespec *time);
]]
local MONOTONIC = ffi.os == 'Linux' and 1 or 6
local usage = ffi.new('gantry_rusage')
local now = ffi.new('gantry_timespec')

local function read()
  ffi.C.clock_gettime(MONOTONIC, now)
  ffi.C.getrusage(0, usage)
  return tonumber(now.sec) + tonumber(now.nsec) * 1e-9, tonumber(usage.user.sec) + tonumber(usage.user.usec) * 1e-6,
    tonumber(usage.sys.sec) + tonumber(usage.sys.usec) * 1e-6
end

local functions = {}

--- A stopwatch that starts when it is made.
-- @type Timer
local Timer = class.create('torch.Timer')

function Timer:__init()
  self.real, self.user, self.sys = 0, 0, 0
  self.running = true
  self.from_real, self.from_user, self.from_sys = read()
end

--- Elapsed seconds.
-- @treturn table {real =, user =, sys =}
function Timer:time()
  local elapsed = {real = self.real, user = self.user, sys = self.sys}
  if self.running then
    local real, user, sys = read()
    elapsed.real = elapsed.real + real - self.from_real
    elapsed.user = elapsed.user + user - self.from_user
    elapsed.sys = elapsed.sys + sys - self.from_sys
  end
  return elapsed
end

--- Halts it; resume goes on.
function Timer:stop()
  if self.running then
    local elapsed = self:time()
    self.real, self.user, self.sys = elapsed.real, elapsed.user, elapsed.sys
    self.running = false
  end
  return self
end

--- Goes on after stop.
function Timer:resume()
  if not self.running then
    self.from_real, self.from_user, self.from_sys = read()
    self.running = true
  end
  return self
end

--- Back to zero.
function Timer:reset()
  self.real, self.user, self.sys = 0, 0, 0
  self.from_real, self.from_user, self.from_sys = read()
  return self
end

function Timer:__tostring__()
  local elapsed = self:time()
  return ('torch.Timer | status: %s, elapsed: real %.3f s, user %.3f s, sys %.3f s'):format(
    self.running and 'running' or 'stopped', elapsed.real, elapsed.user, elapsed.sys)
end

local started

--- Starts the clock of torch.toc.
-- @treturn number its reading
function functions.tic()
  started = read()
  return started
end

--- Seconds since torch.tic.
-- @tparam[opt] number from a reading that tic returned
-- @treturn number
function functions.toc(from)
  local t = read()
  return t - dtypes.number(from or started or t, 'toc', 'the start')
end

return {functions = functions}
