--- Normalisation without a batch's own statistics: group, layer, instance and pixel norm, and virtual batch norm.
local native = require 'gantry.native'
local common = require 'gantry.autograd.ops.common'
local shown = require('gantry.torch.class').shown
local Value = require 'gantry.autograd.value'

local C, fail = native.C, native.fail

--- eps as it was given, or its default.
local function small(what, eps, default)
  if eps == nil then return default end
  if type(eps) ~= 'number' then fail('%s: eps is %s, wanted a number', what, shown(eps)) end
  return eps
end

--- The sizes of x, a tensor of at least N x C.
local function sizes_of(what, x)
  local t = Value.tensor(x, what)
  if t.rank < 2 then fail('%s: got %d dimensions, wanted N x C x ...', what, t.rank) end
  return common.sizes(t)
end

return function(ops)
  --- x times a weight and plus a bias for each channel of each image: conditional and adaptive normalisation's second half.
  -- @param x N x C or N x C x ...
  -- @param weight N x C
  -- @param bias N x C
  function ops.affine_per_image(x, weight, bias)
    local sizes = sizes_of('affine_per_image', x)
    for position, part in ipairs {weight, bias} do
      local given = Value.tensor(part, 'affine_per_image', position + 1)
      if given.rank ~= 2 or given.shape[0] ~= sizes[1] or given.shape[1] ~= sizes[2] then
        fail('affine_per_image: argument %d is not %dx%d', position + 1, sizes[1], sizes[2])
      end
    end
    for d = 3, #sizes do sizes[d] = 1 end
    return ops.add(ops.mul(x, ops.view(weight, sizes)), ops.view(bias, sizes))
  end

  --- The channels of each image in groups, each group normalised by its own mean and (biased) variance, then scaled and shifted in
  -- each channel: Wu and He 2018, Group Normalization, arXiv 1803.08494. One group is layer norm (Ba, Kiros and Hinton 2016,
  -- arXiv 1607.06450), a group for each channel instance norm (Ulyanov, Vedaldi and Lempitsky 2016, arXiv 1607.08022).
  -- @param x N x C or N x C x ...
  -- @int groups divides C; each must have more than one number
  -- @param[opt] weight C numbers
  -- @param[opt] bias C numbers
  -- @number[opt=1e-5] eps added to the variance
  -- @usage ops.group_norm(x, 1, weight, bias)   -- layer norm
  function ops.group_norm(x, groups, weight, bias, eps)
    local sizes = sizes_of('group_norm', x)
    local n, channels, t = sizes[1], sizes[2], Value.unwrap(x)
    if type(groups) ~= 'number' or groups < 1 or channels % groups ~= 0 then
      fail('group_norm: %d channels do not make %s groups', channels, shown(groups))
    end
    local count = C.gt_numel(t) / math.max(n * groups, 1)
    if count <= 1 then fail('group_norm: a group has %d numbers, wanted at least 2', count) end
    for position, part in ipairs {weight or false, bias or false} do
      if part and C.gt_numel(Value.tensor(part, 'group_norm', position + 2)) ~= channels then
        fail('group_norm: argument %d does not have %d numbers', position + 2, channels)
      end
    end
    -- What batch norm does for channels: over a batch of one, or, where a pixel's channels lie together, of the pixels.
    local inner = C.gt_is_inner(t) ~= 0
    local y
    if inner then
      y = ops.view(ops.permute(x, 3, 4, 1, 2), count * groups / channels, n * groups, channels / groups)
    else
      y = ops.view(x, 1, n * groups, count)
    end
    y = ops.batch_norm(y, nil, nil, {train = true, eps = small('group_norm', eps, 1e-5)})
    if inner then
      y = ops.permute(ops.view(y, sizes[3], sizes[4], n, channels), 3, 4, 1, 2)
    else
      y = ops.reshape_as(y, x)
    end
    if weight then y = ops.mul(y, ops.per_channel(weight, x)) end
    if bias then y = ops.add(y, ops.per_channel(bias, x)) end
    return y
  end

  --- Every pixel's vector of channels divided by its root mean square: Karras, Aila, Laine and Lehtinen 2018, arXiv 1710.10196,
  -- section 4.2. x / sqrt(mean over channels of x ^ 2 + eps).
  -- @param x N x C or N x C x ...
  -- @number[opt=1e-8] eps
  function ops.pixel_norm(x, eps)
    sizes_of('pixel_norm', x)
    return ops.mul(x, ops.pow(ops.add(ops.mean(ops.mul(x, x), 2, true), small('pixel_norm', eps, 1e-8)), -0.5))
  end

  --- Virtual batch norm: Salimans, Goodfellow, Zaremba, Cheung, Radford and Chen 2016, arXiv 1606.03498, section 3.5. The first
  -- `references` images are the reference batch, normalised in each channel by its own statistics; every other image by those of
  -- the reference batch and itself.
  -- @param x N x C or N x C x ..., the reference batch in front
  -- @int references how many images that is
  -- @number[opt=1e-5] eps
  function ops.virtual_batch_norm(x, references, eps)
    local sizes, over, inside = sizes_of('virtual_batch_norm', x), {1}, {}
    local n = sizes[1]
    if type(references) ~= 'number' or references % 1 ~= 0 or references < 1 or references > n then
      fail('virtual_batch_norm: the reference batch is %s images of %d', shown(references), n)
    end
    eps = small('virtual_batch_norm', eps, 1e-5)
    for d = 3, #sizes do over[#over + 1], inside[#inside + 1] = d, d end
    local function moments(part, dims)
      if #dims == 0 then return part, ops.scale(part, 0) end
      local mean = ops.mean(part, dims, true)
      local centred = ops.sub(part, mean)
      return mean, ops.mean(ops.mul(centred, centred), dims, true)
    end
    local function normalized(part, mean, variance)
      return ops.mul(ops.sub(part, mean), ops.pow(ops.add(variance, eps), -0.5))
    end
    local reference = ops.narrow(x, 1, 1, references)
    local mean, variance = moments(reference, over)
    local first = normalized(reference, mean, variance)
    if references == n then return first end
    sizes[1] = n - references
    for d = 3, #sizes do sizes[d] = 1 end
    mean, variance = ops.expand(mean, sizes), ops.expand(variance, sizes)
    local rest = ops.narrow(x, 1, references + 1, n - references)
    local own_mean, own_variance = moments(rest, inside)
    -- Of both together: the reference batch counts as `references` images, the image as one.
    local share = 1 / (references + 1)
    local apart = ops.sub(own_mean, mean)
    local all_mean = ops.add(mean, ops.scale(apart, share))
    local all_variance = ops.add(ops.add(ops.scale(variance, 1 - share), ops.scale(own_variance, share)),
      ops.scale(ops.mul(apart, apart), share * (1 - share)))
    return ops.cat({first, normalized(rest, all_mean, all_variance)}, 1)
  end
end
