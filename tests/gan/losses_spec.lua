-- Losses and penalties against PyTorch, with their gradients; penalties also against central differences; augmentation.
local torch = require 'gantry.torch'
local autograd = require 'gantry.autograd'
local nn = require 'gantry.nn'
local gan = require 'gantry.gan'
local gold = require 'tests.support.gold'
local numbers = require 'tests.support.numbers'

local losses, penalties, value = gan.losses, gan.penalties, autograd.value

describe('gan.losses', function()
  local cases = gold.open 'gan'

  -- Which of a case's tensors a loss takes, in order; those in `constant` have no gradient.
  local function check(name, fn, arguments, constant)
    it(name .. ' has the value and the gradients that PyTorch finds', function()
      gold.in_both(function(to, same)
        local case, values = cases[name], {}
        for i, key in ipairs(arguments) do values[i] = value(to(case[key]), key ~= constant) end
        local loss = fn(values[1], values[2], case.options.labels or case.options.real)
        same(loss.data, case.loss, 'the loss')
        loss:backward()
        for i, key in ipairs(arguments) do
          if key ~= constant then same(values[i].grad, case['grad_' .. key], 'the gradient of ' .. key) end
        end
      end)
    end)
  end

  for _, name in ipairs {'minimax_d', 'least_squares_d', 'wasserstein_d', 'hinge_d', 'relativistic_d', 'relativistic_g',
    'relativistic_pairs_d', 'relativistic_pairs_g'} do
    check(name, losses[name], {'real', 'fake'})
  end
  check('minimax_d smooth', losses.minimax_d, {'real', 'fake'})
  for _, name in ipairs {'minimax_g', 'non_saturating_g', 'least_squares_g', 'wasserstein_g', 'hinge_g'} do
    check(name, losses[name], {'fake'})
  end
  check('feature_matching', losses.feature_matching, {'real', 'fake'}, 'real')
  check('classification', function(x, _, y) return losses.classification(x, torch.LongTensor(y)) end, {'logits'})
  check('codes', losses.codes, {'said', 'codes'}, 'codes')

  it('counts how often the class has the largest logit', function()
    assert.near(2 / 3, losses.accuracy(torch.FloatTensor {{1, 2}, {3, 1}, {0, 4}}, torch.LongTensor {2, 2, 2}), 1e-9)
  end)

  it('refuses what it cannot use', function()
    local x = value(torch.FloatTensor(3, 2):zero(), true)
    assert.error_matches(function() losses.minimax_d(x, x, 1.5) end, 'the target for real images is 1.5')
    assert.error_matches(function() losses.classification(x, torch.LongTensor {1}) end, 'a tensor of 1, wanted a LongTensor of 3')
    assert.error_matches(function() losses.hinge_d({x, x}, x) end, 'hinge_d: got a table, .* of a list that D gives, take an entry')
    for name, loss in pairs(losses) do
      if name:find '_[dg]$' then assert.error_matches(function() loss(torch.zeros(2, 1), nil) end, name .. ': got a torch.FloatTensor') end
    end
    assert.error_matches(function() penalties.r1(function() return 3 end, torch.zeros(2, 1)) end, 'D gave a number, wanted a value')
  end)

  -- ---- penalties --------------------------------------------------------------------------------------------------------------

  local function critic(case, to)
    local conv1, conv2 = nn.SpatialConvolution(2, 4, 4, 4, 2, 2, 1, 1), nn.SpatialConvolution(4, 5, 4, 4, 2, 2, 1, 1)
    local linear = nn.Linear(20, 1)
    local net = nn.Sequential():add(conv1):add(nn.LeakyReLU(0.2)):add(conv2):add(nn.Tanh()):add(nn.View(20):setNumInputDims(3)):add(linear)
    net:type(to(case.images):type())
    local at = 0
    for _, m in ipairs {conv1, conv2, linear} do
      for _, field in ipairs {'weight', 'bias'} do
        at = at + 1
        m[field]:copy(case['weight_' .. at])
      end
    end
    return net
  end

  local terms = {
    wgan_gp = function(D, case, to) return penalties.gradient(D, to(case.between), to(case.between)) end,
    r1 = function(D, case, to) return penalties.r1(D, to(case.images)) end,
  }
  for name, term in pairs(terms) do
    it(name .. "'s gradients of all weights are PyTorch's, and central differences", function()
      gold.in_both(function(to, same)
        local case = cases[name]
        local net = critic(case, to)
        local function D(x) return net:forward(x) end
        local w, g = net:getParameters()
        g:zero()
        local loss = term(D, case, to)
        same(loss.data, case.loss, 'the penalty')
        loss:backward()
        local at, offset = 0, 1
        for _, p in ipairs((net:parameters())) do
          at = at + 1
          local difference = numbers.difference(g:narrow(1, offset, p:nElement()), case['grad_' .. at]:view(-1), 1e-3)
          assert.is_true(difference < (w:type() == 'torch.DoubleTensor' and 1e-10 or 5e-5), 'the gradient of parameter ' .. at)
          offset = offset + p:nElement()
        end
        if w:type() ~= 'torch.DoubleTensor' then return end
        local eps = 1e-5
        for i = 1, w:size(1) do
          local x = w[i]
          w[i] = x + eps
          local above = term(D, case, to):item()
          w[i] = x - eps
          local below = term(D, case, to):item()
          w[i] = x
          assert.near((above - below) / (2 * eps), g[i], 1e-6)
        end
      end)
    end)
  end

  it('DRAGAN looks near real images', function()
    torch.manualSeed(1)
    local x, seen = torch.FloatTensor(3, 2, 8, 8):uniform(-1, 1), nil
    local gp = penalties.dragan(function(y)
      seen = y.data:clone()
      return y:pow(2):sum({2, 3, 4})
    end, x, 0.5)
    local away = (seen - x) / x:std()
    assert.is_true(away:min() > -1e-6 and away:max() < 0.5 and away:max() > 0.1)
    local slope = (seen * 2):view(3, -1):norm(2, 2)
    assert.near((slope - 1):pow(2):mean(), gp:item(), 1e-3)
  end)

  it('lazy terms count n times in every n-th step', function()
    local function term() return value(torch.FloatTensor {2}, true) * 1 end
    assert.equal(0, penalties.lazy({number = 15}, 16, term))
    assert.equal(32, penalties.lazy({number = 16}, 16, term):item())
    assert.error_matches(function() penalties.lazy({number = 1}, 0, term) end, 'wanted a whole number from 1')
  end)

  it('instance noise has its deviation and moves nothing else', function()
    torch.manualSeed(1)
    local x = value(torch.FloatTensor(40, 3, 16, 16):uniform(-1, 1), true)
    x.origin = 'real'
    local y = penalties.noise(x, 0.2)
    assert.near(0.2, (y.data - x.data):std(), 5e-3)
    assert.equal('real', y.origin)
    assert.equal(x, penalties.noise(x, 0))
    y:sum():backward()
    assert.equal(0, (x.grad - 1):abs():max())
  end)
end)

