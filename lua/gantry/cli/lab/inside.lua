--- What the experiments that look inside a run's discriminator share: guided, maximise.
-- @module gantry.cli.lab.inside
local look = require 'gantry.cli.look'
local show = require 'gantry.cli.show'

local inside = {}

--- Adds the shared options to a parser.
-- @param p the parser
-- @int images how many real ones are looked at, unless it is said
function inside.options(p, images)
  p:argument('run', 'directory of the run'):argname 'RUN'
  p:option('--data', "the real images (default: the run's)"):argname 'SPEC'
  p:option('--images', 'how many of them', tostring(images)):argname 'N'
  p:option('--layer', "of convolutions, from 1 at the picture's side, -1 the last", '-1'):argname 'N'
  p:option('--seed', 'of which real images, and of the weights of the untrained D', '1'):argname 'N'
  look.record(p)
  look.which_network(p)
end

--- Opens the run as they say.
-- @string command its name, for messages
-- @tparam table given parsed arguments
-- @treturn Run
-- @treturn table data, images, layer, seed, out
function inside.open(command, given)
  local o = {
    data = given.data, out = given.out, images = show.whole(command, '--images', given.images, 2, 1e6),
    layer = show.whole(command, '--layer', given.layer, -100, 100), seed = show.whole(command, '--seed', given.seed, 0, 2 ^ 31),
  }
  return look.open(command, given), o
end

return inside
