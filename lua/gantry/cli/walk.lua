--- gantry walk RUN: the images on lines between points of the latent space.
-- @module gantry.cli.walk
local argparse = require 'argparse'
local cli = require 'gantry.cli'
local show = require 'gantry.cli.show'

local function parser()
  local p = argparse('gantry walk', 'Draws walks through the latent space: each row goes from one sample to the next.')
    :epilog 'Example: gantry walk runs/faces --frames 9 --rows 8'
  p:argument('run', 'directory of the run'):argname 'RUN'
  p:option('--frames', 'images in a row, both ends included', '9'):argname 'N'
  p:option('--rows', 'rows', '8'):argname 'N'
  p:option('--seed', "of the points (default: the run's)"):argname 'N'
  p:flag('--spherical', 'along great circles instead of straight lines')
  p:option('--out', 'the PNG (default: walk.png in the run)'):argname 'PATH'
  p:option('--threads', 'threads to use; results do not depend on it'):argname 'N'
  return p
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  show.set_threads('walk', given.threads)
  local frames = show.whole('walk', '--frames', given.frames, 2, 1000)
  local rows = show.whole('walk', '--rows', given.rows, 1, 1000)
  local seed = given.seed and show.whole('walk', '--seed', given.seed, 0, 2 ^ 31)
  local gan = require 'gantry.gan'

  local run = gan.open(given.run)
  local z = gan.samples.path(run:z(rows + 1, seed), frames, given.spherical)
  local out = given.out or given.run .. '/walk.png'
  gan.samples.save_grid(out, run:images(z), frames)
  io.stdout:write(('%d walks of %d frames at step %d: %s\n'):format(rows, frames, run.step, out))
  return 0
end
