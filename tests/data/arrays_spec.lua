-- Pictures in arrays: .npy (mapped), idx, CIFAR; augmentation; packing.
local lfs = require 'lfs'
local torch = require 'gantry.torch'
local data = require 'gantry.data'
local image = require 'gantry.image'
local native = require 'gantry.native'
local npy = require 'gantry.data.npy'
local pack = require 'gantry.data.pack'
local survey = require 'gantry.data.survey'
local command = require 'tests.support.command'

local function fails(text, ...)
  local ok, message = pcall(...)
  assert.is_false(ok)
  assert.truthy(tostring(message):find(text, 1, true), message)
  assert.is_nil(tostring(message):find '\n')
end

local function same(a, b) return (a:double() - b:double()):abs():max() == 0 end

describe('arrays', function()
  local dir
  setup(function() dir = command.folder() end)
  teardown(command.clean)

  local function saved(name, t)
    npy.save(dir .. '/' .. name, t)
    return dir .. '/' .. name
  end

  it('in a .npy file are pictures in any layout', function()
    local x = torch.ByteTensor(7, 3, 10, 12):random(0, 255)
    local chw = data.open(saved('chw.npy', x))
    assert.same({7, 3, 10, 12}, {chw:size(), chw.channels, chw.height, chw.width})
    assert.is_true(same(chw:get(4, 'byte'), x[4]))
    local hwc = data.open(saved('hwc.npy', x:permute(1, 3, 4, 2):contiguous()))
    assert.is_true(same(hwc:get(4, 'byte'), x[4]))
    local gray = data.open(saved('gray.npy', x:select(2, 1):contiguous()))
    assert.same({1, 10, 12}, {gray.channels, gray.height, gray.width})
    assert.is_true(same(gray:get(7, 'byte')[1], x[7][1]))
    assert.same({4, 3, 8, 8}, data.open(dir .. '/gray.npy', {size = 8, channels = 3}):batch({1, 2, 3, 7}):size():totable())
    local small = saved('small.npy', torch.ByteTensor(2, 3, 5, 4):fill(1))
    fails('may be N x C x H x W or N x H x W x C', data.open, small)
    assert.same({5, 4}, {data.open(small, {layout = 'chw'}).height, data.open(small, {layout = 'hwc'}).channels})
  end)

  it('of floats say by their values what is black and white', function()
    local bytes = torch.ByteTensor(5, 1, 8, 8):random(0, 255)
    bytes[1][1][1][1], bytes[1][1][1][2] = 0, 255
    for name, range in pairs {unit = {0, 1}, signed = {-1, 1}, bytes = {0, 255}} do
      for _, kind in ipairs {'float', 'double'} do
        local x = bytes[kind](bytes):mul((range[2] - range[1]) / 255):add(range[1])
        assert.is_true(same(data.open(saved(name .. kind .. '.npy', x)):get(3, 'byte'), bytes[3]))
      end
    end
    local wide = saved('wide.npy', torch.FloatTensor(2, 1, 8, 8):fill(300))
    fails('its values go from 300 to 300, wanted 0..1, -1..1 or 0..255', data.open, wide)
    assert.equal(255, data.open(wide, {range = {0, 300}}):get(1, 'byte'):min())
    fails('range is {1, 0}', data.open, wide, {range = {1, 0}})
  end)

  it('refuse what they cannot be', function()
    fails('wanted uint8, float32 or float64', data.open, saved('long.npy', torch.LongTensor(2, 3, 4, 5):fill(1)))
    fails('wanted images N x C x H x W', data.open, saved('flat.npy', torch.ByteTensor(2, 3)))
    fails('wanted 1 to 4 channels', data.open, saved('deep.npy', torch.ByteTensor(2, 7, 8, 9):zero()))
    fails('it is empty', data.open, saved('none.npy', torch.ByteTensor()))
    fails('does not begin as a .npy file does', data.open, command.write(dir .. '/bad.npy', ('x'):rep(200)))
    local bytes = command.read(saved('whole.npy', torch.ByteTensor(7, 3, 10, 12)))
    fails('has 2420 bytes of data, wanted 2520', data.open, command.write(dir .. '/cut.npy', bytes:sub(1, -101)))
    fails("there is no file '" .. dir .. "/absent.npy'", data.open, dir .. '/absent.npy')
    fails('is a file; wanted', data.open, command.write(dir .. '/notes.txt', 'x'))
  end)

  it('may be far larger than memory', function()
    local path = dir .. '/huge.npy'
    local n, size = 2 ^ 22, 3 * 64 * 64 -- 51 GB that are nowhere: a file with a hole
    local file = assert(io.open(path, 'wb'))
    file:write(npy.header(native.C.GT_BYTE, {n, 3, 64, 64}))
    local start = file:seek()
    local ok = file:seek('set', start + size * (n - 1)) and file:write(('\200'):rep(size))
    assert(file:close())
    if not ok then return pending 'no files of 51 GB here' end
    local before = native.memory().live
    local set = data.open(path)
    assert.equal(n, set:size())
    assert.equal(200, set:get(n, 'byte'):min())
    assert.equal(0, set:get(1, 'byte'):max())
    local it = set:batches {batch = 32, seed = 5}
    for _ = 1, 20 do assert.equal(-1, it:next():min()) end
    assert.is_true(native.memory().live - before < 50e6)
    os.remove(path)
  end)

  it('are mapped as tensors that leave the file alone', function()
    local x = torch.FloatTensor(20, 30):uniform(-1, 1)
    local path = saved('map.npy', x)
    local t = npy.map(path)
    assert.is_true(same(t, x))
    t:fill(0)
    assert.is_true(same(npy.load(path), x))
    t = nil -- luacheck: ignore
    collectgarbage()
    for _ = 1, 50 do npy.map(path) end
  end)

  it('that get shorter while they are used are an error, not a signal', function()
    local path = saved('shrinks.npy', torch.FloatTensor(200, 3, 16, 16):uniform(0, 1))
    local t = npy.map(path)
    local set = data.open(path, {cache = 0})
    local it = set:batches {batch = 32}
    it:next()
    assert.equal(0, os.execute(("truncate -s 20000 '%s'"):format(path)))
    fails('shrinks.npy was made shorter while it was in use: it has 20000 bytes, wanted 614528', function()
      for _ = 1, 2 do it:next() end -- one batch was under way
    end)
    assert.same({}, set:unreadable())
    fails('made shorter', set.get, set, 150)
    fails('made shorter', t.sum, t)
    fails('made shorter', function() return t:storage()[100000] end)
    fails('made shorter', torch.save, dir .. '/shrinks.t7', t)
    assert.matches('%[torch.FloatTensor: .*made shorter', tostring(t))
    assert.equal(0, os.execute(("truncate -s 614528 '%s'"):format(path)))
    t, set, it = nil, nil, nil -- luacheck: ignore
    collectgarbage()
    assert.equal(200, data.open(path):size())
  end)

  it('in idx files, of any number of channels, have their labels beside them', function()
    local function word(v) return string.char(0, 0, math.floor(v / 256), v % 256) end
    local function idx(path, sizes, bytes)
      local head = '\0\0\8' .. string.char(#sizes)
      for _, size in ipairs(sizes) do head = head .. word(size) end
      return command.write(path, head .. bytes)
    end
    local pixels = {}
    for i = 1, 3 * 4 * 6 do pixels[i] = string.char(i * 3) end
    local path = idx(dir .. '/x-images-idx3-ubyte', {3, 4, 6}, table.concat(pixels))
    idx(dir .. '/x-labels-idx1-ubyte', {3}, '\2\0\1')
    local set = data.open('idx:' .. path)
    assert.same({3, 1, 4, 6}, {set:size(), set.channels, set.height, set.width})
    assert.equal(3 * 25, set:get(2, 'byte')[1][1][1])
    assert.same({3, '2'}, {set:label(1)})
    assert.equal(0, os.execute('gzip -k ' .. path))
    assert.is_true(same(data.open('idx:' .. path .. '.gz'):get(3), set:get(3)))
    local colour = idx(dir .. '/colour', {2, 3, 4, 6}, table.concat(pixels):rep(2))
    assert.equal(3, data.open('idx:' .. colour).channels)
    fails("no file '/no/such'", data.open, 'idx:/no/such')
    fails("did you mean 'idx:" .. path .. "'", data.open, path)
    idx(dir .. '/x-labels-idx1-ubyte', {2}, '\2\0')
    fails('holds 2 labels for 3 images', data.open, 'idx:' .. path)
  end)

  it("are CIFAR's binary files", function()
    local ten, hundred = dir .. '/ten', dir .. '/hundred'
    lfs.mkdir(ten)
    lfs.mkdir(hundred)
    local function picture(v) return string.char(v):rep(1024) .. string.char(v + 1):rep(1024) .. string.char(v + 2):rep(1024) end
    command.write(ten .. '/data_batch_1.bin', '\3' .. picture(10) .. '\9' .. picture(20))
    command.write(ten .. '/data_batch_2.bin', '\0' .. picture(30))
    command.write(ten .. '/test_batch.bin', '\0' .. picture(99))
    command.write(ten .. '/batches.meta.txt', 'airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n')
    local set = data.open('cifar10:' .. ten)
    assert.same({3, 3, 32, 32}, {set:size(), set.channels, set.height, set.width})
    assert.same({{4, 'cat'}, {10, 'truck'}, {1, 'airplane'}}, {{set:label(1)}, {set:label(2)}, {set:label(3)}})
    for i = 1, 3 do
      for c = 1, 3 do
        local plane = set:get(i, 'byte')[c]
        assert.same({10 * i + c - 1, 10 * i + c - 1}, {plane:min(), plane:max()})
      end
    end
    command.write(hundred .. '/train.bin', '\1\55' .. picture(7))
    assert.same({56, '55'}, {data.open('cifar100:' .. hundred):label(1)})
    fails('has no data_batch_1.bin', data.open, 'cifar10:' .. hundred)
    fails("did you mean 'cifar10:" .. ten .. "'", data.open, 'cifar:' .. ten)
    command.write(ten .. '/data_batch_2.bin', 'cut')
    fails('data_batch_2.bin is 3 bytes long, wanted a multiple of 3073', data.open, 'cifar10:' .. ten)
  end)

  it('are packed from any set: the same batches, labels kept, whole or not at all', function()
    local folder = dir .. '/photos'
    lfs.mkdir(folder)
    for i, class in ipairs {'cat', 'dog', 'cat', 'dog', 'eel'} do
      lfs.mkdir(folder .. '/' .. class)
      image.save(('%s/%s/%d.png'):format(folder, class, i), torch.rand(3, 20 + i, 25 - i))
    end
    command.write(folder .. '/cat/cut.png', command.read(folder .. '/cat/1.png'):sub(1, 200))
    local function quiet() end
    local o = {size = {12, 16}, channels = 4, warn = quiet}
    local set, path = data.open(folder, o), dir .. '/photos.npy'
    local done, labels = pack(set, path)
    assert.same({true, dir .. '/photos.labels.npy'}, {done, labels})
    for _, augment in ipairs {{}, {flip = true}} do
      local a = data.open(folder, {size = {12, 16}, channels = 4, flip = augment.flip, warn = quiet}):batches {batch = 4, seed = 9}
      local b = data.open(path, augment):batches {batch = 4, seed = 9}
      for _ = 1, 5 do assert.is_true(same(a:next(), b:next())) end
    end
    for i = 1, set:size() do assert.equal((set:label(i)), (data.open(path):label(i))) end
    local many = data.open('scenes:faces', {size = 8, count = 700}) -- more than are written at once
    assert.is_true((pack(many, dir .. '/many.npy')))
    assert.is_true(same(data.open(dir .. '/many.npy'):get(700), many:get(700)))
    -- Stopped, or without a place to write to, it leaves nothing.
    assert.is_false(pack(set, dir .. '/never.npy', function() return false end))
    fails('/no/such/x.npy', pack, set, '/no/such/x.npy')
    fails('wanted a name that ends in .npy', pack, set, dir .. '/x.bin')
    for name in lfs.dir(dir) do assert.is_nil(name:match 'never' or name:match 'tmp%-') end
  end)

  it('are looked at whole: duplicates, numbers that are none, one colour', function()
    local x = torch.FloatTensor(6, 1, 8, 8):uniform(0, 1)
    x[4]:copy(x[2])
    x[5]:fill(0.5)
    x[6][1][1][1] = 0 / 0
    local s = survey.look(data.open(saved('odd.npy', x), {range = {0, 1}}))
    assert.same({{'2', '4'}}, s.duplicates)
    assert.same({'5'}, s.one_colour)
    assert.same({'6'}, s.not_numbers)
    assert.same({['8x8'] = 6}, s.sizes)
    assert.equal(6, s.pictures)
  end)
end)

describe('crop and scale', function()
  it('are chosen by seed and position alone', function()
    local o = {size = {20, 28}, count = 30, crop = 0.2, scale = 0.3, flip = true}
    local plain = data.open('scenes:faces', {size = {20, 28}, count = 30})
    local set = data.open('scenes:faces', o)
    local it, kept, differ = set:batches {batch = 8, seed = 2}, {}, 0
    local reference = plain:batches {batch = 8, seed = 2}
    for k = 1, 6 do
      kept[k] = it:next():clone()
      if not same(kept[k], reference:next()) then differ = differ + 1 end
    end
    assert.equal(6, differ)
    assert.is_true(same(data.open('scenes:faces', o):batches({batch = 8, seed = 2, start = 24}):next(), kept[4]))
    o.cache = 0
    assert.is_true(same(data.open('scenes:faces', o):batches({batch = 8, seed = 2, start = 40}):next(), kept[6]))
    -- A second epoch shows other parts of the same pictures.
    local once = data.open('scenes:faces', {size = 20, count = 1, crop = 0.5}):batches {batch = 1}
    local first = once:next():clone()
    assert.is_false(same(once:next(), first))
    fails('crop is 2, wanted 0 to 1', data.open, 'scenes:faces', {crop = 2})
    fails('scale is -1, wanted 0 to 1', data.open, 'scenes:faces', {scale = -1})
  end)
end)
