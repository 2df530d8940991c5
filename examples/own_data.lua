-- Data of your own: discs of every size and colour, made when they are asked for.
--
--   gantry data examples/own_data.lua --size 32                          a sheet of them
--   gantry train dcgan --data examples/own_data.lua --out runs/discs --set size=32 base=32 batch=32 --steps 2000
--
-- The file is called with a table {height, width, channels, seed}. What get(i) returns has to depend on i alone; torch's random
-- numbers are seeded with the run's seed and i before each call, so they may be used.
local o = ...
local torch = require('gantry').torch

-- Distances from the left and the top edge, as images.
local across = torch.range(0.5, o.width):view(1, o.width):expand(o.height, o.width)
local down = torch.range(0.5, o.height):view(o.height, 1):expand(o.height, o.width)

return {
  size = 10000,
  classes = {'small', 'large'},
  label = function(i) return i % 2 + 1 end,
  get = function(i)
    local shorter = math.min(o.height, o.width)
    local radius = shorter * (i % 2 == 0 and torch.uniform(0.1, 0.2) or torch.uniform(0.3, 0.45))
    local x, y = torch.uniform(radius, o.width - radius), torch.uniform(radius, o.height - radius)
    local distance = ((across - x):pow(2) + (down - y):pow(2)):sqrt()
    local inside = (-distance + radius + 0.5):clamp(0, 1)
    local image = torch.FloatTensor(o.channels, o.height, o.width)
    for c = 1, o.channels do
      local ground, colour = torch.uniform(-1, 0), torch.uniform(0, 1)
      image[c]:copy(inside * (colour - ground) + ground)
    end
    return image
  end,
}
