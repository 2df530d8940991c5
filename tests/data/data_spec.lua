-- gantry.data: folders, scenes, MNIST, tensors; batches and their order.
local torch = require 'gantry.torch'
local image = require 'gantry.image'
local data = require 'gantry.data'
local scenes = require 'gantry.data.scenes'
local lfs = require 'lfs'

local real = os.getenv 'GANTRY_DATA' or '../shared/data'

local function there(path) return lfs.attributes(path, 'mode') ~= nil end

local function fails(text, ...)
  local ok, message = pcall(...)
  assert.is_false(ok)
  assert.truthy(message:find(text, 1, true), message)
  assert.is_nil(message:find '\n')
end

local function same(a, b) return (a - b):abs():max() == 0 end

local function write(path, bytes)
  local file = assert(io.open(path, 'wb'))
  file:write(bytes)
  file:close()
end

describe('scenes', function()
  it('are the same for a seed and an index, and differ else', function()
    local a, b = data.open('scenes:faces', {size = 24}), data.open('scenes:faces', {size = 24, seed = 2})
    assert.is_true(same(a:get(5), data.open('scenes:faces', {size = 24}):get(5)))
    assert.is_false(same(a:get(5), b:get(5)))
    assert.is_false(same(a:get(5), a:get(6)))
    assert.equal(20000, a:size())
    assert.same({'scenes:faces', 3, 24, 24}, {a.name, a.channels, a.height, a.width})
  end)

  it('come in every shape and number of channels', function()
    for _, kind in ipairs {'faces', 'rooms'} do
      for _, channels in ipairs {1, 3, 4} do
        local x = data.open('scenes:' .. kind, {size = {48, 80}, channels = channels}):get(1)
        assert.same({channels, 48, 80}, x:size():totable())
        assert.is_true(x:min() >= -1 and x:max() <= 1 and x:std() > 0.1)
      end
    end
  end)

  it('know their attributes', function()
    local faces, rooms = data.open('scenes:faces', {size = 32}), data.open('scenes:rooms', {size = 32})
    local smiles, glasses, both, beds = 0, 0, 0, 0
    for i = 1, 1000 do
      local a, r = faces:attributes(i), rooms:attributes(i)
      assert.is_true((a.smile == 0 or a.smile == 1) and a.turn >= -1 and a.turn <= 1 and a.hair_length >= 0 and a.hair_length <= 1)
      smiles, glasses, both = smiles + a.smile, glasses + a.glasses, both + a.smile * a.glasses
      for _, name in ipairs {'bed', 'window', 'lamp'} do
        local box = r[name]
        assert.is_true(box == false or box.x0 >= 0 and box.x0 < box.x1 and box.x1 <= 1 and box.y0 >= 0 and box.y0 < box.y1 and box.y1 <= 1)
      end
      beds = beds + (r.bed and 1 or 0)
    end
    -- Drawn independently: within five standard deviations.
    assert.is_true(math.abs(smiles - 500) < 80 and math.abs(glasses - 500) < 80 and math.abs(both - 250) < 70 and math.abs(beds - 700) < 75)
    assert.is_nil(faces:label(1))
  end)

  it('can be drawn with an attribute changed', function()
    local plain = scenes.draw('faces', {size = 64, index = 1, smile = 0, glasses = 0, turn = 0})
    local smiling = scenes.draw('faces', {size = 64, index = 1, smile = 1, glasses = 0, turn = 0})
    local d = (plain - smiling):abs():sum(1):squeeze()
    assert.is_true(d:narrow(1, 40, 20):sum() > 10 * d:narrow(1, 1, 8):sum())
    local set = data.open('scenes:faces', {size = 64})
    assert.is_true(same(scenes.draw('faces', {index = 6}), set:get(7)))
    local bare = scenes.draw('rooms', {index = 3, bed = false, lamp = false, window = false})
    assert.same({3, 64, 64}, bare:size():totable())
    fails("no attribute 'beard'", scenes.draw, 'faces', {beard = 1})
  end)
end)

