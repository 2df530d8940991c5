-- WGAN-GP. Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", arXiv 1704.00028: in place of clipped weights, D's gradient
-- is asked to have length 1 at points between real and generated images (equation 3). The penalty is about single images, so D has layer
-- norm in place of batch norm (section 4).
local gantry = require 'gantry'
local gan, nets = gantry.gan, require 'gantry.gan.nets'
local losses, penalties = gan.losses, gan.penalties

return gan.recipe {
  name = 'wgan-gp',
  about = "a critic with a penalty of its gradient: Gulrajani et al. (2017)",
  options = gan.options('dcgan', {
    lr = 1e-4, beta1 = 0, beta2 = 0.9, critic_steps = 5, batch = 64,
    penalty = {10, 'weight of the gradient penalty', min = 0},
  }),
  generator = nets.dcgan_generator,
  discriminator = function(o) return nets.dcgan_discriminator(o, {norm = 'layer'}) end,
  score = 'critic',

  d_loss = function(s)
    local penalty = penalties.gradient(s.D, s.real, s.fake)
    s:note('penalty', penalty)
    return losses.wasserstein_d(s.D(s.real), s.D(s.fake)) + s.options.penalty * penalty
  end,
  g_loss = function(s) return losses.wasserstein_g(s.D(s.fake)) end,
}
