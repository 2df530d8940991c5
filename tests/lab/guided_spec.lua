-- Guided backpropagation against a chain that is gone through by hand, and what the experiment leaves behind.
local cjson = require 'cjson'
local autograd = require 'gantry.autograd'
local gan = require 'gantry.gan'
local image = require 'gantry.image'
local nn = require 'gantry.nn'
local torch = require 'gantry.torch'
local data = require 'gantry.data'
local bridge = require 'gantry.nn.bridge'
local guided = require 'gantry.lab.guided'
local layers = require 'gantry.lab.layers'
local pointing = require 'gantry.lab.pointing'
local recipes = require 'gantry.gan.recipe'
local command = require 'tests.support.command'

-- Convolutions with batch norm and both kinds of rectifier behind it, as recipes have them, on 16 images or more: in the inner layout.
local function small_net()
  torch.manualSeed(3)
  local net = nn.Sequential()
  net:add(nn.SpatialConvolution(3, 6, 4, 4, 2, 2, 1, 1)):add(nn.LeakyReLU(0.2, true))
  net:add(nn.SpatialConvolution(6, 8, 4, 4, 2, 2, 1, 1):noBias()):add(nn.SpatialBatchNormalization(8)):add(nn.LeakyReLU(0.2, true))
  net:add(nn.SpatialConvolution(8, 5, 3, 3, 1, 1, 1, 1):noBias()):add(nn.SpatialBatchNormalization(5)):add(nn.ReLU(true))
  net:add(nn.SpatialConvolution(5, 1, 4, 4):noBias()):add(nn.View(1):setNumInputDims(3))
  net:double()
  for _, m in ipairs(net:listModules()) do
    if m.running_mean then
      m.running_mean:uniform(-0.2, 0.2)
      m.running_var:uniform(0.5, 2)
      m.bias:uniform(-0.3, 0.3)
    end
  end
  return net:evaluate()
end

-- The same by Torch7's methods on copies of the modules, one after the other.
local function by_hand(net, last, x, units, leaky)
  local inputs, modules = {x}, {}
  for i = 1, last do
    modules[i] = net.modules[i]:clone()
    modules[i].inplace = false
    inputs[i + 1] = modules[i]:updateOutput(inputs[i]):clone()
  end
  local g = inputs[last + 1]:clone():zero()
  for i, u in ipairs(units) do g[i][u[1]][u[2]][u[3]] = 1 end
  for i = last, 1, -1 do
    local class = torch.type(modules[i])
    if leaky and (class == 'nn.ReLU' or class == 'nn.LeakyReLU') then
      g = g:clone():clamp(0, math.huge)
      if leaky == 'off' then g:cmul(inputs[i]:gt(0):double()) end
    end
    g = modules[i]:updateGradInput(inputs[i], g):clone()
  end
  return g
end

