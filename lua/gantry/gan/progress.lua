--- What one sees of a run: a live line on a terminal, plain lines now and then elsewhere.
-- @module gantry.gan.progress
local native = require 'gantry.native'

local C = native.C

local Progress = {}
Progress.__index = Progress

local PLAIN_EVERY = 10 -- seconds between lines where nobody watches a terminal
local LIVE_EVERY = 0.1 -- seconds between redrawings

--- A progress display.
-- @int steps the last step
-- @tparam table sinks write(line): a plain line to the log; quiet: nothing on standard output
function Progress.new(steps, sinks)
  local columns = sinks.quiet and 0 or C.gt_terminal_columns(1)
  return setmetatable({
    steps = steps, columns = columns, log = sinks.write, quiet = sinks.quiet, shown = -math.huge, logged = C.gt_seconds(),
  }, Progress)
end

local function duration(seconds)
  seconds = math.floor(seconds + 0.5)
  if seconds < 60 then return ('%ds'):format(seconds) end
  if seconds < 3600 then return ('%dm%02ds'):format(math.floor(seconds / 60), seconds % 60) end
  return ('%dh%02dm'):format(math.floor(seconds / 3600), math.floor(seconds % 3600 / 60))
end
Progress.duration = duration

local function number(name, v) return v and ('%s %.3f'):format(name, v) or nil end

--- The line for a step.
-- @tparam table m metrics of the step
-- @number rate images per second
-- @number left seconds, or nil
function Progress:text(m, rate, left)
  local parts = {('step %d/%d'):format(m.step, self.steps), ('%.0f images/s'):format(rate)}
  if left then parts[#parts + 1] = duration(left) .. ' left' end
  parts[#parts + 1] = number('D', m.d_loss)
  parts[#parts + 1] = number('G', m.g_loss)
  parts[#parts + 1] = number('D(x)', m.d_real)
  parts[#parts + 1] = number('D(G(z))', m.d_fake)
  return table.concat(parts, '  ')
end

--- Shows a step, if it is time to.
function Progress:update(m, rate, left)
  local now = C.gt_seconds()
  local last = m.step == self.steps
  if self.columns > 0 and (last or now - self.shown >= LIVE_EVERY) then
    self.shown = now
    local text = self:text(m, rate, left):sub(1, self.columns - 1)
    io.stdout:write('\r', text, '\27[K')
    io.stdout:flush()
    self.open = true
  end
  if last or now - self.logged >= PLAIN_EVERY then
    self.logged = now
    local text = self:text(m, rate, left)
    self.log(text)
    if self.columns == 0 and not self.quiet then
      io.stdout:write(text, '\n')
      io.stdout:flush()
    end
  end
end

--- Writes a line of its own, above the live line.
function Progress:say(format, ...)
  local text = format:format(...)
  self.log(text)
  if self.quiet then return end
  if self.open then io.stdout:write '\r\27[K' end
  self.open = false
  io.stdout:write(text, '\n')
  io.stdout:flush()
end

--- Ends the live line.
function Progress:close()
  if self.open then io.stdout:write '\n' end
  self.open = false
end

return Progress
