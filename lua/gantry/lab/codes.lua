--- Binary codes and what is alike by them: equal ones by a hash table, in linear time; those that differ in few bits by the hash tables
-- of their bands.
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

-- Numbers of equal keys: lists in order of their first.
local function buckets(keys)
  local by_key, order = {}, {}
  for i, key in ipairs(keys) do
    local list = by_key[key]
    if not list then
      list = {}
      by_key[key], order[#order + 1] = list, list
    end
    list[#list + 1] = i
  end
  return order
end

-- Which bits make each band: those that say most are dealt out first, so that no band is the same for nearly all codes.
local function bands(list, count)
  local width = 8 * #list[1]
  local set, order = {}, {}
  for b = 0, width - 1 do set[b], order[b + 1] = 0, b end
  for _, code in ipairs(list) do
    for k = 1, #code do
      local byte = code:byte(k)
      for j = 0, 7 do
        if band(rshift(byte, j), 1) == 1 then set[8 * (k - 1) + j] = set[8 * (k - 1) + j] + 1 end
      end
    end
  end
  local function balance(b) return math.abs(set[b] - #list / 2) end
  table.sort(order, function(a, b) return balance(a) < balance(b) or balance(a) == balance(b) and a < b end)
  local dealt = {}
  for k = 1, count do dealt[k] = {} end
  for i, b in ipairs(order) do table.insert(dealt[(i - 1) % count + 1], b) end
  return dealt
end

local function band_keys(list, bits)
  local keys = {}
  for i, code in ipairs(list) do
    local text = {}
    for k, b in ipairs(bits) do text[k] = band(rshift(code:byte(math.floor(b / 8) + 1), b % 8), 1) end
    keys[i] = table.concat(text)
  end
  return keys
end

--- All pairs of codes that differ in at most `radius` bits.
-- With radius 0 a hash table finds them in linear time. Else codes are cut into radius + 1 bands: two that differ in at most radius bits are
-- equal in one band at least (the pigeonhole principle; Norouzi et al. 2012, arXiv 1307.2982), so that only codes which share a band are
-- compared. No pair is missed.
-- @tparam {string,...} list
-- @int[opt=0] radius
-- @func[opt] skip told i and j, i < j: true for a pair that is of no interest
-- @treturn {{int,int,int},...} i, j with i < j, and their distance; by i, then j
-- @treturn int comparisons of codes that were made
function codes.pairs(list, radius, skip)
  radius = radius or 0
  local found, seen, compared = {}, {}, 0
  if #list == 0 then return found, 0 end
  local sets = radius == 0 and {buckets(list)} or {}
  if radius > 0 then
    for k, bits in ipairs(bands(list, radius + 1)) do sets[k] = buckets(band_keys(list, bits)) end
  end
  for _, set in ipairs(sets) do
    for _, same in ipairs(set) do
      for x = 1, #same - 1 do
        for y = x + 1, #same do
          local i, j = same[x], same[y]
          compared = compared + 1
          local d = codes.distance(list[i], list[j])
          local key = i * 2 ^ 26 + j
          if d <= radius and not seen[key] and not (skip and skip(i, j)) then
            seen[key] = true
            found[#found + 1] = {i, j, d}
          end
        end
      end
    end
  end
  table.sort(found, function(a, b) return a[1] < b[1] or a[1] == b[1] and a[2] < b[2] end)
  return found, compared
end

--- Groups of codes that belong together: each differs in at most `radius` bits from another of its group.
-- @tparam {string,...} list
-- @int[opt=0] radius
-- @treturn {{int,...},...} numbers in rising order; groups of more than one, by their first
function codes.groups(list, radius)
  local parent = {}
  for i = 1, #list do parent[i] = i end
  local function root(i)
    while parent[i] ~= i do
      parent[i] = parent[parent[i]]
      i = parent[i]
    end
    return i
  end
  if (radius or 0) == 0 then
    local groups = {}
    for _, same in ipairs(buckets(list)) do
      if #same > 1 then groups[#groups + 1] = same end
    end
    return groups
  end
  for _, pair in ipairs(codes.pairs(list, radius)) do
    local a, b = root(pair[1]), root(pair[2])
    if a ~= b then parent[math.max(a, b)] = math.min(a, b) end
  end
  local roots, groups = {}, {}
  for i = 1, #list do roots[i] = root(i) end
  for _, same in ipairs(buckets(roots)) do
    if #same > 1 then groups[#groups + 1] = same end
  end
  return groups
end

return codes
