--- gantry train RECIPE: settings from files and flags, a run directory, and a session in it.
-- @module gantry.cli.train
local argparse = require 'argparse'
local native = require 'gantry.native'
local cli = require 'gantry.cli'
local show = require 'gantry.cli.show'

local function parser()
  local p = argparse('gantry train', 'Trains a recipe on images and keeps everything in a directory.')
    :epilog('Settings: defaults < --config < --set < flags. SPEC is a folder of images, FILE.npy, FILE.lua, mnist:DIR, idx:FILE, ' ..
      'cifar10:DIR, cifar100:DIR, scenes:faces or scenes:rooms; gantry data SPEC shows it.\n\n' ..
      'Example: gantry train dcgan --data ~/faces --out runs/faces --set size=64 batch=64')
  p:argument('recipe', 'name of a recipe (see gantry recipes), or path of a Lua file')
  p:option('--data', 'where the images come from', 'scenes:faces'):argname 'SPEC'
  p:option('--out', 'directory for the run'):argname 'RUN'
  p:option('--config', 'YAML file with settings, or the name of one beside the recipe'):argname 'FILE'
  p:option('--set', 'single settings'):argname 'KEY=VALUE':args '+':count '*'
  p:option('--steps', 'updates of the generator'):argname 'N'
  p:option('--seed', 'of weights, z and the order of the data'):argname 'N'
  p:option('--precision', 'of convolutions: float32, bf16x3, bfloat16 or reference'):argname 'NAME'
  p:option('--threads', 'threads to use; results do not depend on it'):argname 'N'
  p:flag('--force', 'start over where there is a run already')
  return p
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  if not given.out then cli.usage 'train: --out RUN is missing: the directory that the run is to be kept in' end
  show.set_threads('train', given.threads)
  local gan = require 'gantry.gan'
  local recipe, resolved = show.resolve('train', given)
  local session = gan.session.start {recipe = recipe, options = resolved, data = given.data, out = given.out, force = given.force}
  show.settings(recipe, resolved)
  for _, line in ipairs(session:describe()) do io.stdout:write(line, '\n') end
  io.stdout:write(('run: %s (%d threads)\n'):format(given.out, native.C.gt_threads()))
  return session:run().interrupted and 130 or 0
end
