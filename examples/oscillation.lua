-- Filters of G that swing together: the failure that the DCGAN paper left open ("collapse a subset of filters to a single oscillating
-- mode", section 7), provoked and measured. One picture is all that there is to learn. With momentum (beta1 0.9) and without batch norm
-- G passes it, D turns round, G comes back, and so on; with beta1 0.5, or with batch norm, G settles.
--
--   gantry examples/oscillation.lua [STEPS]          700 by default; a few seconds
local gantry = require 'gantry'
local gan, nets = gantry.gan, require 'gantry.gan.nets'
local Filters = require 'gantry.gan.filters'

local steps = tonumber((...) or 700)
local EVERY = 2 -- steps between two looks at the filters: what is seen takes 2 to 32 of them
if not steps or steps <= EVERY * Filters.MOVES then
  io.stderr:write(('usage: gantry examples/oscillation.lua [STEPS], more than %d\n'):format(EVERY * Filters.MOVES))
  os.exit(2)
end

-- DCGAN's networks; without batch norm a bias is left in its place.
local function network(make)
  return function(o)
    local net = make(o)
    if o.norm then return net end
    return net:replace(function(m)
      local bias = m.running_mean and gantry.nn.CAdd(m.running_mean:size(1), 1, 1)
      if bias then bias.bias:zero() end
      return bias or m
    end)
  end
end

local recipe = gan.recipe {
  name = 'oscillation',
  options = gan.options('dcgan', {norm = {true, 'whether there is batch norm'}}),
  generator = network(nets.dcgan_generator), discriminator = network(nets.dcgan_discriminator),
}

-- A data set of one picture.
local function one_picture(o)
  local picture = gantry.data.open('scenes:faces', {size = o.size, channels = o.channels}):batch {1}
  local batch = picture:expand(o.batch, o.channels, o.size, o.size):contiguous()
  return {name = 'one picture', size = function() return 1 end, batches = function() return {next = function() return batch end} end}
end

local function train(name, settings)
  local values = {size = 16, channels = 1, base = 8, kernel = 4, batch = 16, z_size = 16, lr = 1e-3, steps = steps, log_every = EVERY}
  for key, value in pairs(settings) do values[key] = value end
  local o = recipe.options:resolve {from = name, values = values}
  local trainer = gan.trainer(recipe, o, one_picture(o))
  local most, mode, sum, count = 0, 0, 0, 0
  for _ = 1, steps do
    local m = trainer:step()
    if m.filters_oscillating then
      if m.filters_oscillating > most then most, mode = m.filters_oscillating, m.filters_one_mode end
      sum, count = sum + m.filters_oscillating, count + 1
    end
  end
  print(('%-20s filters oscillating: %3.0f%% at most, %3.0f%% on average; then %2.0f%% of all movement at one frequency'):format(
    name, 100 * most, 100 * sum / count, 100 * mode))
end

train('beta1 0.9, no norm', {beta1 = 0.9, norm = false})
train('beta1 0.9', {beta1 = 0.9})
train('beta1 0.5, no norm', {beta1 = 0.5, norm = false})
train('beta1 0.5', {})