describe('batches', function()
  local set
  setup(function() set = data.open('scenes:faces', {size = 16, count = 50}) end)

  it('show every picture once in an epoch', function()
    local seen, sums = {}, {}
    for i = 1, 50 do sums[('%.6f'):format(set:get(i):sum())] = i end
    local it = set:batches {batch = 10, seed = 3}
    for _ = 1, 5 do
      local x = it:next()
      assert.same({10, 3, 16, 16}, x:size():totable())
      for k = 1, 10 do seen[sums[('%.6f'):format(x[k]:sum())]] = true end
    end
    for i = 1, 50 do assert.is_true(seen[i]) end
  end)

  it('go on from any position', function()
    local it, kept = set:batches {batch = 7, seed = 1}, {}
    for k = 1, 20 do kept[k] = it:next():clone() end
    assert.equal(140, it.position)
    local later = set:batches {batch = 7, seed = 1, start = 7 * 11}
    assert.is_true(same(later:next(), kept[12]))
    assert.is_true(same(later:next(), kept[13]))
    later.position = 14
    assert.is_true(same(later:next(), kept[3]))
    assert.equal(21, later.position)
    assert.is_false(same(set:batches {batch = 7, seed = 2}:next(), kept[1]))
  end)

  it('are the same at any number of threads', function()
    local native = require 'gantry.native'
    local before, first = native.C.gt_threads(), nil
    for _, threads in ipairs {1, 2, 4} do
      native.check(native.C.gt_set_threads(threads))
      local it = data.open('scenes:rooms', {size = 20, count = 30, flip = true, cache = threads == 2 and 0 or nil}):batches {batch = 16}
      it:next()
      local x = it:next():clone()
      first = first or x
      assert.is_true(same(first, x))
    end
    native.check(native.C.gt_set_threads(before))
  end)

  it('do not disturb the random numbers', function()
    torch.manualSeed(5)
    local wanted = torch.rand(3)
    torch.manualSeed(5)
    set:batches {batch = 4}:next()
    assert.is_true(same(wanted, torch.rand(3)))
  end)

  it('are given by number, in order or as doubles', function()
    local x = set:batch {4, 4, 50}
    assert.is_true(same(x[1], x[2]) and same(x[3], set:get(50)))
    assert.is_true(same(set:batch(torch.LongTensor {4, 4, 50}), x))
    local it = set:batches {batch = 3, shuffle = false, kind = 'double'}
    assert.equal('torch.DoubleTensor', torch.type(it:next()))
    assert.is_true((it:next()[1]:float() - set:get(4)):abs():max() < 1e-6)
    fails('picture 51', set.batch, set, {51})
    fails('picture 0', set.get, set, 0)
    fails('batch is 0', set.batches, set, {batch = 0})
  end)

  it('may be let go of at any time', function()
    for _ = 1, 20 do
      data.open('scenes:faces', {size = 32, count = 100}):batches {batch = 32}:next()
      collectgarbage()
    end
  end)

  it('are mirrored by position where that is asked for', function()
    local flipped = data.open('scenes:faces', {size = 16, count = 50, flip = true})
    local a, b = set:batches {batch = 40}:next(), flipped:batches {batch = 40}:next()
    local mirrored = 0
    for k = 1, 40 do
      local as_is, other = same(a[k], b[k]), same(image.hflip(a[k]), b[k])
      assert.is_true(as_is or other)
      if other then mirrored = mirrored + 1 end
    end
    assert.is_true(mirrored > 8 and mirrored < 32)
  end)
end)

