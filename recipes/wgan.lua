-- WGAN. Arjovsky, Chintala, Bottou 2017, "Wasserstein GAN", arXiv 1701.07875. D is a critic without a logistic end, its weights are held
-- within a small box so that it cannot be too steep, and RMSprop moves them: algorithm 1 of the paper, with its settings.
local gantry = require 'gantry'
local gan, nets = gantry.gan, require 'gantry.gan.nets'
local losses = gan.losses

local function d_loss(s) return losses.wasserstein_d(s.D(s.real), s.D(s.fake)) end
local function g_loss(s) return losses.wasserstein_g(s.D(s.fake)) end

return gan.recipe {
  name = 'wgan',
  about = 'a critic with clipped weights: Arjovsky, Chintala and Bottou (2017)',
  options = gan.options('dcgan', {
    optimizer = 'rmsprop', lr = 5e-5, beta2 = 0.99, critic_steps = 5, batch = 64,
    clip = {0.01, "how far D's weights may be from 0", min = 1e-6},
  }),
  generator = nets.dcgan_generator,
  discriminator = nets.dcgan_discriminator,
  score = 'critic',

  step = function(s)
    for _ = 1, s.options.critic_steps do
      s:draw()
      s:update_d(d_loss)
      s:clip_weights('D', s.options.clip)
    end
    s:update_g(g_loss)
  end,
}
