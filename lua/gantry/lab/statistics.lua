--- How sure a figure is: intervals of means and of shares, differences of paired outcomes, rank correlation.
-- @module gantry.lab.statistics
local native = require 'gantry.native'
local torch = require 'gantry.torch'

local statistics = {}

local Z95 = 1.959963984540054 -- of the normal distribution: 95% lie within so many deviations

local function want_numbers(what, list, least)
  if type(list) ~= 'table' or #list < least then
    local got = type(list) == 'table' and #list .. ' numbers' or type(list)
    native.fail('%s: got %s, wanted a list of at least %d numbers', what, got, least)
  end
end

-- The element of a sorted list below which a part q of it lies.
local function percentile(list, q) return list[math.max(1, math.min(#list, math.floor(q * #list + 0.5)))] end

--- Mean, standard deviation (of a sample: n - 1) and the 95% interval of the mean, 1.96 deviations / sqrt(n) to each side.
-- @tparam {number,...} list at least one
-- @treturn table mean, deviation, low, high, n; with one number the interval is that number
-- @usage local m = statistics.mean {0.71, 0.74, 0.73}
function statistics.mean(list)
  want_numbers('mean', list, 1)
  local n, sum, squares = #list, 0, 0
  for _, x in ipairs(list) do sum = sum + x end
  local mean = sum / n
  for _, x in ipairs(list) do squares = squares + (x - mean) ^ 2 end
  local deviation = n > 1 and math.sqrt(squares / (n - 1)) or 0
  local half = Z95 * deviation / math.sqrt(n)
  return {mean = mean, deviation = deviation, low = mean - half, high = mean + half, n = n}
end

--- Wilson's 95% interval of a share: Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22.
-- @int successes
-- @int trials at least 1
-- @treturn table share, low, high (0..1), n
-- @usage local w = statistics.wilson(183, 200)   -- share 0.915, from 0.868 to 0.946
function statistics.wilson(successes, trials)
  if type(trials) ~= 'number' or trials < 1 or type(successes) ~= 'number' or successes < 0 or successes > trials then
    native.fail('wilson: got %s of %s, wanted 0 <= successes <= trials, trials at least 1', tostring(successes), tostring(trials))
  end
  local n, p, z2 = trials, successes / trials, Z95 * Z95
  local middle = (p + z2 / (2 * n)) / (1 + z2 / n)
  local half = Z95 / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
  local low, high = successes == 0 and 0 or middle - half, successes == n and 1 or middle + half
  return {share = p, low = low, high = high, n = n}
end

--- The mean difference of paired numbers with its 95% interval, by the percentile bootstrap: Efron 1979, "Bootstrap Methods".
-- Errors of two classifiers on the same images are such pairs: 1 where it was wrong, 0 where not.
-- @tparam {number,...} a
-- @tparam {number,...} b as many: the difference is a - b
-- @tparam[opt] table o draws (2000), seed (1)
-- @treturn table difference, low, high, n
-- @usage local d = statistics.paired({0, 1, 1}, {0, 0, 1})
function statistics.paired(a, b, o)
  o = o or {}
  want_numbers('paired', a, 2)
  want_numbers('paired', b, 2)
  if #a ~= #b then native.fail('paired: got %d and %d numbers, wanted as many of each', #a, #b) end
  local n, draws, generator = #a, o.draws or 2000, torch.Generator(o.seed or 1)
  local differences, sum = {}, 0
  for i = 1, n do
    differences[i] = a[i] - b[i]
    sum = sum + differences[i]
  end
  local means = {}
  local indices = torch.LongTensor(n)
  for d = 1, draws do
    indices:random(generator, 1, n)
    local total = 0
    for i = 1, n do total = total + differences[tonumber(indices[i])] end
    means[d] = total / n
  end
  table.sort(means)
  return {difference = sum / n, low = percentile(means, 0.025), high = percentile(means, 0.975), n = n}
end

--- The ratio of two means with its 95% interval, by the percentile bootstrap: each list is drawn from anew.
-- @tparam {number,...} a at least two
-- @tparam {number,...} b at least two, whose mean is above 0: the ratio is mean(a) / mean(b)
-- @tparam[opt] table o draws (2000), seed (1)
-- @treturn table ratio, low, high
-- @usage local r = statistics.ratio({2, 4}, {1, 2})   -- ratio 2
function statistics.ratio(a, b, o)
  o = o or {}
  want_numbers('ratio', a, 2)
  want_numbers('ratio', b, 2)
  local draws, generator = o.draws or 2000, torch.Generator(o.seed or 1)
  local below = statistics.mean(b).mean
  if below <= 0 then native.fail('ratio: the mean of the second list is %g, wanted one above 0', below) end
  local function redrawn(list, indices)
    indices:random(generator, 1, #list)
    local sum, at = 0, indices:data()
    for i = 0, #list - 1 do sum = sum + list[tonumber(at[i])] end
    return sum / #list
  end
  local for_a, for_b, ratios = torch.LongTensor(#a), torch.LongTensor(#b), {}
  for d = 1, draws do ratios[d] = redrawn(a, for_a) / redrawn(b, for_b) end
  table.sort(ratios)
  return {ratio = statistics.mean(a).mean / below, low = percentile(ratios, 0.025), high = percentile(ratios, 0.975)}
end

--- Ranks of numbers, 1 for the smallest; equal ones share the mean of theirs.
-- @tparam {number,...} list
-- @treturn {number,...}
function statistics.ranks(list)
  local order, ranks = {}, {}
  for i = 1, #list do order[i] = i end
  table.sort(order, function(i, j) return list[i] < list[j] or list[i] == list[j] and i < j end)
  local i = 1
  while i <= #order do
    local j = i
    while j < #order and list[order[j + 1]] == list[order[i]] do j = j + 1 end
    for k = i, j do ranks[order[k]] = (i + j) / 2 end
    i = j + 1
  end
  return ranks
end

--- Pearson's correlation.
-- @tparam {number,...} a
-- @tparam {number,...} b as many
-- @treturn number -1..1; 0 where one of them never changes
function statistics.correlation(a, b)
  want_numbers('correlation', a, 2)
  want_numbers('correlation', b, 2)
  if #a ~= #b then native.fail('correlation: got %d and %d numbers, wanted as many of each', #a, #b) end
  local ma, mb = statistics.mean(a).mean, statistics.mean(b).mean
  local ab, aa, bb = 0, 0, 0
  for i = 1, #a do
    local x, y = a[i] - ma, b[i] - mb
    ab, aa, bb = ab + x * y, aa + x * x, bb + y * y
  end
  if aa == 0 or bb == 0 then return 0 end
  return ab / math.sqrt(aa * bb)
end

--- Spearman's rank correlation.
-- @tparam {number,...} a
-- @tparam {number,...} b as many
-- @treturn number -1..1; 0 where one of them never changes
-- @usage local r = statistics.rank_correlation({1, 2, 3}, {10, 20, 15})   -- 0.5
function statistics.rank_correlation(a, b)
  want_numbers('rank_correlation', a, 2)
  want_numbers('rank_correlation', b, 2)
  if #a ~= #b then native.fail('rank_correlation: got %d and %d numbers, wanted as many of each', #a, #b) end
  return statistics.correlation(statistics.ranks(a), statistics.ranks(b))
end

return statistics