describe('folders', function()
  local dir, told
  local function warn(message) told[#told + 1] = message end

  setup(function()
    dir = os.tmpname()
    os.remove(dir)
    for _, sub in ipairs {'', '/cats', '/dogs', '/dogs/.hidden', '/none'} do assert(lfs.mkdir(dir .. sub)) end
    for i = 1, 3 do
      image.save(('%s/cats/%d.png'):format(dir, i), (scenes.draw('faces', {size = {30 + i, 40}, index = i}) + 1) / 2)
      image.save(('%s/dogs/%d.jpg'):format(dir, i), (scenes.draw('faces', {size = {60, 50}, index = i, channels = 1}) + 1) / 2)
    end
    image.save(dir .. '/dogs/.hidden/x.png', torch.rand(3, 9, 9))
    write(dir .. '/dogs/text.png', 'this is no picture')
    write(dir .. '/dogs/empty.JPEG', '')
    write(dir .. '/dogs/readme.txt', 'nor this')
    local file = assert(io.open(dir .. '/cats/2.png', 'rb'))
    write(dir .. '/cats/cut.png', file:read(300))
    file:close()
    assert(lfs.link('..', dir .. '/cats/loop', true))
  end)
  before_each(function() told = {} end)
  teardown(function() os.execute(("rm -r '%s'"):format(dir)) end)

  it('are searched, labelled, and their unreadable files named once', function()
    local set = data.open(dir .. '/', {size = {20, 24}, warn = warn})
    assert.equal(7, set:size())
    assert.same({'cats', 'dogs'}, set.classes)
    assert.equal(2, #told)
    assert.truthy(told[1]:find('empty.JPEG: the file is empty', 1, true))
    assert.truthy(told[2]:find('text.png: neither', 1, true))
    local class, name = set:label(1)
    assert.same({1, 'cats'}, {class, name})
    assert.same({2, 'dogs'}, {set:label(7)})
    assert.equal(dir .. '/dogs/3.jpg', set:path(7))
    fails('cut.png: broken PNG', set.get, set, 4)
    local x = set:batch {3, 4, 5}
    assert.same({3, 3, 20, 24}, x:size():totable())
    assert.is_true(same(x[2], x[3])) -- the next readable one stands in
    local it = set:batches {batch = 7}
    it:next()
    it:next()
    assert.equal(3, #told)
    assert.equal(3, #set:unreadable())
  end)

  it('become one size: shorter side, middle; or stretched, or padded', function()
    for _, fit in ipairs {'crop', 'stretch', 'pad'} do
      for _, channels in ipairs {1, 3, 4} do
        local x = data.open(dir, {size = '48x16', channels = channels, fit = fit, warn = warn}):get(7)
        assert.same({channels, 48, 16}, x:size():totable())
      end
    end
    local padded = data.open(dir, {size = {100, 100}, fit = 'pad', background = '#ff0000', warn = warn}):get(7)
    assert.same({1, -1, -1}, padded[{{}, 1, 1}]:totable())
  end)

  it('without pictures are refused', function()
    fails('holds no PNG or JPEG', data.open, dir .. '/none')
    assert(lfs.mkdir(dir .. '/none/bad'))
    write(dir .. '/none/bad/a.png', 'x')
    fails('a.png: neither a PNG nor a JPEG', data.open, dir .. '/none/bad', {warn = warn})
    write(dir .. '/none/bad/b.png', 'y')
    fails('none of the 2 files is a readable image; the first', data.open, dir .. '/none', {warn = warn})
  end)
end)

describe('open', function()
  it('says what it wanted', function()
    fails("did you mean 'scenes:faces'", data.open, 'scene:faces')
    fails("did you mean 'scenes:faces'", data.open, 'faces')
    fails("no scenes 'cats'", data.open, 'scenes:cats')
    fails("there is no folder '/no/such'", data.open, '/no/such')
    fails('mnist:DIR', data.open, 'cifar:/tmp')
    fails("there is no folder '/no/such'", data.open, 'mnist:/no/such')
    fails('neither train-images-idx3-ubyte nor', data.open, 'mnist:/')
    fails('wanted a folder', data.open, nil)
    fails("no option 'sizes'", data.open, 'scenes:faces', {sizes = 3})
    fails('size is 0', data.open, 'scenes:faces', {size = 0})
    fails('channels is 2', data.open, 'scenes:faces', {channels = 2})
    fails("fit is 'fill'", data.open, 'scenes:faces', {fit = 'fill'})
    fails('background is red', data.open, 'scenes:faces', {background = 'red'})
    fails('data_spec.lua:', function() data.open 'nowhere' end)
  end)

  it('takes a ByteTensor', function()
    local x = torch.ByteTensor(6, 3, 8, 8):random(0, 255)
    local set = data.open(x)
    assert.equal(6, set:size())
    assert.is_true(same(set:get(3, 'byte'):float(), x[3]:float()))
    assert.same({1, 16, 16}, data.open(x, {size = 16, channels = 1}):get(1):size():totable())
    fails('wanted a ByteTensor N x C x H x W', data.open, torch.rand(3, 3))
  end)

  it('reads MNIST', function()
    local path = real .. '/mnist'
    if not there(path) then return pending('no ' .. path .. ': set GANTRY_DATA') end
    local set = data.open('mnist:' .. path)
    assert.same({8000, 1, 28, 28}, {set:size(), set.channels, set.height, set.width})
    local class, name = set:label(1)
    assert.equal(tostring(class - 1), name)
    local padded = data.open('mnist:' .. path, {size = 32})
    assert.is_true(same(padded:get(9)[{{}, {3, 30}, {3, 30}}], set:get(9)))
    assert.equal(-1, padded:get(9)[{{}, {1, 2}}]:max())
    assert.same({5, 3, 64, 64}, data.open('mnist:' .. path, {size = 64, channels = 3}):batch({1, 2, 3, 4, 5}):size():totable())
  end)

  it('have specs that mean the same from any directory', function()
    local here = require('lfs').currentdir()
    for spec, wanted in pairs {
      ['scenes:faces'] = 'scenes:faces', ['pairs:rooms'] = 'pairs:rooms', ['/a/b'] = '/a/b', ['a/b'] = here .. '/a/b',
      ['./x.npy'] = here .. '/x.npy', ['mnist:d'] = 'mnist:' .. here .. '/d', ['idx:/d/f'] = 'idx:/d/f', ['C:x'] = here .. '/C:x',
    } do
      assert.equal(wanted, data.absolute(spec))
    end
  end)
end)
