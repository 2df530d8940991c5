-- Every recipe of images beside the others: trained on the same number of images of one labelled set at 32x32, scored with one feature net,
-- one table. usage: bin/gantry bench/variants.lua DATA OUT [IMAGES [RECIPE ...]]
--
-- DATA is a labelled set, as mnist:DIR. OUT gets a run for each recipe, the feature net and variants.md. What is there already is kept,
-- so that one recipe is measured again by removing its folder. IMAGES: how many real images each D (or encoder) is shown; default
-- 96,000. Recipes that turn images into images are not among them.
local cjson = require 'cjson'
local lfs = require 'lfs'
local gantry = require 'gantry'
local data, gan = gantry.data, gantry.gan
local folder = require 'gantry.gan.folder'
local network = require 'gantry.gan.network'

local spec, out, images = arg[1], arg[2], tonumber(arg[3]) or 96000
if not spec or not out then
  io.stderr:write 'usage: bin/gantry bench/variants.lua DATA OUT [IMAGES [RECIPE ...]]\n'
  os.exit(2)
end
local asked = {}
for i = 4, #arg do asked[arg[i]] = true end

local gantry_command = (arg[0]:match '^(.*)bench/[^/]*$' or '') .. 'bin/gantry'
local SCORED = 2000

-- Settings that make networks of about the same size out of each recipe's own.
local common = {size = 32, base = 32, kernel = 4, batch = 64, hidden = 256, units = 400, maxout = 100, maps = 16, sample_every = 0,
  checkpoint_every = 0, samples = 100}

local function run(format, ...)
  local line = format:format(...)
  io.stdout:write('$ ', line, '\n')
  if os.execute(line .. ' >/dev/null') ~= 0 then
    io.stderr:write('variants: failed: ', line, '\n')
    os.exit(1)
  end
end

local function settings(recipe, channels)
  local list = {'channels=' .. channels}
  for key, value in pairs(common) do
    if recipe.options.declared[key] then list[#list + 1] = ('%s=%s'):format(key, value) end
  end
  table.sort(list)
  return table.concat(list, ' ')
end

-- Trains and scores; gives what the table needs.
local function measure(name, recipe, steps, channels, net, title)
  local path = ('%s/%s'):format(out, title or name)
  if not lfs.attributes(path .. '/checkpoint.safetensors', 'mode') then
    run('%s train %s --data %s --out %s --steps %d --set %s', gantry_command, name, spec, path, steps, settings(recipe, channels))
  end
  if not lfs.attributes(path .. '/scores.jsonl', 'mode') then
    run('%s score %s --features %s --n %d', gantry_command, path, net, SCORED)
    run('%s sample %s --n 100 --columns 10 --out %s.png', gantry_command, path, path)
  end
  local line
  for text in folder.read(path .. '/scores.jsonl'):gmatch '[^\n]+' do line = text end
  local score, opened = cjson.decode(line), gan.open(path)
  local parameters = {}
  for _, which in ipairs {'G', 'D'} do
    local described = opened.checkpoint.networks[which]
    parameters[#parameters + 1] = described and ('%.2f'):format(network.count(opened[which]) / 1e6) or '-'
  end
  return {name = title or name, about = recipe.about, rows = score.rows, net = score.net, hash = score.net_hash,
    seconds = tonumber(opened.state.seconds), steps = opened.step, parameters = table.concat(parameters, ' / ')}
end

local function line(name, row, rest)
  return ('| %s | %.2f | %.1f +- %.1f | %.2f | %.2f | %.2f | %.2f | %s |'):format(name, row.frechet, 1000 * row.kernel,
    1000 * row.kernel_interval, row.precision, row.recall, row.density, row.coverage, rest)
end

folder.make(out)
local channels = data.open(spec, {size = 32}).channels
local native_channels = data.open(spec).channels or channels
local net = out .. '/net.safetensors'
if not lfs.attributes(net, 'mode') then
  run('%s features --data %s --out %s --channels %d', gantry_command, spec, net, native_channels)
end

local found = {}
for _, entry in ipairs(gan.recipes()) do
  local recipe = gan.load_recipe(entry.path)
  if not recipe.pairs and (next(asked) == nil or asked[entry.name]) then
    local batch = common.batch
    local per_step = batch * recipe.options:default 'critic_steps'
    found[#found + 1] = measure(entry.name, recipe, math.floor(images / per_step), native_channels, net)
  end
end
table.sort(found, function(a, b) return a.rows[1].frechet < b.rows[1].frechet end)
local untrained = measure('dcgan', gan.load_recipe 'dcgan', 0, native_channels, net, 'untrained')

local lines = {
  '| recipe | Frechet | kernel x1000 | precision | recall | density | coverage | seconds | steps | G / D, million weights |',
  '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
}
for _, f in ipairs(found) do
  lines[#lines + 1] = line(f.name, f.rows[1], ('%.0f | %d | %s'):format(f.seconds, f.steps, f.parameters))
end
for _, row in ipairs(untrained.rows) do
  lines[#lines + 1] = line(row.name == 'samples' and 'an untrained generator' or row.name, row, '- | - | -')
end
local text = ('%d real images of %s at 32x32 for each recipe, seed 1. Features: %s (%s); %d images of each kind.\n\n%s\n'):format(images,
  spec, untrained.net, untrained.hash, SCORED, table.concat(lines, '\n'))
folder.write(out .. '/variants.md', text)
io.stdout:write('\n', text)
