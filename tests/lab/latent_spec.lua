-- Experiments in z on a generator whose z says what is drawn, where the answers are known; and their commands on a small run.
local cjson = require 'cjson'
local lfs = require 'lfs'
local image = require 'gantry.image'
local torch = require 'gantry.torch'
local gan = require 'gantry.gan'
local recipes = require 'gantry.gan.recipe'
local samples = require 'gantry.gan.samples'
local spatial = require 'gantry.gan.spatial'
local arith = require 'gantry.lab.arith'
local exemplars = require 'gantry.lab.exemplars'
local film = require 'gantry.lab.film'
local judges = require 'gantry.lab.judges'
local report = require 'gantry.lab.report'
local rules = require 'gantry.lab.rules'
local sorted = require 'gantry.lab.sorted'
local turn = require 'gantry.lab.turn'
local walk = require 'gantry.lab.walk'
local features = require 'gantry.metrics.features'
local command = require 'tests.support.command'

-- A run that draws a bar two pixels wide, whose place is z's first number and whose brightness is its second.
local painter = {options = {seed = 1, z_size = 3, z = 'uniform'}, path = 'painter'}
function painter:z(which, seed)
  local o = self.options
  return type(which) == 'table' and samples.pick(which, o, seed or 1) or samples.z(which, o, seed or 1)
end
local function place(x) return 1 + math.floor(math.max(0, math.min(14, 7 * (x + 1)))) end
function painter:images(z) -- luacheck: no self
  local images = torch.FloatTensor(z:size(1), 1, 16, 16):fill(-1)
  for i = 1, z:size(1) do images[i]:narrow(3, place(z[i][1]), 2):fill(0.3 + 0.3 * math.max(-1, math.min(1, z[i][2]))) end
  return images
end

-- A judge that finds the bar. Where there are several things it takes the brightest.
local bars = {name = 'bars', hash = '', about = {attributes = {
  {name = 'at', mean = 0, deviation = 1}, {name = 'light', mean = 0, deviation = 1},
}}}
function bars:attributes(images) -- luacheck: no self
  local n = images:size(1)
  local at, light = torch.DoubleTensor(n), torch.DoubleTensor(n)
  for i = 1, n do
    local most, column = images[i][1][8]:max(1)
    light[i], at[i] = (most[1] - 0.3) / 0.3, (tonumber(column[1]) - 1) / 7 - 1
  end
  return {at = {numbers = at}, light = {numbers = light}}
end

