--- Exact nearest neighbours: the rows of a set that are nearest to given ones, in a set that comes in parts and is never held as a whole.
-- @module gantry.lab.neighbours
local native = require 'gantry.native'
local torch = require 'gantry.torch'

local neighbours = {}

local Search = {}
Search.__index = Search

local BLOCK = 1024    -- rows that are compared at once
local NUMBERS = 2 ^ 18 -- of rows whose differences from a query stay in a processor's cache

local function want_rows(what, x, columns)
  if not torch.isTensor(x) or torch.type(x) ~= 'torch.FloatTensor' or x:dim() ~= 2 or columns and x:size(2) ~= columns then
    local got = torch.isTensor(x) and ('a %s of %s'):format(torch.type(x), table.concat(x:size():totable(), ' x ')) or type(x)
    native.fail('%s: got %s, wanted a FloatTensor n x %s', what, got, columns or 'd')
  end
end

--- Begins a search.
-- @param queries FloatTensor n x d
-- @tparam[opt] table o k (1: neighbours of each), metric ('l2', Euclidean, or 'l1', the sum of absolute differences), keep (true: the
-- nearest row of each query is kept, in `rows`)
-- @treturn Search
-- @usage local s = neighbours.new(test)
--   for part in parts do s:add(part) end
--   local distances, numbers = s:result()
function neighbours.new(queries, o)
  o = o or {}
  want_rows('neighbours', queries)
  local k, metric = o.k or 1, o.metric or 'l2'
  if type(k) ~= 'number' or k % 1 ~= 0 or k < 1 then native.fail('neighbours: k is %s, wanted a whole number from 1', tostring(k)) end
  if metric ~= 'l2' and metric ~= 'l1' then native.fail('neighbours: metric is %s, wanted l2 or l1', tostring(metric)) end
  local n = queries:size(1)
  return setmetatable({
    queries = queries:contiguous(), k = k, metric = metric, seen = 0,
    best = torch.DoubleTensor(n, k):fill(math.huge), numbers = torch.LongTensor(n, k):zero(),
    squares = metric == 'l2' and queries:double():pow(2):sum(2):view(n) or nil,
    rows = o.keep and torch.FloatTensor(n, queries:size(2)):zero() or nil, block = torch.FloatTensor(),
  }, Search)
end

-- |b|^2 - 2 a b for every query a and row b: the squared distance without |a|^2, which changes no order.
local function by_product(self, rows)
  local n, m = self.queries:size(1), rows:size(1)
  local squares = rows:clone():pow(2):sum(2):view(1, m)
  self.block:resize(n, m):copy(squares:expand(n, m))
  return self.block:addmm(1, self.block, -2, self.queries, rows:t())
end

local function by_difference(self, rows)
  local n, m, d = self.queries:size(1), rows:size(1), rows:size(2)
  self.block:resize(n, m)
  local few, difference = math.max(1, math.floor(NUMBERS / d)), torch.FloatTensor()
  for from = 1, m, few do
    local part = rows:narrow(1, from, math.min(few, m - from + 1))
    local distances = self.block:narrow(2, from, part:size(1))
    for i = 1, n do
      torch.csub(difference, part, self.queries:narrow(1, i, 1):expandAs(part))
      distances[i]:copy(difference:norm(1, 2))
    end
  end
  return self.block
end

-- Puts a row's distance in its place among the k best of query i, from 0.
local function insert(best, numbers, i, k, distance, number)
  local at = i * k + k - 1
  while at > i * k and best[at - 1] > distance do
    best[at], numbers[at] = best[at - 1], numbers[at - 1]
    at = at - 1
  end
  best[at], numbers[at] = distance, number
  return at == i * k
end

local function add_block(self, rows)
  local m, k = rows:size(1), self.k
  local few = math.min(k, m)
  local distances = (self.metric == 'l2' and by_product or by_difference)(self, rows)
  local values, at
  if few == 1 then values, at = torch.min(distances, 2) else values, at = torch.topk(distances, few, 2, false, true) end
  values, at = values:contiguous(), at:contiguous()
  local v, where = values:data(), at:data()
  local best, numbers = self.best:data(), self.numbers:data()
  for i = 0, self.queries:size(1) - 1 do
    for j = 0, few - 1 do
      local distance, place = v[i * few + j], tonumber(where[i * few + j])
      if distance < best[i * k + k - 1] and insert(best, numbers, i, k, distance, self.seen + place) and self.rows then
        self.rows[i + 1]:copy(rows[place])
      end
    end
  end
  self.seen = self.seen + m
end

--- Shows the search more rows. Among equally near ones the first stays.
-- @param rows FloatTensor m x d, which are numbered on from those before
-- @treturn Search self
function Search:add(rows)
  want_rows('neighbours', rows, self.queries:size(2))
  for from = 1, rows:size(1), BLOCK do add_block(self, rows:narrow(1, from, math.min(BLOCK, rows:size(1) - from + 1))) end
  return self
end

--- What was found so far.
-- Squared Euclidean distances are |a|^2 + |b|^2 - 2 a b in float: off by some 1e-6 |a|^2, so that rows nearer to each other than that
-- may change places. `neighbours.distance` is exact.
-- @treturn tensor DoubleTensor n x k, distances, the nearest first
-- @treturn tensor LongTensor n x k, numbers of the rows, from 1; 0 where there are fewer than k
function Search:result()
  local distances = self.best:clone()
  if self.squares then distances:add(self.squares:view(-1, 1):expandAs(distances)):clamp(0, math.huge):sqrt() end
  return distances, self.numbers:clone()
end

--- Distances of pairs of rows, by their differences.
-- @param a FloatTensor n x d
-- @param b as many
-- @string[opt='l2'] metric 'l2' or 'l1'
-- @treturn tensor DoubleTensor n
function neighbours.distance(a, b, metric)
  local d = a:double():csub(b:double())
  return d:norm(metric == 'l1' and 1 or 2, 2):view(-1)
end

return neighbours
