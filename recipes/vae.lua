-- A variational autoencoder, as a baseline. Kingma and Welling 2013, "Auto-Encoding Variational Bayes", arXiv 1312.6114: an encoder gives
-- each image a normal distribution over z, the generator has to give the image back from a draw of it, and the distributions may not
-- stray from the normal one that samples are drawn from (equation 10, appendix B). The networks are DCGAN's, the other way round.
local gantry = require 'gantry'
local gan, nets = gantry.gan, require 'gantry.gan.nets'
local torch = gantry.torch

-- What the encoder says of images: the means and the logarithms of the variances of z.
local function encoded(s)
  local n = s.options.z_size
  local said = s.encoder(s.real)
  return said:narrow(2, 1, n), said:narrow(2, n + 1, n)
end

local function loss(s)
  local mean, log_variance = encoded(s)
  local noise = gantry.value(torch.randn(mean:size(1), mean:size(2)))
  local images = s.G(mean + (log_variance * 0.5):exp() * noise)
  local error = (images - s.real):pow(2):flatten(2):sum(2):mean() / (2 * s.options.deviation ^ 2)
  local divergence = (mean:pow(2) + log_variance:exp() - log_variance - 1):sum(2):mean() * 0.5
  s:note('error', error)
  s:note('divergence', divergence)
  return error + divergence
end

return gan.recipe {
  name = 'vae',
  about = 'a variational autoencoder, as a baseline: Kingma and Welling (2013)',
  options = gan.options('dcgan', {
    z = 'normal', z_size = 32, batch = 64, lr = 1e-3, beta1 = 0.9,
    deviation = {0.3, 'of the pixels around what G makes', min = 1e-3},
  }, {'critic_steps', 'lr_d', 'reuse_fake'}),
  generator = nets.dcgan_generator,
  networks = {encoder = function(o) return nets.dcgan_discriminator(o, {outputs = 2 * o.z_size}) end},
  step = function(s)
    s:draw()
    s:update_g(loss, {'encoder'})
  end,
}
