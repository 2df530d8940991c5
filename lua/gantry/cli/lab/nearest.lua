--- gantry lab nearest RUN: does a generator repeat what it was trained on?
-- @module gantry.cli.lab.nearest
local argparse = require 'argparse'
local cli = require 'gantry.cli'
local look = require 'gantry.cli.look'
local show = require 'gantry.cli.show'

local function parser()
  local p = argparse('gantry lab nearest', 'Shows the training images that are nearest to generated ones, and measures whether ' ..
    'generated images are nearer to them than images are that the generator never saw.')
    :epilog('Example:\n   gantry train dcgan --data photos@1..9000 --out runs/photos\n' ..
      '   gantry lab nearest runs/photos --test photos@9001.. --dedup photos-dedup.safetensors')
  p:argument('run', 'directory of the run'):argname 'RUN'
  p:option('--test', 'images like those trained on, which the run never saw; without it only the picture is drawn'):argname 'SPEC'
  p:option('--data', 'the training images (default: what the run was trained on)'):argname 'SPEC'
  p:option('--n', 'generated images, and held-out ones', '500'):argname 'N'
  p:option('--features', 'a file that gantry features made: distances of its features too'):argname 'FILE'
  p:option('--dedup', 'a file that gantry lab dedup made: equal codes are counted too'):argname 'FILE'
  p:option('--radius', 'bits in which equal codes may differ', '0'):argname 'BITS'
  look.seed(p)
  look.record(p)
  look.which_network(p)
  return p
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  local o = {
    test = given.test, data = given.data, out = given.out, n = show.whole('lab nearest', '--n', given.n, 20, 1e5),
    radius = show.whole('lab nearest', '--radius', given.radius, 0, 64),
  }
  o.net = given.features and require('gantry.metrics.features').load(given.features)
  o.dedup = given.dedup and require('gantry.lab.dedup').load(given.dedup)
  local run, how = look.open('lab nearest', given)
  o.seed, o.progress = how.seed, show.progress 'comparing'
  require('gantry.lab').nearest.run(run, o)
  return 0
end
