--- Binary codes and what is alike by them: equal ones by a hash table, in linear time; those that differ in few bits by the hash tables
-- of their bands, in nearly linear time.
-- @module gantry.lab.codes
local bit = require 'bit'
local ffi = require 'ffi'
local native = require 'gantry.native'
local torch = require 'gantry.torch'

local codes = {}

local band, rshift, bxor = bit.band, bit.rshift, bit.bxor

local ones = {[0] = 0} -- set bits of each byte
for byte = 1, 255 do ones[byte] = ones[rshift(byte, 1)] + band(byte, 1) end

--- Codes out of bits: eight to a character.
-- @param x ByteTensor n x bits of 0 and 1; a multiple of 8 bits
-- @treturn {string,...}
function codes.pack(x)
  local n, width = x:size(1), x:size(2)
  if width % 8 ~= 0 then native.fail('codes: got %d bits, wanted a multiple of 8', width) end
  local bytes, list = width / 8, {}
  local weights = torch.FloatTensor(8)
  for k = 1, 8 do weights[k] = 2 ^ (k - 1) end
  local packed = torch.mm(x:contiguous():view(n * bytes, 8):float(), weights:view(8, 1)):byte()
  local p = packed:data()
  for i = 0, n - 1 do list[i + 1] = ffi.string(p + i * bytes, bytes) end
  return list
end

--- In how many bits two codes differ.
-- @string a
-- @string b as long
-- @treturn int
function codes.distance(a, b)
  local sum = 0
  for k = 1, #a do sum = sum + ones[bxor(a:byte(k), b:byte(k))] end
  return sum
end

-- ---- an index of codes ----------------------------------------------------------------------------------------------------------------

local MOST_BITS = 48 -- of a band that go into its key: as many as a number holds exactly, and more than enough

local function bit_at(code, b) return band(rshift(code:byte(rshift(b, 3) + 1), band(b, 7)), 1) end

