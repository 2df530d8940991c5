--- gantry lab maximise RUN: the pictures that the features of D answer to most.
-- @module gantry.cli.lab.maximise
local argparse = require 'argparse'
local cli = require 'gantry.cli'
local inside = require 'gantry.cli.lab.inside'
local show = require 'gantry.cli.show'

local function parser()
  local p = argparse('gantry lab maximise', "Activation maximisation: gradient ascent on the picture for the first features of D's " ..
    'convolutions, beside a D that was never trained. Figure 5 of the DCGAN paper is gantry lab guided; a summary of it reads it as this.')
    :epilog('Example: gantry lab maximise runs/rooms --steps 256')
  inside.options(p, 500)
  p:option('--features', 'how many are measured, of the layer', '32'):argname 'N'
  p:option('--shown', 'how many are drawn, of every layer', '8'):argname 'N'
  p:option('--steps', 'of gradient ascent', '128'):argname 'N'
  p:option('--rate', "Adam's step size", '0.05'):argname 'X'
  p:option('--jitter', 'pixels that a step sees the picture moved by, at most (default: a sixteenth of the side)'):argname 'N'
  p:option('--smooth', 'weight of the squared differences of neighbouring pixels', '1'):argname 'X'
  p:option('--target', "where a feature is asked: map (the mean over positions) or centre", 'map'):argname 'HOW'
  return p
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  local function whole(flag, low, high) return show.whole('maximise', '--' .. flag, given[flag], low, high) end
  if given.target ~= 'map' and given.target ~= 'centre' then
    cli.usage('maximise: --target is %s, wanted map or centre', given.target)
  end
  local run, o = inside.open('maximise', given)
  o.features, o.shown, o.steps = whole('features', 1, 1024), whole('shown', 1, 64), whole('steps', 1, 1e5)
  o.rate, o.smooth = show.number('maximise', '--rate', given.rate), show.number('maximise', '--smooth', given.smooth)
  o.jitter, o.target = given.jitter and whole('jitter', 0, 512), given.target
  require('gantry.lab.maximise').run(run, o)
  return 0
end
