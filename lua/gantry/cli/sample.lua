--- gantry sample RUN: images of a run's generator, in evaluation mode.
-- @module gantry.cli.sample
local argparse = require 'argparse'
local cli = require 'gantry.cli'
local show = require 'gantry.cli.show'

local function parser()
  local p = argparse('gantry sample', 'Draws samples of a run. Sample 3 of a seed is the same z however many are drawn.')
    :epilog 'Example: gantry sample runs/faces --n 100 --seed 7 --out faces.png'
  p:argument('run', 'directory of the run'):argname 'RUN'
  p:option('--n', 'how many', '64'):argname 'N'
  p:option('--seed', "of z (default: the run's)"):argname 'N'
  p:option('--out', 'the PNG, or the folder with --each (default: in the run)'):argname 'PATH'
  p:flag('--each', 'one PNG for each sample, 0001.png ...')
  p:option('--threads', 'threads to use; results do not depend on it'):argname 'N'
  return p
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  show.set_threads('sample', given.threads)
  local n = show.whole('sample', '--n', given.n, 1, 1e6)
  local seed = given.seed and show.whole('sample', '--seed', given.seed, 0, 2 ^ 31)
  local gan, image = require 'gantry.gan', require 'gantry.image'
  local make_folder = require('gantry.gan.folder').make

  local run = gan.open(given.run)
  local images = run:images(run:z(n, seed))
  if given.each then
    local folder = given.out or given.run .. '/each'
    make_folder(folder)
    for i = 1, n do image.save(('%s/%04d.png'):format(folder, i), (images[i] + 1) / 2) end
    io.stdout:write(('%d images of step %d: %s/0001.png ...\n'):format(n, run.step, folder))
    return 0
  end
  local out = given.out or given.run .. '/sample.png'
  gan.samples.save_grid(out, images)
  io.stdout:write(('%d samples of step %d: %s\n'):format(n, run.step, out))
  return 0
end
