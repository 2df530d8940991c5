-- Each rule of the DCGAN paper against its opposite: the same number of images, several seeds, one measure, and what the paper lets one
-- expect, written down here before anything was trained. docs/rules.md has the protocol and what came of it.
-- usage: bin/gantry bench/rules.lua DATA OUT [STEPS [CASE ...]]
--
-- DATA is a labelled set, as mnist:DIR. OUT gets a run for each case and seed, the feature net, rules.md and rules.png. What is there is
-- kept: a run that was stopped is resumed, and one is measured again by removing its folder. The table is written after each seed.
-- STEPS: of batches of 64; default 1000.
package.path = (arg[0]:match '^(.*/)' or './') .. '?.lua;' .. package.path
local cjson = require 'cjson'
local gantry = require 'gantry'
local gan, image = gantry.gan, gantry.image
local Canvas = require 'gantry.gan.canvas'
local folder = require 'gantry.gan.folder'
local metrics = require 'gantry.gan.metrics'
local statistics = require 'gantry.lab.statistics'
local rated = require 'rated'

local spec, out, steps = arg[1], arg[2], tonumber(arg[3] or 1000)
if not spec or not out or not steps then
  io.stderr:write 'usage: bin/gantry bench/rules.lua DATA OUT [STEPS [CASE ...]]\n'
  os.exit(2)
end
io.stdout:setvbuf 'line'
local asked = {}
for i = 4, #arg do asked[arg[i]] = true end

local opposite = (arg[0]:match '^(.*/)' or './') .. 'rules/opposite.lua'
local SCORED, SEEDS, PAPER_SEEDS = 1000, 3, 4

-- What is measured of each run:
--   kernel    kernel distance x 1000 of 1,000 samples from 1,000 real images: THE measure; lower is better
--   alike     how alike the samples are (mean structural similarity of pairs): a collapsed G's are alike
--   unrest    standard deviation of G's loss over the log lines of the run's second half: oscillation
-- `expected`: what the paper says of the opposite, beside the paper's own networks and settings.
local cases = {
  {name = 'paper', title = 'as in the paper', seeds = PAPER_SEEDS},
  {name = 'no-norm', title = 'no batch norm', set = 'rule=no-norm', expected = {kernel = 'higher', alike = 'higher'}},
  {name = 'norm-everywhere', title = 'batch norm everywhere', set = 'rule=norm-everywhere',
    expected = {kernel = 'higher', unrest = 'higher'}},
  {name = 'hidden', title = 'hidden connected layers', set = 'rule=hidden', expected = {kernel = 'higher'}},
  {name = 'average', title = 'global average pooling', set = 'rule=average', expected = {kernel = 'higher', unrest = 'lower'}},
  {name = 'linear', title = 'linear end of G', set = 'rule=linear', expected = {kernel = 'higher'}},
  {name = 'relu', title = 'relu in D', set = 'rule=relu', expected = {kernel = 'higher'}},
  {name = 'lr', title = 'lr 0.001', set = 'lr=1e-3', expected = {kernel = 'higher'}},
  {name = 'beta1', title = 'beta1 0.9', set = 'beta1=0.9', expected = {kernel = 'higher', unrest = 'higher'}},
  {name = 'gan', title = 'the maxout gan', recipe = 'gan', set = 'size=32 batch=64 sample_every=0 checkpoint_every=0',
    expected = {kernel = 'higher'}},
  {name = 'pooling', title = 'pooling and up-sampling', set = 'rule=pooling', expected = {kernel = 'higher'}},
}
local measures = {'kernel', 'alike', 'unrest'}

local function is_file(path) return folder.kind(path) == 'file' end

local function step_of(path) return is_file(path .. '/checkpoint.safetensors') and gan.open(path).step or nil end

-- Trains until the last step; false where the run diverged.
local function train(case, seed, path)
  if step_of(path) == steps then return true end
  local diverged = path .. '.diverged'
  if is_file(diverged) then return false end
  local command = step_of(path) and ('resume %s'):format(path) or ('train %s --data %s --out %s --seed %d --steps %d --set channels=1 %s')
    :format(case.recipe or opposite, spec, path, seed, steps, case.set or 'rule=paper')
  local done = rated.try(rated.gantry .. ' ' .. command, path .. '.log')
  if done and step_of(path) == steps then return true end
  local log = is_file(path .. '/log.txt') and folder.read(path .. '/log.txt') or ''
  if not log:find 'training has diverged' then
    io.stderr:write('rules: stopped or failed: ', path, '\n')
    os.exit(1)
  end
  folder.write(diverged, log)
  return false
end

