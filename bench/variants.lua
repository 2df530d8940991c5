-- Every recipe that makes images from z beside the others: trained on the same number of images of a labelled set at 32x32, scored with
-- one feature net. The table and the sheet of docs/variants.md.
-- usage: bin/gantry bench/variants.lua --data SPEC [--out DIR] [--images N] [--only NAME,...] [--again] [--threads N] [--write FILE]
--   --data     a labelled set, as mnist:DIR
--   --out      (runs/variants) gets for each recipe a run, a sheet and a record, and the feature net, variants.md, variants.png
--   --images   real images that each D (or encoder) is shown (96000)
--   --only     these recipes; `untrained` is DCGAN at step 0, `noise` pixels drawn alone, `real` other real images
--   --again    measures them anew. Without it what is there is kept, so that a table that was stopped goes on
--   --threads  of training (1)
--   --write    also puts the table into a Markdown file, and the sheet into the images/ beside it
package.path = (arg[0]:match '^(.*/)' or './') .. '?.lua;' .. package.path
local gantry = require 'gantry'
local data, gan, image, torch = gantry.data, gantry.gan, gantry.image, gantry.torch
local Canvas = require 'gantry.gan.canvas'
local folder = require 'gantry.gan.folder'
local score = require 'gantry.metrics.score'
local rated, settings = require 'rated', require 'settings'

local how = settings.options(arg, {data = '', out = 'runs/variants', images = 96000, only = '', again = false, threads = 1,
  write = ''})
if how.data == '' then settings.quit '--data is missing: a labelled set, as mnist:DIR' end
folder.make(how.out)

local N = 1000 -- images of each kind in a draw
-- Settings that make networks of about the same size out of each recipe's own.
local common = {size = 32, base = 16, kernel = 4, batch = 32, maps = 8, hidden = 512, sample_every = 0, checkpoint_every = 0}
-- Where a paper's settings are for a hundred times as many steps: of these nothing would be seen with them.
local own = {
  wgan = {lr = 5e-4}, ['wgan-gp'] = {lr = 3e-3}, sngan = {lr = 1e-3}, diffaugment = {lr = 1e-3}, projection = {lr = 1e-3},
  gan = {optimizer = 'adam', lr = 1e-3, lr_d = 2e-4, units = 400, maxout = 100}, lapgan = {lr = 5e-4, lr_d = 2e-3},
}

-- ---- what is rated ----------------------------------------------------------------------------------------------------------------

local channels = data.open(how.data).channels or 3
common.channels = channels
local set = data.open(how.data, {size = common.size, channels = channels, seed = 1})
if set:size() < 2 * N then settings.quit('%s has %d images, wanted at least %d', how.data, set:size(), 2 * N) end
local net = rated.features(how.out .. '/net.safetensors', how.data, ('--channels %d --threads %d'):format(channels, how.threads))

-- Real images of the k-th draw, those that `gantry score --seed k` takes; `others`: as many others.
local function real(k, others)
  local order, list = torch.randperm(torch.Generator(k), set:size()), {}
  for i = 1, N do list[i] = order[i + (others and N or 0)] end
  return set:batch(list)
end

local names, recipes = rated.recipes(false)
local is_asked = rated.asked(how.only, {'untrained', 'noise', 'real', unpack(names)})

local function measure(name, recipe, steps)
  return rated.measure {
    out = how.out, name = name, recipe = recipe.name, data = how.data, steps = steps, threads = how.threads,
    set = rated.settings(recipe, common, own[name]), net = net, n = N, again = how.again and is_asked(name),
    sheet = function(run) return run:sheet(100, {columns = 10, numbers = false}) end,
    rate = function(run) return rated.images(function(k) return real(k), run:images(run:z(N, k)) end, net) end,
  }
end

