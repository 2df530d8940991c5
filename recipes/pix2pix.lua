-- pix2pix. Isola, Zhu, Zhou, Efros 2016, "Image-to-Image Translation with Conditional Adversarial Networks", arXiv 1611.07004: G turns
-- the left picture of each pair into the right one. D sees both and judges patches; G also has to be near the truth pixel by pixel
-- (equation 4). The data are pairs side by side: pairs:rooms, pairs:faces, or a folder of such pictures.
local gantry = require 'gantry'
local gan, nn, translation = gantry.gan, gantry.nn, require 'gantry.gan.nets_translation'
local losses = gan.losses

return gan.recipe {
  name = 'pix2pix',
  about = 'images made from images, learned from pairs: Isola et al. (2016)',
  pairs = true,
  options = gan.options({
    batch = 4, size = 64, samples = 12,
    base = {64, 'maps of the layers next to the image', min = 1, integer = true},
    weight = {100, 'of the distance to the true picture', min = 0},
  }, {'z', 'z_size'}),
  generator = translation.unet,
  discriminator = function(o) return nn.Sequential():add(nn.JoinTable(2)):add(translation.patches(o, 2 * o.channels)) end,

  d_loss = function(s) return losses.minimax_d(s.D {s.input, s.real}, s.D {s.input, s.fake}) end,
  g_loss = function(s)
    local distance = (s.fake - s.real):abs():mean()
    s:note('distance', distance)
    return losses.non_saturating_g(s.D {s.input, s.fake}) + s.options.weight * distance
  end,
}
