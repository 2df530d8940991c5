-- DCGAN. Radford, Metz, Chintala 2015, "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
-- Networks", arXiv 1511.06434. The defaults are the paper's 64x64 networks; the YAML files beside this one hold others.
local gantry = require 'gantry'
local gan, nets = gantry.gan, require 'gantry.gan.nets'

return gan.recipe {
  name = 'dcgan',
  about = 'the DCGAN of Radford, Metz and Chintala (2015), 16x16 to 128x128',
  options = gan.options {
    base = {128, 'maps of the layers next to the image; twice as many at each halving', min = 1, integer = true},
    kernel = {5, "5: the paper's networks, 4: dcgan.torch's", one_of = {4, 5}},
  },
  generator = nets.dcgan_generator,
  discriminator = nets.dcgan_discriminator,
  -- The losses are the standard ones: cross-entropy for D, and for G the non-saturating -log D(G(z)).
}
