-- A recipe is a Lua file; this one is a GAN with hinge losses (Lim and Ye 2017, arXiv 1705.02894) on DCGAN's networks:
--   gantry train examples/own_recipe.lua --data scenes:faces --out runs/hinge --set size=32 base=32 kernel=4 steps=1000
local gantry = require 'gantry'
local gan, nets = gantry.gan, require 'gantry.gan.nets'

return gan.recipe {
  name = 'hinge',
  about = 'DCGAN with hinge losses',
  options = gan.options('dcgan', {
    margin = {1, 'how far from zero D has to push', min = 0},
  }),
  generator = nets.dcgan_generator,
  discriminator = nets.dcgan_discriminator,
  score = 'critic',

  d_loss = function(s)
    local margin = s.options.margin
    return (margin - s.D(s.real)):relu():mean() + (margin + s.D(s.fake)):relu():mean()
  end,
  g_loss = function(s) return -s.D(s.fake):mean() end,
}
