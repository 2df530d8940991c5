-- The recipes that turn images into images, trained on the same number of pairs, and rated against the true pictures of pairs that none of
-- them has seen. The second table of docs/variants.md.
-- usage: bin/gantry bench/translations.lua [--data pairs:KIND] [--out DIR] [--images N] [--only NAME,...] [--again] [--threads N]
--   [--write FILE]
--   --data     pairs:faces or pairs:rooms (pairs:faces): their seeds make new ones
--   --out      (runs/translations) gets for each recipe a run, a sheet and a record, the feature net, translations.md and .png
--   --images   pairs that each is shown (24000)
--   --only     these recipes; `untrained` is pix2pix at step 0
--   --again    measures them anew. Without it what is there is kept
--   --threads  of training (1)
--   --write    also puts the table into a Markdown file, and the sheet into the images/ beside it
package.path = (arg[0]:match '^(.*/)' or './') .. '?.lua;' .. package.path
local gantry = require 'gantry'
local data, gan, image, torch = gantry.data, gantry.gan, gantry.image, gantry.torch
local Canvas = require 'gantry.gan.canvas'
local folder = require 'gantry.gan.folder'
local samples = require 'gantry.gan.samples'
local sheet = require 'gantry.gan.sheet'
local rated, settings = require 'rated', require 'settings'

local how = settings.options(arg, {
  data = 'pairs:faces', out = 'runs/translations', images = 24000, only = '', again = false, threads = 1, write = '',
})
local kind = how.data:match '^pairs:(%a+)$' or settings.quit('--data is %s, wanted pairs:faces or pairs:rooms', how.data)
folder.make(how.out)

local N = 1000 -- pairs in a draw
local common = {size = 32, base = 8, blocks = 3, sample_every = 0, checkpoint_every = 0}
local net = rated.features(how.out .. '/net.safetensors', 'scenes:' .. kind, ('--steps 1000 --threads %d'):format(how.threads))

-- Inputs and truths of the k-th draw: of a seed that no recipe is trained with.
local drawn = {}
local function pairs_of(k)
  drawn[k] = drawn[k] or {samples.pairs(data.open(how.data, {size = {common.size, 2 * common.size}, channels = 3, seed = 1 + k}), N)}
  return drawn[k][1], drawn[k][2]
end

-- What make() gives of a draw's inputs and truths, beside the truths.
local function rate(make)
  return rated.images(function(k)
    local inputs, truths = pairs_of(k)
    return truths, make(inputs, truths, k), true
  end, net)
end

local names, recipes = rated.recipes(true)
local is_asked = rated.asked(how.only, {'untrained', unpack(names)})

local function measure(name, recipe, steps)
  return rated.measure {
    out = how.out, name = name, recipe = recipe.name, data = how.data, steps = steps, threads = how.threads,
    set = rated.settings(recipe, common), net = net, n = N, again = how.again and is_asked(name),
    sheet = function(run) return run:sheet(24) end,
    rate = function(run) return rate(function(inputs) return run:images(inputs) end) end,
  }
end

local function compared()
  local _, truths = pairs_of(1)
  local mean = truths:mean(1)
  local list = {measure('untrained', recipes.pix2pix, 0)}
  list[1].name = 'an untrained generator'
  local function add(name, make) list[#list + 1] = {name = name, scores = rate(make)} end
  add('the input as it is', function(inputs) return inputs end)
  add('the mean picture', function(inputs) return mean:expandAs(inputs):contiguous() end)
  add('the truth of another input', function(_, of) return torch.cat(of:narrow(1, 2, N - 1), of:narrow(1, 1, 1), 1) end)
  return list
end

local function row(found)
  local s = found.scores
  local function both(name, times, form) return (form .. ' +- ' .. form):format(times * s[name].mean, times * s[name].interval) end
  local cells = {
    found.name, both('distance', 1, '%.4f'), both('frechet', 1, '%.2f'), both('kernel', 1000, '%.1f'),
    found.seconds and ('%.0f'):format(found.seconds) or '', found.steps or '', found.parameters or '', found.commit or '',
  }
  return '| ' .. table.concat(cells, ' | ') .. ' |'
end

-- A line of pictures for the inputs, each recipe, the truths.
local function draw(list)
  local shown, width = 12, 150
  local inputs, truths = pairs_of(1)
  local parts = {{'input', inputs}}
  for _, found in ipairs(list) do
    parts[#parts + 1] = {found.name, gan.open(('%s/%s'):format(how.out, found.name)):images(inputs:narrow(1, 1, shown))}
  end
  parts[#parts + 1] = {'truth', truths}
  local side = 2 * common.size + 2
  local canvas = Canvas.new {3, #parts * side + 2, width + shown * side + 2}
  for i, part in ipairs(parts) do
    canvas:text(4, (i - 1) * side + common.size - 6, part[1], {0, 0, 0}, 2)
    local images = sheet.enlarge(part[2]:narrow(1, 1, shown), 2)
    canvas:put(width, (i - 1) * side, image.grid(images, {columns = shown, padding = 2, range = {-1, 1}}))
  end
  return canvas
end

local list = {}
for _, name in ipairs(names) do
  local steps = math.floor(how.images / recipes[name].options:default 'batch')
  list[#list + 1] = is_asked(name) and measure(name, recipes[name], steps) or rated.known(how.out, name)
end
table.sort(list, function(a, b) return a.scores.distance.mean < b.scores.distance.mean end)
local lines = {
  ('%d pairs of %s for each, seed 1. Features: `%s` (%s). Means of %d draws of %d pairs that were not trained on.'):format(how.images,
    how.data, net.name, net.hash, rated.DRAWS, N), '',
  '| recipe | from the truth | Frechet | kernel x1000 | seconds | steps | G / D | commit |',
  '| --- | --- | --- | --- | --- | --- | --- | --- |',
}
for _, part in ipairs {list, compared()} do
  for _, found in ipairs(part) do lines[#lines + 1] = row(found) end
end
rated.publish(how, 'translations', lines, draw(list))
