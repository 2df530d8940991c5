-- Precision by name: who sees it, what it does to convolutions and their gradients of first and second order, and that a run keeps its own.
local gantry = require 'gantry'
local autograd = require 'gantry.autograd'
local nn = require 'gantry.nn'
local data = require 'gantry.data'
local gan = require 'gantry.gan'
local recipes = require 'gantry.gan.recipe'
local precision = require 'gantry.autograd.precision'
local command = require 'tests.support.command'
local numbers = require 'tests.support.numbers'

local ops, close = autograd.ops, numbers.difference

-- How far results are from those of Double, in parts of the largest: about, and at most.
local about = {float32 = {0, 3e-6}, reference = {0, 3e-6}, bf16x3 = {1e-7, 2e-5}, bfloat16 = {3e-4, 1e-2}}

describe('precision', function()
  after_each(function() gantry.precision 'float32' end)
  teardown(command.clean)

  it('is float32 until another is chosen', function()
    assert.equal('float32', gantry.precision())
    assert.equal('bfloat16', gantry.precision 'bfloat16')
    assert.equal('bfloat16', gantry.precision())
    assert.equal('bfloat16', autograd.precision())
  end)

  it('is one of four', function()
    for _, name in ipairs {'bf16', 'Float32', '', 3, true} do
      local ok, problem = pcall(gantry.precision, name)
      assert.is_false(ok)
      assert.matches('precision: got ' .. tostring(name) .. ', wanted float32, reference, bf16x3, bfloat16', problem, 1, true)
    end
    assert.equal('float32', gantry.precision())
  end)

  it('is put back after a function, whatever becomes of it', function()
    assert.equal('bf16x3', precision.within('bf16x3', gantry.precision))
    assert.error_matches(function() precision.within('bfloat16', error, 'a mistake') end, 'a mistake')
    assert.equal('float32', gantry.precision())
  end)

  it('is what Float convolutions are computed in, and not those of Double', function()
    numbers.restart()
    local x, w = numbers.signed(3, 20, 8, 8), numbers.signed(12, 20, 4, 4)
    local function conv(a, b) return ops.conv(a, b, ops.conv_shape {stride_h = 2, stride_w = 2, pad_h = 1, pad_w = 1}) end
    local exact = conv(x, w)
    for name, bounds in pairs(about) do
      gantry.precision(name)
      local off = close(conv(x:float(), w:float()), exact, 1e-9)
      assert.is_true(off >= bounds[1] and off <= bounds[2], ('%s is off by %g'):format(name, off))
      assert.equal(0, close(conv(x, w), exact))
    end
  end)

  it('stays with what was recorded in it', function()
    numbers.restart()
    local x, w = numbers.signed(2, 4, 6, 6):float(), numbers.signed(4, 4, 3, 3):float()
    local function gradient(first, second)
      local v = autograd.value(w, true)
      gantry.precision(first)
      local y = ops.conv(x, v, ops.conv_shape {pad_h = 1, pad_w = 1})
      gantry.precision(second)
      return autograd.grad((y * y):sum(), v).data
    end
    local coarse = gradient('bfloat16', 'float32')
    assert.equal(0, close(coarse, gradient('bfloat16', 'bfloat16')))
    assert.is_true(close(coarse, gradient('float32', 'bfloat16')) > 1e-4)
  end)

  it('holds for gradients of gradients', function()
    numbers.restart()
    local D = nn.Sequential():add(nn.SpatialConvolution(3, 16, 4, 4, 2, 2, 1, 1)):add(nn.LeakyReLU(0.2))
      :add(nn.SpatialConvolution(16, 16, 4, 4, 2, 2, 1, 1)):add(nn.LeakyReLU(0.2)):add(nn.SpatialFullConvolution(16, 4, 4, 4, 2, 2, 1, 1))
    local weights, gradients = D:float():getParameters()
    weights:copy(numbers.signed(weights:size(1)):mul(0.2))
    local images = numbers.signed(4, 3, 8, 8)
    local function penalty(net, x)
      local v = autograd.value(x, true)
      local g = gantry.grad(net:forward(v):sum(), v, {create_graph = true})
      return (g:flatten(2):norm(2, 2) - 1):pow(2):mean()
    end
    local double = D:clone():double()
    local _, exact = double:getParameters()
    exact:zero()
    local wanted = penalty(double, images)
    wanted:backward()
    for name, bounds in pairs(about) do
      gantry.precision(name)
      gradients:zero()
      local got = penalty(D, images:float())
      got:backward()
      local off = close(gradients, exact, 1e-9)
      assert.is_true(off <= 4 * bounds[2], ('%s: the gradient is off by %g'):format(name, off))
      assert.is_true(math.abs(got:item() - wanted:item()) <= 4 * bounds[2] * math.abs(wanted:item()), name)
    end
  end)

  describe('of a run', function()
    local function settings(changes)
      local values = {
        size = 16, base = 8, kernel = 4, batch = 16, z_size = 8, steps = 4, samples = 4, sample_every = 0, checkpoint_every = 0,
        log_every = 1,
      }
      for key, v in pairs(changes) do values[key] = v end
      return recipes.load('dcgan').options:resolve {from = 'test', values = values}
    end
    local function hash(name, steps)
      local o = settings {precision = name}
      local t = gan.trainer(recipes.load 'dcgan', o, data.open('scenes:faces', {size = 16, channels = 3}))
      for _ = 1, steps do t:step() end
      return gan.hash(t.G, t.D)
    end

    it('is its own, whatever is in force around it', function()
      local fine, coarse = hash('float32', 2), hash('bfloat16', 2)
      assert.not_equal(fine, coarse)
      gantry.precision 'bf16x3'
      assert.equal(fine, hash('float32', 2))
      assert.equal(coarse, hash('bfloat16', 2))
      assert.equal('bf16x3', gantry.precision())
    end)

    it('is recorded, told and gone on with', function()
      local path = command.folder()
      local whole = hash('bfloat16', 4)
      local line = ('train dcgan --data scenes:faces --out %s --precision bfloat16 --steps 2 --set size=16 base=8 kernel=4 batch=16 '
        .. 'z_size=8 samples=4 sample_every=0 checkpoint_every=0 log_every=1'):format(path)
      assert.equal(0, (command.gantry(line)))
      assert.matches('precision: bfloat16', command.read(path .. '/options.yaml'), 1, true)
      local _, told = command.gantry('info ' .. path)
      assert.matches('precision: bfloat16', told, 1, true)
      assert.equal('bfloat16', gan.open(path).options.precision)
      local code, out = command.gantry(('resume %s --steps 4'):format(path))
      assert.equal(0, code)
      assert.equal(whole, out:match 'weights: (%x+)')
    end)

    it('is also what its samples are made in', function()
      local path = command.folder()
      local o = settings {precision = 'bfloat16'}
      gan.session.start({recipe = 'dcgan', options = o, data = 'scenes:faces', out = path, quiet = true}):run()
      local r = gan.open(path)
      local z = r:z(3)
      local coarse = r:images(z)
      r.options.precision = 'float32'
      assert.is_true(close(coarse, r:images(z)) > 1e-5)
      r.options.precision = 'half'
      assert.error_matches(function() r:images(z) end, 'its options name no precision')
    end)

    it('has to be one of the four', function()
      local code, _, problem = command.gantry('train dcgan --out /nowhere --precision half')
      assert.equal(2, code)
      assert.matches('precision is half, wanted float32 or reference or bf16x3 or bfloat16', problem, 1, true)
    end)
  end)
end)