-- What metrics.jsonl says of the run's second half.
local function health(path)
  local g_loss, d_real, d_fake = {}, {}, {}
  metrics.each(path, function(m)
    if m.step <= steps / 2 then return end
    g_loss[#g_loss + 1], d_real[#d_real + 1], d_fake[#d_fake + 1] = m.g_loss, m.d_real, m.d_fake
  end)
  return statistics.mean(g_loss).deviation, statistics.mean(d_real).mean, statistics.mean(d_fake).mean
end

-- Trains and scores one run: a table of numbers, or nil where it diverged; the score's other rows.
local function measure(case, seed, net)
  local path = ('%s/%s-%d'):format(out, case.name, seed)
  if not train(case, seed, path) then return nil end
  if not is_file(path .. '/scores.jsonl') then
    rated.run(('%s score %s --features %s --n %d'):format(rated.gantry, path, net, SCORED), path .. '.log')
  end
  local score = cjson.decode(folder.read(path .. '/scores.jsonl'):match '[^\n]+')
  local row = score.rows[1]
  local unrest, d_real, d_fake = health(path)
  return {
    kernel = 1000 * row.kernel, interval = 1000 * row.kernel_interval, alike = row.alikeness, unrest = unrest, precision = row.precision,
    recall = row.recall, d_real = d_real, d_fake = d_fake, seconds = tonumber(gan.open(path).state.seconds), path = path,
  }, score
end

-- ---- what came of it --------------------------------------------------------------------------------------------------------------

-- Mean, lowest and highest of a measure over a case's seeds; a run that diverged is worse than any number.
local function spread(case, key)
  local list = {}
  for k, found in ipairs(case.found) do list[k] = found and found[key] or math.huge end
  local low, high, sum = math.huge, -math.huge, 0
  for _, x in ipairs(list) do low, high, sum = math.min(low, x), math.max(high, x), sum + x end
  return sum / #list, low, high
end

-- Whether a claim held: every seed of the one lies beyond every seed of the other, and of the kernel distance the means differ by more than
-- the mean interval of a single score.
local function verdict(case, paper, key, direction)
  local mean, low, high = spread(case, key)
  local paper_mean, paper_low, paper_high = spread(paper, key)
  local needed = key == 'kernel' and math.max((spread(case, 'interval')), (spread(paper, 'interval'))) or 0
  if needed == math.huge then needed = 0 end
  local above = low > paper_high and mean - paper_mean > needed
  local below = high < paper_low and paper_mean - mean > needed
  if not above and not below then return 'cannot be told apart' end
  return (direction == 'higher') == above and 'holds' or 'does not hold: the other way round'
end

local function verdicts(case, paper)
  if not case.expected then return '' end
  if #case.found < SEEDS or #paper.found < PAPER_SEEDS then return 'not yet: seeds are missing' end
  local list = {}
  for _, key in ipairs(measures) do
    local direction = case.expected[key]
    if direction then list[#list + 1] = ('%s %s: %s'):format(key, direction, verdict(case, paper, key, direction)) end
  end
  return table.concat(list, '; ')
end

local function cell(case, key, format)
  local mean, low, high = spread(case, key)
  if high == math.huge then return 'diverged' end
  return (('%s (%s-%s)'):format(format, format, format)):format(mean, low, high)
end

local function row(case, paper)
  return ('| %s | %d | %s | %s | %s | %s | %s | %s | %s | %.0f | %s |'):format(case.title, #case.found, cell(case, 'kernel', '%.0f'),
    cell(case, 'precision', '%.2f'), cell(case, 'recall', '%.2f'), cell(case, 'alike', '%.3f'), cell(case, 'unrest', '%.2f'),
    cell(case, 'd_real', '%.2f'), cell(case, 'd_fake', '%.2f'), spread(case, 'seconds'), verdicts(case, paper))
end

-- A row for each case: its name, and the first samples of its first three seeds.
local function picture(path, shown)
  local EACH, LEFT, SIDE = 4, 176, 32
  local canvas = Canvas.new {1, #shown * (SIDE + 2), LEFT + SEEDS * (EACH * SIDE + 8)}
  for i, case in ipairs(shown) do
    local y = (i - 1) * (SIDE + 2)
    canvas:text(2, y + 12, case.title, {0, 0, 0})
    for seed = 1, SEEDS do
      local found = case.found[seed]
      if found then
        local opened = gan.open(found.path):reestimate()
        local samples = image.grid(opened:images(opened:z(EACH)), {columns = EACH, range = {-1, 1}, padding = 0})
        canvas:put(LEFT + (seed - 1) * (EACH * SIDE + 8), y, samples)
      end
    end
  end
  canvas:save(path)
end

-- ---- all of it --------------------------------------------------------------------------------------------------------------------

folder.make(out)
local net = out .. '/net.safetensors'
rated.features(net, spec, '--channels 1')

-- Writes rules.md and rules.png of what there is; gives the text.
local function report(last_score)
  local lines = {
    '| case | seeds | kernel x1000 | precision | recall | alike | unrest | D(x) | D(G(z)) | seconds | the claim |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
  }
  local shown = {}
  for _, case in ipairs(cases) do
    if #case.found > 0 then
      shown[#shown + 1] = case
      lines[#lines + 1] = row(case, cases[1])
    end
  end
  for k = 2, #last_score.rows do
    local r = last_score.rows[k]
    lines[#lines + 1] = ('| %s | | %.0f | %.2f | %.2f | %.3f | - | - | - | - | |'):format(r.name, 1000 * r.kernel, r.precision, r.recall,
      r.alikeness)
  end
  local interval = spread(cases[1], 'interval')
  local text = ('%d steps of 64 images of %s at 32x32. Features: %s (%s); %d images of each kind; a single kernel distance of the '
    .. "paper's networks is known to +- %.1f.\n\n%s\n"):format(steps, spec, last_score.net, last_score.net_hash, SCORED, interval,
    table.concat(lines, '\n'))
  folder.write(out .. '/rules.md', text)
  picture(out .. '/rules.png', shown)
  return text
end

local last_score, text
for seed = 1, PAPER_SEEDS do -- a seed of every case before the next one
  for _, case in ipairs(cases) do
    case.found = case.found or {}
    local wanted = next(asked) == nil or asked[case.name] or case.name == 'paper'
    if wanted and seed <= (case.seeds or SEEDS) then
      local found, score = measure(case, seed, net)
      case.found[seed], last_score = found or false, score or last_score
    end
  end
  if last_score then text = report(last_score) end
end
io.stdout:write('\n', text or 'every run diverged; there is nothing to show\n')
