--- gantry lab film RUN: the same z over a run's checkpoints.
-- @module gantry.cli.lab.film
local argparse = require 'argparse'
local cli = require 'gantry.cli'
local look = require 'gantry.cli.look'
local show = require 'gantry.cli.show'

local function parser()
  local p = argparse('gantry lab film', 'Draws the same z at every checkpoint that a run kept: a strip, and an animated PNG.')
    :epilog('Example: gantry train dcgan --config demo --data scenes:faces --out runs/faces --set keep=30 checkpoint_every=100\n' ..
      '         gantry lab film runs/faces')
  p:argument('run', 'directory of the run'):argname 'RUN'
  p:option('--z', 'how many', '9'):argname 'N'
  p:option('--frames', 'the most checkpoints (default: all)'):argname 'N'
  p:option('--fps', 'frames a second', '8'):argname 'N'
  look.which_samples(p)
  look.record(p)
  p:flag('--training-stats', "batch norm with training's running averages; default: statistics estimated anew at each checkpoint")
  look.any_run(p)
  return p
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  show.set_threads('film', given.threads)
  local how = look.how('film', given)
  require('gantry.lab.film').experiment(given.run, {
    z = show.whole('film', '--z', given.z, 1, 400), frames = given.frames and show.whole('film', '--frames', given.frames, 2, 1000),
    fps = show.whole('film', '--fps', given.fps, 1, 100), seed = how.seed, class = how.class, training_stats = given.training_stats,
    trust = given.trust, out = given.out,
  })
  return 0
end
