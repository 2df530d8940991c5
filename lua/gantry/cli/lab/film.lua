--- gantry lab film RUN: the same z over a run's checkpoints.
-- @module gantry.cli.lab.film
local argparse = require 'argparse'
local cli = require 'gantry.cli'
local show = require 'gantry.cli.show'

local function parser()
  local p = argparse('gantry lab film', 'Draws the same z at every checkpoint that a run kept: a strip, and an animated PNG.')
    :epilog('Example: gantry train dcgan --config demo --data scenes:faces --out runs/faces --set keep=30 checkpoint_every=100\n' ..
      '         gantry lab film runs/faces')
  p:argument('run', 'directory of the run'):argname 'RUN'
  p:option('--z', 'how many', '9'):argname 'N'
  p:option('--frames', 'the most checkpoints (default: all)'):argname 'N'
  p:option('--fps', 'frames a second', '8'):argname 'N'
  p:option('--seed', "of z (default: the run's)"):argname 'N'
  p:option('--class', 'of the samples, where the run has classes (default: one after another)'):argname 'N'
  p:option('--out', 'directory of the pictures and the figures (default: lab in the run)'):argname 'DIR'
  p:flag('--training-stats', "batch norm with training's running averages; default: statistics estimated anew at each checkpoint")
  p:flag('--trust', 'where a network has modules that Gantry does not know, execute the recipe in the run to make them')
  p:option('--threads', 'threads to use; results do not depend on it'):argname 'N'
  return p
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  show.set_threads('film', given.threads)
  require('gantry.lab.film').experiment(given.run, {
    z = show.whole('film', '--z', given.z, 1, 400), frames = given.frames and show.whole('film', '--frames', given.frames, 2, 1000),
    fps = show.whole('film', '--fps', given.fps, 1, 100), seed = given.seed and show.whole('film', '--seed', given.seed, 0, 2 ^ 31),
    class = given.class and show.whole('film', '--class', given.class, 1, 2 ^ 24), training_stats = given.training_stats,
    trust = given.trust, out = given.out or given.run .. '/lab',
  })
  return 0
end
