-- What precision costs in quality: the same DCGAN trained for equal steps in each precision and from each of several seeds, scored with one
-- feature net. usage: bin/gantry bench/quality.lua DATA OUT [STEPS [SEEDS]]
--
-- DATA is a labelled set. OUT gets a run for each precision and seed, the feature net and quality.md. What is there already is kept.
-- The kernel distance of every run, their mean and range for each precision, and whether a precision's mean lies within float32's range.
package.path = (arg[0]:match '^(.*/)' or './') .. '?.lua;' .. package.path
local cjson = require 'cjson'
local folder = require 'gantry.gan.folder'
local rated = require 'rated'

local spec, out, steps, seeds = arg[1], arg[2], tonumber(arg[3] or 2000), tonumber(arg[4] or 3)
if not spec or not out or not steps or not seeds then
  io.stderr:write 'usage: bin/gantry bench/quality.lua DATA OUT [STEPS [SEEDS]]\n'
  os.exit(2)
end

local precisions = {'float32', 'bf16x3', 'bfloat16'}
local SCORED = 2000

local function is_file(path) return folder.kind(path) == 'file' end

-- Runs gantry; what it prints goes into a file beside the run.
local function run(path, format, ...) rated.run(rated.gantry .. ' ' .. format:format(...), path .. '.log') end

-- The kernel distance x1000 of the run of a precision and a seed; trains and scores it where that was not done.
local function measure(precision, seed, net)
  local path = ('%s/%s-%d'):format(out, precision, seed)
  if not is_file(path .. '/checkpoint.safetensors') then
    run(path, 'train dcgan --config small --data %s --out %s --steps %d --seed %d --precision %s --set sample_every=0 batch=64',
      spec, path, steps, seed, precision)
  end
  if not is_file(path .. '/scores.jsonl') then
    run(path, 'score %s --features %s --n %d', path, net, SCORED)
    run(path, 'sample %s --n 64 --out %s.png', path, path)
  end
  local s = cjson.decode(folder.read(path .. '/scores.jsonl'):match '[^\n]+')
  return 1000 * s.rows[1].kernel, s
end

folder.make(out)
local net = out .. '/net.safetensors'
rated.features(net, spec, '')

local results, scored = {}, nil
for seed = 1, seeds do
  for _, precision in ipairs(precisions) do
    results[precision] = results[precision] or {}
    results[precision][seed], scored = measure(precision, seed, net)
  end
end

local low, high = math.min(unpack(results.float32)), math.max(unpack(results.float32))
local lines = {'| precision | kernel distance x1000 of each seed | mean | within float32\'s range |', '| --- | --- | --- | --- |'}
for _, precision in ipairs(precisions) do
  local sum, texts = 0, {}
  for seed, x in ipairs(results[precision]) do
    sum, texts[seed] = sum + x, ('%.2f'):format(x)
  end
  local mean = sum / seeds
  lines[#lines + 1] = ('| %s | %s | %.2f | %s |'):format(precision, table.concat(texts, ', '), mean,
    mean < low and 'better than it' or mean <= high and 'yes' or 'no')
end
local text = ('dcgan, 32x32, base 32, batch 64, %d steps, seeds 1 to %d. Features: %s (%s); %d images of each kind.\n\n%s\n'):format(steps,
  seeds, scored.net, scored.net_hash, scored.n, table.concat(lines, '\n'))
folder.write(out .. '/quality.md', text)
io.stdout:write('\n', text)
