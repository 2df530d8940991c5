-- Codes and what is near them, against all comparisons; the network for duplicates; its experiment and `gantry data --dedup`.
local torch = require 'gantry.torch'
local data = require 'gantry.data'
local image = require 'gantry.image'
local npy = require 'gantry.data.npy'
local codes = require 'gantry.lab.codes'
local copies = require 'gantry.lab.copies'
local dedup = require 'gantry.lab.dedup'
local command = require 'tests.support.command'

local function random_codes(n, bits, generator)
  return torch.ByteTensor(n, bits):copy(torch.FloatTensor(n, bits):bernoulli(generator, 0.5))
end

describe('lab.codes', function()
  it('are packed bits, whose distance is how many differ', function()
    local x = random_codes(20, 64, torch.Generator(3))
    local list = codes.pack(x)
    assert.equal(8, #list[1])
    assert.equal(x[1][1] + 2 * x[1][2] + 4 * x[1][3], list[1]:byte(1) % 8)
    for i = 1, 20 do
      for j = 1, 20 do
        assert.equal(x[i]:ne(x[j]):sum(), codes.distance(list[i], list[j]))
      end
    end
    assert.error_matches(function() codes.pack(torch.ByteTensor(2, 12)) end, 'got 12 bits')
  end)

  it('within a radius are all found, and no others', function()
    local generator = torch.Generator(5)
    local x = random_codes(60, 32, generator)
    for i = 31, 60 do -- near copies: up to 6 bits turned over
      x[i]:copy(x[i - 30])
      for _ = 1, i % 7 do
        local b = torch.random(generator, 1, 32)
        x[i][b] = 1 - x[i][b]
      end
    end
    local list = codes.pack(x)
    for _, radius in ipairs {0, 1, 3, 5} do
      local wanted = {}
      for i = 1, 60 do
        for j = i + 1, 60 do
          local d = codes.distance(list[i], list[j])
          if d <= radius then wanted[#wanted + 1] = {i, j, d} end
        end
      end
      assert.is_true(#wanted >= 4)
      assert.same(wanted, codes.pairs(list, radius))
    end
    local index = codes.index({list[1], list[2]}, 2)
    assert.is_true(index:has(list[1]))
    assert.is_false(index:has(list[3]))
    assert.same({}, codes.pairs({}, 2))
    assert.error_matches(function() codes.index(list, -1) end, 'radius is %-1')
  end)

  it('make groups, by further codes too; comparisons grow with the number of codes, not its square', function()
    local x = torch.ByteTensor(5, 8):zero()
    x[2][1], x[3][1], x[3][2] = 1, 1, 1 -- 1 and 2, 2 and 3 differ in one bit
    for b = 1, 8 do x[4][b], x[5][b] = 1, 1 end
    local list = codes.pack(x)
    assert.same({{4, 5}}, codes.groups(list))
    assert.same({{1, 2, 3}, {4, 5}}, codes.groups(list, 1))
    assert.same({{1, 4, 5}}, codes.groups(list, 0, {{list[4], list[2], list[3], list[4], list[5]}}))
    assert.same({{1, 4, 0}, {1, 5, 0}, {4, 5, 0}}, codes.pairs(list, 0, {{list[4], list[2], list[3], list[4], list[5]}}))
    local asked = {}
    local function accept(i, j)
      asked[#asked + 1] = {i, j}
      return j ~= 3
    end
    assert.same({{1, 2}, {4, 5}}, codes.groups(list, 1, nil, accept))
    assert.same({{1, 2}, {2, 3}, {4, 5}}, asked)
    local function compared(n)
      local random = codes.pack(random_codes(n, 128, torch.Generator(9)))
      local index = codes.index(random, 3)
      for _, code in ipairs(random) do index:has(code) end
      return index.compared
    end
    assert.is_true(compared(1000) < 2.5 * compared(500))
  end)
end)

describe('lab.dedup', function()
  local dir, set, net
  setup(function()
    dir = command.folder()
    set = data.open('scenes:rooms', {size = 32, count = 300})
    net = dedup.train(set, {steps = 120, batch = 64})
  end)
  teardown(command.clean)

  it('moves pictures by whole pixels', function()
    local x = torch.FloatTensor(1, 1, 3, 4):copy(torch.range(1, 12):view(1, 1, 3, 4))
    assert.same({1, 1, 2, 3, 5, 5, 6, 7, 9, 9, 10, 11}, dedup.moved(x, 1, 0):view(-1):totable())
    assert.same({6, 7, 8, 8, 10, 11, 12, 12, 10, 11, 12, 12}, dedup.moved(x, -1, -1):view(-1):totable())
  end)

  it('says how alike two pictures are but for a move', function()
    local x = set:batch {1, 2}
    local a, b = x:narrow(1, 1, 1), x:narrow(1, 2, 1)
    assert.near(1, dedup.likeness(a, a * 0.8 + 0.1, 0), 1e-5)
    assert.near(1, dedup.likeness(a, dedup.moved(a, -2, 1), 2), 1e-5)
    assert.is_true(dedup.likeness(a, dedup.moved(a, -2, 1), 1) < 0.99)
    assert.is_true(dedup.likeness(a, b, 2) < 0.9)
    assert.is_true(dedup.likeness(a, a * 0.01, 0) < 0.9) -- flat: not brought to full contrast
    assert.equal(1, dedup.likeness(a * 0, a * 0, 1))
    -- The correlation, by its definition.
    local p, q = a:view(-1):double(), b:view(-1):double()
    p, q = p - p:mean(), q - q:mean()
    assert.near(p:dot(q) / (p:norm() * q:norm()), dedup.likeness(a, b, 0), 1e-5)
  end)

  it('gives the same codes from a file, for brighter pictures, and in other sizes', function()
    net:save(dir .. '/net.safetensors')
    local again = dedup.load(dir .. '/net.safetensors')
    local x = set:batch {1, 2, 3, 4, 5, 6, 7, 8}
    assert.same(net:codes(x), again:codes(x))
    assert.equal(net.hash, again.hash)
    assert.equal(120, again.about.steps)
    assert.equal(16, #net:codes(x)[1])
    assert.same(net:codes(x:narrow(2, 1, 1)), net:codes(x:narrow(2, 1, 1):expand(8, 3, 32, 32):contiguous()))
    local darker = net:codes(x * 0.9) -- less contrast about the middle: mean and contrast are not seen
    for i, code in ipairs(net:codes(x)) do assert.is_true(codes.distance(code, darker[i]) <= 1) end
    assert.error_matches(function() dedup.load(command.write(dir .. '/x.safetensors', 'x')) end, 'x.safetensors')
    assert.error_matches(function() dedup.train(set, {step = 3}) end, 'there is no option step; wanted batch, brightness, .*, units')
    assert.error_matches(function() dedup.train(set, {units = 12}) end, 'units is 12, wanted a multiple of 8')
    assert.error_matches(function() dedup.train(dedup.open 'scenes:faces@1..1') end, 'has 1 pictures, wanted at least 2')
    assert.error_matches(function() dedup.train(set, {dropout = 1}) end, 'probability is 1')
  end)

  it('trains the same from the same seed, and leaves random numbers alone', function()
    torch.manualSeed(4)
    local before = torch.getRNGState()
    local a, b = dedup.train(set, {steps = 2, batch = 8}), dedup.train(set, {steps = 2, batch = 8})
    assert.equal(a.hash, b.hash)
    assert.not_equal(a.hash, dedup.train(set, {steps = 2, batch = 8, margin = 0}).hash)
    assert.not_equal(a.hash, dedup.train(set, {steps = 2, batch = 8, shift = 0}).hash)
    assert.is_true(torch.equal(before, torch.getRNGState()))
  end)

  -- 40 pictures; 41 to 60 are copies of 1 to 20: every fourth the same, then moved, JPEG, brighter.
  local function with_copies()
    local numbers = {}
    for i = 1, 40 do numbers[i] = i end
    local x = set:batch(numbers)
    local all = torch.FloatTensor(60, 3, 32, 32)
    all:narrow(1, 1, 40):copy(x)
    local first = x:narrow(1, 1, 20)
    local made = {first, copies.moved(first, torch.Generator(2)), copies.jpeg(first), copies.brightness(first)}
    for i = 1, 20 do all[40 + i]:copy(made[i % 4 + 1][i]) end
    return all
  end

  it('finds copies; equal codes find fewer than near ones', function()
    local all = with_copies()
    local near = net:duplicates(all, dedup.readings.near)
    local right = 0
    for _, pair in ipairs(near.groups) do
      if pair[2] - pair[1] == 40 then right = right + 1 end
    end
    assert.is_true(right >= 11, right)
    assert.equal(60, #near.kept + #near.left_out)
    local paper = net:duplicates(all, dedup.readings.paper)
    assert.is_true(#paper.left_out >= 5 and #paper.left_out < #near.left_out)
  end)

  it('is an experiment, and a way to leave duplicates out of a packed set', function()
    net:save(dir .. '/net.safetensors')
    local found = {}
    for _, f in ipairs(copies.run(net, data.open('scenes:rooms', {size = 32, count = 80}), {out = dir .. '/lab', n = 40}).figures) do
      found[f.name] = f
    end
    for _, name in ipairs {'moved by 1 to 2 pixels', 'JPEG of quality 50', 'brightness +-5%'} do
      assert.is_true(found[name .. ', near codes and alike: recall'].value >= found[name .. ', equal codes: recall'].value)
    end
    assert.is_true(found['moved by 1 to 2 pixels, near codes and alike: recall'].value > 0.7)

    local pictures = dir .. '/pictures'
    require('lfs').mkdir(pictures)
    for i = 1, 12 do
      local x = (set:get((i - 1) % 8 + 1) + 1) / 2
      image.save(('%s/%02d.png'):format(pictures, i), i > 8 and dedup.moved(x:view(1, 3, 32, 32), 1, 0)[1] or x)
    end
    local packed = dir .. '/packed.npy'
    local code, out, err = command.gantry(('data %s --size 16 --dedup --dedup-net %s/net.safetensors --pack %s --out %s/pairs.png'):format(
      pictures, dir, packed, dir))
    assert.equal(0, code, err)
    assert.matches('4 pictures are left out, 8 kept %(4 groups of duplicates%)', out)
    assert.same({8, 3, 16, 16}, npy.load(packed):size():totable())
    assert.equal(3, image.load(dir .. '/pairs.png'):size(1))
    code, out, err = command.gantry(('data %s --dedup --reading new'):format(pictures))
    assert.same({2, ''}, {code, out})
    assert.matches('wanted near or paper', err)
  end)
end)
