--- Scores of generated images beside real ones. The distances compare features, rows of numbers that a named feature net
-- (gantry.metrics.features) makes of images: a figure means nothing without the net's name, and none of them is the FID of papers,
-- whose net is another.
-- @module gantry.metrics
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local distances = require 'gantry.metrics.distances'
local images = require 'gantry.metrics.images'

local metrics = {
  frechet = distances.frechet, kernel = distances.kernel, mmd = distances.mmd, manifold = require 'gantry.metrics.manifold',
  similarity = images.similarity, alikeness = images.alikeness, sliced = images.sliced, eigen = require 'gantry.metrics.eigen',
}

--- How sure a classifier is of single images and how many classes it sees in all of them: e to the mean divergence of each image's class
-- probabilities from their mean. Salimans et al. 2016 (arXiv 1606.03498), section 4; with another classifier than theirs.
-- @param probabilities DoubleTensor n x classes, rows that sum to 1
-- @treturn number 1 to the number of classes
function metrics.inception(probabilities)
  if torch.type(probabilities) ~= 'torch.DoubleTensor' or probabilities:dim() ~= 2 then
    native.fail('inception: got a %s%s, wanted a DoubleTensor of 2 dimensions', torch.type(probabilities),
      torch.isTensor(probabilities) and (' of %d'):format(probabilities:dim()) or '')
  end
  local p = probabilities:clone():clamp(1e-16, 1)
  local mean = p:mean(1):expandAs(p)
  return math.exp(p:clone():log():csub(mean:clone():log()):cmul(p):sum() / p:size(1))
end

return metrics
