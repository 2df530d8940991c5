--- Losses of adversarial networks, on what D says of a batch of real and one of generated images (values, N x 1 or of any size), each a
-- value of one element. Where D's is NAME_d, G's is NAME_g.
--
--     d_loss = function(s) return losses.hinge_d(s.D(s.real), s.D(s.fake)) end,
--     g_loss = function(s) return losses.hinge_g(s.D(s.fake)) end,
--
-- @module gantry.gan.losses
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local ops = require 'gantry.autograd.ops'
local torch = require 'gantry.torch'

local losses = {}

-- Raises an error unless what a loss was given are values.
local function want(name, ...)
  for i = 1, select('#', ...) do
    local x = select(i, ...)
    if not autograd.is_value(x) then
      native.fail('%s: got a %s, wanted values, as s.D(s.fake) gives one%s', name, torch.type(x),
        type(x) == 'table' and '; of a list that D gives, take an entry' or '')
    end
  end
end

-- ---- the original, on logits ------------------------------------------------------------------------------------------------------

--- D's loss: the cross-entropy of calling real images real and generated ones generated, summed over the two batches' means.
-- Goodfellow et al. 2014 (arXiv 1406.2661), equation 1.
-- @param on_real D's logits of real images
-- @param on_fake D's logits of generated images
-- @number[opt=1] real the target for real images: one-sided label smoothing (Salimans et al. 2016, arXiv 1606.03498, section 3.4) is
-- a target below 1
-- @return value
-- @usage losses.minimax_d(s.D(s.real), s.D(s.fake), 0.9)
function losses.minimax_d(on_real, on_fake, real)
  want('minimax_d', on_real, on_fake)
  if real ~= nil and (type(real) ~= 'number' or not (real > 0 and real <= 1)) then
    native.fail('minimax_d: the target for real images is %s, wanted a number above 0 and at most 1', tostring(real))
  end
  local of_real = real and real < 1 and ops.bce_with_logits(on_real, real) or ops.softplus(-on_real):mean()
  return of_real + ops.softplus(on_fake):mean()
end

--- G's loss in the minimax game, which vanishes where D is sure: log(1 - D(G(z))). The same paper, equation 1.
-- @param on_fake D's logits of generated images
function losses.minimax_g(on_fake)
  want('minimax_g', on_fake)
  return -ops.softplus(on_fake):mean()
end

--- G's loss as it is used: -log D(G(z)). The same paper, section 3.
-- @param on_fake D's logits of generated images
function losses.non_saturating_g(on_fake)
  want('non_saturating_g', on_fake)
  return ops.softplus(-on_fake):mean()
end

--- A recipe's d_loss where it has none: minimax_d.
function losses.d_loss(s) return losses.minimax_d(s.D(s.real), s.D(s.fake)) end

--- The same as a list of its terms (see Step:update): what is trained by where a recipe has no d_loss.
losses.d_terms = {
  function(s) return ops.softplus(-s.D(s.real)):mean() end,
  function(s) return ops.softplus(s.D(s.fake)):mean() end,
}

--- A recipe's g_loss where it has none: non_saturating_g.
function losses.g_loss(s) return losses.non_saturating_g(s.D(s.fake)) end

-- ---- others -----------------------------------------------------------------------------------------------------------------------

--- Least squares: D's output is to be 1 on real images and 0 on generated ones. Mao et al. 2016 (arXiv 1611.04076), equation 9.
function losses.least_squares_d(on_real, on_fake)
  want('least_squares_d', on_real, on_fake)
  return ((on_real - 1):pow(2):mean() + on_fake:pow(2):mean()) * 0.5
end

--- G wants 1. The same equation.
function losses.least_squares_g(on_fake)
  want('least_squares_g', on_fake)
  return (on_fake - 1):pow(2):mean() * 0.5
end

--- Wasserstein: minus the difference of the critic's means. Arjovsky et al. 2017 (arXiv 1701.07875), algorithm 1.
function losses.wasserstein_d(on_real, on_fake)
  want('wasserstein_d', on_real, on_fake)
  return on_fake:mean() - on_real:mean()
end

