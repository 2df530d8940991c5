--- How well duplicates are found: copies of pictures are made as they happen (moved, saved as JPEG, brighter or darker), and those that
-- gantry.lab.dedup pairs with their originals are counted, by each of its readings.
-- @module gantry.lab.copies
local native = require 'gantry.native'
local image = require 'gantry.image'
local torch = require 'gantry.torch'
local sheet = require 'gantry.gan.sheet'
local codes = require 'gantry.lab.codes'
local dedup = require 'gantry.lab.dedup'
local pictures = require 'gantry.lab.pictures'
local record = require 'gantry.lab.record'
local statistics = require 'gantry.lab.statistics'

local copies = {}

local PAIRS = 32 -- in the picture

-- ---- copies -----------------------------------------------------------------------------------------------------------------------------

local function each(x, change)
  local y = torch.FloatTensor(x:size())
  for i = 1, x:size(1) do y:narrow(1, i, 1):copy(change(x:narrow(1, i, 1), i)) end
  return y
end

--- Copies moved by 1 or 2 pixels to the side, up or down, or both; edges continued.
-- @param x FloatTensor n x channels x height x width, -1..1
-- @param generator torch.Generator
function copies.moved(x, generator)
  return each(x, function(one)
    local right, down = 0, 0
    while right == 0 and down == 0 do right, down = torch.random(generator, -2, 2), torch.random(generator, -2, 2) end
    return dedup.moved(one, right, down)
  end)
end

--- Copies saved as JPEG of quality 50 and read again.
function copies.jpeg(x)
  local path = os.tmpname()
  local y = each(x, function(one)
    image.save(path .. '.jpg', (one[1] + 1) / 2, 50)
    return image.load(path .. '.jpg', one:size(2)) * 2 - 1
  end)
  os.remove(path)
  os.remove(path .. '.jpg')
  return y
end

--- Copies brighter or darker by 5%, in turn.
function copies.brightness(x)
  return each(x, function(one, i) return ((one + 1) * (i % 2 == 0 and 1.05 or 0.95) - 1):clamp(-1, 1) end)
end

local kinds = {
  {'moved by 1 to 2 pixels', copies.moved}, {'JPEG of quality 50', copies.jpeg}, {'brightness +-5%', copies.brightness},
}

-- ---- counting ---------------------------------------------------------------------------------------------------------------------------

-- Figures of one kind of copies by one reading: of the pairs found among pictures and their copies together, how many are a picture and its
-- copy (precision), and how many copies are in such a pair (recall).
local function judge(r, name, list, probes, n, radius, accept, paper)
  local found, right, all = codes.pairs(list, radius, probes), 0, 0
  for _, pair in ipairs(found) do
    if not accept or accept(pair[1], pair[2]) then
      all = all + 1
      if pair[2] - pair[1] == n then right = right + 1 end
    end
  end
  r:figure(name .. ': recall', record.number(statistics.wilson(right, n)))
  if all == 0 then return end
  r:figure(name .. ': precision', record.number(statistics.wilson(right, all), {paper = paper}))
end

local function joined(a, b)
  local list = {}
  for i, code in ipairs(a) do list[i] = code end
  for i, code in ipairs(b) do list[#a + i] = code end
  return list
end

-- Both readings on one kind of copies.
local function measure(r, d, name, x, y, o)
  local n = x:size(1)
  local own, own_probes = d:codes_of(x, o.shifts)
  local other, other_probes = d:codes_of(y, o.shifts)
  local list, probes = joined(own, other), {}
  for s = 1, #own_probes do probes[s] = joined(own_probes[s], other_probes[s]) end
  local function picture(i) return i <= n and x:narrow(1, i, 1) or y:narrow(1, i - n, 1) end
  local function accept(i, j) return dedup.likeness(picture(i), picture(j), o.shifts, o.likeness) >= o.likeness end
  judge(r, ('%s, equal codes'):format(name), list, nil, n, 0, nil, 'false positives below 1 in 100, by eye')
  judge(r, ('%s, near codes and alike'):format(name), list, probes, n, o.radius, o.likeness > 0 and accept or nil)
end

--- A sheet of pairs of pictures that were found to be duplicates, one beside the other: the first and the last of some groups, evenly.
-- @param set a data set
-- @tparam {{int,...},...} groups from Dedup:duplicates
-- @treturn tensor channels x height x width, 0..1; nil where there are no groups
function copies.sheet(set, groups)
  local numbers = {}
  for k = 1, math.min(PAIRS, #groups) do
    local group = groups[1 + math.floor((k - 1) * #groups / math.min(PAIRS, #groups))]
    numbers[2 * k - 1], numbers[2 * k] = group[1], group[#group]
  end
  if #numbers == 0 then return nil end
  return sheet.make(set:batch(numbers), {columns = 8})
end

--- The experiment: duplicates in a data set, and how well copies of its pictures are found.
-- @tparam Dedup d
-- @param set from dedup.open
-- @tparam table o out (directory), n (2000: pictures that are copied), radius, shifts, likeness (of
-- the second reading: see dedup.readings), progress
-- @treturn table the record
-- @usage lab.copies.run(lab.dedup.load 'dedup.safetensors', lab.dedup.open 'photos', {out = 'lab'})
function copies.run(d, set, o)
  local near = dedup.readings.near
  local second = {
    radius = o.radius or near.radius, shifts = o.shifts or near.shifts, likeness = o.likeness or near.likeness, progress = o.progress,
  }
  local n = math.min(o.n or 2000, set:size())
  if n < 2 then native.fail('dedup: got %d pictures, wanted at least 2', n) end
  local r = record.new('dedup', {
    out = o.out, seed = d.about.seed, data = set.name,
    about = {network = d.about, hash = d.hash, radius = second.radius, shifts = second.shifts, likeness = second.likeness},
  })
  local x, generator = set:batch(pictures.evenly(set:size(), n)), torch.Generator(d.about.seed)
  for _, kind in ipairs(kinds) do measure(r, d, kind[1], x, kind[2](x, generator), second) end
  for _, reading in ipairs {{'equal codes', dedup.readings.paper}, {'near codes', second}} do
    local found = d:duplicates(set, reading[2])
    r:figure(('duplicates in the data, %s, %%'):format(reading[1]),
      {value = 100 * #found.left_out / set:size(), n = set:size(), paper = 'about 9 (275,000 of 3 million)'})
    local pixels = copies.sheet(set, found.groups)
    if pixels then r:picture(pixels, reading[1]:gsub(' .*', ''), ('pairs of %s'):format(reading[1])) end
  end
  return r:finish()
end

return copies