-- Which bits make each band: those that say most are dealt out first, so that no band is the same for nearly all codes.
local function bands_of(list, count)
  local width = 8 * #list[1]
  local set, order = {}, {}
  for b = 0, width - 1 do
    local sum = 0
    for _, code in ipairs(list) do sum = sum + bit_at(code, b) end
    set[b], order[b + 1] = math.abs(sum - #list / 2), b
  end
  table.sort(order, function(a, b) return set[a] < set[b] or set[a] == set[b] and a < b end)
  local dealt = {}
  for k = 1, count do dealt[k] = {} end
  for i, b in ipairs(order) do
    local bits = dealt[(i - 1) % count + 1]
    if #bits < MOST_BITS then bits[#bits + 1] = b end
  end
  return dealt
end

local function key_of(code, bits)
  local key = 0
  for k = 1, #bits do key = 2 * key + bit_at(code, bits[k]) end
  return key
end

local Index = {}
Index.__index = Index

--- An index of codes that finds those within a few bits of another.
-- With radius 0 it is a hash table. Else codes are cut into radius + 1 bands with a hash table each: two codes that differ in at most
-- radius bits are equal in one band at least (the pigeonhole principle; Norouzi et al. 2012, arXiv 1307.2982), so only those that share a
-- band are compared, and none is missed.
-- @tparam {string,...} list
-- @int[opt=0] radius
-- @treturn Index
function codes.index(list, radius)
  radius = radius or 0
  if type(radius) ~= 'number' or radius % 1 ~= 0 or radius < 0 then
    native.fail('codes: radius is %s, wanted a whole number from 0', tostring(radius))
  end
  local self = setmetatable({radius = radius, numbers = {}, codes = {}, tables = {}, compared = 0}, Index)
  for i, code in ipairs(list) do -- equal ones are kept together
    local same = self.numbers[code]
    if same then same[#same + 1] = i else
      self.numbers[code], self.codes[#self.codes + 1] = {i}, code
    end
  end
  if radius == 0 or #list == 0 then return self end
  self.bands = bands_of(self.codes, math.min(radius + 1, 8 * #list[1]))
  for k, bits in ipairs(self.bands) do
    local by_key = {}
    for _, code in ipairs(self.codes) do
      local key = key_of(code, bits)
      local same = by_key[key]
      if same then same[#same + 1] = code else by_key[key] = {code} end
    end
    self.tables[k] = by_key
  end
  return self
end

-- The different codes of the index within its radius, each once: visit(code, distance).
local function near_codes(self, code, visit)
  if self.radius == 0 then
    if self.numbers[code] then visit(code, 0) end
    return
  end
  local seen
  for k, by_key in ipairs(self.tables) do
    for _, other in ipairs(by_key[key_of(code, self.bands[k])] or {}) do
      self.compared = self.compared + 1
      local d = codes.distance(code, other)
      if d <= self.radius and not (seen and seen[other]) then
        seen = seen or {}
        seen[other] = true
        visit(other, d)
      end
    end
  end
end

--- The codes of the index that differ from one in at most radius bits.
-- @string code
-- @func visit called with the number of each and in how many bits it differs
function Index:near(code, visit)
  near_codes(self, code, function(other, d)
    for _, i in ipairs(self.numbers[other]) do visit(i, d) end
  end)
end

--- Whether there is such a code.
function Index:has(code)
  local found = false
  near_codes(self, code, function() found = true end)
  return found
end

-- ---- pairs and groups -----------------------------------------------------------------------------------------------------------------

-- Calls visit(i, j, distance) for the codes of the list, and of each list of further codes of the same pictures, near another's code.
local function links(index, list, probes, visit)
  for s = 0, #(probes or {}) do
    for i, code in ipairs(s == 0 and list or probes[s]) do
      index:near(code, function(j, d)
        if j ~= i then visit(i, j, d) end
      end)
    end
  end
end

--- All pairs of pictures whose codes differ in at most `radius` bits.
-- @tparam {string,...} list a code for each
-- @int[opt=0] radius
-- @tparam[opt] {{string,...},...} probes further codes of the pictures (moved ones, say), of which one being near is enough
-- @treturn {{int,int,int},...} i, j with i < j, and the smallest distance; by i, then j
function codes.pairs(list, radius, probes)
  local by_pair, found = {}, {}
  links(codes.index(list, radius), list, probes, function(i, j, d)
    local a, b = math.min(i, j), math.max(i, j)
    local key = a * 2 ^ 26 + b
    local pair = by_pair[key]
    if not pair then
      pair = {a, b, d}
      by_pair[key], found[#found + 1] = pair, pair
    end
    pair[3] = math.min(pair[3], d)
  end)
  table.sort(found, function(a, b) return a[1] < b[1] or a[1] == b[1] and a[2] < b[2] end)
  return found
end

-- Joins whatever is near: of pictures with equal codes, one stands for all.
local function join_near(index, list, probes, join)
  for _, same in pairs(index.numbers) do
    for k = 2, #same do join(same[1], same[k]) end
  end
  for s = index.radius == 0 and 1 or 0, #(probes or {}) do
    for i, code in ipairs(s == 0 and list or probes[s]) do
      near_codes(index, code, function(other) join(i, index.numbers[other][1]) end)
    end
  end
end

--- Groups of pictures that belong together: each is near another of its group.
-- @tparam {string,...} list a code for each
-- @int[opt=0] radius
-- @tparam[opt] {{string,...},...} probes see codes.pairs
-- @func[opt] accept told i and j, i < j, whose codes are near: whether they belong together; it is not asked about those that do already
-- @treturn {{int,...},...} numbers in rising order; groups of more than one, by their first
function codes.groups(list, radius, probes, accept)
  local parent = {}
  for i = 1, #list do parent[i] = i end
  local function root(i)
    while parent[i] ~= i do
      parent[i] = parent[parent[i]]
      i = parent[i]
    end
    return i
  end
  local function join(i, j)
    i, j = root(i), root(j)
    if i ~= j then parent[math.max(i, j)] = math.min(i, j) end
  end
  if accept then
    for _, pair in ipairs(codes.pairs(list, radius, probes)) do
      if root(pair[1]) ~= root(pair[2]) and accept(pair[1], pair[2]) then join(pair[1], pair[2]) end
    end
  else
    join_near(codes.index(list, radius), list, probes, join)
  end
  local by_root, groups = {}, {}
  for i = 1, #list do
    local r = root(i)
    local group = by_root[r]
    if group then
      group[#group + 1] = i
      if #group == 2 then groups[#groups + 1] = group end
    else
      by_root[r] = {i}
    end
  end
  table.sort(groups, function(a, b) return a[1] < b[1] end)
  return groups
end

return codes
