-- RaSGAN. Jolicoeur-Martineau 2018, "The relativistic discriminator: a key element missing from standard GAN", arXiv 1807.00734: D says how
-- much more real an image is than the average image of the other kind (equations 14 and 15), so G's gradient comes from real images too.
local gantry = require 'gantry'
local gan, nets = gantry.gan, require 'gantry.gan.nets'
local losses = gan.losses

return gan.recipe {
  name = 'ragan',
  about = 'a relativistic average discriminator: Jolicoeur-Martineau (2018)',
  options = gan.options('dcgan', {batch = 64}),
  generator = nets.dcgan_generator,
  discriminator = nets.dcgan_discriminator,
  score = 'critic',
  d_loss = function(s) return losses.relativistic_d(s.D(s.real), s.D(s.fake)) end,
  g_loss = function(s) return losses.relativistic_g(s.D(s.real), s.D(s.fake)) end,
}
