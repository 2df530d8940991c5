--- How true and how varied: precision, recall, density and coverage, from nearest neighbours among features.
-- @module gantry.metrics.manifold
local torch = require 'gantry.torch'
local native = require 'gantry.native'
local want_features = require('gantry.metrics.distances').want_features

-- Squared distances of all rows of a to all rows of b.
local function squared_distances(a, b)
  local d = torch.mm(a, b:t()):mul(-2)
  d:add(a:clone():pow(2):sum(2):view(-1, 1):expandAs(d))
  d:add(b:clone():pow(2):sum(2):view(1, -1):expandAs(d))
  return d
end

-- For each row the squared distance of its k-th neighbour in the same set, itself not counted.
local function radii(x, k)
  local d = squared_distances(x, x)
  for i = 1, x:size(1) do d[i][i] = -1 end -- itself is nearest, whatever rounding makes of the 0
  return (torch.topk(d, k + 1, 2):max(2)):view(-1)
end

--- Precision: the part of generated images that lie within the k-th-neighbour ball of a real one; recall: the other way round
-- (Kynkaanniemi et al. 2019, arXiv 1904.06991, equations 1 and 2). Density: in how many real balls a generated image lies, over k;
-- coverage: the part of real images whose ball holds a generated one (Naeem et al. 2020, arXiv 2002.09797, equations 3 and 5).
-- @param real DoubleTensor n x d
-- @param fake DoubleTensor m x d
-- @int[opt=5] k
-- @treturn table precision, recall, density, coverage
return function(real, fake, k)
  k = k or 5
  if type(k) ~= 'number' or k % 1 ~= 0 or k < 1 then native.fail('manifold: k is %s, wanted a whole number from 1', tostring(k)) end
  want_features('manifold', real, fake, k + 1)
  local n, m = real:size(1), fake:size(1)
  local between = squared_distances(real, fake) -- n x m
  local in_real = between:le(radii(real, k):view(n, 1):expandAs(between)):double()
  local in_fake = between:le(radii(fake, k):view(1, m):expandAs(between)):double()
  return {
    precision = in_real:max(1):mean(), recall = in_fake:max(2):mean(),
    density = in_real:sum() / (k * m), coverage = in_real:max(2):mean(),
  }
end
