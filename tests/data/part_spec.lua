-- SPEC@FIRST..LAST: parts of data sets of every kind.
local torch = require 'gantry.torch'
local data = require 'gantry.data'
local image = require 'gantry.image'
local npy = require 'gantry.data.npy'
local part = require 'gantry.data.part'
local survey = require 'gantry.data.survey'
local command = require 'tests.support.command'

local function fails(text, ...)
  local ok, message = pcall(...)
  assert.is_false(ok)
  assert.truthy(tostring(message):find(text, 1, true), message)
end

local function same(a, b) return (a:double() - b:double()):abs():max() == 0 end

local PROGRAM = [[
local o, torch = ..., require('gantry').torch
return {size = 20, classes = {'odd', 'even'}, label = function(i) return 2 - i % 2 end,
  get = function(i) return torch.rand(o.channels, o.height, o.width):mul(0.1):add(i / 25) end}]]

describe('a part of a data set', function()
  local dir
  setup(function() dir = command.folder() end)
  teardown(command.clean)

  -- Every way to look at pictures first .. last of a spec shows the same as in the whole.
  local function agrees(spec, o, first, last)
    local whole, some = data.open(spec, o), data.open(('%s@%d..%d'):format(spec, first, last), o)
    local n = last - first + 1
    assert.equal(n, some:size())
    for _, i in ipairs {1, n} do
      assert.is_true(same(some:get(i), whole:get(i + first - 1)))
      assert.same({whole:label(i + first - 1)}, {some:label(i)})
      assert.equal((whole:path(i + first - 1)), (some:path(i)))
      assert.same({whole:attributes(i + first - 1)}, {some:attributes(i)})
    end
    local all = {}
    for i = first, last do all[#all + 1] = i end
    local given = whole:batch(all)
    assert.is_true(same(some:batch {1, n}, torch.cat(given:narrow(1, 1, 1), given:narrow(1, n, 1), 1)))
    assert.is_true(same(some:batches({batch = n, shuffle = false}):next(), given))
    -- An epoch has each picture of the part once, and only those.
    local x = some:batches({batch = n, seed = 5}):next()
    local found = {}
    for k = 1, n do
      for i = 1, n do
        if same(x[k], given[i]) then found[i] = (found[i] or 0) + 1 end
      end
    end
    for i = 1, n do assert.equal(1, found[i]) end
    fails(('%d..%d'):format(n + 1, n + 1), data.open, ('%s@%d..%d@%d..%d'):format(spec, first, last, n + 1, n + 1), o)
  end

  it('of scenes, arrays, programs and pairs is what the whole shows there', function()
    agrees('scenes:faces', {size = 16}, 7, 11)
    agrees('pairs:rooms', {size = {8, 16}}, 3, 6)
    agrees(command.write(dir .. '/p.lua', PROGRAM), {size = 8}, 4, 9)
    npy.save(dir .. '/x.npy', torch.ByteTensor(9, 3, 8, 8):random(0, 255))
    npy.save(dir .. '/x.labels.npy', torch.LongTensor {0, 1, 2, 0, 1, 2, 2, 2, 1})
    agrees(dir .. '/x.npy', {}, 5, 9)
    local _, labels = data.open(dir .. '/x.npy@5..7'):batches({batch = 3, shuffle = false, labels = true}):next()
    assert.same({2, 3, 3}, labels:totable())
    assert.equal(3, survey.look(data.open(dir .. '/x.npy@5..7')).pictures)
  end)

  it('of a folder keeps its classes, and nothing of another part stands in for what cannot be read', function()
    local path = dir .. '/pictures'
    for _, class in ipairs {'a', 'b'} do
      require('lfs').mkdir(path)
      require('lfs').mkdir(path .. '/' .. class)
      for k = 1, 4 do image.save(('%s/%s/%d.png'):format(path, class, k), torch.FloatTensor(3, 8, 8):uniform()) end
    end
    agrees(path, {size = 8}, 3, 6)
    local last = path .. '/a/4.png'
    command.write(last, command.read(last):sub(1, 60)) -- begins as an image does
    local some = data.open(path .. '@1..4', {size = 8, warn = function() end})
    assert.is_true(same(some:batch {4}, some:batch {1}))
    local s = survey.look(data.open(path .. '@1..4', {size = 8}))
    assert.same({3, 1}, {s.pictures, #s.unreadable})
    assert.equal(path, data.absolute(path .. '@2..3'):match '^(.*)@2%.%.3$')
  end)

  it('is named by a range, of which either end may be left out', function()
    assert.same({'mnist:x', 3, 9}, {part.split 'mnist:x@3..9'})
    assert.equal(nil, (part.split 'me@home'))
    require('lfs').mkdir(dir .. '/odd@1..2')
    assert.equal(nil, (part.split(dir .. '/odd@1..2')))
    assert.equal(15, data.open('scenes:faces@6..', {size = 8, count = 20}):size())
    assert.equal(6, data.open('scenes:faces@..6', {size = 8, count = 20}):size())
    fails('has pictures 1 to 20, got the range 0..3', data.open, 'scenes:faces@0..3', {size = 8, count = 20})
    fails('has pictures 1 to 20, got the range 5..21', data.open, 'scenes:faces@5..21', {size = 8, count = 20})
    fails('got the range 5..4', data.open, 'scenes:faces@5..4', {size = 8, count = 20})
    local endless = command.write(dir .. '/endless.lua', 'return function() end')
    fails('has no end', data.open, endless .. '@1..5', {size = 8})
    local sized = command.write(dir .. '/sized.lua', 'return {size = 9, batch = function() end}')
    fails('wanted a program that has get(i)', data.open, sized .. '@1..5', {size = 8})
  end)
end)
