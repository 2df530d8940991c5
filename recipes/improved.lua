-- The techniques of Salimans et al. 2016, "Improved Techniques for Training GANs", arXiv 1606.03498, section 3, together: D sees how
-- alike the images of a batch are (3.2), G also has to match D's mean features (3.1), weights are pulled to their average so far
-- (3.3), real images are only to be real with 0.9 (3.4), and G's batch norm is that of a reference batch chosen once (3.5).
local gantry = require 'gantry'
local gan, nn, torch, nets = gantry.gan, gantry.nn, gantry.torch, require 'gantry.gan.nets'
local losses, penalties = gan.losses, gan.penalties

return gan.recipe {
  name = 'improved',
  about = 'minibatch discrimination, feature matching and more: Salimans et al. (2016)',
  options = gan.options('dcgan', {
    batch = 64,
    features = {64, "D's features, which are matched and compared within the batch", min = 1, integer = true},
    kernels = {16, 'numbers of closeness to the rest of the batch', min = 1, integer = true},
    matching = {0.1, 'weight of feature matching', min = 0},
    history = {1e-3, "weight of each network's distance from its average so far", min = 0},
    real = {0.9, 'how real a real image is to be', min = 0.5, max = 1},
    reference = {64, 'images in the reference batch', min = 2, integer = true},
  }),

  generator = function(o)
    local net = nets.dcgan_generator(o):replace(function(m)
      return m.running_mean and nn.VirtualBatchNormalization(m.running_mean:size(1)) or m
    end)
    return nn.VirtualBatch(net, torch.FloatTensor(o.reference, o.z_size):uniform(-1, 1))
  end,

  -- Images to {logit, features}.
  discriminator = function(o)
    local last = nn.Sequential():add(nn.MinibatchDiscrimination(o.features, o.kernels)):add(nn.Linear(o.features + o.kernels, 1))
    return nn.Sequential():add(nets.dcgan_discriminator(o, {outputs = o.features})):add(nn.LeakyReLU(0.2))
      :add(nn.ConcatTable():add(last):add(nn.Identity()))
  end,

  d_loss = function(s)
    local o = s.options
    return losses.minimax_d(s.D(s.real)[1], s.D(s.fake)[1], o.real) + o.history * penalties.history(s, 'D')
  end,
  g_loss = function(s)
    local o, fake = s.options, s.D(s.fake)
    local matching = losses.feature_matching(s.D(s.real)[2], fake[2])
    return losses.non_saturating_g(fake[1]) + o.matching * matching + o.history * penalties.history(s, 'G')
  end,
}
