-- One DCGAN update in Gantry, whole: data, both networks, Adam. A step for each line on standard input.
-- usage: gantry bench/gantry_step.lua SIZE BATCH BASE      Prints "ready", then the seconds of each step.
local gantry = require 'gantry'
local gan, data, torch = gantry.gan, gantry.data, gantry.torch

local size, batch, base = tonumber(arg[1]), tonumber(arg[2]), tonumber(arg[3])
local recipe = gan.load_recipe 'dcgan'
local options = recipe.options:resolve {from = 'bench', values = {size = size, batch = batch, base = base, kernel = 4, z = 'normal'}}
local trainer = gan.trainer(recipe, options, data.open('scenes:faces', {size = size, channels = 3, seed = 1}))

trainer:step()
print 'ready'
io.stdout:flush()
for _ in io.lines() do
  local timer = torch.Timer()
  trainer:step()
  print(('%.6f'):format(timer:time().real))
  io.stdout:flush()
end