describe('experiments in z', function()
  it('exemplars are those of which the judge is sure, each once, in order', function()
    local lists, seen = exemplars.find(painter, bars, {
      {conditions = rules.parse 'at<0', want = 5, name = 'left'}, {conditions = rules.parse 'at<0,light>0', want = 5, name = 'bright left'},
    })
    assert.is_true(seen > 0 and seen % 512 == 0)
    local used = {}
    for k, list in ipairs(lists) do
      assert.equal(5, #list)
      for i, number in ipairs(list) do
        assert.is_nil(used[number])
        used[number] = true
        assert.is_true(i == 1 or number > list[i - 1])
        local z = painter:z({number})
        assert.is_true(z[1][1] < 0.15 and (k == 1 or z[1][2] > 0))
      end
    end
    assert.error_matches(function()
      exemplars.find(painter, bars, {{conditions = rules.parse 'at>3', want = 1, name = 'far away'}})
    end, 'bars is sure of 0 that are far away, wanted 1')
  end)

  it('arithmetic succeeds in z where things move, and fails in pixels', function()
    local e = 'at>0.3,light>0.2 - at>0.3,light<-0.2 + at<-0.3,light<-0.2 -> at<0,light>-0.2'
    local found = arith.trials(painter, bars, e, {trials = 40, exemplars = 3})
    local v = found.verdicts
    assert.same({40, 40, 40, 40, 320}, {#v.z, #v.z_of_one, #v.pixels, #v.pixels_of_one, #v.neighbours})
    local function count(name) return judges.count(v[name]) end
    assert.is_true(count 'z' >= 34, count 'z')
    assert.is_true(count 'z' > count 'z_of_one')
    assert.is_true(count 'pixels' < 20, count 'pixels')
    assert.equal(40, judges.count(v.means[1]))
    assert.is_true(judges.count(found.base) < 0.5 * #found.base)
    -- The first trial by hand.
    local z = painter:z(found.lists[1]):narrow(1, 1, 3):mean(1) - painter:z(found.lists[2]):narrow(1, 1, 3):mean(1)
      + painter:z(found.lists[3]):narrow(1, 1, 3):mean(1)
    assert.equal(0, (painter:images(z)[1] - found.images.z[1]):abs():max())
    local pixels
    for k, sign in ipairs {1, -1, 1} do
      local part = painter:images(painter:z(found.lists[k]):narrow(1, 4, 3)):mean(1) * sign
      pixels = pixels and pixels + part or part
    end
    assert.is_true((pixels:clamp(-1, 1)[1] - found.images.pixels[2]):abs():max() < 1e-6)
  end)

  it('a vector between two ends moves samples along it, a random one does not', function()
    local o = {from = 'at<-0.4', to = 'at>0.4', vectors = 8, samples = 5}
    local found = turn.along(painter, bars, o)
    assert.same({8, 3}, found.vectors:size():totable())
    assert.equal(40, #found.single)
    local least = 1
    for k = 1, 8 do
      assert.is_true(found.along[k] > 0.9, found.along[k])
      assert.is_true(found.change[k] > 0.5)
      least = math.min(least, found.random[k])
    end
    assert.is_true(least < 0, 'some random vectors go the other way')
    assert.equal(5 * 9, found.images:size(1))
  end)

  it('smoothness is 1 for even walks and frames - 1 for a single jump', function()
    local images = torch.FloatTensor(10, 1, 4, 4):zero()
    for i = 1, 5 do images[i]:fill(0.1 * i) end
    images:narrow(1, 8, 3):fill(1)
    local ratios = walk.smoothness(images, 5)
    assert.is_true(math.abs(ratios[1] - 1) < 1e-6)
    assert.is_true(math.abs(ratios[2] - 4) < 1e-6)
    assert.same({}, walk.smoothness(torch.FloatTensor(4, 1, 2, 2):zero(), 4))
    assert.error_matches(function() walk.smoothness(images, 4) end, 'wanted whole walks of at least 3')
  end)
end)

describe('two judges', function()
  it('agree or not, attribute by attribute', function()
    local function judge(name, p)
      return {name = name, about = {attributes = {{name = 'smile', values = {'0', '1'}}}}, attributes = function()
        return {smile = {values = {'0', '1'}, probabilities = torch.DoubleTensor(p)}}
      end}
    end
    local images, figures = torch.FloatTensor(4, 1, 2, 2), {}
    local r = {figure = function(_, name, f) figures[#figures + 1] = {name, f.value, f.n} end}
    local a, b = judge('a', {{1, 0}, {1, 0}, {0, 1}, {0, 1}}), judge('b', {{0.6, 0.4}, {0.6, 0.4}, {0.1, 0.9}, {0.9, 0.1}})
    judges.tell_agreement(r, a, b, images)
    assert.same({{'a and b agree about smile of samples, %', 75, 4}}, figures)
    local other = {name = 'c', about = {attributes = {}}, attributes = function() return {} end}
    assert.error_matches(function() judges.tell_agreement(r, a, other, images) end, 'a and c have no attribute of labels')
  end)
end)

describe('experiments in z on a run', function()
  local run, judge
  setup(function()
    run = command.folder() .. '/run'
    local o = recipes.load('dcgan').options:resolve {from = 'test', values = {
      size = 16, base = 4, kernel = 4, batch = 8, z_size = 8, steps = 6, samples = 1, checkpoint_every = 2, keep = 5, data = nil,
    }}
    gan.session.start({recipe = 'dcgan', options = o, data = 'scenes:faces', out = run, quiet = true}):run()
    judge = command.folder() .. '/judge.safetensors'
    features.train('scenes:faces', {size = 16, width = 8, steps = 10, batch = 8, attributes = {'turn', 'smile'}}):save(judge)
  end)
  teardown(command.clean)

  local function works(line)
    local code, out, err = command.gantry(line)
    assert.equal(0, code, err)
    return out
  end
  local function refused(code, line, pattern)
    local got, _, err = command.gantry(line)
    assert.equal(code, got, line)
    assert.matches(pattern, err)
  end
  local function left(name) return cjson.decode(command.read(('%s/lab/%s.json'):format(run, name))) end

  it('sorted puts the highest score first', function()
    local opened = gan.open(run)
    local numbers, scores, images = sorted.order(opened, 70)
    local z = opened:z(numbers)
    assert.is_true((opened:images(z) - images):abs():max() < 1e-5)
    local D = opened.D:forward(images):view(-1)
    for i = 1, 70 do
      assert.is_true(math.abs(D[i] - scores[i]) < 1e-5)
      assert.is_true(i == 1 or scores[i] <= scores[i - 1])
    end
    assert.error_matches(function() sorted.order({path = 'vae', checkpoint = {networks = {}}}, 4) end, 'sorted: vae has no D')
    works('lab sorted ' .. run .. ' --n 20')
    local c = left 'sorted'
    assert.equal(20, c.figures[1].n)
    assert.is_true(c.figures[2].value >= c.figures[3].value)
    assert.equal('file', lfs.attributes(run .. '/lab/sorted.png', 'mode'))
  end)

  it('film shows the same z at each checkpoint', function()
    local images, steps = film.images(run, {z = 3, training_stats = true})
    assert.same({2, 4, 6}, steps)
    for k, step in ipairs(steps) do
      local opened = gan.open(run, {checkpoint = step})
      assert.equal(0, (opened:images(opened:z(3)) - images[k]):abs():max())
    end
    local changes = film.changes(images)
    assert.same({2, 3}, {#changes, #changes[1]})
    assert.is_true(math.abs((images[2][1] - images[1][1]):pow(2):mean() - changes[1][1] ^ 2) < 1e-5)
    assert.same({2, 6}, select(2, film.images(run, {z = 1, frames = 2})))
    works('lab film ' .. run .. ' --z 2')
    assert.equal(3, left('film').figures[1].value)
    local moving = command.read(run .. '/lab/film-animated.png')
    assert.matches('acTL', moving)
    assert.equal('film-animated.png', left('film').pictures[2].file)
    assert.is_truthy(report.page(gan.open(run), {out = run .. '/lab', experiments = {}}):find(report.base64(moving), 1, true))
  end)

  it('walk tells how even it is', function()
    local out = works('walk ' .. run .. ' --rows 3')
    assert.matches('largest over mean distance of neighbouring frames: [%d.]+ %([%d.]+ to [%d.]+%), n = 3', out)
    works('lab walk ' .. run .. ' --frames 5 --seed 7')
    local c = left 'walk'
    assert.same({'walk', 7, 8}, {c.experiment, c.seed, c.figures[1].n})
    assert.is_true(c.figures[1].value >= 1 and c.figures[1].value <= c.figures[2].value)
    refused(2, 'lab walk ' .. run .. ' --animate', '%-%-animate is for gantry walk')
  end)

  it('z with a height and a width make larger images', function()
    local opened = gan.open(run)
    local z = opened:z(2)
    assert.is_true((opened:images(z:view(2, 8, 1, 1)) - opened:images(z)):abs():max() < 1e-6)
    local wide = opened:images(spatial.z('linefull1d', 3, z, nil))
    assert.same({1, 3, 16, 24}, wide:size():totable())
    -- The first column sees the first cell alone.
    assert.is_true((wide[1]:narrow(3, 1, 1) - opened:images(z)[1]:narrow(3, 1, 1)):abs():max() < 1e-5)
    local filling = opened:z(9)
    local cells = spatial.z('random', 3, z, filling)
    assert.equal(0, (cells[1]:select(3, 3):select(2, 2) - filling[6]):abs():max())
    local diagonal = spatial.z('linefull', 3, z, filling)
    assert.is_true((diagonal[1]:select(3, 2):select(2, 2) - (z[1] + z[2]) / 2):abs():max() < 1e-6)
    assert.equal(0, (diagonal[1]:select(3, 3):select(2, 2) - filling[6]):abs():max())
    assert.matches('linefull: 24 x 24 pixels', works(('walk %s --noise linefull --cells 3 --scale 1 --out %s/large.png'):format(run, run)))
    assert.equal(28, image.load(run .. '/large.png'):size(2))
    refused(2, 'walk ' .. run .. ' --noise linear', '%-%-noise is linear, wanted random')
    local nets = require 'gantry.gan.nets'
    local G = nets.dcgan_generator {size = 16, channels = 3, base = 4, kernel = 5, z_size = 8}
    assert.error_matches(function() spatial.network(G) end, 'convolutional throughout, as kernel=4 makes; this one has nn.Linear')
  end)

  it('arith and turn count what the judge says', function()
    local always = 'turn>-9 - turn>-9,smile>-9 + turn>-9 -> turn>-9'
    works(("arith %s --judge %s --rule '%s' --trials 6 --exemplars 2"):format(run, judge, always))
    local c = left 'arith'
    assert.same({'arith', 'judge', 6}, {c.experiment, c.about.judge, c.about.trials})
    local by_name = {}
    for _, f in ipairs(c.figures) do by_name[f.name] = f end
    assert.same({100, 6}, {by_name['turn>-9, with z: success, %'].value, by_name['turn>-9, with z: success, %'].n})
    assert.equal(48, by_name['turn>-9, 8 neighbours of each z: success, %'].n)
    local scored = by_name['turn>-9, with z: D scores it as 95% of samples or higher, %']
    assert.is_true(scored.n == 6 and scored.value >= 0 and scored.value <= 100)
    assert.equal('file', lfs.attributes(run .. '/lab/arith.png', 'mode'))
    assert.equal('file', lfs.attributes(run .. '/lab/arith-trials.png', 'mode'))
    refused(2, ("arith %s --rule '%s'"):format(run, always), '%-%-rule wants %-%-judge FILE')
    refused(2, ("arith %s --judge %s --rule 'turn'"):format(run, judge), "'turn' is not understood")
    refused(2, ("arith %s 1,2 - 3 --judge %s --rule '%s'"):format(run, judge, always), 'by number or by %-%-rule, not both')
    refused(1, ("arith %s --judge %s --rule 'hat=1 -> hat=1'"):format(run, judge), 'judge knows no attribute hat')

    works(("lab turn %s --judge %s --from 'turn>-9' --to 'turn>-9' --vectors 2 --samples 3"):format(run, judge))
    c = left 'turn'
    assert.equal('the judge on scenes it has not seen: variance of smile explained, %', c.figures[2].name)
    assert.equal('rank correlation of the position with turn, mean over vectors', c.figures[3].name)
    assert.is_true(c.figures[3].value >= -1 and c.figures[3].value <= 1)
    refused(2, 'lab turn ' .. run, '%-%-judge FILE is missing')
  end)
end)
