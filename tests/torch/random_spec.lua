-- Random numbers: Torch7's own, digit by digit, from the file that Torch7 wrote; streams, states, distributions.
local torch = require 'gantry.torch'

local DATA = (os.getenv 'GANTRY_DATA' or '../shared/data') .. '/torch7/'

local function exists(name)
  local file = io.open(DATA .. name, 'rb')
  if file then file:close() end
  return file ~= nil
end

local function draws(n, f)
  local list = {}
  for i = 1, n do list[i] = f() end
  return list
end

local function text(list)
  local words = {}
  for i, v in ipairs(list) do words[i] = ('%.17g'):format(v) end
  return table.concat(words, ' ')
end

describe('Torch7\'s stream', function()
  it('is reproduced, every line of random.txt', function()
    if not exists 'random.txt' then return pending(DATA .. 'random.txt is not here') end
    local wanted = {}
    for line in io.lines(DATA .. 'random.txt') do wanted[#wanted + 1] = line:match '\t(.*)$' end
    torch.manualSeed(123)
    local got = {
      text(draws(10, function() return torch.uniform() end)),
      text(draws(10, function() return torch.normal(2, 3) end)),
      text(draws(10, function() return torch.random(1, 1000) end)),
      text(torch.randperm(10):totable()),
      text(draws(10, function() return torch.bernoulli(0.3) end)),
      text(draws(5, function() return torch.exponential(1.5) end)),
      text(torch.DoubleTensor(8):normal(0, 1):totable()),
      text(torch.FloatTensor(8):uniform(-1, 1):totable()),
    }
    torch.manualSeed(5)
    got[9] = text(torch.DoubleTensor(7):normal(0, 1):totable())
    torch.manualSeed(5)
    got[10] = text(torch.multinomial(torch.DoubleTensor{1, 2, 3, 4}, 6, true):totable())
    assert.equals(#wanted, #got)
    for i, line in ipairs(wanted) do assert.equals(line, got[i], 'line ' .. i) end
  end)

  it('goes on from a state that Torch7 saved', function()
    if not exists 'rngstate.t7' then return pending(DATA .. 'rngstate.t7 is not here') end
    local state = torch.load(DATA .. 'rngstate.t7')
    assert.equals('torch.ByteTensor', state:type())
    assert.equals(5048, state:nElement())
    torch.setRNGState(state)
    assert.is_true(torch.equal(state, torch.getRNGState()))
    -- The program that saved it had drawn from seed 7 before.
    assert.equals(7, torch.initialSeed())
    local a = torch.randn(5)
    torch.setRNGState(state)
    assert.same(a:totable(), torch.randn(5):totable())
  end)
end)

describe('generators', function()
  it('repeat from a seed, and apart from each other', function()
    torch.manualSeed(42)
    local a = torch.rand(5):totable()
    torch.manualSeed(42)
    assert.same(a, torch.rand(5):totable())
    local g = torch.Generator()
    assert.equals('torch.Generator', torch.typename(g))
    torch.manualSeed(g, 42)
    torch.manualSeed(1)
    assert.same(a, torch.rand(g, 5):totable())
    torch.manualSeed(g, 42)
    assert.same(a, torch.FloatTensor(5):uniform(g):totable())
    torch.manualSeed(g, 42)
    assert.same(a, torch.rand(torch.FloatTensor(), g, 5):totable())
    assert.equals(42, torch.initialSeed(g))
    assert.equals(1, torch.initialSeed())
    local seed = torch.seed(g)
    assert.equals(seed, torch.initialSeed(g))
  end)

  it('keep the second of a pair of normal numbers in their state', function()
    torch.manualSeed(9)
    torch.normal()
    local state = torch.getRNGState()
    local second = torch.normal()
    torch.setRNGState(state)
    assert.equals(second, torch.normal())
  end)

  it('take negative seeds', function()
    torch.manualSeed(-1)
    local a = torch.uniform()
    torch.manualSeed(-1)
    assert.equals(a, torch.uniform())
  end)

  it('refuse states that are none', function()
    assert.has_error(function() torch.setRNGState(torch.ByteTensor(10)) end)
    assert.has_error(function() torch.setRNGState(torch.FloatTensor(5048)) end)
    assert.has_error(function() torch.setRNGState(torch.ByteTensor(5048):fill(255)) end)
    assert.has_error(function() torch.setRNGState() end)
    assert.has_error(function() torch.manualSeed('x') end)
    assert.has_error(function() torch.manualSeed() end)
  end)
end)

describe('distributions', function()
  it('have their means and spreads', function()
    torch.manualSeed(11)
    local n = 20000
    local function mean_sd(x) return x:mean(), x:std() end
    for _, case in ipairs {
      {'uniform', {2, 4}, 3, 2 / math.sqrt(12)}, {'normal', {1, 2}, 1, 2}, {'exponential', {2}, 0.5, 0.5}, {'bernoulli', {0.3}, 0.3, 0.458},
      {'logNormal', {2, 0.5}, 2, 0.5}, {'random', {1, 5}, 3, math.sqrt(2)},
    } do
      local name, arguments, mean, sd = unpack(case)
      for _, dtype in ipairs {'FloatTensor', 'DoubleTensor'} do
        local m, s = mean_sd(torch[dtype](n)[name](torch[dtype](n), unpack(arguments)))
        assert.is_true(math.abs(m - mean) < 0.05, name .. ' mean ' .. m)
        assert.is_true(math.abs(s - sd) < 0.05, name .. ' sd ' .. s)
      end
      local list = torch.DoubleTensor(draws(2000, function() return torch[name](unpack(arguments)) end))
      assert.is_true(math.abs(list:mean() - mean) < 0.2, name)
    end
    assert.is_true(math.abs(torch.FloatTensor(n):cauchy(3, 1):median() - 3) < 0.1)
    local g = torch.FloatTensor(n):geometric(0.5)
    assert.is_true(g:min() >= 1)
    assert.is_true(torch.randn(torch.FloatTensor(), n):mean() < 0.05)
  end)

  it('draw in the order of the elements, whatever the layout', function()
    torch.manualSeed(3)
    local a = torch.FloatTensor(3, 4):normal()
    torch.manualSeed(3)
    local b = torch.FloatTensor(4, 3):t():normal()
    assert.same(a:totable(), b:totable())
    for _, dtype in ipairs {'ByteTensor', 'IntTensor', 'LongTensor'} do
      torch.manualSeed(3)
      local c = torch[dtype](100):random(1, 6)
      assert.is_true(c:min() >= 1 and c:max() <= 6)
    end
    assert.is_true(torch.ByteTensor(1000):random():max() > 200)
  end)

  it('take a probability for each element', function()
    torch.manualSeed(8)
    local one = torch.FloatTensor(4):bernoulli(0.4)
    torch.manualSeed(8)
    assert.same(one:totable(), torch.ByteTensor(2, 2):bernoulli(torch.DoubleTensor(4):fill(0.4)):view(4):totable())
    assert.same({1, 0}, torch.FloatTensor(2):bernoulli(torch.FloatTensor{1, 0}):totable())
    assert.has_error(function() torch.FloatTensor(2):bernoulli(torch.FloatTensor(3)) end)
  end)

  it('choose among weights', function()
    torch.manualSeed(4)
    local counts = torch.zeros(3)
    local drawn = torch.multinomial(torch.FloatTensor{0, 1, 3}, 4000, true)
    assert.equals('torch.LongTensor', drawn:type())
    for i = 1, 4000 do counts[drawn[i]] = counts[drawn[i]] + 1 end
    assert.equals(0, counts[1])
    assert.is_true(math.abs(counts[3] - 3000) < 150)
    local without = torch.multinomial(torch.DoubleTensor{1, 2, 3, 4}, 4)
    local list = without:totable()
    table.sort(list)
    assert.same({1, 2, 3, 4}, list)
    local rows = torch.multinomial(torch.FloatTensor{{1, 0}, {0, 1}}, 3, true)
    assert.same({{1, 1, 1}, {2, 2, 2}}, rows:totable())
    assert.has_error(function() torch.multinomial(torch.FloatTensor{0, 0}, 1) end)
    assert.has_error(function() torch.multinomial(torch.FloatTensor{1, -1}, 1) end)
    assert.has_error(function() torch.multinomial(torch.FloatTensor{1, 0}, 2) end)
    assert.has_error(function() torch.multinomial(torch.FloatTensor{1, 0}) end)
  end)

  it('permute', function()
    torch.manualSeed(6)
    local list = torch.randperm(50):totable()
    table.sort(list)
    assert.same(torch.range(1, 50):totable(), list)
    assert.equals('torch.LongTensor', torch.randperm(torch.LongTensor(), 5):type())
    assert.has_error(function() torch.randperm(0) end)
  end)

  it('refuse parameters that make no sense', function()
    for _, f in ipairs {function() torch.normal(0, -1) end, function() torch.FloatTensor(2):exponential(0) end,
      function() torch.geometric() end, function() torch.geometric(1) end, function() torch.bernoulli(2) end,
      function() torch.random(5, 1) end,
      function() torch.uniform('a') end, function() torch.randn() end, function() torch.rand('x') end,
      function() torch.logNormal(0, 1) end} do
      local ok, message = pcall(f)
      assert.is_false(ok)
      assert.truthy(message:find 'random_spec.lua', message)
    end
  end)
end)
