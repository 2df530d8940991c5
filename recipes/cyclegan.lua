-- CycleGAN. Zhu, Park, Isola, Efros 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks", arXiv
-- 1703.10593: G turns left pictures into right ones, `back` the other way, D and `judge` say whether the results belong; there and
-- back again has to give the picture one began with (equation 2). Though the data come in pairs, no loss ever compares the two
-- pictures of one. Least squares; residual networks with instance norm; D and `judge` also see results of earlier steps (section 4).
local gantry = require 'gantry'
local gan, torch, translation = gantry.gan, gantry.torch, require 'gantry.gan.nets_translation'
local losses = gan.losses

local function distance(a, b) return (a - b):abs():mean() end

-- What D is shown in place of new results: half of the time one of up to 50 earlier ones, whose place the new one takes. Shrivastava et
-- al. 2016, "Learning from Simulated and Unsupervised Images through Adversarial Training", arXiv 1612.07828, section 2.3.
local function with_earlier(s, name, images)
  local new, room = images.data:clone(), s.options.buffer
  if room == 0 then return images:detach() end
  local buffer = s:keep(name, function() return new.new(room, new:size(2), new:size(3), new:size(4)):zero() end)
  local filled = s:keep(name .. '_filled', function() return torch.FloatTensor(1):zero() end)
  for i = 1, new:size(1) do
    if filled[1] < room then
      filled[1] = filled[1] + 1
      buffer[filled[1]]:copy(new[i])
    elseif torch.uniform() < 0.5 then
      local old = buffer[torch.random(room)]
      local kept = old:clone()
      old:copy(new[i])
      new[i]:copy(kept)
    end
  end
  return gantry.value(new)
end

local function d_loss(s)
  local right, left = with_earlier(s, 'right', s.fake), with_earlier(s, 'left', s.back(s.real))
  return losses.least_squares_d(s.D(s.real), s.D(right)) + losses.least_squares_d(s.judge(s.input), s.judge(left))
end

local function g_loss(s)
  local o = s.options
  local right, left = s.fake, s.back(s.real)
  local cycle = distance(s.back(right), s.input) + distance(s.G(left), s.real)
  local same = distance(s.G(s.real), s.real) + distance(s.back(s.input), s.input)
  s:note('cycle', cycle)
  s:note('distance', distance(right, s.real)) -- from the truth: only shown
  -- Only the judges' squares are halved (section 4): next to the cycle's distances G's count whole.
  local seen = 2 * (losses.least_squares_g(s.D(right)) + losses.least_squares_g(s.judge(left)))
  return seen + o.cycle * (cycle + o.same * same)
end

return gan.recipe {
  name = 'cyclegan',
  about = 'images made from images, learned without pairs: Zhu et al. (2017)',
  pairs = true,
  score = 'critic',
  options = gan.options({
    batch = 2, size = 64, samples = 12, schedule = 'linear', decay_from = 0.5,
    base = {64, 'maps of the layers next to the image', min = 1, integer = true},
    blocks = {6, 'residual blocks', min = 1, integer = true},
    cycle = {10, 'weight of coming back', min = 0},
    buffer = {50, 'earlier results that D may see in place of new ones', min = 0, integer = true},
    same = {0.5, 'part of it for leaving right pictures as they are', min = 0},
  }, {'critic_steps', 'z', 'z_size'}),
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
