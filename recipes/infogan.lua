-- InfoGAN. Chen et al. 2016, "InfoGAN: Interpretable Representation Learning by Information Maximizing Generative Adversarial Nets", arXiv
-- 1606.03657: without any labels, G gets a class that is only drawn, and the last numbers of z are codes. Q has to read both off the
-- image (a bound on their mutual information, equation 5), so that they come to mean something. Q shares D's layers but for one
-- hidden layer of its own (appendix C.1).
local gantry = require 'gantry'
local gan, nn, nets = gantry.gan, gantry.nn, require 'gantry.gan.nets'
local losses = gan.losses

-- Minus the bound, up to a constant: how badly Q reads the class and the codes of generated images.
local function unread(s, fake)
  local o = s.options
  local codes = s.z:narrow(2, o.z_size - o.codes + 1, o.codes)
  local of_class, of_codes = losses.classification(fake[2], s.fake_labels), losses.codes(fake[3], codes)
  s:note('class_unread', of_class)
  s:note('codes_unread', of_codes)
  return o.weight_class * of_class + o.weight_codes * of_codes
end

return gan.recipe {
  name = 'infogan',
  about = 'codes that can be read off the image, without labels: Chen et al. (2016)',
  labels = 'drawn',
  options = gan.options('dcgan', {
    batch = 64, z_size = 64, lr = 1e-3, lr_d = 2e-4,
    features = {256, 'units of the layer that D and Q share last', min = 1, integer = true},
    hidden = {128, "units of Q's own layer", min = 1, integer = true},
    classes = {10, 'classes that are drawn', min = 2, integer = true},
    codes = {2, 'numbers of z that are to be readable, its last ones', min = 1, integer = true},
    weight_class = {1, 'of the class in both losses', min = 0},
    weight_codes = {0.1, 'of the codes', min = 0},
  }),
  generator = nets.class_generator,
  -- Images to {logit, logits of the classes, means of the codes}.
  discriminator = function(o)
    local Q = nn.Sequential():add(nn.Linear(o.features, o.hidden, false)):add(nn.BatchNormalization(o.hidden)):add(nn.LeakyReLU(0.2))
      :add(nn.Linear(o.hidden, o.classes + o.codes))
      :add(nn.ConcatTable():add(nn.Narrow(2, 1, o.classes)):add(nn.Narrow(2, 1 + o.classes, o.codes)))
    -- No batch norm here: it would hide from D what all images of a batch have in common, as the shade of their ground.
    return nets.init(nn.Sequential():add(nets.dcgan_discriminator(o, {outputs = o.features})):add(nn.LeakyReLU(0.2))
      :add(nn.ConcatTable():add(nn.Linear(o.features, 1)):add(Q)):add(nn.FlattenTable()))
  end,

  d_loss = function(s)
    local fake = s.D(s.fake)
    return losses.minimax_d(s.D(s.real)[1], fake[1]) + unread(s, fake)
  end,
  g_loss = function(s)
    local fake = s.D(s.fake)
    return losses.non_saturating_g(fake[1]) + unread(s, fake)
  end,
}
