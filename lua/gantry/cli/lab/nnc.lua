--- gantry lab nnc RUN: generated images as the training set of a nearest-neighbour classifier.
-- @module gantry.cli.lab.nnc
local argparse = require 'argparse'
local cli = require 'gantry.cli'
local look = require 'gantry.cli.look'
local show = require 'gantry.cli.show'

local function parser()
  local p = argparse('gantry lab nnc', 'Gives real test images the class of their nearest neighbour among generated ones, ' ..
    'and among the real ones that the run was trained on, and compares the errors.')
    :epilog('Example:\n   gantry train cdcgan --data mnist:DIR@1..6000 --out runs/digits\n' ..
      '   gantry lab nnc runs/digits --test mnist:DIR@6001..8000 --sizes 1000,10000,100000,1000000')
  p:argument('run', 'directory of a run whose generator takes classes'):argname 'RUN'
  p:option('--test', 'labelled images that the run never saw'):argname 'SPEC'
  p:option('--real', 'real images to compare with (default: what the run was trained on)'):argname 'SPEC'
  p:option('--sizes', 'how many images to generate', '1000,10000,100000'):argname 'N,N,...'
  look.seed(p)
  look.record(p)
  look.which_network(p)
  return p
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  if not given.test then cli.usage 'lab nnc: --test SPEC is missing: labelled images that the run never saw' end
  local sizes = show.wholes('lab nnc', '--sizes', given.sizes, 1, 1e9)
  local run, how = look.open('lab nnc', given)
  require('gantry.lab').nnc(run, {
    test = given.test, real = given.real, sizes = sizes, seed = how.seed, out = given.out, progress = show.progress 'generating',
  })
  return 0
end
