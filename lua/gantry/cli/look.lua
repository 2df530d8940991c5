--- What the commands that look at a run share: sample, walk, arith, those of the lab. Which checkpoint, which z, which statistics of
-- batch norm, where a record goes.
-- @module gantry.cli.look
local show = require 'gantry.cli.show'

local look = {}

--- Adds the options that all of them have.
function look.any_run(p)
  p:flag('--trust', 'where a network has modules that Gantry does not know, execute the recipe in the run to make them')
  p:option('--threads', 'threads to use; results do not depend on it'):argname 'N'
end

--- Adds the options that say how a run is opened.
function look.which_run(p)
  p:option('--checkpoint', 'last, best, or a step that was kept', 'last'):argname 'WHICH'
  look.any_run(p)
end

--- Adds the options that say which generator of a run is looked at.
function look.which_network(p)
  p:flag('--training-stats', "batch norm with training's running averages; default: statistics estimated anew from 2,048 generated images")
  look.which_run(p)
end

--- Adds the seed of samples.
function look.seed(p) p:option('--seed', "of z (default: the run's)"):argname 'N' end

--- Adds the options that say which samples are drawn.
function look.which_samples(p)
  look.seed(p)
  p:option('--class', 'of the samples, where the run has classes: 1, 2 ... (default: one after another)'):argname 'N'
end

--- Adds where a record of the lab goes: record.new has the default.
function look.record(p) p:option('--out', 'directory of the record and its pictures (default: RUN/lab)'):argname 'DIR' end

--- Adds the shared options of sample, walk and arith to a parser.
function look.options(p)
  look.which_samples(p)
  p:option('--truncation', 'z nearer to the middle: uniform z times T; normal z cut off at T deviations; of a generator with '
    .. 'styles, styles nearer to their mean'):argname 'T'
  p:option('--scale', 'enlarge by so many whole pixels (default: so that it is comfortable to look at)'):argname 'N'
  p:option('--out', 'the PNG (default: in the run)'):argname 'PATH'
  look.which_network(p)
end

--- Opens the run as the options of which_run say.
-- @string command its name, for messages
-- @tparam table given parsed arguments
-- @treturn Run
function look.open_run(command, given)
  show.set_threads(command, given.threads)
  return require('gantry.gan').open(given.run, {checkpoint = show.checkpoint(command, given.checkpoint), trust = given.trust})
end

--- Which samples the shared options ask for, and how large.
-- @string command its name, for messages
-- @tparam table given parsed arguments
-- @treturn table seed, truncation, scale, class, those that were given
function look.how(command, given)
  return {
    seed = given.seed and show.whole(command, '--seed', given.seed, 0, 2 ^ 31),
    truncation = given.truncation and show.number(command, '--truncation', given.truncation),
    class = given.class and show.whole(command, '--class', given.class, 1, 2 ^ 24),
    scale = given.scale and show.whole(command, '--scale', given.scale, 1, 64),
  }
end

--- Opens the run as the shared options say.
-- @string command its name, for messages
-- @tparam table given parsed arguments
-- @treturn Run
-- @treturn table how: see look.how
function look.open(command, given)
  local how = look.how(command, given)
  local run = look.open_run(command, given)
  if not given.training_stats then run:reestimate() end
  if how.truncation and run:truncate(how.truncation) then how.truncation = nil end
  return run, how
end

return look