-- The recipes that are asked for, and what is known of others; the best first.
local function measured()
  local list = {}
  for _, name in ipairs(names) do
    local shown = common.batch * (recipes[name].options:default 'critic_steps' or 1)
    list[#list + 1] = is_asked(name) and measure(name, recipes[name], math.floor(how.images / shown)) or rated.known(how.out, name)
  end
  table.sort(list, function(a, b) return a.scores.frechet.mean < b.scores.frechet.mean end)
  return list
end

-- What a generator has to beat, and what it cannot.
local function compared()
  local untrained = measure('untrained', recipes.dcgan, 0)
  local run = gan.open(how.out .. '/untrained'):reestimate()
  local list = {{name = 'an untrained generator', scores = untrained.scores, images = run:images(run:z(N, 1))}}
  local function add(file, name, of)
    local key = {command = ('%d images of %s'):format(N, how.data), net = net.hash, n = N}
    local found = rated.kept(('%s/%s.json'):format(how.out, file), key, how.again and is_asked(file), function()
      return {scores = rated.images(function(k) return real(k), of(k) end, net)}
    end)
    list[#list + 1] = {name = name, scores = found.scores, images = of(1)}
  end
  add('noise', 'pixels drawn alone', function(k) return score.pixel_noise(real(k), N, k) end)
  add('real', 'other real images', function(k) return real(k, true) end)
  return list
end

-- ---- the table and the sheet --------------------------------------------------------------------------------------------------------

local function row(found)
  local s = found.scores
  local function mean(name, form) return s[name] and form:format(s[name].mean) or '' end
  local function both(name, times, form) return (form .. ' +- ' .. form):format(times * s[name].mean, times * s[name].interval) end
  local cells = {
    found.name, both('frechet', 1, '%.2f'), both('kernel', 1000, '%.1f'), mean('precision', '%.2f'), mean('recall', '%.2f'),
    mean('coverage', '%.2f'), mean('inception', '%.2f'), mean('alikeness', '%.2f'), found.seconds and ('%.0f'):format(found.seconds) or '',
    found.steps or '', found.parameters or '', found.commit or '',
  }
  return '| ' .. table.concat(cells, ' | ') .. ' |'
end

-- Whether a row is nearer to real images than another by more than both intervals, by both distances.
local function is_nearer(a, b)
  for _, name in ipairs {'frechet', 'kernel'} do
    local x, y = a.scores[name], b.scores[name]
    if x.mean + x.interval >= y.mean - y.interval then return false end
  end
  return true
end

local function verdict(list, baselines)
  local failed = {}
  for _, found in ipairs(list) do
    for i = 1, 2 do
      if not is_nearer(found, baselines[i]) then failed[#failed + 1] = ('%s does not beat %s'):format(found.name, baselines[i].name) end
    end
  end
  if #failed > 0 then return 'By more than the intervals, ' .. table.concat(failed, '; ') .. '.' end
  return 'By both distances each beats an untrained generator and pixels drawn alone by more than the intervals.'
end

local ROWS, COLUMNS = 2, 10 -- of images in a part of the sheet

-- Parts of images with their names above, side by side in twos.
local function draw(list)
  local title = 11
  local width, height = COLUMNS * (common.size + 1) + 5, ROWS * (common.size + 1) + title + 2
  local lines = math.ceil(#list / 2)
  local canvas = Canvas.new {channels, lines * height, 2 * width}
  for i, part in ipairs(list) do
    local x, y = (i - 1) % 2 * width + 2, math.floor((i - 1) / 2) * height
    canvas:text(x, y + 2, part.name, {0, 0, 0})
    local grid = image.grid(part.images:narrow(1, 1, ROWS * COLUMNS), {columns = COLUMNS, padding = 1, range = {-1, 1}})
    canvas:put(x, y + title - 1, grid)
  end
  return canvas
end

local what = how.data:match '^(%a+):' or how.data
local list, baselines = measured(), compared()
local lines = {
  ('%d real images of %s for each, seed 1. Features: `%s` (%s). Means of %d draws of %d images of each kind.'):format(how.images, what,
    net.name, net.hash, rated.DRAWS, N), '',
  '| recipe | Frechet | kernel x1000 | precision | recall | coverage | classes | alike | seconds | steps | G / D | commit |',
  '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
}
local pictures = {}
for _, found in ipairs(list) do
  lines[#lines + 1] = row(found)
  local run = gan.open(('%s/%s'):format(how.out, found.name)):reestimate()
  pictures[#pictures + 1] = {name = found.name, images = run:images(run:z(ROWS * COLUMNS, 1))}
end
for _, baseline in ipairs(baselines) do
  lines[#lines + 1] = row(baseline)
  pictures[#pictures + 1] = {name = baseline.name, images = baseline.images}
end
lines[#lines + 1] = '\n' .. verdict(list, baselines)
rated.publish(how, 'variants', lines, draw(pictures))