describe('lab.guided', function()
  teardown(command.clean)

  it('is the rule, through batch norm and both kinds of rectifier, and leaves the network as it was', function()
    local net = small_net()
    local x, units = torch.DoubleTensor(18, 3, 16, 16):uniform(-1, 1), {}
    for i = 1, 18 do units[i] = {(i - 1) % 5 + 1, (i - 1) % 4 + 1, (2 * i) % 4 + 1} end
    local before = net:forward(autograd.value(x)).data:clone()
    local list = layers.of(net, x)
    assert.equal(3, #list)
    assert.same({'convolution 3', 5, 4, 4}, {list[3].name, list[3].channels, list[3].height, list[3].width})
    assert.equal(net.modules[8], list[3].module)
    local seen = {}
    for _, leaky in ipairs {'off', 'leak', 'plain'} do
      local g = guided.gradient(net, list[3], x, units, leaky == 'plain' and {plain = true} or {leaky = leaky})
      local wanted = by_hand(net, 8, x, units, leaky ~= 'plain' and leaky or nil)
      assert.near(0, (g - wanted):abs():max(), 1e-12)
      assert.is_true(g:norm() > 1e-3)
      for _, other in ipairs(seen) do assert.is_true((g - other):abs():max() > 1e-6, leaky) end
      seen[#seen + 1] = g
    end
    assert.near(0, (guided.gradient(net, list[2], x, units) - by_hand(net, 5, x, units, 'off')):abs():max(), 1e-12)
    assert.is_nil(bridge.observer)
    assert.equal(0, (net:forward(autograd.value(x)).data - before):abs():max())
    assert.error_matches(function() guided.gradient(net, list[3], x, {{1, 1, 1}}) end, 'guided: got 1 units for 18 images')
    assert.error_matches(function() guided.gradient(net, list[3], x, units, {leaky = 'no'}) end, "leaky is 'no', wanted 'off' or 'leak'")
    assert.error_matches(function() layers.pick(list, 4, 'me') end, 'me: layer is 4; the network has 3 layers of features')
    assert.is_nil(bridge.observer)
  end)

  it('changes of features go on, and end', function()
    local net = small_net()
    local x = torch.DoubleTensor(16, 3, 16, 16):uniform(-1, 1)
    local layer = layers.of(net, x)[2]
    local function run() return net:forward(autograd.value(x)).data:clone() end
    local before = run()
    local changed = layers.with_change(layer, function(v) return v * 0 end, run)
    local nothing = autograd.value(torch.DoubleTensor(16, 8, 4, 4):zero())
    for i = 6, #net.modules do nothing = net.modules[i]:forward(nothing) end
    assert.near(0, (changed - nothing.data):abs():max(), 1e-12)
    assert.equal(0, (run() - before):abs():max())
    assert.is_false(pcall(layers.with_change, layer, function() error 'no' end, run))
    assert.equal(0, (run() - before):abs():max())
  end)

  it('points: shares, largest values, chance', function()
    local map = torch.FloatTensor {{0, 1}, {0, 3}}
    local mask = pointing.mask({{x0 = 0.5, y0 = 0.5, x1 = 1, y1 = 1}}, 2, 2)
    assert.same({{0, 0}, {0, 1}}, {{mask[1][1], mask[1][2]}, {mask[2][1], mask[2][2]}})
    assert.same({0.75, 1}, {pointing.inside(map, mask)})
    assert.is_nil(pointing.inside(map:clone():zero(), mask))
    assert.same({3, 7, 3, 5}, {pointing.cover({x0 = 0.25, y0 = 0.2, x1 = 0.5, y1 = 0.7}, 10, 10)})
    assert.same({10, 10, 1, 1}, {pointing.cover({x0 = -1, y0 = 0.99, x1 = 0, y1 = 3}, 10, 10)})
    assert.equal(0.75, pointing.concentration(map))
    -- Gradients that lie in each picture's own box, and in one corner whatever the picture.
    local rooms = data.open('scenes:rooms', {size = 16, count = 40})
    assert.same({'bed', 'lamp', 'window'}, pointing.kinds(rooms))
    local numbers = {}
    for i = 1, 40 do
      if rooms:attributes(i).bed then numbers[#numbers + 1] = i end
    end
    local masks = pointing.masks(rooms, {'bed'}, numbers)
    local own, corner = torch.FloatTensor(#numbers, 1, 16, 16), torch.FloatTensor(#numbers, 1, 16, 16):zero()
    corner[{{}, {}, 1, 1}]:fill(1)
    for k, number in ipairs(numbers) do own[k][1]:copy(masks.of(number, 'bed')) end
    local m = pointing.measure({{numbers = numbers, gradients = own}}, masks, 'bed')
    assert.equal(1, m.energy.mean)
    assert.is_true(m.energy_chance.mean < 0.9)
    assert.near(m.energy.mean - m.energy_chance.mean, m.above.mean, 1e-12)
    assert.same({1, 1}, {m.responding, m.n})
    m = pointing.measure({{numbers = numbers, gradients = corner}}, masks, 'bed')
    assert.same({0, 0, 0}, {m.energy.mean, m.hit.mean, m.responding})
    assert.is_nil(pointing.measure({{numbers = numbers, gradients = corner:zero()}}, masks, 'bed'))
  end)

  it('gantry lab guided: a record, three pictures, and the run as it was', function()
    local run = command.folder()
    local o = recipes.load('dcgan').options:resolve {from = 'test', values = {
      size = 16, base = 4, kernel = 4, batch = 8, z_size = 8, steps = 2, samples = 1,
    }}
    gan.session.start({recipe = 'dcgan', data = 'scenes:rooms', options = o, out = run, quiet = true}):run()
    local checkpoint = command.read(run .. '/checkpoint.safetensors')
    local code, out, err = command.gantry(('lab guided %s --images 48 --features 8 --shown 2 --top 4'):format(run))
    assert.equal(0, code, err)
    assert.matches("energy of guided gradients in boxes of a bed above that in other pictures', an untrained D, %%: ", out)
    local c = cjson.decode(command.read(run .. '/lab/guided.json'))
    assert.same({'guided', 'scenes:rooms', 2, 3}, {c.experiment, c.data, c.step, #c.pictures})
    for _, p in ipairs(c.pictures) do assert.equal(3, image.load(run .. '/lab/' .. p.file):size(1)) end
    for _, f in ipairs(c.figures) do assert.is_true(f.low <= f.value and f.value <= f.high, f.name) end
    assert.equal(checkpoint, command.read(run .. '/checkpoint.safetensors'))
    code, out, err = command.gantry(('lab guided %s --layer 9 --images 8'):format(run))
    assert.same({1, ''}, {code, out})
    assert.matches('guided: layer is 9; the network has 2 layers of features', err)
    code, out, err = command.gantry(('lab guided %s --leaky no'):format(run))
    assert.same({2, ''}, {code, out})
    assert.matches('guided: %-%-leaky is no, wanted off or leak', err)
  end)
end)
