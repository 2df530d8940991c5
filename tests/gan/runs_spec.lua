-- Runs that survive: death at any moment, two processes, full disks, kept checkpoints, other readers.
local lfs = require 'lfs'
local gan = require 'gantry.gan'
local folder = require 'gantry.gan.folder'
local Keeper = require 'gantry.gan.keep'
local metrics = require 'gantry.gan.metrics'
local recipes = require 'gantry.gan.recipe'
local command = require 'tests.support.command'

local gantry = command.gantry
local TINY = {
  size = 16, base = 4, kernel = 4, batch = 6, z_size = 8, samples = 4, steps = 12, log_every = 1, sample_every = 0, checkpoint_every = 2,
}

local function options(changes)
  local values = {}
  for key, v in pairs(TINY) do values[key] = v end
  for key, v in pairs(changes or {}) do values[key] = v end
  return recipes.load('dcgan').options:resolve {from = 'test', values = values}
end

local function start(path, changes)
  return gan.session.start {recipe = 'dcgan', options = options(changes), data = 'scenes:faces', out = path, quiet = true}
end

local function resume(path, changes)
  changes = changes or {}
  return gan.session.resume {path = path, quiet = true, steps = changes.steps, set = changes.set, checkpoint = changes.checkpoint}
end

local function exists(path) return lfs.attributes(path, 'mode') == 'file' end

