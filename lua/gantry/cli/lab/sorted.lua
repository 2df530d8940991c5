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
  look.which_samples(p)
  p:option('--scale', 'enlarge by so many whole pixels'):argname 'N'
  look.record(p)
  look.which_network(p)
  return p
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  local n = show.whole('sorted', '--n', given.n, 2, 100000)
  local run, how = look.open('sorted', given)
  how.n, how.out = n, given.out
  require('gantry.lab.sorted').experiment(run, how)
  return 0
end
