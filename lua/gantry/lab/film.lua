--- The same z at each checkpoint that a run kept: how images come about while it trains. As a strip, and as an animated PNG.
-- @module gantry.lab.film
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local Canvas = require 'gantry.gan.canvas'
local animation = require 'gantry.gan.animation'
local Keeper = require 'gantry.gan.keep'
local runs = require 'gantry.gan.run'
local sheet = require 'gantry.gan.sheet'
local record = require 'gantry.lab.record'
local statistics = require 'gantry.lab.statistics'

local film = {}

-- At most n of a list, evenly, with the first and the last.
local function thinned(list, n)
  if #list <= n then return list end
  local some = {}
  for k = 1, n do some[k] = list[math.floor((k - 1) * (#list - 1) / (n - 1) + 0.5) + 1] end
  return some
end

--- Images of the same z at the checkpoints in a run.
-- @string path of the run
-- @tparam[opt] table o z (9: how many), frames (all: the most checkpoints), seed (the run's), class, training_stats (batch norm with
-- training's running averages; default: estimated anew at each checkpoint), trust
-- @treturn tensor checkpoints x z x channels x height x width, -1..1
-- @treturn {int,...} the checkpoints' steps
-- @raise where fewer than two were kept
-- @usage local images, steps = film.images('runs/faces', {z = 4})
function film.images(path, o)
  o = o or {}
  runs.expect(path)
  local steps = Keeper.steps(path)
  if #steps < 2 then
    native.fail('film: %s kept %d checkpoints, wanted at least 2; train with --set keep=50 checkpoint_every=100', path, #steps)
  end
  steps = thinned(steps, o.frames or #steps)
  local all
  for k, step in ipairs(steps) do
    local run = runs.open(path, {checkpoint = step, trust = o.trust})
    if not o.training_stats then run:reestimate() end
    local images = run:images(run:z(o.z or 9, o.seed), run.classes and run:labels(o.z or 9, o.class))
    all = all or torch.FloatTensor(#steps, unpack(images:size():totable()))
    all[k]:copy(images)
    collectgarbage() -- each run holds two networks
  end
  return all, steps
end

--- How much images change from one checkpoint to the next.
-- @param images checkpoints x z x channels x height x width
-- @treturn {{number,...},...} for each pair of neighbours and each z the root mean square over pixels, in -1..1
function film.changes(images)
  local list = {}
  for k = 1, images:size(1) - 1 do
    list[k] = {}
    for i = 1, images:size(2) do
      local d = images[k + 1][i] - images[k][i]
      list[k][i] = d:norm() / math.sqrt(d:nElement())
    end
  end
  return list
end

local STRIP = 12 -- rows of the strip at most

-- A row for each checkpoint, its step on the first image.
local function strip(images, steps)
  local rows, numbers = {}, {}
  for k = 1, #steps do numbers[k] = k end
  for k, i in ipairs(thinned(numbers, STRIP)) do rows[k] = {images = images[i], step = steps[i]} end
  local parts, words = {}, {}
  for _, row in ipairs(rows) do
    parts[#parts + 1] = row.images
    for i = 1, row.images:size(1) do words[#words + 1] = i == 1 and tostring(row.step) or '' end
  end
  return sheet.make(torch.cat(parts, 1), {columns = images:size(2), labels = words})
end

-- A frame for each checkpoint: the z side by side, the step in the corner.
local function frames(images, steps)
  local all
  for k, step in ipairs(steps) do
    local pixels = sheet.make(images[k])
    Canvas.new(pixels):label(2, 2, tostring(step), 2)
    all = all or torch.FloatTensor(#steps, unpack(pixels:size():totable()))
    all[k]:copy(pixels)
  end
  return all:mul(2):add(-1)
end

--- The experiment: OUT/film.png, OUT/film-animated.png and OUT/film.json.
-- @string path of the run
-- @tparam table o out (directory; default: RUN/lab); as for `images`; fps (8)
-- @treturn table the record
function film.experiment(path, o)
  local run = runs.open(path, {trust = o.trust})
  local r = record.new('film', {out = o.out, seed = o.seed or run.options.seed, run = run, about = {z = o.z or 9}})
  local images, steps = film.images(path, o)
  local changes = film.changes(images)
  local function figure(k) return record.number(statistics.mean(changes[k])) end
  r:figure('checkpoints', {value = #steps})
  r:figure(('change from step %d to %d (root mean square of pixels in -1..1)'):format(steps[1], steps[2]), figure(1))
  local middle = math.floor((#changes + 1) / 2)
  if middle > 1 and middle < #changes then
    r:figure(('change from step %d to %d'):format(steps[middle], steps[middle + 1]), figure(middle))
  end
  if #changes > 1 then r:figure(('change from step %d to %d'):format(steps[#changes], steps[#changes + 1]), figure(#changes)) end
  r:picture(strip(images, steps), nil, 'a row for each checkpoint, a column for each z')
  local moving = r.out .. '/film-animated.png'
  animation.save(moving, frames(images, steps), {fps = o.fps or 8, scale = 1})
  r:file(moving, 'the same, moving')
  return r:finish()
end

return film
