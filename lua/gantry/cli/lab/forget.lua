--- gantry lab forget RUN: what a generator draws without the feature maps that speak for windows.
-- @module gantry.cli.lab.forget
local argparse = require 'argparse'
local cli = require 'gantry.cli'
local look = require 'gantry.cli.look'
local show = require 'gantry.cli.show'

local function parser()
  local p = argparse('gantry lab forget', "Forgetting to draw windows (section 6.3.1 of the DCGAN paper): a logistic regression on a " ..
    "convolution's features tells positions in boxes of windows from others; the maps with a weight above 0 are dropped. Before and " ..
    'after are drawn, and counted by a detector that learned on real pictures; so are as many random maps.')
    :epilog('Boxes come from the detector where the data know boxes, as scenes:rooms do, or from --boxes: lines ' ..
      '`sample x0 y0 x1 y1`, in pixels of the picture.\n\n' ..
      'Examples:\n   gantry lab forget runs/rooms\n   gantry lab forget runs/rooms --replace noise --most 20\n' ..
      '   gantry lab forget runs/mine --boxes windows.tsv')
  p:argument('run', 'directory of the run'):argname 'RUN'
  p:option('--object', 'what is forgotten: one of the kinds that the data know boxes of', 'window'):argname 'KIND'
  p:option('--samples', 'samples to learn from', '150'):argname 'N'
  p:option('--judged', 'other samples, that are counted', '400'):argname 'N'
  p:option('--boxes', "boxes drawn by hand (default: the detector's)"):argname 'FILE'
  p:option('--detector', 'the detector: read, or written where there is no such file'):argname 'FILE'
  p:option('--steps', "of the detector's training", '600'):argname 'N'
  p:option('--data', "labelled real pictures for it (default: the run's)"):argname 'SPEC'
  p:option('--layer', "of G's convolutions; -1 makes the image, -3 is the second-highest below it", '-3'):argname 'N'
  p:option('--replace', 'what dropped maps become: zero, as in the paper, or noise in place of positive values', 'zero'):argname 'HOW'
  p:option('--most', 'drop at most so many maps, those with the largest weights (default: all with a weight above 0)'):argname 'N'
  p:option('--draws', 'of as many random maps', '5'):argname 'N'
  look.seed(p)
  look.record(p)
  look.which_network(p)
  return p
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  local function whole(flag, low, high) return given[flag] and show.whole('forget', '--' .. flag, given[flag], low, high) or nil end
  if given.replace ~= 'zero' and given.replace ~= 'noise' then cli.usage('forget: --replace is %s, wanted zero or noise', given.replace) end
  local o = {
    object = given.object, samples = whole('samples', 2, 1e5), judged = whole('judged', 2, 1e5), boxes = given.boxes,
    detector = given.detector, steps = whole('steps', 1, 1e6), data = given.data, layer = whole('layer', -100, 100),
    replace = given.replace, most = whole('most', 1, 65536), draws = whole('draws', 1, 100), out = given.out,
  }
  local run, how = look.open('forget', given)
  o.seed = how.seed
  require('gantry.lab.forget').run(run, o)
  return 0
end
