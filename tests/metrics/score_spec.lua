-- Feature nets and the scores of runs.
local torch = require 'gantry.torch'
local data = require 'gantry.data'
local gan = require 'gantry.gan'
local safetensors = require 'gantry.gan.safetensors'
local features = require 'gantry.metrics.features'
local score = require 'gantry.metrics.score'
local recipes = require 'gantry.gan.recipe'
local command = require 'tests.support.command'

describe('feature nets', function()
  teardown(command.clean)

  -- Pictures of three classes that differ in which third is bright.
  local function folder()
    local path = command.folder() .. '/thirds.npy'
    local x, labels = torch.ByteTensor(300, 1, 16, 24):random(torch.Generator(1), 0, 99), torch.LongTensor(300)
    for i = 1, 300 do
      labels[i] = i % 3
      x[i]:narrow(3, 1 + 8 * labels[i], 8):add(100)
    end
    local npy = require 'gantry.data.npy'
    npy.save(path, x)
    npy.save((path:gsub('%.npy$', '.labels.npy')), labels)
    return path
  end

  it('learn classes; the same seed gives the same net; a file gives it back', function()
    local spec = folder()
    local o = {size = 16, channels = 1, width = 8, steps = 100, batch = 16}
    torch.manualSeed(3)
    local f = features.train(spec, o)
    local drawn = torch.uniform()
    torch.manualSeed(3)
    assert.equal(torch.uniform(), drawn, "torch's generator was moved")
    assert.is_true(f.about.score > 0.9, f.about.score)
    assert.equal('accuracy', f.about.measure)
    assert.equal(f.hash, features.train(spec, o).hash)
    o.seed = 2
    assert.not_equal(f.hash, features.train(spec, o).hash)
    local path = command.folder() .. '/thirds-net.safetensors'
    f:save(path)
    local g = features.load(path)
    assert.same({'thirds-net', f.hash, 3}, {g.name, g.hash, g.about.classes})
    local x = data.open(spec, {size = 16, channels = 1}):batch {1, 2, 3, 4, 5}
    local rows, classes = f:of(x)
    assert.equal(0, (rows - g:of(x)):abs():max())
    assert.same({5, 8, 5, 3}, {rows:size(1), rows:size(2), classes:size(1), classes:size(2)})
    assert.is_true((classes:sum(2) - 1):abs():max() < 1e-6)
    assert.equal(8, f:of(torch.FloatTensor(2, 1, 20, 30):zero()):size(2))
    assert.error_matches(function() f:of(torch.FloatTensor(2, 3, 16, 16):zero()) end, 'takes images of 1 channels, got 3')
  end)

  it("learn the attributes of built-in scenes", function()
    local f = features.train('scenes:faces', {size = 16, width = 16, steps = 150, batch = 32})
    assert.equal('explained', f.about.measure)
    assert.is_true(f.about.score > 0.1 and f.about.score < 1, f.about.score)
    assert.is_nil(select(2, f:of(torch.FloatTensor(2, 3, 16, 16):zero())))
  end)

  it('are refused where the file is no net, or lies', function()
    local path = command.folder() .. '/x.safetensors'
    safetensors.write(path, {{'a', torch.zeros(2)}}, {})
    assert.error_matches(function() features.load(path) end, 'is not a feature net')
    for _, about in ipairs {'{}', '[', '{"size":1e9,"channels":3}', '{"size":"x","channels":1}'} do
      safetensors.write(path, {{'a', torch.zeros(2)}}, {format = 'gantry-features-1', about = about, network = '{"class":"os.exit"}'})
      assert.error_matches(function() features.load(path) end, 'x.safetensors: ')
    end
    safetensors.write(path, {{'a', torch.zeros(2)}},
      {format = 'gantry-features-1', about = '{"size":16,"channels":1}', network = '{"class":"os.exit"}'})
    assert.error_matches(function() features.load(path) end, 'which Gantry does not know')
    assert.error_matches(function() features.train(command.folder() .. '/none') end, 'there is no folder')
  end)
end)

describe('gantry score', function()
  teardown(command.clean)
  local run
  setup(function()
    run = command.folder() .. '/run'
    local o = recipes.load('dcgan').options:resolve {from = 'test', values = {
      size = 16, base = 4, kernel = 4, batch = 6, z_size = 8, steps = 2, samples = 1,
    }}
    gan.session.start({recipe = 'dcgan', options = o, out = run, quiet = true}):run()
  end)

  it('prints a table whose figures name the net and the numbers, and keeps them', function()
    local net = command.folder() .. '/small.safetensors'
    local code, out, err = command.gantry('features --data scenes:faces --size 16 --width 16 --steps 60 --out ' .. net)
    assert.equal(0, code, err)
    assert.matches('variance of the attributes explained on 2000 images', out)
    code, out, err = command.gantry(('score %s --features %s --n 120'):format(run, net))
    assert.equal(0, code, err)
    assert.matches('120 samples of seed 1 beside 120 images of scenes:faces', out)
    assert.matches('features: small %(%x+%), trained on scenes:faces', out)
    local kept = require('cjson').decode(command.read(run .. '/scores.jsonl'))
    assert.same({'small', 120, 1, 2, 'samples', 'other real images', 'pixel noise'},
      {kept.net, kept.n, kept.seed, kept.step, kept.rows[1].name, kept.rows[2].name, kept.rows[3].name})
    local samples, real = kept.rows[1], kept.rows[2]
    assert.is_true(samples.frechet > 4 * real.frechet and samples.kernel > 4 * math.abs(real.kernel))
    assert.is_true(real.precision > 0.7 and real.coverage > 0.7 and samples.coverage < 0.5)
    assert.is_true(math.abs(real.kernel) < 3 * real.kernel_interval)
    assert.is_nil(out:find 'FID')
  end)

  it('measures what needs no net without one, and says so', function()
    local s = score.run(gan.open(run):reestimate(), {n = 60})
    assert.is_nil(s.rows[1].frechet)
    assert.is_true(s.rows[1].sliced > s.rows[2].sliced)
    local code, out = command.gantry(('score %s --n 60'):format(run))
    assert.equal(0, code)
    assert.matches('no feature net: %-%-features FILE', out)
  end)

  it('executes no program of a run', function()
    local opened = gan.open(run)
    opened.state.data = '/tmp/x.lua'
    assert.error_matches(function() score.run(opened) end, '%-%-data /tmp/x.lua executes it')
    -- Where it is named it is.
    local program = command.folder() .. '/x.lua'
    command.write(program, "error 'it runs'")
    opened.state.data = program
    assert.error_matches(function() score.run(opened, {data = program}) end, 'it runs')
  end)
end)
