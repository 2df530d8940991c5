-- A denoising autoencoder, as a baseline. Vincent et al. 2008, "Extracting and Composing Robust Features with Denoising Autoencoders": a
-- part of the pixels is put out, and the image has to be given back whole from a short code. Codes have mean 0 and deviation 1 in
-- each number (batch norm), so that normal z can be decoded like codes; real codes are not independent, which such samples lack.
local gantry = require 'gantry'
local gan, nn, nets = gantry.gan, gantry.nn, require 'gantry.gan.nets'

return gan.recipe {
  name = 'dae',
  about = 'a denoising autoencoder, as a baseline: Vincent et al. (2008)',
  options = gan.options('dcgan', {
    z = 'normal', z_size = 32, batch = 64, lr = 1e-3, beta1 = 0.9,
    noise = {0.3, 'part of the pixels that is put out', min = 0, max = 0.95},
  }, {'critic_steps', 'lr_d', 'reuse_fake'}),
  generator = nets.dcgan_generator,
  networks = {encoder = function(o)
    return nn.Sequential():add(nn.Dropout(o.noise)):add(nets.dcgan_discriminator(o, {outputs = o.z_size}))
      :add(nn.BatchNormalization(o.z_size, 1e-5, 0.1, false))
  end},
  step = function(s)
    s:draw()
    s:update_g(function() return (s.G(s.encoder(s.real)) - s.real):pow(2):mean() end, {'encoder'})
  end,
}
