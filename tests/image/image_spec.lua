-- gantry.image: files, sizes, mirroring, sheets.
local torch = require 'gantry.torch'
local image = require 'gantry.image'
local scenes = require 'gantry.data.scenes'
local lfs = require 'lfs'

local function write(path, bytes)
  local file = assert(io.open(path, 'wb'))
  file:write(bytes)
  file:close()
end

local function read(path)
  local file = assert(io.open(path, 'rb'))
  local bytes = file:read '*a'
  file:close()
  return bytes
end

local function worst(a, b) return (a - b):abs():max() end

describe('image', function()
  local dir, face

  setup(function()
    dir = os.tmpname()
    os.remove(dir)
    assert(lfs.mkdir(dir))
    face = (scenes.draw('faces', {size = {40, 56}, index = 2}) + 1) / 2
  end)
  teardown(function() os.execute(("rm -r '%s'"):format(dir)) end)

  it('writes what it reads', function()
    image.save(dir .. '/a.png', face)
    local back = image.load(dir .. '/a.png')
    assert.same({3, 40, 56}, back:size():totable())
    assert.equal('torch.FloatTensor', torch.type(back))
    assert.is_true(worst(back, face) < 1e-6)
    local bytes = image.load(dir .. '/a.png', nil, 'byte')
    assert.equal('torch.ByteTensor', torch.type(bytes))
    image.save(dir .. '/b.png', bytes)
    assert.equal(0, worst(image.load(dir .. '/b.png', 3, 'double'), image.load(dir .. '/a.png', 3, 'double')))
    image.save(dir .. '/a.JPG', face, 97)
    assert.is_true((image.load(dir .. '/a.JPG') - face):abs():mean() < 0.03)
  end)

  it('makes the channels that are asked for', function()
    image.save(dir .. '/c.png', face)
    assert.same({1, 40, 56}, image.load(dir .. '/c.png', 1):size():totable())
    assert.is_true(worst(image.load(dir .. '/c.png', 1), image.rgb2y(face)) < 0.004)
    local veiled = torch.cat(face, torch.FloatTensor(1, 40, 56):fill(0.2), 1)
    image.save(dir .. '/v.png', veiled)
    assert.is_true(worst(image.load(dir .. '/v.png'), veiled) < 0.003)
    assert.is_true(worst(image.load(dir .. '/v.png', 3, 'float', 0x0000ff)[1], face[1] * 0.2) < 0.005)
    assert.is_true(worst(image.load(dir .. '/v.png', 3, 'float', 0x0000ff)[3], face[3] * 0.2 + 0.8) < 0.005)
  end)

  it('cuts off what lies outside 0..1, and takes views and matrices', function()
    local x = torch.FloatTensor {{-1, 0.5}, {1, 7}}
    image.save(dir .. '/m.png', x)
    assert.same({0, 128, 255, 255}, image.load(dir .. '/m.png', 1, 'byte'):view(4):totable())
    image.save(dir .. '/t.png', face:transpose(2, 3))
    assert.is_true(worst(image.load(dir .. '/t.png'):transpose(2, 3), face) < 1e-6)
  end)

  it('says what is wrong with a file, and which', function()
    local function fails(text, ...)
      local ok, message = pcall(...)
      assert.is_false(ok)
      assert.truthy(message:find(text, 1, true), message)
      assert.is_nil(message:find '\n')
    end
    image.save(dir .. '/whole.png', face)
    image.save(dir .. '/whole.jpg', face)
    write(dir .. '/cut.png', read(dir .. '/whole.png'):sub(1, 400))
    write(dir .. '/cut.jpg', read(dir .. '/whole.jpg'):sub(1, 700))
    write(dir .. '/empty.png', '')
    write(dir .. '/text.png', 'no picture')
    fails('cut.png: broken PNG', image.load, dir .. '/cut.png')
    fails('cut.jpg: broken JPEG', image.load, dir .. '/cut.jpg')
    fails('empty.png: the file is empty', image.load, dir .. '/empty.png')
    fails('text.png: neither a PNG nor a JPEG file', image.load, dir .. '/text.png')
    fails('none.png: there is no such file', image.load, dir .. '/none.png')
    fails('2 channels, wanted 1, 3 or 4', image.load, dir .. '/whole.png', 2)
    fails("wanted byte, float or double", image.load, dir .. '/whole.png', 3, 'int')
    fails('.png, .jpg or .jpeg', image.save, dir .. '/x.bmp', face)
    fails('the image is 5', image.save, dir .. '/x.png', torch.FloatTensor(5))
    fails('wanted a tensor', image.save, dir .. '/x.png', nil)
    fails('image_spec.lua:', function() image.scale(face, 0, 5) end)
  end)

  it('scales, by every way to say it', function()
    local function size(...) return image.scale(face, ...):size():totable() end
    assert.same({3, 20, 30}, size(30, 20))
    assert.same({3, 20, 28}, size(28))
    assert.same({3, 10, 14}, size '^10')
    assert.same({3, 20, 28}, size '*0.5')
    assert.same({3, 10, 14}, size '*1/4')
    assert.same({3, 9, 8}, size '8x9')
    assert.same({3, 60, 84}, size(84, 'bicubic'))
    assert.same({40, 56}, image.scale(face[1], 56, 40, 'simple'):size():totable())
    assert.equal(0, worst(image.scale(face, 56, 40, 'lanczos'), face))
    assert.equal(0, worst(image.scale(face, 112, 80, 'simple'):unfold(2, 1, 2):unfold(3, 1, 2):squeeze(), face))
    -- Shrinking keeps the mean, in every type and on views.
    local small = image.scale(face:transpose(2, 3), 8, 8)
    assert.is_true(math.abs(small:mean() - face:mean()) < 0.03)
    local double = image.scale(face:double():transpose(2, 3), 8, 8)
    assert.is_true(worst(double:float(), small) < 1e-6)
    local byte = image.scale((face * 255):round():byte(), 8, 8)
    assert.is_true(worst(byte:float():transpose(2, 3) / 255, small) < 0.01)
    assert.has_error(function() image.scale(face, 'big') end)
  end)

  it('crops and mirrors', function()
    assert.equal(0, worst(image.crop(face, 4, 2, 10, 8), face[{{}, {3, 8}, {5, 10}}]))
    assert.equal(0, worst(image.crop(face, 'c', 6, 8), face[{{}, {17, 24}, {26, 31}}]))
    assert.equal(0, worst(image.crop(face, 'br', 6, 8), face[{{}, {33, 40}, {51, 56}}]))
    assert.has_error(function() image.crop(face, 50, 0, 60, 10) end)
    local h = image.hflip(face)
    assert.equal(0, worst(h[{{}, {}, 1}], face[{{}, {}, 56}]))
    assert.equal(0, worst(image.hflip(h), face))
    assert.equal(0, worst(image.vflip(face)[{{}, 1}], face[{{}, 40}]))
  end)

  it('lays out sheets', function()
    local batch = torch.FloatTensor(5, 3, 4, 6)
    for i = 1, 5 do batch[i]:fill(i / 5 * 2 - 1) end
    local sheet = image.grid(batch, {columns = 2, padding = 1, range = {-1, 1}, background = 0})
    assert.same({3, 16, 15}, sheet:size():totable())
    assert.is_true(worst(sheet[{{}, {2, 5}, {2, 7}}], torch.FloatTensor(3, 4, 6):fill(0.2)) < 1e-6)
    assert.is_true(worst(sheet[{{}, {12, 15}, {2, 7}}], torch.FloatTensor(3, 4, 6):fill(1)) < 1e-6)
    assert.equal(0, sheet[{{}, {12, 15}, {9, 15}}]:max())
    assert.is_true(math.abs(batch:min() + 0.6) < 1e-6) -- the batch itself is as it was
    assert.same({3, 14, 26}, image.grid(batch, {rows = 2}):size():totable())
    local bytes = image.grid(torch.ByteTensor(4, 1, 3, 3):fill(255), {padding = 0})
    assert.same({1, 6, 6}, bytes:size():totable())
    assert.equal(1, bytes:min())
    assert.same({3, 8, 18}, image.grid({batch[1], batch[2]}, {columns = 2, padding = 2}):size():totable())
    assert.has_error(function() image.grid(batch, {range = {1, 1}}) end)
    assert.has_error(function() image.grid({}) end)
    assert.has_error(function() image.grid({batch[1], batch[2][1]}) end)
  end)

  it('makes display tensors as Torch7 did', function()
    local batch = torch.randn(7, 1, 4, 4)
    local sheet = image.toDisplayTensor {input = batch, padding = 2, nrow = 3}
    assert.same({1, 18, 18}, sheet:size():totable())
    assert.is_true(sheet:min() == 0 and sheet:max() == 1)
    local each = image.toDisplayTensor {input = batch, scaleeach = true, nrow = 7}
    for i = 1, 7 do
      local x = each[{1, {}, {4 * i - 3, 4 * i}}]
      assert.is_true(math.abs(x:min()) < 1e-6 and math.abs(x:max() - 1) < 1e-6)
    end
    assert.same({1, 4, 28}, each:size():totable())
    assert.same({1, 8, 24}, image.toDisplayTensor(batch):size():totable())
    local m = image.minmax {tensor = torch.FloatTensor {-2, 0, 1}, symm = true}
    assert.is_true(worst(m, torch.FloatTensor {0, 0.5, 0.75}) < 1e-6)
  end)
end)