--- The critic's mean, to be raised. The same.
function losses.wasserstein_g(on_fake)
  want('wasserstein_g', on_fake)
  return -on_fake:mean()
end

--- Hinge: D pushes real images above 1 and generated ones below -1, and no further. Lim and Ye 2017 (arXiv 1705.02894), Miyato et al.
-- 2018 (arXiv 1802.05957), equation 16.
function losses.hinge_d(on_real, on_fake)
  want('hinge_d', on_real, on_fake)
  return (1 - on_real):relu():mean() + (1 + on_fake):relu():mean()
end

--- The same paper, equation 17.
function losses.hinge_g(on_fake)
  want('hinge_g', on_fake)
  return -on_fake:mean()
end

--- Relativistic average: how much more real than the mean generated image a real one is, and the other way round.
-- Jolicoeur-Martineau 2018 (arXiv 1807.00734), equations 14 and 15 with the cross-entropy (RaSGAN).
function losses.relativistic_d(on_real, on_fake)
  want('relativistic_d', on_real, on_fake)
  return ops.softplus(-(on_real - on_fake:mean())):mean() + ops.softplus(on_fake - on_real:mean()):mean()
end

--- The same with the roles exchanged: G's gradient comes from both.
function losses.relativistic_g(on_real, on_fake)
  want('relativistic_g', on_real, on_fake)
  return losses.relativistic_d(on_fake, on_real)
end

--- Relativistic, image by image: how much more real a real image is than the generated one of the same row. Jolicoeur-Martineau 2018
-- (arXiv 1807.00734), section 4.1 (RSGAN). Both batches are of one size.
function losses.relativistic_pairs_d(on_real, on_fake)
  want('relativistic_pairs_d', on_real, on_fake)
  return ops.softplus(on_fake - on_real):mean()
end

--- The same with the roles exchanged.
function losses.relativistic_pairs_g(on_real, on_fake)
  want('relativistic_pairs_g', on_real, on_fake)
  return losses.relativistic_pairs_d(on_fake, on_real)
end

--- Feature matching: the squared distance of the mean features of two batches. Salimans et al. 2016 (arXiv 1606.03498), section 3.1.
-- @param of_real features, N x ..., of real images; no gradient goes into them
-- @param of_fake features of generated images
function losses.feature_matching(of_real, of_fake)
  want('feature_matching', of_fake)
  local constant = autograd.is_value(of_real) and of_real:detach() or autograd.value(of_real)
  return (of_fake:mean(1) - constant:mean(1)):pow(2):sum()
end

-- ---- classes and codes ------------------------------------------------------------------------------------------------------------

--- Cross-entropy of class logits: the auxiliary classifier's, for real and for generated images alike. Odena et al. 2016 (arXiv
-- 1610.09585), equation 3. And InfoGAN's bound for a code that is a class: minus the mean log probability that Q gives it (Chen et
-- al. 2016, arXiv 1606.03657, equation 5, without the constant entropy).
-- @param logits N x classes
-- @param labels LongTensor of N classes, from 1
-- @return value
function losses.classification(logits, labels)
  want('classification', logits)
  if not torch.isTensor(labels) or labels:nElement() ~= logits:size(1) then
    native.fail('classification: the labels are %s, wanted a LongTensor of %d', torch.isTensor(labels) and
      ('a tensor of %d'):format(labels:nElement()) or 'a ' .. torch.type(labels), logits:size(1))
  end
  return -logits:log_softmax(2):gather(2, labels:view(-1, 1)):mean()
end

--- InfoGAN's bound for codes that are numbers: minus the mean log probability of the codes under normal distributions of unit variance
-- around what Q says, without the constant. The same paper, section 6.
-- @param said N x codes: Q's means
-- @param codes N x codes
function losses.codes(said, codes)
  want('codes', said)
  return (said - codes):pow(2):sum(2):mean() * 0.5
end

--- How often the largest logit is the class's: a number in 0..1.
function losses.accuracy(logits, labels)
  local x = autograd.is_value(logits) and logits.data or logits
  local _, best = x:max(2)
  return best:view(-1):eq(labels):sum() / labels:nElement()
end

return losses
