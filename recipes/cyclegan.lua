-- CycleGAN. Zhu, Park, Isola, Efros 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks", arXiv
-- 1703.10593: G turns left pictures into right ones, `back` the other way, D and `judge` say whether the results belong; there and
-- back again has to give the picture one began with (equation 2). Though the data come in pairs, no loss ever compares the two
-- pictures of one. Least squares; residual networks with instance norm; without the paper's buffer of earlier images.
local gantry = require 'gantry'
local gan, translation = gantry.gan, require 'gantry.gan.nets_translation'
local losses = gan.losses

local function distance(a, b) return (a - b):abs():mean() end

-- There and back: what both networks make of both kinds of pictures.
local function translated(s)
  return s.G(s.input), s.back(s.real)
end

local function d_loss(s)
  local right, left = translated(s)
  return losses.least_squares_d(s.D(s.real), s.D(right:detach())) + losses.least_squares_d(s.judge(s.input), s.judge(left:detach()))
end

local function g_loss(s)
  local o = s.options
  local right, left = translated(s)
  local cycle = distance(s.back(right), s.input) + distance(s.G(left), s.real)
  local same = distance(s.G(s.real), s.real) + distance(s.back(s.input), s.input)
  s:note('cycle', cycle)
  s:note('distance', distance(right, s.real)) -- from the truth: only shown
  return losses.least_squares_g(s.D(right)) + losses.least_squares_g(s.judge(left)) + o.cycle * (cycle + o.same * same)
end

return gan.recipe {
  name = 'cyclegan',
  about = 'images made from images, learned without pairs: Zhu et al. (2017)',
  pairs = true,
  score = 'critic',
  options = gan.options {
    batch = 2, size = 64, samples = 12, schedule = 'linear', decay_from = 0.5,
    base = {64, 'maps of the layers next to the image', min = 1, integer = true},
    blocks = {6, 'residual blocks', min = 1, integer = true},
    cycle = {10, 'weight of coming back', min = 0},
    same = {0.5, 'part of it for leaving right pictures as they are', min = 0},
  },
  generator = translation.resnet,
  discriminator = function(o) return translation.patches(o, o.channels, 'instance') end,
  networks = {
    back = translation.resnet,
    judge = function(o) return translation.patches(o, o.channels, 'instance') end,
  },
  step = function(s)
    s:draw()
    s:update_g(g_loss, {'back'})
    s:update_d(d_loss, {'judge'})
  end,
}
