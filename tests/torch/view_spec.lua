-- Views against a naive model: a model is a shape and, for each element in order, its place in the storage.
local torch = require 'gantry.torch'

-- ---- the model --------------------------------------------------------------------------------------------------------

local Model = {}
Model.__index = Model

local function count(shape)
  local n = #shape > 0 and 1 or 0
  for _, size in ipairs(shape) do n = n * size end
  return n
end

-- A model of `shape` whose element at index (a list, 1-based) is at place(index).
local function build(shape, place)
  local model = setmetatable({shape = shape, places = {}}, Model)
  local index = {}
  local function visit(d)
    if d > #shape then
      model.places[#model.places + 1] = place(index)
    else
      for i = 1, shape[d] do
        index[d] = i
        visit(d + 1)
      end
    end
  end
  visit(1)
  return model
end

function Model:at(index)
  local k = 0
  for d, size in ipairs(self.shape) do k = k * size + index[d] - 1 end
  return self.places[k + 1]
end

local function copy(list) return {unpack(list)} end

-- Each operation: what it does to the model, and to the tensor, with random arguments; nil where it does not apply.
local operations = {}

function operations.narrow(model, t, random)
  local d = random(#model.shape)
  if model.shape[d] == 0 then return end
  local first = random(model.shape[d])
  local size = random(0, model.shape[d] - first + 1)
  local shape = copy(model.shape)
  shape[d] = size
  return build(shape, function(index)
    local source = copy(index)
    source[d] = source[d] + first - 1
    return model:at(source)
  end), t:narrow(d, first, size)
end

function operations.select(model, t, random)
  if #model.shape < 2 then return end
  local d = random(#model.shape)
  if model.shape[d] == 0 then return end
  local i = random(model.shape[d])
  local shape = copy(model.shape)
  table.remove(shape, d)
  local result = build(shape, function(index)
    local source = copy(index)
    table.insert(source, d, i)
    return model:at(source)
  end)
  if d == 1 and random(2) == 1 then return result, t[i] end
  return result, t:select(d, i)
end

function operations.transpose(model, t, random)
  local d, e = random(#model.shape), random(#model.shape)
  local shape = copy(model.shape)
  shape[d], shape[e] = shape[e], shape[d]
  return build(shape, function(index)
    local source = copy(index)
    source[d], source[e] = source[e], source[d]
    return model:at(source)
  end), t:transpose(d, e)
end

function operations.permute(model, t, random)
  local order, shape = {}, {}
  for d = 1, #model.shape do table.insert(order, random(#order + 1), d) end
  for k, d in ipairs(order) do shape[k] = model.shape[d] end
  return build(shape, function(index)
    local source = {}
    for k, d in ipairs(order) do source[d] = index[k] end
    return model:at(source)
  end), t:permute(unpack(order))
end

function operations.unfold(model, t, random)
  local d = random(#model.shape)
  if #model.shape > 4 or model.shape[d] == 0 then return end
  local size, step = random(model.shape[d]), random(3)
  local shape = copy(model.shape)
  shape[d] = math.floor((model.shape[d] - size) / step) + 1
  shape[#shape + 1] = size
  return build(shape, function(index)
    local source = copy(index)
    local within = table.remove(source)
    source[d] = (source[d] - 1) * step + within
    return model:at(source)
  end), t:unfold(d, size, step)
end

function operations.expand(model, t, random)
  if count(model.shape) > 200 or #model.shape > 4 then return end
  local shape = copy(model.shape)
  for d = 1, #shape do
    if shape[d] == 1 then shape[d] = random(3) end
  end
  local extra = random(0, 1)
  if extra == 1 then table.insert(shape, 1, random(2)) end
  return build(shape, function(index)
    local source = {}
    for d = 1, #model.shape do source[d] = model.shape[d] == 1 and 1 or index[d + extra] end
    return model:at(source)
  end), t:expand(unpack(shape))
end

function operations.unsqueeze(model, t, random)
  if #model.shape > 4 then return end
  local d = random(#model.shape + 1)
  local shape = copy(model.shape)
  table.insert(shape, d, 1)
  return setmetatable({shape = shape, places = model.places}, Model), t:unsqueeze(d)
end

function operations.squeeze(model, t, random)
  local d = random(#model.shape)
  if #model.shape < 2 or model.shape[d] ~= 1 then return end
  local shape = copy(model.shape)
  table.remove(shape, d)
  return setmetatable({shape = shape, places = model.places}, Model), t:squeeze(d)
end

function operations.range(model, t, random)
  local key, shape, firsts, kept = {}, {}, {}, {}
  for d, size in ipairs(model.shape) do
    if size == 0 then return end
    firsts[d] = random(size)
    if random(4) == 1 and #model.shape - d + #shape >= 1 then
      key[d] = firsts[d]
    else
      local last = random(firsts[d], size)
      key[d] = random(2) == 1 and {firsts[d], last} or {firsts[d] - size - 1, last - size - 1}
      shape[#shape + 1] = last - firsts[d] + 1
      kept[#kept + 1] = d
    end
  end
  return build(shape, function(index)
    local source = copy(firsts)
    for k, d in ipairs(kept) do source[d] = firsts[d] + index[k] - 1 end
    return model:at(source)
  end), t[key]
end

local names = {}
for name in pairs(operations) do names[#names + 1] = name end
table.sort(names)

local function random_view(random, dtype)
  local shape = {}
  for d = 1, random(1, 4) do shape[d] = random(1, 5) end
  local n = count(shape)
  local base = torch[dtype](n)
  for i = 1, n do base[i] = i % 100 end
  local place = 0
  local model = build(shape, function()
    place = place + 1
    return place
  end)
  local t = base:view(unpack(shape))
  local trail = {}
  for _ = 1, random(0, 6) do
    local name = names[random(#names)]
    local m, u = operations[name](model, t, random)
    if m and count(m.shape) < 2000 then
      model, t = m, u
      trail[#trail + 1] = name
    end
  end
  return model, t, base, table.concat(trail, ' ')
end

-- A small generator of its own, so that the cases are the same everywhere.
local function randomizer(seed)
  local state = seed
  return function(low, high)
    if not high then low, high = 1, low end
    state = (state * 48271) % 2147483647
    return low + state % (high - low + 1)
  end
end

local function flat(t)
  local list = {}
  local function visit(x)
    for _, v in ipairs(x) do
      if type(v) == 'table' then visit(v) else list[#list + 1] = v end
    end
  end
  visit(t:totable())
  return list
end

local function values(model, base)
  local list = {}
  for k, place in ipairs(model.places) do list[k] = base[place] end
  return list
end

describe('chains of views', function()
  for _, dtype in ipairs {'FloatTensor', 'DoubleTensor', 'ByteTensor', 'LongTensor'} do
    it('read like the model: ' .. dtype, function()
      for seed = 1, 150 do
        local random = randomizer(seed * 7919)
        local model, t, base, trail = random_view(random, dtype)
        assert.same(model.shape, t:size():totable(), trail)
        local wanted = values(model, base)
        assert.same(wanted, flat(t), trail)
        assert.same(wanted, flat(t:clone()), trail)
        assert.same(wanted, flat(t:contiguous()), trail)
        assert.is_true(t:contiguous():isContiguous())
        assert.same(wanted, flat(t:double()), trail)
        assert.equals(#wanted, t:nElement())
        if #wanted > 0 then
          assert.same(wanted, flat(t:reshape(#wanted)), trail)
          local total = 0
          for _, v in ipairs(wanted) do total = total + v end
          assert.equals(total, t:sum(), trail)
          local index = {}
          for d, size in ipairs(model.shape) do index[d] = random(size) end
          assert.equals(base[model:at(index)], t[index], trail)
          local plus = t + 1
          for k, v in ipairs(flat(plus)) do assert.equals((wanted[k] + 1) % 256, v, trail) end
        end
      end
    end)

    it('write like the model: ' .. dtype, function()
      for seed = 1, 150 do
        local random = randomizer(seed * 104729)
        local model, t, base, trail = random_view(random, dtype)
        local before, written = base:totable(), {}
        local n = #model.places
        local seen, repeated = {}, false
        for _, place in ipairs(model.places) do
          repeated = repeated or seen[place]
          seen[place] = true
        end
        if n > 0 and not repeated then
          local source = torch[dtype](n)
          for k = 1, n do
            source[k] = (k * 3) % 50
            written[model.places[k]] = (k * 3) % 50
          end
          t:copy(source)
          for i = 1, base:nElement() do assert.equals(written[i] or before[i], base[i], trail) end
          t:add(1)
          for i = 1, base:nElement() do assert.equals(written[i] and written[i] + 1 or before[i], base[i], trail) end
          t:fill(77)
          for i = 1, base:nElement() do assert.equals(written[i] and 77 or before[i], base[i], trail) end
          t:apply(function(v) return v + 1 end)
          for i = 1, base:nElement() do assert.equals(written[i] and 78 or before[i], base[i], trail) end
          local index = {}
          for d, size in ipairs(model.shape) do index[d] = random(size) end
          t[index] = 5
          assert.equals(5, base[model:at(index)], trail)
        elseif n > 0 then
          t:fill(77)
          for i = 1, base:nElement() do assert.equals(seen[i] and 77 or before[i], base[i], trail) end
        end
      end
    end)
  end
end)

-- ---- one by one -------------------------------------------------------------------------------------------------------

describe('shapes', function()
  local function x34() return torch.range(1, 12):view(3, 4) end

  it('are asked for', function()
    local x = torch.FloatTensor(3, 4)
    assert.equals(2, x:dim())
    assert.equals(2, x:nDimension())
    assert.equals(12, x:numel())
    assert.equals(3, x:size(1))
    assert.same({3, 4}, (#x):totable())
    assert.same({4, 1}, x:stride():totable())
    assert.equals(4, x:stride(1))
    assert.is_true(x:isContiguous())
    assert.is_false(x:t():isContiguous())
    assert.is_true(x:isSameSizeAs(torch.ByteTensor(3, 4)))
    assert.is_true(x:isSize(torch.LongStorage{3, 4}))
    assert.is_false(x:isSize(torch.LongStorage{3, 5}))
    assert.is_true(x:isSetTo(torch.FloatTensor(x)))
    assert.is_false(x:isSetTo(x:clone()))
    assert.equals(4, x:elementSize())
  end)

  it('are viewed anew where strides allow', function()
    assert.same({2, 6}, x34():view(2, -1):size():totable())
    assert.same({12}, x34():view(torch.LongStorage{-1}):size():totable())
    assert.same({4, 3}, torch.view(x34(), 4, 3):size():totable())
    assert.same({6, 2}, x34():viewAs(torch.ByteTensor(6, 2)):size():totable())
    assert.has_error(function() x34():t():view(12) end)
    assert.has_error(function() x34():view(5, -1) end)
    assert.has_error(function() x34():view(-1, -1) end)
    local r = torch.FloatTensor()
    local x = x34()
    assert.equals(r, r:view(x, 2, 6))
    assert.equals(x:storage():data(), r:storage():data())
    assert.same({{1, 5, 9}, {2, 6, 10}, {3, 7, 11}, {4, 8, 12}}, x34():t():reshape(4, 3):totable())
    assert.same({2, 6}, x34():reshape(2, -1):size():totable())
    assert.has_error(function() x34():reshape(5, 2) end)
    local turned = x34():t()
    assert.same({1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12}, turned:reshape(turned, 12):totable())
    local pair = torch.FloatTensor{1, 2}
    assert.same({1, 2, 1, 2}, pair:repeatTensor(pair, 2):totable())
  end)

  it('are resized in place', function()
    local x = x34()
    assert.equals(x, x:resize(2, 2))
    assert.same({{1, 2}, {3, 4}}, x:totable())
    assert.same({6, 2}, x:resizeAs(torch.ByteTensor(6, 2)):size():totable())
    assert.equals(12, x[6][2])
    local y = torch.FloatTensor():resize(3):fill(2)
    assert.same({2, 2, 2}, y:totable())
    y:set(x)
    assert.is_true(y:isSetTo(x))
    y:set()
    assert.equals(0, y:dim())
    y:set(torch.FloatStorage{1, 2, 3}, 2, 2)
    assert.same({2, 3}, y:totable())
  end)

  it('are squeezed, expanded and repeated', function()
    assert.same({2, 3}, torch.FloatTensor(1, 2, 1, 3):squeeze():size():totable())
    assert.same({1, 2, 3}, torch.FloatTensor(1, 2, 1, 3):squeeze(3):size():totable())
    assert.equals(5, torch.FloatTensor(1, 1):fill(5):squeeze())
    local column = torch.FloatTensor{{1}, {2}}
    assert.same({{1, 1, 1}, {2, 2, 2}}, column:expand(2, 3):totable())
    assert.same({{1, 1}, {2, 2}}, torch.expandAs(column, torch.ByteTensor(2, 2)):totable())
    assert.same({2, 3}, column:expand(-1, 3):size():totable())
    assert.has_error(function() column:expand(3, 3) end)
    assert.same({{1, 2, 1, 2}, {1, 2, 1, 2}}, torch.FloatTensor{1, 2}:repeatTensor(2, 2):totable())
    assert.same({{1, 2}, {3, 4}, {1, 2}, {3, 4}}, torch.FloatTensor{{1, 2}, {3, 4}}:repeatTensor(2, 1):totable())
    assert.same({2, 2, 1, 1, 1, 4}, torch.FloatTensor(2):repeatTensor(2, 2, 1, 1, 1, 2):size():totable())
    assert.same({1, 1, 2, 2}, flat(torch.FloatTensor{{1}, {2}}:repeatTensor(1, 2)))
  end)

  it('are cut and joined', function()
    local parts = torch.split(torch.range(1, 7), 3)
    assert.same({{1, 2, 3}, {4, 5, 6}, {7}}, {parts[1]:totable(), parts[2]:totable(), parts[3]:totable()})
    assert.equals(3, #torch.range(1, 7):chunk(3))
    assert.equals(2, #x34():chunk(2, 2))
    local x = x34()
    assert.same(x:totable(), torch.cat({x:narrow(2, 1, 1), x:narrow(2, 2, 3)}, 2):totable())
    assert.same({1, 2, 3}, torch.cat(torch.FloatTensor{1, 2}, torch.FloatTensor{3}):totable())
    assert.same({{1, 2}, {1, 2}}, torch.cat({torch.ones(2), torch.ones(2) * 2}, 2):totable())
    local r = torch.FloatTensor()
    assert.equals(r, torch.cat(r, {torch.ones(2), torch.ones(1)}, 1))
    assert.equals(3, r:nElement())
    assert.same({6, 4}, x:cat(x, 1):size():totable())
    assert.has_error(function() torch.cat({torch.ones(2, 2), torch.ones(3, 3)}, 1) end)
    assert.has_error(function() torch.cat({}) end)
    assert.has_error(function() torch.cat({torch.ones(2), 3}) end)
    assert.has_error(function() torch.cat(torch.ones(2), torch.ones(2), 4) end)
  end)

  it('take ranges by sub', function()
    assert.same({{5, 6, 7, 8}, {9, 10, 11, 12}}, x34():sub(2, -1):totable())
    assert.same({{6, 7}}, x34():sub(2, 2, 2, 3):totable())
    assert.same({{7, 8}}, x34():sub(2, 2, -2, -1):totable())
    assert.has_error(function() x34():sub(2, 1) end)
    assert.has_error(function() x34():sub(1, 1, 1, 1, 1, 1) end)
    assert.same({2, 3}, torch.range(1, 5):sub(2, 3):totable())
  end)

  it('of size zero are harmless', function()
    local x = torch.FloatTensor(0, 3)
    assert.equals(0, x:nElement())
    assert.equals(2, x:dim())
    x:fill(3):add(1):copy(torch.FloatTensor(3, 0))
    assert.same({3, 0}, x:t():size():totable())
    assert.equals(0, x:sum())
    assert.same({}, x:totable())
    assert.same({{}, {}}, torch.FloatTensor(2, 0):totable())
    assert.same({2, 0}, torch.FloatTensor(2, 0):clone():size():totable())
    assert.has_error(function() return x:max() end)
    assert.equals(0, torch.FloatTensor():sum())
    assert.has_error(function() torch.FloatTensor():select(1, 1) end)
    assert.has_error(function() torch.FloatTensor():narrow(1, 1, 1) end)
    assert.same({}, torch.FloatTensor():totable())
    assert.equals(0, torch.FloatTensor():clone():dim())
    assert.equals(0, torch.FloatTensor():double():dim())
  end)

  it('refuse wrong arguments with a message that names them', function()
    local x = x34()
    for message, f in pairs {
      ['narrow: dimension 3 is outside 1..2'] = function() x:narrow(3, 1, 1) end,
      ['narrow: 2 elements from 4 on are outside 1..4 of dimension 2'] = function() x:narrow(2, 4, 2) end,
      ['narrow: the dimension is a nil, wanted a number'] = function() x:narrow() end,
      ['select: index 4 is outside 1..3 of dimension 1'] = function() x:select(1, 4) end,
      ['transpose: dimension 0 is outside 1..2'] = function() x:transpose(0, 1) end,
      ['permute: dimension 1 is named twice'] = function() x:permute(1, 1) end,
      ['t: got a tensor of 1 dimensions, wanted a matrix'] = function() torch.FloatTensor(3):t() end,
      ['copy: argument 2 is a number, wanted a tensor'] = function() x:copy(3) end,
      ['copy: argument 2 is nil, wanted a tensor'] = function() x:copy() end,
      ['narrow: argument 1 is a table, wanted a tensor'] = function() x.narrow({}, 1, 1, 1) end,
      ['elements overlap in memory (an unfolded one); clone() it first'] = function() x:unfold(1, 2, 1):mul(2) end,
      ['unfold: windows of 5 do not fit the 3 of dimension 1'] = function() x:unfold(1, 5, 1) end,
      ['fill: the value is a string, wanted a number'] = function() x:fill('a') end,
    } do
      local ok, got = pcall(f)
      assert.is_false(ok)
      assert.truthy(got:find(message, 1, true), got)
      assert.truthy(got:find 'view_spec.lua', got)
    end
    assert.has_error(function() x:copy(torch.FloatTensor(5)) end)
  end)
end)
