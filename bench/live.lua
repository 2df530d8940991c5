--- Live processes that take turns, a step each, so that a slow moment of the machine falls on all of them.
--
-- Such a process prints "ready" when it has warmed up, then for each line that it reads the seconds of a step; for the line "memory" the
-- most memory that it has held, in MB. It ends with its input.
local native = require 'gantry.native'

local live = {}

local function read(path)
  local file = io.open(path, 'rb')
  local text = file and file:read '*a' or ''
  if file then file:close() end
  return text
end

--- Starts a process.
-- @string command for the shell
-- @treturn[1] table step(), memory(), stop()
-- @treturn[2] nil
-- @treturn[2] string the last line that it wrote to standard error
function live.start(command)
  local fifo, errors = os.tmpname(), os.tmpname()
  os.remove(fifo)
  assert(os.execute('mkfifo ' .. fifo) == 0, 'mkfifo failed')
  local to = io.popen(('%s >%s 2>%s'):format(command, fifo, errors), 'w')
  local from = io.open(fifo, 'r')
  os.remove(fifo)
  if from:read '*l' ~= 'ready' then
    to:close()
    from:close()
    local problem = read(errors):match '([^\n]*)%s*$'
    os.remove(errors)
    return nil, problem
  end
  os.remove(errors)
  local function ask(line)
    to:write(line, '\n')
    to:flush()
    return tonumber(from:read '*l')
  end
  return {
    step = function() return ask '' or error('bench: a process ended: ' .. command, 0) end,
    memory = function() return ask 'memory' end,
    stop = function()
      to:close()
      from:close()
    end,
  }
end

--- The middle of a list.
function live.median(list)
  local sorted = {unpack(list)}
  table.sort(sorted)
  local n = #sorted
  return n % 2 == 1 and sorted[(n + 1) / 2] or (sorted[n / 2] + sorted[n / 2 + 1]) / 2
end

--- Lets processes take turns.
-- @tparam {table,...} list of {name =, command =}
-- @int rounds how many steps of each
-- @number seconds after which no further round begins, once three are done
-- @treturn table name -> {seconds = median, memory = MB}; without those that did not start
-- @treturn table name -> why it did not start
-- @treturn int rounds that were done
function live.turns(list, rounds, seconds)
  local running, results, problems, done = {}, {}, {}, 0
  for _, entry in ipairs(list) do
    local process, problem = live.start(entry.command)
    if process then
      running[#running + 1] = {name = entry.name, process = process, times = {}}
    else
      problems[entry.name] = problem
    end
  end
  local ok, problem = pcall(function()
    local began = native.C.gt_seconds()
    for round = 1, rounds do
      if round > 3 and native.C.gt_seconds() - began > seconds then break end
      for _, one in ipairs(running) do one.times[round] = one.process.step() end
      done = round
    end
    for _, one in ipairs(running) do results[one.name] = {seconds = live.median(one.times), memory = one.process.memory()} end
  end)
  for _, one in ipairs(running) do one.process.stop() end
  if not ok then error(problem, 0) end
  return results, problems, done
end

return live
