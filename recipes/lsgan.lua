-- LSGAN. Mao et al. 2016, "Least Squares Generative Adversarial Networks", arXiv 1611.04076: D's output is to be 1 on real and 0 on
-- generated images, by squares (equation 9), so that G is pulled towards the data by images that D is sure of too.
local gantry = require 'gantry'
local gan, nets = gantry.gan, require 'gantry.gan.nets'
local losses = gan.losses

return gan.recipe {
  name = 'lsgan',
  about = 'least squares in place of the cross-entropy: Mao et al. (2016)',
  options = gan.options('dcgan', {lr = 1e-3, batch = 64}),
  generator = nets.dcgan_generator,
  discriminator = nets.dcgan_discriminator,
  score = 'critic',
  d_loss = function(s) return losses.least_squares_d(s.D(s.real), s.D(s.fake)) end,
  g_loss = function(s) return losses.least_squares_g(s.D(s.fake)) end,
}
