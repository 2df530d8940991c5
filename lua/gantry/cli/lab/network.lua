--- What the lab's commands on features share: which network of a run is looked into, and how its activations are pooled.
local cli = require 'gantry.cli'
local look = require 'gantry.cli.look'
local show = require 'gantry.cli.show'

local network = {}

--- Adds the options.
function network.options(p)
  p:option('--pool', 'regions a side that activations are max-pooled to', '4'):argname 'N'
  p:option('--windows', "in place of it, the sides of the pooling windows layer by layer, as 4,2,1 (the authors' SVHN program)")
    :argname 'N,N,...'
  p:flag('--training-stats', "batch norm with training's running averages; default: estimated anew over the training set")
  look.which_run(p)
end

--- Opens the run.
-- @string command its name, for messages
-- @tparam table given parsed arguments
-- @treturn Run
-- @treturn table options for features.extractor
function network.open(command, given)
  local windows = given.windows and show.wholes(command, '--windows', given.windows, 1, 4096)
  if given.of and given.of ~= 'D' and given.of ~= 'G' then cli.usage('%s: --of is %s, wanted D or G', command, given.of) end
  local pool = show.whole(command, '--pool', given.pool, 1, 4096)
  return look.open_run(command, given), {
    of = given.of or 'D', pool = pool, windows = windows, statistics = not given.training_stats,
  }
end

return network
