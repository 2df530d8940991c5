-- SAGAN. Zhang, Goodfellow, Metaxas, Odena 2018, "Self-Attention Generative Adversarial Networks", arXiv 1805.08318: in both networks
-- each place of the maps may look at all others (section 3), spectral norm is in G too, and D learns at four times G's rate with one
-- update each (section 4). Classes by projection and conditional batch norm.
local gantry = require 'gantry'
local gan, residual = gantry.gan, require 'gantry.gan.nets_residual'
local losses = gan.losses

return gan.recipe {
  name = 'sagan',
  about = 'attention in both networks, two rates: Zhang et al. (2018)',
  labels = 'data',
  options = gan.options {
    batch = 64, lr = 1e-4, lr_d = 4e-4, beta1 = 0, beta2 = 0.9, z = 'normal', z_size = 128,
    base = {128, 'maps of the layers next to the image; twice as many at each halving', min = 1, integer = true},
    classes = {0, 'classes; 0: those of the data', min = 0, integer = true},
  },
  generator = function(o) return residual.generator(o, {classes = o.classes, attention = true, spectral = true}) end,
  discriminator = function(o) return residual.discriminator(o, {classes = o.classes, attention = true}) end,
  score = 'critic',
  d_loss = function(s) return losses.hinge_d(s.D(s.real, s.labels), s.D(s.fake, s.fake_labels)) end,
  g_loss = function(s) return losses.hinge_g(s.D(s.fake, s.fake_labels)) end,
}
