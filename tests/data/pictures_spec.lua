-- People's own pictures: 200 files in every mode, with broken ones, one of 1x1 and one of 40 megapixels. `gantry data` tells,
-- `gantry train` trains on them at 48x80, gray and RGBA, and goes on after a stop; packed, they train to the same weights.
local gantry = require 'gantry'
local command = require 'tests.support.command'
local pictures = require 'tests.support.pictures'

describe('a folder of pictures in every mode', function()
  local folder, out, made
  setup(function()
    folder, out = command.folder(), command.folder()
    made = pictures.make(folder)
  end)
  teardown(command.clean)

  local function run(arguments)
    local code, stdout, err = command.gantry(arguments)
    assert.equal(0, code, err)
    return stdout, err
  end

  it('is told about: kinds, sizes, labels, and what is wrong', function()
    assert.same({200, 8, 4}, {made.pictures, made.broken, made.others})
    local said = run(('data %s --size 48x80 --out %s/sheet.png'):format(folder, out))
    local function has(text) assert.truthy(said:find(text, 1, true), text .. '\n' .. said) end
    has 'files       212: 200 pictures, 8 that cannot be read, 4 of other kinds'
    has 'labels      2: a 100, b 100'
    has 'smallest 1x1 (b/one.png), largest 5000x8000 (a/huge.jpg)'
    has 'trained on  200 pictures of 48x80 (height x width), RGB; the shorter side is fitted and the middle kept'
    for _, kind in ipairs {'JPEG RGB 61', 'JPEG gray 21', 'JPEG RGB turned by Exif', 'PNG RGB 16 bit 6', 'PNG RGB interlaced 6'} do
      has(kind)
    end
    for name, why in pairs {
      ['cut.png'] = 'broken PNG: the file ends too early', ['cut.jpg'] = 'broken JPEG: Premature end', ['header.png'] = 'broken PNG',
      ['empty.png'] = 'the file is empty', ['text.png'] = 'neither a PNG nor a JPEG', ['page.jpg'] = 'neither a PNG nor a JPEG',
      ['gif.png'] = 'neither a PNG nor a JPEG', ['checksum.png'] = 'broken PNG',
    } do
      has(('a/%s: %s'):format(name, why))
    end
    has '4 files are left out: not named as PNG or JPEG: .db 1, .gif 1, .txt 1, no ending 1'
    has '1 picture is the same as another, pixel by pixel:\n    b/001-gray-1.png = b/copy.png'
    has 'smaller than 48x80 and will be enlarged'
    has '1 picture is of one colour only:\n    a/huge.jpg'
    has 'see-through and will be laid over #ffffff'
    local sheet = gantry.image.load(out .. '/sheet.png')
    assert.same({3, 2 + 8 * 50, 2 + 8 * 82}, sheet:size():totable())
  end)

  it('trains at 48x80, gray and RGBA, with samples and walks, and goes on after a stop', function()
    for _, channels in ipairs {1, 4} do
      local name = ('%s/run%d'):format(out, channels)
      local kernel = channels == 1 and 5 or 4
      local set = ('--set size=48x80 channels=%d base=2 kernel=%d batch=16 samples=4 flip=true crop=0.1 scale=0.1'):format(channels, kernel)
      local said, err = run(('train dcgan --data %s --out %s --steps 4 %s'):format(folder, name, set))
      assert.truthy(said:find('204 images, trained on at 48x80', 1, true))
      local _, times = err:gsub('skipped [^\n]*empty.png', '')
      assert.equal(1, times)
      run(('train dcgan --data %s --out %s-part --steps 2 %s'):format(folder, name, set))
      local resumed = run(('resume %s-part --steps 4'):format(name))
      assert.equal(said:match 'weights: (%x+)', resumed:match 'weights: (%x+)')
      run(('sample %s --n 4'):format(name))
      run(('walk %s --frames 3 --rows 2'):format(name))
      for file, sides in pairs {sample = {2 + 2 * 50, 2 + 2 * 82}, walk = {2 + 2 * 50, 2 + 3 * 82}} do
        assert.same({channels, sides[1], sides[2]}, gantry.image.load(('%s/%s.png'):format(name, file)):size():totable())
      end
      local opened = gantry.open(name)
      assert.same({2, channels, 48, 80}, opened:images(opened:z(2)):size():totable())
    end
  end)

  it('packed into one file trains to the same weights', function()
    local packed = out .. '/packed.npy'
    local said = run(('data %s --size 48x80 --channels 4 --pack %s'):format(folder, packed))
    assert.truthy(said:find('204 x 4 x 48 x 80 bytes', 1, true) and said:find('8 files; the next readable one stands', 1, true), said)
    local weights = {}
    for i, spec in ipairs {folder, packed} do
      weights[i] = run(('train dcgan --data %s --out %s/same%d --steps 3 --set size=48x80 channels=4 base=2 kernel=4 batch=16 samples=1')
        :format(spec, out, i)):match 'weights: (%x+)'
    end
    assert.is_string(weights[1])
    assert.equal(weights[1], weights[2])
    said = run(('data %s --out %s/packed.png'):format(packed, out))
    assert.truthy(said:find('204 images of 48 x 80 pixels, 4 channels, bytes', 1, true), said)
  end)

  it('is refused in one line where nothing can be done', function()
    local function refused(arguments, code, text)
      local got, _, err = command.gantry(arguments)
      assert.equal(code, got)
      assert.truthy(err:find(text, 1, true), err)
      assert.equal(1, select(2, err:gsub('\n', '')))
    end
    refused('data /no/such/folder', 1, "there is no folder '/no/such/folder'")
    refused('data ' .. command.folder(), 1, 'holds no PNG or JPEG files')
    refused(('data %s --size 0 --out %s/x.png'):format(folder, out), 1, 'size is 0')
    refused(('data %s --channels 2 --out %s/x.png'):format(folder, out), 1, 'channels is 2, wanted 1, 3 or 4')
    refused(('data %s --pack %s/x.zip'):format(folder, out), 1, 'wanted a name that ends in .npy')
    refused('data scenes:faces --sise 3', 2, 'did you mean --size')
    refused(('train dcgan --data scenes:faces --out %s/bad --set size=50x70'):format(out), 1, 'as 48x72')
  end)
end)
