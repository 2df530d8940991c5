--- gantry features: trains a feature net for gantry score on a labelled set.
-- @module gantry.cli.features
local argparse = require 'argparse'
local cli = require 'gantry.cli'
local show = require 'gantry.cli.show'

local function parser()
  local p = argparse('gantry features', 'Trains a small network to tell the classes of a labelled set (of built-in scenes: their ' ..
    'attributes). gantry score compares images by what its last hidden layer makes of them.')
    :epilog('Examples:\n   gantry features --data scenes:faces --out faces.safetensors\n' ..
      '   gantry features --data mnist:DIR --out digits.safetensors')
  p:option('--data', 'a labelled set: a folder with a sub-folder for each class, mnist:DIR, cifar10:DIR, scenes:faces ...'):argname 'SPEC'
  p:option('--out', 'the file; its name is the name of the net'):argname 'FILE'
  p:option('--size', 'side of the images that it looks at', '32'):argname 'N'
  p:option('--channels', "1 or 3 (default: the data's)"):argname 'N'
  p:option('--width', 'how many features', '128'):argname 'N'
  p:option('--steps', 'minibatches of 64', '2000'):argname 'N'
  p:option('--seed', 'of the weights and the order of the images', '1'):argname 'N'
  p:option('--threads', 'threads to use; results do not depend on it'):argname 'N'
  return p
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  if not given.data then cli.usage 'features: --data SPEC is missing: the labelled set to learn from' end
  if not given.out or not given.out:match '%.safetensors$' then
    cli.usage('features: --out is %s, wanted a file that ends in .safetensors', tostring(given.out))
  end
  show.set_threads('features', given.threads)
  local steps = show.whole('features', '--steps', given.steps, 1, 1e7)
  local features = require 'gantry.metrics.features'
  local every = math.max(1, math.floor(steps / 5))
  local f = features.train(given.data, {
    size = show.whole('features', '--size', given.size, 16, 256), width = show.whole('features', '--width', given.width, 2, 2048),
    channels = given.channels and show.whole('features', '--channels', given.channels, 1, 3), steps = steps,
    seed = show.whole('features', '--seed', given.seed, 0, 2 ^ 31),
    progress = function(step, loss)
      if step % every == 0 then io.stdout:write(('step %d/%d  loss %.4f\n'):format(step, steps, loss)) end
    end,
  })
  f:save(given.out)
  local a = f.about
  io.stdout:write(('%s on %d images that it was not trained on: %.1f%%\n'):format(
    a.measure == 'accuracy' and 'right' or 'variance of the attributes explained', a.judges, 100 * a.score))
  io.stdout:write(('%s (%s): %s\n'):format(f.name, f.hash, given.out))
  return 0
end
