--- What the lab's commands on features share: which network of a run is looked into, and how its activations are pooled.
local cli = require 'gantry.cli'
local show = require 'gantry.cli.show'

local network = {}

--- Adds the options.
function network.options(p)
  p:option('--pool', 'regions a side that activations are max-pooled to', '4'):argname 'N'
  p:option('--windows', "in place of it, the sides of the pooling windows layer by layer, as 4,2,1 (the authors' SVHN program)")
    :argname 'N,N,...'
  p:flag('--training-stats', "batch norm with training's running averages; default: estimated anew over the training set")
  p:option('--checkpoint', 'last, best, or a step that was kept', 'last'):argname 'WHICH'
  p:flag('--trust', 'where a network has modules that Gantry does not know, execute the recipe in the run to make them')
  p:option('--threads', 'threads to use; results do not depend on it'):argname 'N'
end

--- Opens the run.
-- @string command its name, for messages
-- @tparam table given parsed arguments
-- @treturn Run
-- @treturn table options for features.extractor
function network.open(command, given)
  show.set_threads(command, given.threads)
  local windows
  for piece in given.windows and (given.windows .. ','):gmatch '([^,]*),' or function() end do
    windows = windows or {}
    windows[#windows + 1] = show.whole(command, '--windows', piece, 1, 4096)
  end
  local which = given.checkpoint
  if which ~= 'last' and which ~= 'best' then which = show.whole(command, '--checkpoint', which, 0, 1e9) end
  if given.of and given.of ~= 'D' and given.of ~= 'G' then cli.usage('%s: --of is %s, wanted D or G', command, given.of) end
  local run = require('gantry.gan').open(given.run, {checkpoint = which, trust = given.trust})
  return run, {
    of = given.of or 'D', pool = show.whole(command, '--pool', given.pool, 1, 4096), windows = windows,
    statistics = not given.training_stats,
  }
end

return network
