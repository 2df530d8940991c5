-- GANs from few images: R1 and differentiable augmentation. Mescheder, Geiger, Nowozin 2018, "Which Training Methods for GANs do actually
-- Converge?", arXiv 1801.04406; Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training", arXiv 2006.10738.
-- D only ever sees images that were changed at random, real and generated ones alike, so it cannot learn the few by heart; R1, every
-- 16th step, keeps it flat at real images; samples come from an average of G's weights.
local gantry = require 'gantry'
local gan, nets = gantry.gan, require 'gantry.gan.nets'
local losses, penalties = gan.losses, gan.penalties

return gan.recipe {
  name = 'diffaugment',
  about = 'few images: augmentation in D (Zhao et al. 2020) and R1 (Mescheder et al. 2018)',
  options = gan.options('dcgan', {
    batch = 32, ema = 0.999, beta1 = 0.5,
    policy = {'color translation cutout', 'changes that D sees: some of color, translation, cutout'},
    r1 = {1, 'weight of R1', min = 0},
    r1_every = {16, 'steps from one R1 to the next', min = 1, integer = true},
  }),
  generator = nets.dcgan_generator,
  discriminator = function(o) return nets.dcgan_discriminator(o, {norm = 'none'}) end,

  d_loss = function(s)
    local o = s.options
    local function seen(x) return s.D(gan.augment(x, o.policy)) end
    local r1 = penalties.lazy(s, o.r1_every, function()
      return penalties.r1(s.D, gan.augment(s.real, o.policy))
    end)
    return losses.minimax_d(seen(s.real), seen(s.fake)) + o.r1 * r1
  end,
  g_loss = function(s) return losses.non_saturating_g(s.D(gan.augment(s.fake, s.options.policy))) end,
}
