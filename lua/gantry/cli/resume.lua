--- gantry resume RUN: goes on with a run from its last checkpoint, bit by bit as if it had not stopped.
-- @module gantry.cli.resume
local argparse = require 'argparse'
local cli = require 'gantry.cli'
local show = require 'gantry.cli.show'

local function parser()
  local p = argparse('gantry resume', 'Goes on with a run from its last checkpoint. Executes the recipe that is stored in the run.')
    :epilog('Examples:\n   gantry resume runs/faces\n   gantry resume runs/faces --steps 20000\n' ..
      '   gantry resume runs/faces --checkpoint best --set lr=0.0001   # from an earlier one, with other settings')
  p:argument('run', 'directory of the run'):argname 'RUN'
  p:option('--data', 'where the images are now, if they were moved'):argname 'SPEC'
  p:option('--steps', 'a new last step'):argname 'N'
  p:option('--set', 'settings to change'):argname 'KEY=VALUE':args '+':count '*'
  p:option('--checkpoint', 'last, best, or a step that was kept', 'last'):argname 'WHICH'
  p:option('--threads', 'threads to use; results do not depend on it'):argname 'N'
  return p
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  show.set_threads('resume', given.threads)
  if given.steps and not (tonumber(given.steps) and tonumber(given.steps) % 1 == 0) then
    cli.usage('resume: --steps is %s, wanted a whole number', given.steps)
  end
  local which = show.checkpoint('resume', given.checkpoint)
  local session = require('gantry.gan').session.resume {
    path = given.run, data = given.data, steps = given.steps, set = #given.set > 0 and show.pairs('resume', given.set) or nil,
    checkpoint = which ~= 'last' and which or nil,
  }
  local from, to = session.trainer.number, session.options.steps
  show.settings(session.recipe, session.options)
  for _, line in ipairs(session:describe()) do io.stdout:write(line, '\n') end
  for _, line in ipairs(session.differences) do io.stdout:write('note: ', line, '\n') end
  if from >= to then
    session:leave()
    io.stdout:write(('%s: is at step %d of %d already; --steps N trains further\n'):format(given.run, from, to))
    return 0
  end
  io.stdout:write(('resuming %s at step %d of %d\n'):format(given.run, from, to))
  return session:run().interrupted and 130 or 0
end
