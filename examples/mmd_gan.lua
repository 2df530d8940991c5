-- MMD-GAN. Binkowski et al. 2018, "Demystifying MMD GANs", arXiv 1801.01401: D gives features, and G is to make images whose features are
-- distributed as those of real ones, by the maximum mean discrepancy with rational quadratic kernels, whose witness function is held to
-- slopes of 1 by a gradient penalty. (The penalty's weight and the updates of D are those of a short training, not the paper's 1 and 5.)
--   gantry train examples/mmd_gan.lua --config small --data scenes:faces --out runs/mmd --steps 1000
local gantry = require 'gantry'
local gan, nets = gantry.gan, require 'gantry.gan.nets'

local ALPHAS = {0.2, 0.5, 1, 2, 5}

-- Sums over the scales of (1 + |a - b|^2 / (2 alpha))^-alpha, for each row of a with each row of b: N x M.
local function kernel(a, b)
  local apart = (a:view(a:size(1), 1, -1) - b:view(1, b:size(1), -1)):pow(2):sum(3)
  local sum = 0
  for _, alpha in ipairs(ALPHAS) do sum = sum + (1 + apart / (2 * alpha)):pow(-alpha) end
  return sum
end

-- The squared discrepancy, without bias: the pairs of an image with itself, whose kernel is the number of scales, are left out.
local function discrepancy(x, y)
  local n = x:size(1)
  local within = (kernel(x, x):sum() + kernel(y, y):sum() - 2 * n * #ALPHAS) / (n * (n - 1))
  return within - 2 * kernel(x, y):mean()
end

return gan.recipe {
  name = 'mmd-gan',
  about = 'features whose distributions are to be the same, by a kernel: Binkowski et al. (2018)',
  options = gan.options('dcgan', {
    critic_steps = 2, beta2 = 0.9,
    features = {16, 'numbers that D gives for an image', min = 1, integer = true},
    penalty = {10, 'weight of the gradient penalty', min = 0},
  }),
  generator = nets.dcgan_generator,
  discriminator = function(o) return nets.dcgan_discriminator(o, {norm = 'none', outputs = o.features}) end,
  score = 'critic',

  d_loss = function(s)
    local real, fake = s.D(s.real), s.D(s.fake)
    local between = gan.mix(s.real, s.fake)
    local seen = s.D(between)
    local witness = (kernel(seen, real):mean(2) - kernel(seen, fake):mean(2)):sum()
    local slope = gantry.grad(witness, between, {create_graph = true}):flatten(2):norm(2, 2)
    local mmd = discrepancy(real, fake)
    s:note('mmd', mmd)
    return s.options.penalty * (slope - 1):pow(2):mean() - mmd
  end,
  g_loss = function(s) return discrepancy(s.D(s.real), s.D(s.fake)) end,
}
