--- gantry features: trains a feature net on a labelled set, for gantry score and to judge attributes in the lab.
-- @module gantry.cli.features
local argparse = require 'argparse'
local cli = require 'gantry.cli'
local show = require 'gantry.cli.show'

local function parser()
  local p = argparse('gantry features', 'Trains a small network to tell the classes of a labelled set (of built-in scenes: their ' ..
    'attributes; with --labels: the columns of a table). gantry score compares images by what its last hidden layer makes of them; ' ..
    'gantry lab judges attributes by what it tells.')
    :epilog('Examples:\n   gantry features --data scenes:faces --out faces.safetensors\n' ..
      '   gantry features --data mnist:DIR --out digits.safetensors\n' ..
      '   gantry features --data faces --labels faces.tsv --attributes gender,smile --size 64 --out judge.safetensors')
  p:option('--data', 'a labelled set: a folder with a sub-folder for each class, mnist:DIR, cifar10:DIR, scenes:faces ...'):argname 'SPEC'
  p:option('--labels', 'for a folder: a table whose first column is the image and whose first line names the others'):argname 'FILE.tsv'
  p:option('--attributes', 'which columns of the table, or attributes of the scenes, to learn (default: all)'):argname 'NAME,NAME'
  p:option('--out', 'the file; its name is the name of the net'):argname 'FILE'
  p:option('--size', 'side of the images that it looks at', '32'):argname 'N'
  p:option('--channels', "1 or 3 (default: the data's)"):argname 'N'
  p:option('--width', 'how many features', '128'):argname 'N'
  p:option('--steps', 'minibatches of 64', '2000'):argname 'N'
  p:option('--seed', 'of the weights and the order of the images', '1'):argname 'N'
  p:option('--threads', 'threads to use; results do not depend on it'):argname 'N'
  return p
end

local function list(text)
  if not text then return nil end
  local names = {}
  for name in text:gmatch '[^,]+' do names[#names + 1] = name end
  if #names == 0 then cli.usage 'features: --attributes is empty, wanted names with commas between' end
  return names
end

local function tell(a)
  if not a.attributes then return end
  for _, attribute in ipairs(a.attributes) do
    local share = attribute.accuracy or attribute.explained
    io.stdout:write(('  %s: %.1f%%%s\n'):format(attribute.name, 100 * share,
      attribute.values and ' (' .. table.concat(attribute.values, ', ') .. ')' or ''))
  end
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  if not given.data then cli.usage 'features: --data SPEC is missing: the labelled set to learn from' end
  if not given.out then cli.usage 'features: --out FILE.safetensors is missing: where the net goes' end
  if not given.out:match '%.safetensors$' then cli.usage('features: --out is %s, wanted a file that ends in .safetensors', given.out) end
  show.set_threads('features', given.threads)
  local steps = show.whole('features', '--steps', given.steps, 1, 1e7)
  local features = require 'gantry.metrics.features'
  local every = math.max(1, math.floor(steps / 5))
  local f = features.train(given.data, {
    size = show.whole('features', '--size', given.size, 16, 256), width = show.whole('features', '--width', given.width, 2, 2048),
    channels = given.channels and show.whole('features', '--channels', given.channels, 1, 3), steps = steps,
    seed = show.whole('features', '--seed', given.seed, 0, 2 ^ 31),
    labels = given.labels, attributes = list(given.attributes),
    progress = function(step, loss)
      if step % every == 0 then io.stdout:write(('step %d/%d  loss %.4f\n'):format(step, steps, loss)) end
    end,
  })
  f:save(given.out)
  local a = f.about
  io.stdout:write(('%s on %d images that it was not trained on: %.1f%%\n'):format(
    a.measure == 'accuracy' and 'right' or 'variance of the attributes explained', a.judges, 100 * a.score))
  tell(a)
  io.stdout:write(('%s (%s): %s\n'):format(f.name, f.hash, given.out))
  return 0
end
