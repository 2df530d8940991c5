-- Finding, timing and choosing ways of convolutions; and where the time of a step goes.
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local bridge = require 'gantry.nn.bridge'
local gan = require 'gantry.gan'
local torch = require 'gantry.torch'
local convolutions = require 'gantry.gan.convolutions'
local profile = require 'gantry.gan.profile'
local tryout = require 'gantry.gan.tryout'
local tuning = require 'gantry.gan.tuning'

local C = native.C

local recipe = gan.load_recipe 'dcgan'
local function options(values)
  local o = {size = 16, base = 4, kernel = 4, batch = 16, z_size = 8, samples = 5}
  for key, v in pairs(values or {}) do o[key] = v end
  return recipe.options:resolve {from = 'test', values = o}
end

describe('convolutions', function()
  it('are found in a step and in sampling, with their layers', function()
    local found, by_text = tuning.find(recipe, options()), {}
    local level = native.C.gt_cpu_level()
    level = require('ffi').string(level)
    for _, entry in ipairs(found) do by_text[entry.text] = entry end
    -- D's first layer on real, generated, and in G's update; G's last one has the same sizes in its backward pass.
    local first = by_text[level .. ' float32 forward 16 3 16x16 4 4x4 2x2 1x1']
    assert.truthy(first)
    assert.equal(4, first.count)
    assert.equal('D 1, G 8', first.layers)
    local weight = by_text[level .. ' float32 weight 16 3 16x16 4 4x4 2x2 1x1']
    assert.equal(3, weight.count) -- D's for real and generated, G's
    for _, n in ipairs {1, 5} do
      local sampled = by_text[('%s float32 input %d 3 16x16 4 4x4 2x2 1x1'):format(level, n)]
      assert.equal(0, sampled.count)
      assert.equal('G 8', sampled.layers)
    end
    assert.equal(0, C.gt_choices_count())
  end)

  it('have a table that is installed, and right', function()
    local choices = require 'gantry.choices'
    native.check(C.gt_choices_load(choices.installed(package.searchpath('gantry.choices', package.path):match '^(.*/)')))
    C.gt_choices_clear()
  end)

  it('have operations and sizes', function()
    local shape = autograd.ops.conv_shape {stride_h = 2, stride_w = 2, pad_h = 1, pad_w = 1}
    local seen = {}
    convolutions.watch(function()
      autograd.ops.conv(torch.FloatTensor(2, 3, 8, 10):zero(), torch.FloatTensor(5, 3, 4, 4):zero(), shape)
      autograd.ops.conv_input(torch.FloatTensor(2, 5, 4, 5):zero(), torch.FloatTensor(5, 3, 4, 4):zero(), shape, 8, 10)
      autograd.ops.conv_weight(torch.FloatTensor(2, 3, 8, 10):zero(), torch.FloatTensor(2, 5, 4, 5):zero(), shape, 4, 4)
    end, function(module, c)
      assert.is_nil(module)
      seen[#seen + 1] = c
    end)
    assert.equal(3, #seen)
    for i, pass in ipairs {'forward', 'input', 'weight'} do
      local c = seen[i]
      assert.equal(pass, convolutions.pass(c))
      assert.equal('2 x 3 x 8x10, 5, 4x4/2', convolutions.sizes(c))
      assert.equal(2 * 2 * 5 * 4 * 5 * 3 * 16, convolutions.flops(c))
    end
  end)

  it('are timed, and a table says where another way wins', function()
    local list = tuning.find(recipe, options())
    local visited = 0
    assert.is_true(tuning.run(list, {base = {}, rounds = 1, visit = function(entry, number)
      visited = visited + 1
      assert.equal(list[number], entry)
      assert.truthy(entry.times[entry.chosen] > 0 and entry.times[entry.fastest] <= entry.times[entry.chosen])
      for _, way in ipairs(convolutions.ways(entry.case)) do assert.truthy(entry.times[way]) end
    end}))
    assert.equal(#list, visited)
    assert.equal(0, C.gt_choices_count())

    local mine, other = list[1], 'avx9 is nobody\'s level'
    mine.wins, mine.fastest = true, convolutions.ways(mine.case)[1]
    for i = 2, #list do list[i].wins = false end
    local line = mine.text .. ' ' .. convolutions.way_name(mine.fastest)
    local text = tuning.merged(('# kept\n%s\n  %s   taps # old\n%s taps\n'):format(other, mine.text, list[2].text), list)
    assert.equal(('# kept\n%s\n%s # %.2f\n'):format(other, line, mine.times[mine.fastest] / mine.times[mine.chosen]), text)
    local path = os.tmpname()
    local file = io.open(path, 'w')
    file:write(tuning.merged(nil, list))
    file:close()
    native.check(C.gt_choices_load(path))
    assert.equal(1, C.gt_choices_count())
    assert.equal(mine.fastest, C.gt_conv_way(mine.case))
    C.gt_choices_clear()
    os.remove(path)
  end)
end)

describe('profile', function()
  local o = options()

  it('charges a step to layers and passes', function()
    local report = profile.run(recipe, o, tryout.noise(o), 1)
    assert.equal(1, report.steps)
    assert.truthy(report.peak_flops > 1e8 and report.peak_bytes > 1e6)
    local rows, sum = {}, report.rest
    for _, row in ipairs(report.rows) do
      rows[('%s %s'):format(row.name, row.pass)] = row
      sum = sum + row.seconds
      assert.truthy(row.seconds >= 0)
    end
    for _, name in ipairs {'G 2 forward', 'G 2 weight', 'G 5 input', 'D 1 forward', 'D 1 input', 'D 1 weight', 'D 4 gradient', 'optimizer ',
      'next images ', 'losses forward', 'losses gradient'} do
      assert.truthy(rows[name], name)
    end
    assert.is_nil(rows['G 2 forward'].ways:match '^$')
    assert.is_nil(rows['D 5 forward'], 'an activation that its layer applies')
    -- D's first layer forward: real, generated, and generated again in G's update.
    assert.equal(3 * 2 * 16 * 4 * 64 * 3 * 16, rows['D 1 forward'].flops)
    assert.equal(2 * 2 * 16 * 4 * 64 * 3 * 16, rows['D 1 weight'].flops)
    assert.equal(1 * 2 * 16 * 4 * 64 * 3 * 16, rows['D 1 input'].flops)
    assert.equal(3 * 4 * (16 * 3 * 256 + 4 * 3 * 16 + 16 * 4 * 64), rows['D 1 forward'].bytes)
    assert.truthy(math.abs(sum / report.seconds - 1) < 1e-6) -- every moment of the step is in one row
    assert.is_nil(bridge.watcher)
    assert.is_nil((autograd.observe(nil)))
  end)

  it('charges gradients of gradients to the layers they belong to', function()
    local penalty = gan.recipe {
      name = 'penalty', score = 'critic', options = recipe.options, generator = gan.nets.dcgan_generator,
      discriminator = function(p) return gan.nets.dcgan_discriminator(p, {norm = 'none'}) end,
      d_loss = function(s)
        local x = autograd.value(s.real.data, true)
        local g = autograd.grad(s.D(x):sum(), x, {create_graph = true})
        return s.D(s.fake):mean() - s.D(s.real):mean() + (g * g):mean()
      end,
      g_loss = function(s) return -s.D(s.fake):mean() end,
    }
    local report = profile.run(penalty, o, tryout.noise(o), 1)
    local found = 0
    for _, row in ipairs(report.rows) do
      if row.name == 'D 1' then found = found + row.flops end
      assert.not_equal('?', row.name)
    end
    -- Scores: of real images twice, generated ones, G's: 4. Gradients to images: the penalty's, G's: 2. Of the first of these, to the
    -- gradient behind it and to the weights: 2. To the weights: real, generated: 2.
    assert.equal(10 * 2 * 16 * 4 * 64 * 3 * 16, found)
  end)

  it('knows the networks of recipes that have others than G and D', function()
    for name, wanted in pairs {cyclegan = {'back', 'judge'}, vae = {'encoder'}, acgan = {'D'}} do
      local other = gan.load_recipe(name)
      local declared = other.options.declared
      local small = other.options:resolve {from = 'test', values = {
        size = 16, batch = 4, samples = 4, base = declared.base and 4, z_size = declared.z_size and 8,
      }}
      local names = {}
      for _, row in ipairs(profile.run(other, small, tryout.noise(small, other.pairs), 1).rows) do
        assert.not_equal('?', row.name)
        names[row.name:match '^%S+'] = true
      end
      for _, net in ipairs(wanted) do assert.truthy(names[net], name .. ' ' .. net) end
    end
  end)

  it('leaves the training as it is', function()
    local plain = gan.trainer(recipe, o, tryout.noise(o))
    plain:step()
    local watched = gan.trainer(recipe, o, tryout.noise(o))
    local list = {}
    convolutions.watch(function() watched:step() end, function(_, c) list[#list + 1] = c end)
    assert.truthy(#list > 10)
    assert.equal(gan.hash(plain.G, plain.D), gan.hash(watched.G, watched.D))
  end)

  it('puts everything back after an error', function()
    local broken = {}
    function broken.size() return 16 end
    function broken.batches()
      local n = 0
      return {next = function()
        n = n + 1
        if n > 3 then error('no more pictures', 0) end
        return torch.FloatTensor(16, 3, 16, 16):zero()
      end}
    end
    local ok, problem = pcall(profile.run, recipe, o, broken, 5)
    assert.is_false(ok)
    assert.matches('no more pictures', problem)
    assert.is_nil(bridge.watcher)
    assert.is_nil((autograd.observe(nil)))
  end)
end)
