--- Where a map of evidence points, beside what is known to be in the pictures: how much of it lies in an object's box, and whether its
-- largest value does. Chance is the same map beside the boxes of other pictures: objects have their usual places, and a map that knows
-- only those points no better than that. (The pointing game: Zhang, Lin, Brandt, Shen and Sclaroff 2016, arXiv 1608.00507, section 4.1.)
-- @module gantry.lab.pointing
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local statistics = require 'gantry.lab.statistics'

local pointing = {}

--- The rows and columns of pixels (or of cells of a grid) that a box covers, from 1.
-- @tparam table box x0, y0, x1, y1 in 0..1 from the top left
-- @int h rows
-- @int w columns
-- @treturn int first row
-- @treturn int last row
-- @treturn int first column
-- @treturn int last column; pixels whose middle is in the box, at least one
function pointing.cover(box, h, w)
  local function span(from, to, n)
    local first, last = math.ceil(from * n - 0.5) + 1, math.floor(to * n - 0.5) + 1
    first = math.max(1, math.min(n, first))
    return first, math.max(first, math.min(n, last))
  end
  local top, bottom = span(box.y0, box.y1, h)
  local left, right = span(box.x0, box.x1, w)
  return top, bottom, left, right
end

--- 1 where one of the boxes is, 0 elsewhere.
-- @tparam {table,...} boxes
-- @int h
-- @int w
-- @treturn tensor h x w
function pointing.mask(boxes, h, w)
  local mask = torch.FloatTensor(h, w):zero()
  for _, box in ipairs(boxes) do
    local top, bottom, left, right = pointing.cover(box, h, w)
    mask:narrow(1, top, bottom - top + 1):narrow(2, left, right - left + 1):fill(1)
  end
  return mask
end

--- The kinds of objects whose boxes a data set knows, in alphabetical order; none where it knows of no boxes.
function pointing.kinds(set)
  local kinds, seen = {}, {}
  if not set.attributes_of then return kinds end
  for i = 1, math.min(set:size(), 200) do
    for name, x in pairs(set:attributes(i)) do
      if type(x) == 'table' and x.x0 and not seen[name] then
        seen[name] = true
        kinds[#kinds + 1] = name
      end
    end
  end
  table.sort(kinds)
  return kinds
end

--- Masks of pictures by kind of object, and 'any' for all of them together, with the mean of each.
-- @param set a data set with boxes
-- @tparam {string,...} kinds
-- @tparam {int,...} numbers of the pictures whose mean mask is chance
-- @treturn table of(number, kind): a picture's mask; elsewhere(number, kind): the mean of the other pictures' masks
function pointing.masks(set, kinds, numbers)
  local h, w, kept, sums = set.height, set.width, {}, {}
  local function masks_of(number)
    if kept[number] then return kept[number] end
    local attributes, all, masks = set:attributes(number), {}, {}
    for _, kind in ipairs(kinds) do
      local box = attributes[kind]
      masks[kind] = pointing.mask({box or nil}, h, w)
      all[#all + 1] = box or nil
    end
    masks.any = pointing.mask(all, h, w)
    kept[number] = masks
    return masks
  end
  for _, number in ipairs(numbers) do
    for kind, mask in pairs(masks_of(number)) do
      sums[kind] = sums[kind] and sums[kind]:add(mask) or mask:clone()
    end
  end
  return {
    of = function(number, kind) return masks_of(number)[kind] end,
    elsewhere = function(number, kind) return (sums[kind] - masks_of(number)[kind]) / (#numbers - 1) end,
  }
end

--- How one map lies beside a mask.
-- @param map height x width, not negative
-- @param mask height x width: 0..1
-- @treturn number the part of the map's sum inside; nil where the map is empty
-- @treturn number the mask at the largest value
function pointing.inside(map, mask)
  if map:size(1) ~= mask:size(1) or map:size(2) ~= mask:size(2) then
    native.fail('pointing: the map is %d x %d and the mask %d x %d', map:size(1), map:size(2), mask:size(1), mask:size(2))
  end
  local sum = map:sum()
  if sum <= 0 then return nil end
  local _, place = map:contiguous():view(-1):max(1)
  return torch.cmul(map, mask):sum() / sum, mask:contiguous():view(-1)[tonumber(place[1])]
end

--- The energy of gradients: their squares, summed over channels.
-- @param gradients n x channels x height x width
-- @treturn tensor n x height x width
function pointing.energy(gradients) return gradients:clone():pow(2):sum(2):view(gradients:size(1), gradients:size(3), gradients:size(4)) end

--- How concentrated a map is: the part of its sum in its largest tenth of pixels; nil where it is empty.
function pointing.concentration(map)
  local sum, n = map:sum(), map:nElement()
  if sum <= 0 then return nil end
  return map:contiguous():view(-1):topk(math.ceil(n / 10), 1, true):sum() / sum
end

local function mean_of(list) return #list > 0 and statistics.mean(list).mean or nil end

--- What the features of a network point at. Each feature counts once: its pictures are not independent of each other.
-- @tparam {table,...} features numbers and gradients, from guided.maximal
-- @tparam table masks from pointing.masks
-- @string kind of object, or 'any'
-- @treturn table energy, energy_chance, above (the one less the other), hit, hit_chance: statistics.mean over features; responding: how
-- many features have more of their energy in such boxes than chance, the 95% interval of their pictures above 0; n features. nil where no
-- gradient is there
function pointing.measure(features, masks, kind)
  local lists = {energy = {}, energy_chance = {}, above = {}, hit = {}, hit_chance = {}}
  local responding, n = 0, 0
  for _, f in ipairs(features) do
    local energy, mine = pointing.energy(f.gradients), {energy = {}, energy_chance = {}, above = {}, hit = {}, hit_chance = {}}
    for k, number in ipairs(f.numbers) do
      local share, hit = pointing.inside(energy[k], masks.of(number, kind))
      if share then
        local chance, hit_chance = pointing.inside(energy[k], masks.elsewhere(number, kind))
        local numbers = {energy = share, energy_chance = chance, above = share - chance, hit = hit, hit_chance = hit_chance}
        for name, x in pairs(numbers) do
          mine[name][#mine[name] + 1] = x
        end
      end
    end
    if #mine.above > 0 then
      n = n + 1
      for name, list in pairs(mine) do lists[name][n] = mean_of(list) end
      if #mine.above > 1 and statistics.mean(mine.above).low > 0 then responding = responding + 1 end
    end
  end
  if n == 0 then return nil end
  local found = {responding = responding, n = n}
  for name, list in pairs(lists) do found[name] = statistics.mean(list) end
  return found
end

return pointing
