--- Walks in z: section 6.1 and figure 4 of the DCGAN paper, lines between a series of 9 random z. The paper looks for sharp transitions,
-- which would be signs of memorisation; here the distances of neighbouring frames are counted.
-- @module gantry.lab.walk
local native = require 'gantry.native'
local record = require 'gantry.lab.record'
local statistics = require 'gantry.lab.statistics'

local walk = {}

--- How evenly walks go: for each the largest distance of neighbouring frames over the mean one, distances being Euclidean over all
-- pixels. 1: every step changes the image as much; frames - 1: one jump, and nothing else.
-- @param images (walks * frames) x channels x height x width, walk after walk
-- @int frames of each walk, at least 3
-- @treturn {number,...} one for each walk in which anything changes
-- @usage local ratios = walk.smoothness(run:images(samples.path(run:z(9), 9)), 9)
function walk.smoothness(images, frames)
  if frames < 3 or images:size(1) % frames ~= 0 then
    native.fail('smoothness: got %d images in walks of %d frames, wanted whole walks of at least 3', images:size(1), frames)
  end
  local ratios = {}
  for first = 1, images:size(1), frames do
    local largest, sum = 0, 0
    for i = first, first + frames - 2 do
      local d = (images[i + 1] - images[i]):norm()
      largest, sum = math.max(largest, d), sum + d
    end
    if sum > 0 then ratios[#ratios + 1] = largest / (sum / (frames - 1)) end
  end
  return ratios
end

--- The mean smoothness as a figure of a record.
-- @tparam {number,...} ratios from `smoothness`
-- @treturn table value, low, high, n; nil where nothing changes in any walk
function walk.figure(ratios)
  if #ratios == 0 then return nil end
  local m = statistics.mean(ratios)
  return record.number(m, {paper = 'no sharp transitions, by eye'})
end

--- Records a walk: OUT/walk.png and OUT/walk.json.
-- @tparam Run run
-- @tparam table o out (directory), seed, pixels (the picture), caption, about, timer (a torch.Timer from the beginning), and ratios (from
-- `smoothness`) or, of one larger image, made (1 x channels x height x width)
-- @treturn table the record
function walk.record(run, o)
  local r = record.new('walk', {out = o.out, seed = o.seed or run.options.seed, run = run, about = o.about})
  r.timer = o.timer
  r:picture(o.pixels, nil, o.caption)
  local figure = o.ratios and walk.figure(o.ratios)
  if figure then
    local worst = math.max(unpack(o.ratios))
    r:figure('largest over mean distance of neighbouring frames', figure)
    r:figure('the same, of the most uneven walk', {value = worst, n = #o.ratios})
  else
    r:figure('height of the picture, pixels', {value = o.made:size(3)})
    r:figure('width of the picture, pixels', {value = o.made:size(4)})
  end
  return r:finish()
end

return walk
