-- A projection discriminator. Miyato and Koyama 2018, "cGANs with Projection Discriminator", arXiv 1802.05637: D's answer is a number
-- for the image, and the product of its features with a vector of the class (equation 3); in G each class has its own scales and
-- shifts of batch norm. Residual networks, spectral norm, hinge losses, and the paper's five updates of D for each of G.
local gantry = require 'gantry'
local gan, residual = gantry.gan, require 'gantry.gan.nets_residual'
local losses = gan.losses

return gan.recipe {
  name = 'projection',
  about = 'classes by projection in D and conditional batch norm in G: Miyato and Koyama (2018)',
  labels = 'data',
  options = gan.options {
    batch = 64, beta1 = 0, beta2 = 0.9, critic_steps = 5, z = 'normal', z_size = 128,
    base = {128, 'maps of the layers next to the image; twice as many at each halving', min = 1, integer = true},
    classes = {0, 'classes; 0: those of the data', min = 0, integer = true},
  },
  generator = function(o) return residual.generator(o, {classes = o.classes}) end,
  discriminator = function(o) return residual.discriminator(o, {classes = o.classes}) end,
  score = 'critic',
  d_loss = function(s) return losses.hinge_d(s.D(s.real, s.labels), s.D(s.fake, s.fake_labels)) end,
  g_loss = function(s) return losses.hinge_g(s.D(s.fake, s.fake_labels)) end,
}
