--- gantry lab guided RUN: which pixels excite the features of D's last convolution.
-- @module gantry.cli.lab.guided
local argparse = require 'argparse'
local cli = require 'gantry.cli'
local inside = require 'gantry.cli.lab.inside'
local show = require 'gantry.cli.show'

local function parser()
  local p = argparse('gantry lab guided', "Guided backpropagation (arXiv 1412.6806) of the first features of D's last convolution at " ..
    'their largest responses to real images, beside a D that was never trained (figure 5 of the DCGAN paper); first-layer filters; and, ' ..
    'where boxes of objects are known, as in scenes:rooms, how much of the gradients lies in them.')
    :epilog('Example: gantry lab guided runs/rooms')
  inside.options(p, 2000)
  p:option('--features', 'how many are measured', '64'):argname 'N'
  p:option('--shown', 'how many are drawn', '6'):argname 'N'
  p:option('--top', 'pictures of each', '8'):argname 'N'
  p:option('--leaky', 'what goes back through a unit of a leaky rectifier that was below 0: off (nothing) or leak (the slope)', 'off')
    :argname 'HOW'
  return p
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  local function whole(flag, low, high) return show.whole('guided', '--' .. flag, given[flag], low, high) end
  if given.leaky ~= 'off' and given.leaky ~= 'leak' then cli.usage('guided: --leaky is %s, wanted off or leak', given.leaky) end
  local run, o = inside.open('guided', given)
  o.features, o.shown, o.top = whole('features', 1, 65536), whole('shown', 1, 100), whole('top', 1, 100)
  o.leaky = given.leaky
  require('gantry.lab.guided').run(run, o)
  return 0
end
