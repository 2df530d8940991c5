--- gantry lab turn RUN --judge FILE: the turn vector, counted.
-- @module gantry.cli.lab.turn
local argparse = require 'argparse'
local cli = require 'gantry.cli'
local look = require 'gantry.cli.look'
local show = require 'gantry.cli.show'

local function parser()
  local p = argparse('gantry lab turn', 'The vector from the mean z of four samples that look left to that of four that look right: ' ..
    'does it turn others? The judge chooses the samples and says how far each image is turned.')
    :epilog('Examples:\n   gantry features --data scenes:faces --attributes turn --out judge.safetensors\n' ..
      '   gantry lab turn runs/faces --judge judge.safetensors\n' ..
      "   gantry lab turn runs/faces --judge labels.safetensors --from smile=0 --to smile=1    # another attribute's vector")
  p:argument('run', 'directory of the run'):argname 'RUN'
  p:option('--judge', 'a net that tells attributes, made by gantry features'):argname 'FILE'
  p:option('--from', 'what the samples at one end are', 'turn<-0.4'):argname 'RULE'
  p:option('--to', 'and at the other; its first attribute is measured', 'turn>0.4'):argname 'RULE'
  p:option('--vectors', 'how many, each of samples of its own', '20'):argname 'N'
  p:option('--samples', 'moved along each vector', '10'):argname 'N'
  p:option('--positions', 'on each vector, from minus the whole of it to plus', '9'):argname 'N'
  p:option('--sure', 'how probable the judge must call what a sample is chosen for', '0.95'):argname 'P'
  look.which_samples(p)
  look.record(p)
  look.which_network(p)
  return p
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  if not given.judge then cli.usage 'turn: --judge FILE is missing: a net that tells attributes; gantry features makes one' end
  local o = {
    from = given.from, to = given.to, vectors = show.whole('turn', '--vectors', given.vectors, 2, 10000),
    samples = show.whole('turn', '--samples', given.samples, 1, 10000),
    positions = show.whole('turn', '--positions', given.positions, 3, 101), sure = show.number('turn', '--sure', given.sure),
  }
  local parse = require('gantry.lab.rules').parse
  for _, text in ipairs {o.from, o.to} do
    local ok, problem = pcall(parse, text)
    if not ok then cli.usage('%s', problem) end
  end
  local run, how = look.open('turn', given)
  o.seed, o.class, o.out = how.seed, how.class, given.out
  require('gantry.lab.turn').experiment(run, require('gantry.metrics.features').load(given.judge), o)
  return 0
end
