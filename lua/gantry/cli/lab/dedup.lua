--- gantry lab dedup: near duplicates by semantic hashing, and how well they are found.
-- @module gantry.cli.lab.dedup
local argparse = require 'argparse'
local cli = require 'gantry.cli'
local show = require 'gantry.cli.show'

local function parser()
  local p = argparse('gantry lab dedup', 'Trains an autoencoder whose code tells near duplicates, counts those in the data, and how ' ..
    'many copies (moved, JPEG, brighter) are found. gantry data SPEC --dedup uses the same to leave duplicates out.')
    :epilog('Examples:\n   gantry lab dedup --data photos --out lab\n' ..
      '   gantry lab dedup --data more-photos --net lab/dedup.safetensors --out lab2')
  p:option('--data', 'the pictures'):argname 'SPEC'
  p:option('--out', 'directory of the results and of the network, dedup.safetensors'):argname 'DIR'
  p:option('--net', 'a network that was trained before'):argname 'FILE'
  p:option('--set', 'of the training: units, steps, batch, lr, shift, brightness, noise, dropout, margin'):argname 'KEY=VALUE'
    :args '+':count '*'
  p:option('--n', 'pictures of which copies are made', '2000'):argname 'N'
  p:option('--radius', 'bits in which codes of pictures that are compared may differ', '6'):argname 'BITS'
  p:option('--shifts', 'pixels of 32 by which duplicates may be moved', '2'):argname 'N'
  p:option('--likeness', 'from which pictures with near codes are duplicates; 0: codes decide alone', '0.975'):argname '0..1'
  p:option('--seed', 'of the weights and the copies', '1'):argname 'N'
  p:option('--threads', 'threads to use; results do not depend on it'):argname 'N'
  return p
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  if not given.data then cli.usage 'lab dedup: --data SPEC is missing: the pictures' end
  if not given.out then cli.usage 'lab dedup: --out DIR is missing: where results go' end
  show.set_threads('lab dedup', given.threads)
  local o = {
    out = given.out, n = show.whole('lab dedup', '--n', given.n, 2, 1e6), radius = show.whole('lab dedup', '--radius', given.radius, 0, 64),
    shifts = show.whole('lab dedup', '--shifts', given.shifts, 0, 8), likeness = show.number('lab dedup', '--likeness', given.likeness),
  }
  local training = {seed = show.whole('lab dedup', '--seed', given.seed, 0, 2 ^ 31)}
  for key, value in pairs(show.pairs('lab dedup', given.set)) do training[key] = show.number('lab dedup', '--set ' .. key, value) end
  local lab = require 'gantry.lab'
  local set = lab.dedup.open(given.data)
  local net = given.net and lab.dedup.load(given.net)
  if not net then
    local update = show.progress 'learning'
    function training.progress(step) update(step, training.steps or lab.dedup.defaults.steps) end
    net = lab.dedup.train(set, training)
    require('gantry.gan.folder').make(given.out)
    net:save(given.out .. '/dedup.safetensors')
    io.stdout:write(('%s/dedup.safetensors: trained for %d steps, loss %.4f\n'):format(given.out, net.about.steps, net.about.loss))
  end
  o.progress = show.progress 'comparing'
  lab.copies.run(net, set, o)
  return 0
end
