-- One DCGAN update in Gantry, whole: data, both networks, Adam. A step for each line on standard input.
-- usage: gantry bench/gantry_step.lua SIZE BATCH BASE KERNEL CHANNELS      Prints "ready", then the seconds of each step.
local gantry = require 'gantry'
local gan, data, torch = gantry.gan, gantry.data, gantry.torch

local numbers = {}
for i = 1, 5 do numbers[i] = assert(tonumber(arg[i]), 'wanted SIZE BATCH BASE KERNEL CHANNELS') end
local size, batch, base, kernel, channels = unpack(numbers)
local recipe = gan.load_recipe 'dcgan'
local values = {size = size, batch = batch, base = base, kernel = kernel, channels = channels, z = 'normal'}
local options = recipe.options:resolve {from = 'bench', values = values}
local trainer = gan.trainer(recipe, options, data.open('scenes:faces', {size = size, channels = channels, seed = 1}))

trainer:step()
print 'ready'
io.stdout:flush()
for _ in io.lines() do
  local timer = torch.Timer()
  trainer:step()
  print(('%.6f'):format(timer:time().real))
  io.stdout:flush()
end