describe('a run', function()
  local whole
  setup(function() whole = start(command.folder()):run().hash end)
  teardown(command.clean)

  it('ends in the same weights after deaths inside the writing of checkpoints, at 1 and 2 threads', function()
    for threads = 1, 2 do
      local path = command.folder()
      start(path).lock:release()
      local size = lfs.attributes(path .. '/checkpoint.safetensors', 'size')
      for i, bytes in ipairs {0, 5, 700, math.floor(size * 1.4)} do -- the last one is larger: the optimizers' state is new
        local line = ('tests/support/dies_writing.lua %s %d %d'):format(path, i % 2 + 1, bytes)
        local code = gantry(line, {env = 'GANTRY_THREADS=' .. threads})
        assert.not_equal(0, code)
        assert.is_true(#folder.entries(path) > 6, 'a half-written file is there')
      end
      local code, out = gantry(('resume %s --threads %d'):format(path, threads))
      assert.equal(0, code)
      assert.equal(whole, out:match 'weights: (%x+)')
      for _, entry in ipairs(folder.entries(path)) do assert.is_nil(entry:match 'tmp', entry) end
      local steps = 0
      metrics.each(path, function(m)
        steps = steps + 1
        assert.equal(steps, m.step)
      end)
      assert.equal(12, steps)
    end
  end)

  it('ends in the same weights after kill -9', function()
    local path = command.folder()
    local hash
    for i, wait in ipairs {'0.03', '0.15', '0.22', '0.3'} do
      local line = exists(path .. '/checkpoint.safetensors') and 'resume ' .. path or 'train dcgan --data scenes:faces --out ' .. path ..
        ' --set size=16 base=4 kernel=4 batch=6 z_size=8 samples=4 steps=12 log_every=1 sample_every=1 checkpoint_every=1'
      os.execute(("sh -c './bin/gantry %s >/dev/null 2>&1 & sleep %s; kill -9 $!; wait $!' 2>/dev/null"):format(line, wait))
      if i == 4 then
        if not exists(path .. '/checkpoint.safetensors') then gantry(line) end
        gantry('resume ' .. path)
        hash = gan.open(path).state.hash
      end
    end
    assert.equal(whole, hash)
  end)

  it('begins again where it was killed before its first checkpoint', function()
    local path = command.folder()
    start(path).lock:release()
    os.remove(path .. '/checkpoint.safetensors')
    assert.error_matches(function() resume(path) end, 'was stopped before its first checkpoint')
    assert.equal(whole, start(path):run().hash)
  end)

  it('lets one process at a time write', function()
    local path = command.folder()
    local session = start(path)
    assert.error_matches(function() resume(path) end, 'process %d+ is training in it; wait until it is done, or stop it with kill %d+')
    assert.error_matches(function() start(path) end, 'is training in it')
    local code, _, err = gantry('resume ' .. path)
    assert.equal(1, code)
    assert.matches('gantry: .*process ' .. command.read('/proc/self/stat'):match '^%d+' .. ' is training in it', err)
    assert.is_number(folder.holder(path))
    assert.matches('now +in training by process', (select(2, gantry('info ' .. path))))
    assert.equal(0, (gantry(('sample %s --n 2 --out %s/x.png'):format(path, path))))
    session:run()
    assert.is_nil(folder.holder(path))
    command.write(path .. '/lock', '1\n') -- left behind by a process that is gone
    assert.equal(12, resume(path, {steps = 12}).trainer.number)
  end)

  it('keeps the newest and the best checkpoints', function()
    local path = command.folder()
    start(path, {keep = 3, keep_best = 'd_loss'}):run()
    assert.same({8, 10, 12}, Keeper.steps(path))
    local means, best, at = {}, math.huge, nil
    metrics.each(path, function(m)
      local window = math.ceil(m.step / 2)
      means[window] = (means[window] or 0) + m.d_loss / 2
    end)
    for i, mean in ipairs(means) do
      if mean < best then best, at = mean, 2 * i end
    end
    assert.equal(at, gan.open(path, {checkpoint = 'best'}).step)
    assert.near(best, gan.open(path).state.keeper.best, 1e-6)
    assert.equal(10, gan.open(path, {checkpoint = 10}).step)
    assert.error_matches(function() gan.open(path, {checkpoint = 4}) end, 'step 4 is not kept there; there are those of 8, 10, 12')
    assert.matches('kept +checkpoints of steps 8, 10, 12.*best +step ' .. at, (select(2, gantry('info ' .. path))))

    -- Going back leaves no checkpoint of the future that was given up, and ends in the same weights.
    local back = resume(path, {checkpoint = 8})
    assert.equal(8, back.trainer.number)
    assert.same({8}, Keeper.steps(path))
    assert.equal(whole, back:run().hash)
    assert.error_matches(function() start(command.folder(), {keep_best = 'dloss'}):run() end,
      'keep_best: there is no metric dloss %(did you mean d_loss%?%)')
    assert.error_matches(function() gan.open(command.folder()) end, 'is not a run')
  end)

  it('goes on with changed settings', function()
    local path = command.folder()
    start(path, {steps = 4}):run()
    local session = resume(path, {steps = 6, set = {lr = '0.001'}})
    assert.equal(0.001, session.options.lr)
    session:run()
    assert.matches('lr: 0.001 ', command.read(path .. '/options.yaml'))
    assert.equal(0.001, gan.open(path).options.lr)
    assert.error_matches(function() resume(path, {set = {lrr = '1'}}) end, 'there is no option lrr %(did you mean lr%?%)')
    assert.error_matches(function() resume(path, {set = {base = '8'}}) end, 'G.2.weight is F32 8x8x4x4, wanted F32 8x16x4x4')
  end)

  it('has what a recipe notes in its metrics', function()
    local path = command.folder()
    local recipe = recipes.load 'dcgan'
    local g_loss = gan.g_loss
    recipe.g_loss = function(s)
      s:note('spread', s.fake.data:std())
      return g_loss(s)
    end
    gan.session.start({recipe = recipe, options = options {keep_best = 'max:spread', steps = 2}, out = path, quiet = true}):run()
    assert.is_number(metrics.last(path).spread)
    assert.matches('"images_per_second":[%d.e+]+,.*"spread":', command.read(path .. '/metrics.jsonl'))
    assert.equal(2, gan.open(path, {checkpoint = 'best'}).step)
  end)

  it('draws its metrics', function()
    local path = command.folder()
    start(path, {steps = 3, sample_every = 1}):run()
    local picture = require('gantry.image').load(path .. '/metrics.png', 3)
    assert.same({3, 1062, 900}, picture:size():totable())
    local blue = (picture[3] - picture[1]):gt(0.4):sum()
    assert.is_true(blue > 50, 'a curve is there')
    command.write(path .. '/metrics.jsonl', 'broken\n{"step":1,"d_loss":1e300,"g_loss":-1e300}\n{"step":2}\n[1]\n{"step":"x"}\n{}')
    require('gantry.gan.plot').draw(path, 'critic', path .. '/odd.png')
    assert.is_true(exists(path .. '/odd.png'))
  end)

  it('goes on where the disk is full, and says what is kept where that lasts', function()
    local disk = command.folder()
    if os.execute(("mount -t tmpfs -o size=400k tmpfs '%s' 2>/dev/null"):format(disk)) ~= 0 then
      pending 'no file system may be mounted here'
      return
    end
    finally(function() os.execute(("umount -l '%s'"):format(disk)) end)
    local path = disk .. '/run'
    local session = start(path, {samples = 1})
    local function fill(on)
      if not on then return os.remove(disk .. '/full') end
      os.execute(("dd if=/dev/zero of='%s/full' bs=4k 2>/dev/null"):format(disk))
    end
    local step = session.trainer.step
    session.trainer.step = function(t)
      fill(t.number >= 4 and t.number < 7)
      return step(t)
    end
    assert.equal(whole, session:run().hash)
    assert.matches('warning: step 6: .*No space left on device; training goes on, the checkpoint of step 4 is good',
      command.read(path .. '/log.txt'))
    local last = resume(path, {steps = 20})
    step = last.trainer.step
    last.trainer.step = function(t)
      fill(t.number >= 15)
      return step(t)
    end
    assert.error_matches(function() last:run() end, 'No space left on device; make room .*the checkpoint of step 1%d is good')
    fill(false)
    assert.is_true(gan.open(path).step >= 14)
    assert.equal(20, resume(path):run().step)
  end)

  it('says which folder cannot be written', function()
    local code, _, err = gantry('train dcgan --out /proc/none')
    assert.equal(1, code)
    assert.matches('/proc/none: cannot be made', err)
  end)

  it('says that it cannot be written where it is read-only', function()
    local disk = command.folder()
    if os.execute(("mount -t tmpfs -o size=2m tmpfs '%s' 2>/dev/null"):format(disk)) ~= 0 then
      pending 'no file system may be mounted here'
      return
    end
    finally(function() os.execute(("umount -l '%s'"):format(disk)) end)
    local path = disk .. '/run'
    start(path, {steps = 1}):run()
    assert.equal(0, os.execute(("mount -o remount,ro '%s'"):format(disk)))
    local lines = {'resume ' .. path .. ' --steps 3', ('sample %s --n 1'):format(path), ('train dcgan --out %s/new'):format(disk)}
    for _, line in ipairs(lines) do
      local code, _, err = gantry(line)
      assert.equal(1, code)
      assert.matches('^gantry: ' .. disk .. '/.*Read%-only file system\n$', err)
    end
    assert.equal(0, (gantry('info ' .. path)))
  end)

  it('keeps its weights where other readers of safetensors find them', function()
    if os.execute 'python3 -c "" 2>/dev/null' ~= 0 then
      pending 'no python3 here'
      return
    end
    local path = command.folder()
    local result = start(path, {steps = 2}):run()
    local pipe = io.popen(("python3 tests/support/read_safetensors.py '%s/checkpoint.safetensors' 2>&1"):format(path))
    local out = pipe:read '*a'
    pipe:close()
    local hash, count, sizes = out:match '^(%x+) (%d+) ([%dx]+)'
    assert.equal(result.hash, hash, out)
    assert.is_true(tonumber(count) > 20)
    assert.equal('8x8x4x4', sizes)
  end)
end)

describe('a step that goes wrong', function()
  local recipe
  before_each(function() recipe = recipes.load 'dcgan' end)

  local function trainer()
    local o = options()
    return gan.trainer(recipe, o, require('gantry.data').open('scenes:faces', {size = o.size, channels = 3}))
  end

  local function wrong(t, pattern)
    local ok, message = pcall(t.step, t)
    assert.is_false(ok)
    assert.is_true(t.diverged)
    assert.matches(pattern, message)
    assert.is_nil(message:find '\n')
  end

  it('names the layer whose weights are not finite', function()
    local t = trainer()
    t:step()
    t.D.modules[3].weight[1][1][1][1] = 0 / 0
    wrong(t, "step 2: D's loss is not a number; first in 1 of the %d+ weights of D's layer 3 %(nn.SpatialConvolution%)")
  end)

  it('names the layer whose output overflows', function()
    local t = trainer()
    t.G.modules[3].weight:fill(3e38)
    t.G.modules[3].bias:fill(3e38)
    wrong(t, "step 1: .*first in the output of G's layer %d+ %(nn.%w+%) on z")
  end)

  it('names the images', function()
    local t = trainer()
    local next_images = t.state.next_images
    t.state.next_images = function()
      local x = next_images()
      x[1][1][1][1] = math.huge
      return x
    end
    wrong(t, 'first in the images of this batch')
  end)

  it("names the loss, and updates nothing", function()
    recipe.g_loss = function(s) return (s.D(s.fake):mean() * 0):log() end
    local t = trainer()
    local weights = t.state.players.G.parameters
    local before = weights:clone()
    wrong(t, "step 1: G's loss is infinite; first in G's loss itself; every layer's output is finite")
    assert.equal(0, (weights - before):abs():max())
  end)

  it('names the layer where gradients went wrong', function()
    recipe.d_loss = function(s) return s.D(s.real):mean() * 3e38 end
    wrong(trainer(), "step 1: %d+ of D's %d+ gradients are not finite; first in the gradients of D's layer %d+ %(nn.%w+%)")
  end)

  it('says how to go on', function()
    local path = command.folder()
    local session = start(path, {checkpoint_every = 2})
    local step = session.trainer.step
    session.trainer.step = function(t)
      if t.number == 3 then t.D.modules[1].weight:fill(0 / 0) end
      return step(t)
    end
    assert.error_matches(function() session:run() end,
      "step 4: .*D's layer 1 .*the checkpoint of step 2 is kept.*gantry resume .* %-%-set lr=0.0001")
    assert.equal(3, resume(path, {steps = 3, set = {lr = '0.0001'}}):run().step)
  end)
end)

describe('locks', function()
  it('are given back by the collector', function()
    local path = command.folder()
    folder.lock(path)
    collectgarbage()
    collectgarbage()
    folder.lock(path):release()
    command.clean()
  end)
end)
