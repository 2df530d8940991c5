--- Differentiable augmentation: what D sees of real and generated images is changed at random, and G's gradient goes through the changes.
-- Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training" (arXiv 2006.10738), with its authors' ranges.
-- Everything is drawn from torch's generator, so that a run that was stopped goes on as if it had not been.
-- @module gantry.gan.augment
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local ops = require 'gantry.autograd.ops'
local torch = require 'gantry.torch'

local data = require('gantry.autograd.value').unwrap

-- One uniform number in low..high for each image, N x 1 x 1 x 1.
local function each(x, low, high) return x.new(x:size(1), 1, 1, 1):uniform(low, high) end

-- One whole number in low..high for each image.
local function each_whole(n, low, high) return torch.LongTensor(n):random(low, high) end

local policies = {}

--- Brightness moved by up to a half, saturation by a factor in 0..2, contrast by one in 0.5..1.5.
function policies.color(x)
  local t = data(x)
  x = x + each(t, -0.5, 0.5)
  if t:size(2) >= 3 then
    local gray = x:mean(2, true)
    x = ops.mul(x - gray, each(t, 0, 2)) + gray
  end
  local mean = x:mean({2, 3, 4}, true)
  return ops.mul(x - mean, each(t, 0.5, 1.5)) + mean
end

-- Along one dimension: image n moved by shift[n], what comes in is 0 (gray).
local function shifted(x, dim, shift)
  local t = data(x)
  local n, size = t:size(1), t:size(dim)
  local padded = ops.embed(x, dim, 2, size + 2) -- a row of zeros at either end
  local index = torch.LongTensor(n, size)
  for i = 1, n do
    local by = shift[i]
    local row = index[i]
    for k = 1, size do row[k] = math.max(1, math.min(size + 2, k + 1 - by)) end
  end
  local sizes = {n, 1, 1, 1}
  sizes[dim] = size
  return padded:gather(dim, index:view(unpack(sizes)):expandAs(t))
end

--- Moved by up to an eighth of the side in both directions.
function policies.translation(x)
  local t = data(x)
  local n = t:size(1)
  for _, dim in ipairs {3, 4} do
    local most = math.floor(t:size(dim) / 8 + 0.5)
    x = shifted(x, dim, each_whole(n, -most, most))
  end
  return x
end

--- A square of half the side at a random place is gray; it may reach beyond the edge.
function policies.cutout(x)
  local t = data(x)
  local n, h, w = t:size(1), t:size(3), t:size(4)
  local mask = t.new(n, 1, h, w):fill(1)
  local high, wide = math.floor(h / 2 + 0.5), math.floor(w / 2 + 0.5)
  local up, back = math.floor(high / 2), math.floor(wide / 2)
  -- As much of it may be beyond one edge as beyond the other: of an odd side the middle pixel is always inside.
  local tops, lefts = each_whole(n, 1 - up, h - up + 1 - high % 2), each_whole(n, 1 - back, w - back + 1 - wide % 2)
  for i = 1, n do
    local top, left = math.max(1, tops[i]), math.max(1, lefts[i])
    local bottom, right = math.min(h, tops[i] + high - 1), math.min(w, lefts[i] + wide - 1)
    if bottom >= top and right >= left then
      mask:narrow(1, i, 1):narrow(3, top, bottom - top + 1):narrow(4, left, right - left + 1):zero()
    end
  end
  return ops.mul(x, mask)
end

--- Changes images at random, differentiably.
-- @param x a value, N x channels x height x width, -1..1
-- @string policy some of color, translation and cutout, as 'color translation cutout'; done in this order whatever the text's; '': x itself
-- @return value; values may leave -1..1
-- @usage d_loss = function(s) return losses.minimax_d(s.D(augment(s.real, policy)), s.D(augment(s.fake, policy))) end
return function(x, policy)
  if not autograd.is_value(x) or x:dim() ~= 4 then
    native.fail('augment: got a %s, wanted a value N x channels x height x width', autograd.is_value(x) and 'value' or torch.type(x))
  end
  if type(policy) ~= 'string' then
    native.fail("augment: the policy is a %s, wanted text, as 'color translation cutout'", torch.type(policy))
  end
  local asked = {}
  for name in policy:gmatch '%S+' do
    if not policies[name] then native.fail("augment: there is no '%s', wanted color, translation or cutout", name) end
    asked[name] = true
  end
  local y = x
  for _, name in ipairs {'color', 'translation', 'cutout'} do
    if asked[name] then y = policies[name](y) end
  end
  y.origin = x.origin
  return y
end
