-- AC-GAN. Odena, Olah, Shlens 2016, "Conditional Image Synthesis With Auxiliary Classifier GANs", arXiv 1610.09585: G is told a class,
-- D says whether an image is real and of which class it is, and both networks want the class to be right (equations 2 and 3).
local gantry = require 'gantry'
local gan, nn, nets = gantry.gan, gantry.nn, require 'gantry.gan.nets'
local losses = gan.losses

return gan.recipe {
  name = 'acgan',
  about = 'D is a classifier too: Odena, Olah and Shlens (2016)',
  labels = 'data',
  options = gan.options('dcgan', {
    batch = 64, classes = {0, 'classes; 0: those of the data', min = 0, integer = true},
    weight = {1, 'of the classes in both losses', min = 0},
  }),
  generator = nets.class_generator,
  discriminator = function(o)
    return nn.Sequential():add(nets.dcgan_discriminator(o, {outputs = 1 + o.classes}))
      :add(nn.ConcatTable():add(nn.Narrow(2, 1, 1)):add(nn.Narrow(2, 2, o.classes))) -- real or not; the class
  end,

  d_loss = function(s)
    local real, fake = s.D(s.real), s.D(s.fake)
    s:note('accuracy', losses.accuracy(real[2], s.labels))
    local classes = losses.classification(real[2], s.labels) + losses.classification(fake[2], s.fake_labels)
    return losses.minimax_d(real[1], fake[1]) + s.options.weight * classes
  end,
  g_loss = function(s)
    local fake = s.D(s.fake)
    return losses.non_saturating_g(fake[1]) + s.options.weight * losses.classification(fake[2], s.fake_labels)
  end,
}
