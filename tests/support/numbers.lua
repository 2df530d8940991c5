--- Inputs for gradient checks: small DoubleTensors of reproducible numbers that keep away from kinks, and comparisons.
local torch = require 'gantry.torch'

local numbers = {}

local generator = torch.Generator(1)

--- Starts the numbers again, so that a case does not depend on the ones before it.
function numbers.restart(seed) torch.manualSeed(generator, seed or 1) end

--- The generator behind the numbers.
function numbers.generator() return generator end

--- Uniform in [low, high).
function numbers.between(low, high, ...)
  return torch.DoubleTensor(...):uniform(generator, low, high)
end

--- Of either sign, at least 0.3 from 0.
function numbers.signed(...)
  local t = numbers.between(-1, 1, ...)
  local flat = t:view(-1)
  for i = 1, flat:nElement() do flat[i] = flat[i] + (flat[i] < 0 and -0.3 or 0.3) end
  return t
end

--- 0.5 to 1.5.
function numbers.positive(...) return numbers.between(0.5, 1.5, ...) end

--- No two closer than 0.1, in random order.
function numbers.distinct(...)
  local t = torch.DoubleTensor(...)
  local n = t:nElement()
  local flat, at = t:view(-1), {}
  for i = 1, n do at[i] = i end
  for i = n, 2, -1 do
    local j = torch.random(generator, 1, i)
    at[i], at[j] = at[j], at[i]
  end
  for i = 1, n do flat[i] = (at[i] - n / 2 - 0.25) * 0.1 end
  return t
end

--- Sizes of a tensor as a table.
function numbers.sizes(t)
  local sizes = {}
  for d = 1, t:dim() do sizes[d] = t:size(d) end
  return sizes
end

--- Largest difference over the largest expected magnitude (at least `floor`, default 1); infinite where sizes differ or a
-- number is none.
function numbers.difference(got, expected, floor)
  got, expected = got:double(), expected:double()
  if got:dim() ~= expected:dim() then return math.huge end
  for d = 1, got:dim() do
    if got:size(d) ~= expected:size(d) then return math.huge end
  end
  local a, b = got:contiguous():view(-1), expected:contiguous():view(-1)
  local worst, scale = 0, floor or 1
  for i = 1, a:nElement() do
    local d = math.abs(a[i] - b[i])
    if d ~= d then return math.huge end
    worst, scale = math.max(worst, d), math.max(scale, math.abs(b[i]))
  end
  return worst / scale
end

return numbers
