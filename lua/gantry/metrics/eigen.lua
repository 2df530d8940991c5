--- Eigenvalues and eigenvectors of symmetric matrices, in double: Householder's reduction to three diagonals, then QL steps with implicit
-- shifts (Bowdler, Martin, Reinsch, Wilkinson 1968, "The QR and QL algorithms for symmetric matrices"; Golub and Van Loan,
-- Matrix Computations, section 8.3).
-- @module gantry.metrics.eigen
local ffi = require 'ffi'
local native = require 'gantry.native'
local torch = require 'gantry.torch'

local abs, sqrt, max = math.abs, math.sqrt, math.max

local EPSILON = 2 ^ -52
local MOST_STEPS = 60 -- for one eigenvalue; a few are usual
local bad = ffi.new 'double[1]'

-- Reduces a (n x n, rows one after another) to diagonal d and off-diagonal e (e[i] beside d[i] and d[i + 1]); in q, the product of the
-- reflections: a = q t q'.
local function reduce(a, q, d, e, n)
  local v, p = ffi.new('double[?]', n), ffi.new('double[?]', n)
  for i = 0, n * n - 1 do q[i] = 0 end
  for i = 0, n - 1 do q[i * n + i] = 1 end
  for k = 0, n - 3 do
    -- The reflection that leaves only the first number of column k below the diagonal.
    local length = 0
    for i = k + 1, n - 1 do length = length + a[i * n + k] ^ 2 end
    length = sqrt(length)
    local first = a[(k + 1) * n + k]
    local alpha = first > 0 and -length or length
    local square = 0
    for i = k + 1, n - 1 do v[i] = a[i * n + k] end
    v[k + 1] = first - alpha
    for i = k + 1, n - 1 do square = square + v[i] * v[i] end
    if square > 0 then
      local beta = 2 / square
      -- a = (1 - beta v v') a (1 - beta v v'), on the part below and to the right.
      local dot = 0
      for i = k + 1, n - 1 do
        local sum, row = 0, i * n
        for j = k + 1, n - 1 do sum = sum + a[row + j] * v[j] end
        p[i] = beta * sum
        dot = dot + p[i] * v[i]
      end
      local half = beta * dot / 2
      for i = k + 1, n - 1 do p[i] = p[i] - half * v[i] end
      for i = k + 1, n - 1 do
        local row, vi, pi = i * n, v[i], p[i]
        for j = k + 1, n - 1 do a[row + j] = a[row + j] - vi * p[j] - pi * v[j] end
      end
      a[(k + 1) * n + k] = alpha
      -- q = q (1 - beta v v')
      for i = 0, n - 1 do
        local sum, row = 0, i * n
        for j = k + 1, n - 1 do sum = sum + q[row + j] * v[j] end
        sum = sum * beta
        for j = k + 1, n - 1 do q[row + j] = q[row + j] - sum * v[j] end
      end
    end
  end
  for i = 0, n - 1 do d[i] = a[i * n + i] end
  for i = 0, n - 2 do e[i] = a[(i + 1) * n + i] end
  e[n - 1] = 0
end

-- One QL step on the rows low .. high of the three diagonals. qt holds q' by rows: what turns columns of q turns rows of qt.
local function ql_step(d, e, qt, n, low, high)
  local g = (d[low + 1] - d[low]) / (2 * e[low])
  local r = sqrt(g * g + 1)
  g = d[high] - d[low] + e[low] / (g + (g < 0 and -r or r))
  local s, c, p = 1, 1, 0
  for i = high - 1, low, -1 do
    local f, b = s * e[i], c * e[i]
    r = sqrt(f * f + g * g)
    e[i + 1] = r
    if r == 0 then -- an early split
      d[i + 1] = d[i + 1] - p
      e[high] = 0
      return
    end
    s, c = f / r, g / r
    g = d[i + 1] - p
    r = (d[i] - g) * s + 2 * c * b
    p = s * r
    d[i + 1] = g + p
    g = c * r - b
    local x, y = i * n, (i + 1) * n
    for k = 0, n - 1 do
      f = qt[y + k]
      qt[y + k] = s * qt[x + k] + c * f
      qt[x + k] = c * qt[x + k] - s * f
    end
  end
  d[low] = d[low] - p
  e[low], e[high] = g, 0
end

-- What is small is small beside the largest numbers, as in EISPACK's tql2: beside their neighbours, where those are small or equal, the
-- rounding of rotations that large numbers take part in never is.
local function diagonalise(d, e, qt, n)
  local scale = 0
  for i = 0, n - 1 do scale = max(scale, abs(d[i]) + abs(e[i])) end
  for low = 0, n - 1 do
    for step = 1, MOST_STEPS + 1 do
      local high = low
      while high < n - 1 and abs(e[high]) > EPSILON * scale do high = high + 1 end
      if high == low then break end
      if step > MOST_STEPS then native.fail('eigen: no convergence') end
      ql_step(d, e, qt, n, low, high)
    end
  end
end

--- Decomposes a symmetric matrix: a = v' diag(values) v.
-- @param a DoubleTensor n x n; only its symmetric part counts
-- @treturn tensor values, n, in no order
-- @treturn tensor v, n x n: row i is the eigenvector of value i
-- @usage local values, v = eigen(torch.DoubleTensor {{2, 1}, {1, 2}})     -- 1 and 3
return function(a)
  if torch.type(a) ~= 'torch.DoubleTensor' or a:dim() ~= 2 or a:size(1) ~= a:size(2) then
    native.fail('eigen: got a %s, wanted a square DoubleTensor', torch.type(a))
  end
  native.check(native.C.gt_count_nonfinite(bad, a))
  if bad[0] > 0 then native.fail('eigen: there are numbers in the matrix that are not finite') end
  local n = a:size(1)
  local work = (a + a:t()) * 0.5
  local q, values, e = torch.DoubleTensor(n, n), torch.DoubleTensor(n), torch.DoubleTensor(max(n, 1))
  reduce(work:data(), q:data(), values:data(), e:data(), n)
  local v = q:t():contiguous()
  diagonalise(values:data(), e:data(), v:data(), n)
  return values, v
end
