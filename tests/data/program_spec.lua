-- A user's own data: Lua files that make pictures.
local torch = require 'gantry.torch'
local data = require 'gantry.data'
local command = require 'tests.support.command'

local function fails(text, ...)
  local ok, message = pcall(...)
  assert.is_false(ok)
  assert.truthy(tostring(message):find(text, 1, true), message)
  assert.is_nil(tostring(message):find '\n')
end

local function same(a, b) return (a - b):abs():max() == 0 end

local HEAD = "local o = ...\nlocal torch = require('gantry').torch\n"

local BY_NUMBER = HEAD .. [[
return {
  size = 20, classes = {'odd', 'even'}, label = function(i) return 2 - i % 2 end,
  get = function(i) return torch.rand(o.channels, o.height, o.width):mul(0.1):add(i / 25) end,
}]]

local BY_POSITION = HEAD .. [[
return function(first, n)
  local x = torch.ByteTensor(n, o.channels, o.height, o.width)
  for k = 1, n do x[k]:fill((first + k - 1) % 256) end
  return x
end]]

describe("a program's data", function()
  local dir
  setup(function() dir = command.folder() end)
  teardown(command.clean)
  local function file(name, text) return command.write(dir .. '/' .. name .. '.lua', text) end

  it('are pictures by number, each once in an epoch, the same from any position', function()
    local path = file('number', BY_NUMBER)
    local set = data.open(path, {size = {8, 12}, channels = 1})
    assert.same({20, 1, 8, 12}, {set:size(), set.channels, set.height, set.width})
    assert.same({2, 'even'}, {set:label(4)})
    assert.is_true(same(set:get(5), set:get(5)))
    local it, seen, kept = set:batches {batch = 4, seed = 3}, {}, {}
    for k = 1, 5 do
      kept[k] = it:next():clone()
      for j = 1, 4 do seen[math.floor(kept[k][j]:min() * 25 + 1e-4)] = true end
    end
    assert.equal(20, #seen)
    assert.is_true(same(data.open(path, {size = {8, 12}, channels = 1}):batches({batch = 4, seed = 3, start = 12}):next(), kept[4]))
    assert.is_false(same(data.open(path, {size = {8, 12}, channels = 1, seed = 2}):get(5), set:get(5)))
    local x = set:batch {7, 2}
    assert.is_true(same(x[1], set:get(7)) and same(x[2], set:get(2)))
  end)

  it('are batches by position', function()
    local set = data.open(file('position', BY_POSITION), {size = 8})
    assert.equal(0, set:size())
    local it = set:batches {batch = 5, start = 10}
    local x = it:next()
    assert.same({5, 3, 8, 8}, x:size():totable())
    for k = 1, 5 do assert.near((10 + k) / 127.5 - 1, x[k]:max(), 1e-6) end
    assert.equal(15, it.position)
    assert.equal(200, set:get(200, 'byte'):max())
  end)

  it("do not disturb torch's random numbers", function()
    local set = data.open(file('number', BY_NUMBER), {size = 8})
    torch.manualSeed(4)
    local wanted = torch.rand(3)
    torch.manualSeed(4)
    set:batches({batch = 4}):next()
    assert.is_true(same(wanted, torch.rand(3)))
  end)

  it('are refused with a word about what is wrong', function()
    local function open(text, o) return data.open(file('wrong', text), o or {size = 8}) end
    fails("wrong.lua:1: '=' expected", open, 'this is no Lua')
    fails('returns a number, wanted a table or a function', open, 'return 3')
    fails('size is missing', open, 'return {get = print}')
    fails('wanted get(i) with a size, or batch(first, n)', open, 'return {size = 3}')
    fails('size is 0', open, 'return {size = 0, get = print}')
    fails('flip is not for a program', open, BY_NUMBER, {size = 8, flip = true})
    local function get(body) return function() open(HEAD .. 'return {size = 3, get = function(i) ' .. body .. ' end}'):get(2) end end
    fails('get(2) gave a nil, wanted a tensor', get '')
    fails('get(2) gave 3x8x9 numbers, wanted 3x8x8', get 'return torch.rand(3, 8, 9)')
    fails('get(2) gave values from 0 to 255, wanted -1 to 1, or a ByteTensor',
      get 'local x = torch.zeros(3, 8, 8); x[1][1][1] = 255; return x')
    fails('get(2) gave a torch.LongTensor', get 'return torch.LongTensor(3, 8, 8)')
    fails("wrong.lua:3: attempt to index local 'x' (a nil value)", get 'local x; return x.y')
    fails('picture 4', function() open((BY_NUMBER:gsub('20', '3'))):get(4) end)
    fails("no file '" .. dir .. "/none.lua'", data.open, dir .. '/none.lua')
  end)

  it('train, and resume to the same weights', function()
    for name, text in pairs {number = BY_NUMBER, position = BY_POSITION} do
      local path = file(name, text)
      local function train(out, steps)
        local set = '--set size=16x24 base=2 kernel=4 batch=4 samples=1'
        local code, stdout, err = command.gantry(('train dcgan --data %s --out %s --steps %d %s'):format(path, out, steps, set))
        assert.equal(0, code, err)
        return stdout:match 'weights: (%x+)'
      end
      local whole = train(dir .. '/whole-' .. name, 4)
      train(dir .. '/part-' .. name, 2)
      local code, stdout, err = command.gantry(('resume %s/part-%s --steps 4'):format(dir, name))
      assert.equal(0, code, err)
      assert.equal(whole, stdout:match 'weights: (%x+)')
    end
  end)
end)
