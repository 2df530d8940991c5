--- Whether training is well: numbers that show a collapse or a divergence in metrics.jsonl. They are computed at logged steps only, from
-- what the step has at hand, and change nothing.
--
--   diversity             how far apart the generated images of the minibatch are, as the real ones are: 1 as far, 0 all the same
--   d_gradient, g_gradient, NAME_gradient   the length of each network's gradient in its last update, before it is clipped
--   filters_*             see gantry.gan.filters
--
-- @module gantry.gan.health
local autograd = require 'gantry.autograd'
local torch = require 'gantry.torch'
local Filters = require 'gantry.gan.filters'

local Health = {}
Health.__index = Health

--- @tparam Recipe recipe
-- @tparam table o the run's options
function Health.new(recipe, o)
  return setmetatable({filters = not recipe.pairs and Filters.new(o, recipe.labels ~= nil) or nil}, Health)
end

local variances = torch.FloatTensor() -- used again: looking takes no new memory

-- The root mean square distance of pairs of images, but for a factor: that of all pairs is twice the sum of the pixels' variances.
local function spread(x)
  local images = autograd.is_value(x) and x.data or x
  return math.sqrt(torch.var(variances, images, 1):sum())
end

--- How far apart generated images are, relative to real ones: the root of the ratio of the mean squared distances of pairs.
-- @param real N x ... , at least 2, a tensor or value
-- @param fake as many
-- @treturn number 0 where all are the same; nothing where the real ones are
-- @usage Health.diversity(s.real, s.fake)
function Health.diversity(real, fake)
  local of_real = spread(real)
  return of_real > 0 and spread(fake) / of_real or nil
end

--- Looks at a step before it is cleared.
-- @tparam Step s
-- @treturn table numbers by name
function Health:look(s)
  local found = self.filters and self.filters:look(s.players.G.net) or {}
  if s.real and s.generated then found.diversity = Health.diversity(s.real, s.generated) end
  for name, player in pairs(s.players) do found[(#name == 1 and name:lower() or name) .. '_gradient'] = player:length() end
  return found
end

return Health