describe('gan.augment', function()
  local images = torch.DoubleTensor(5, 3, 8, 12):uniform(torch.Generator(3), -1, 1)

  for _, policy in ipairs {'color', 'translation', 'cutout', 'cutout color translation'} do
    it(policy .. ' has the gradient that central differences find, and the same draws for the same seed', function()
      local weights = torch.DoubleTensor(5, 3, 8, 12):uniform(torch.Generator(4), -1, 1)
      local function scalar(x)
        torch.manualSeed(9)
        return (gan.augment(x, policy):pow(2) * value(weights)):sum()
      end
      local x = value(images:clone(), true)
      local y = scalar(x)
      y:backward()
      assert.equal(y:item(), scalar(x):item())
      local flat, grad = x.data:view(-1), x.grad:view(-1)
      for i = 1, flat:size(1), 97 do
        local was = flat[i]
        flat[i] = was + 1e-5
        local above = scalar(x):item()
        flat[i] = was - 1e-5
        local below = scalar(x):item()
        flat[i] = was
        assert.near((above - below) / 2e-5, grad[i], 1e-5)
      end
    end)
  end

  it('translation moves whole images, zeros come in; cutout leaves the rest; color keeps the ratio within an image', function()
    torch.manualSeed(2)
    local moved = gan.augment(value(images), 'translation').data
    for n = 1, 5 do
      local found
      for dy = -1, 1 do
        for dx = -2, 2 do
          local wanted = torch.DoubleTensor(3, 8, 12):zero()
          local h, w = 8 - math.abs(dy), 12 - math.abs(dx)
          wanted:narrow(2, math.max(dy, 0) + 1, h):narrow(3, math.max(dx, 0) + 1, w)
            :copy(images[n]:narrow(2, math.max(-dy, 0) + 1, h):narrow(3, math.max(-dx, 0) + 1, w))
          found = found or (wanted - moved[n]):abs():max() == 0
        end
      end
      assert.is_true(found)
    end
    local cut = gan.augment(value(images), 'cutout').data
    for n = 1, 5 do
      local gone = cut[n]:eq(0):sum() / 3
      assert.is_true(gone > 0 and gone <= 4 * 6)
      assert.equal(0, torch.cmul(cut[n] - images[n], cut[n]:ne(0):double()):abs():max())
    end
    -- As many rows and columns may be left of the square at one edge as at the other.
    local least, many = {}, gan.augment(value(torch.ones(400, 1, 8, 12)), 'cutout').data:eq(0)
    for n = 1, 400 do
      for at, line in pairs {top = many[n][1]:sum(2), left = many[n][1]:sum(1)} do
        line = line:view(-1):gt(0)
        local size, first = line:size(1), line[1] == 1
        if first ~= (line[size] == 1) then
          local edge = first and at or at == 'top' and 'bottom' or 'right'
          least[edge] = math.min(least[edge] or size, line:sum())
        end
      end
    end
    assert.same({top = 2, bottom = 2, left = 3, right = 3}, least)
    local color = gan.augment(value(images:narrow(2, 1, 1):clone()), 'color').data
    for n = 1, 5 do
      local a, b = images[n][1], color[n][1]
      local slope = (b[1][2] - b[1][1]) / (a[1][2] - a[1][1])
      assert.is_true(slope >= 0.5 and slope <= 1.5)
      assert.is_true(((b - b[1][1]) - (a - a[1][1]) * slope):abs():max() < 1e-12)
    end
    assert.error_matches(function() gan.augment(value(images), 'colour') end, "there is no 'colour'")
    assert.error_matches(function() gan.augment(images, 'color') end, 'wanted a value')
    assert.error_matches(function() gan.augment(value(images)) end, 'augment: the policy is a nil, wanted text')
  end)
end)
