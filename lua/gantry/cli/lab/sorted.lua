--- gantry lab sorted RUN: samples in the order of D's score.
-- @module gantry.cli.lab.sorted
local argparse = require 'argparse'
local cli = require 'gantry.cli'
local look = require 'gantry.cli.look'
local show = require 'gantry.cli.show'

local function parser()
  local p = argparse('gantry lab sorted', "Draws samples in the order of D's score, the highest first.")
    :epilog('Example: gantry lab sorted runs/faces')
  p:argument('run', 'directory of the run'):argname 'RUN'
  p:option('--n', 'how many samples', '400'):argname 'N'
  p:option('--seed', "of z (default: the run's)"):argname 'N'
  p:option('--class', 'of the samples, where the run has classes (default: one after another)'):argname 'N'
  p:option('--scale', 'enlarge by so many whole pixels'):argname 'N'
  p:option('--out', 'directory of the picture and the figures (default: lab in the run)'):argname 'DIR'
  look.which_network(p)
  return p
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  local n = show.whole('sorted', '--n', given.n, 2, 100000)
  local run, how = look.open('sorted', given)
  how.n, how.out = n, given.out or run.path .. '/lab'
  require('gantry.lab.sorted').experiment(run, how)
  return 0
end
