--- Distances between two sets of features, one row for each image: Frechet's and the kernel distance.
-- @module gantry.metrics.distances
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local eigen = require 'gantry.metrics.eigen'

local distances = {}

--- Raises an error unless both are DoubleTensors n x d of the same d, with at least `least` rows.
function distances.want_features(what, real, fake, least)
  for _, x in ipairs {real, fake} do
    if torch.type(x) ~= 'torch.DoubleTensor' or x:dim() ~= 2 or x:size(1) < least then
      native.fail('%s: got a %s%s, wanted features: a DoubleTensor of at least %d rows', what, torch.type(x),
        torch.isTensor(x) and x:dim() == 2 and (' of %d x %d'):format(x:size(1), x:size(2)) or '', least)
    end
  end
  if real:size(2) ~= fake:size(2) then native.fail('%s: got %d and %d features', what, real:size(2), fake:size(2)) end
end

-- ---- Frechet ----------------------------------------------------------------------------------------------------------------------

-- The mean of rows and their unbiased covariance.
local function moments(x)
  local n = x:size(1)
  local mean = x:mean(1)
  local centred = x - mean:expandAs(x)
  return mean, torch.mm(centred:t(), centred) / (n - 1)
end

-- The root of a symmetric matrix without negative eigenvalues (small ones are taken as 0).
local function root(a)
  local values, v = eigen(a)
  local scaled = v:clone()
  for i = 1, values:size(1) do scaled[i]:mul(math.sqrt(math.max(values[i], 0))) end
  return torch.mm(v:t(), scaled)
end

--- The Frechet distance of the normal distributions with the sets' means and covariances:
-- |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)). Heusel et al. 2017 (arXiv 1706.08500), equation 6. It falls with the number of images, so
-- only figures of the same numbers can be compared.
-- @param real DoubleTensor n x d
-- @param fake DoubleTensor m x d
-- @treturn number
function distances.frechet(real, fake)
  distances.want_features('frechet', real, fake, 2)
  local mean1, c1 = moments(real)
  local mean2, c2 = moments(fake)
  local r = root(c1)
  -- The eigenvalues of C1 C2 are those of r C2 r, which is symmetric.
  local values = eigen(torch.mm(torch.mm(r, c2), r))
  local trace_of_root = 0
  for i = 1, values:size(1) do trace_of_root = trace_of_root + math.sqrt(math.max(values[i], 0)) end
  return (mean1 - mean2):pow(2):sum() + torch.trace(c1) + torch.trace(c2) - 2 * trace_of_root
end

-- ---- kernel -----------------------------------------------------------------------------------------------------------------------

local function kernel(a, b) return (torch.mm(a, b:t()) / a:size(2) + 1):pow(3) end

--- The squared maximum mean discrepancy with the kernel (x.y / d + 1)^3, without bias. Binkowski et al. 2018 (arXiv 1801.01401), section 4.
-- @param real DoubleTensor n x d
-- @param fake DoubleTensor m x d
-- @treturn number below 0 too, by chance, where the sets are alike
function distances.mmd(real, fake)
  distances.want_features('mmd', real, fake, 2)
  local n, m = real:size(1), fake:size(1)
  local rr, ff = kernel(real, real), kernel(fake, fake)
  return (rr:sum() - torch.trace(rr)) / (n * (n - 1)) + (ff:sum() - torch.trace(ff)) / (m * (m - 1))
    - 2 * kernel(real, fake):sum() / (n * m)
end

-- Quantiles of Student's distribution, 97.5%, for 1, 2 ... degrees of freedom.
local t975 = {
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093,
}

--- The kernel distance: the mean of mmd over blocks of images that share none, and from their spread an interval that holds the true
-- mean in 95 of 100 cases.
-- @param real DoubleTensor n x d
-- @param fake DoubleTensor m x d
-- @int[opt=10] blocks 2 to 20; the sets' rows are taken in order, those that are left over are not used
-- @treturn number the distance
-- @treturn number half the length of its interval
function distances.kernel(real, fake, blocks)
  blocks = blocks or 10
  if type(blocks) ~= 'number' or blocks % 1 ~= 0 or blocks < 2 or blocks > 20 then
    native.fail('kernel: blocks is %s, wanted a whole number from 2 to 20', tostring(blocks))
  end
  distances.want_features('kernel', real, fake, 2 * blocks)
  local n, m = math.floor(real:size(1) / blocks), math.floor(fake:size(1) / blocks)
  local found = torch.DoubleTensor(blocks)
  for k = 1, blocks do found[k] = distances.mmd(real:narrow(1, (k - 1) * n + 1, n), fake:narrow(1, (k - 1) * m + 1, m)) end
  return found:mean(), t975[blocks - 1] * found:std() / math.sqrt(blocks)
end

return distances
