-- Looking at a run: sample, walk, arith; and beginning a recipe: new, check.
local lfs = require 'lfs'
local image = require 'gantry.image'
local torch = require 'gantry.torch'
local gan = require 'gantry.gan'
local arithmetic = require 'gantry.gan.arithmetic'
local recipes = require 'gantry.gan.recipe'
local sheet = require 'gantry.gan.sheet'
local command = require 'tests.support.command'

local gantry = command.gantry

local function works(arguments, how)
  local code, out, err = gantry(arguments, how)
  assert.equal(0, code, err)
  return out
end

local function refused(code, arguments, pattern)
  local got, _, err = gantry(arguments)
  assert.equal(code, got, arguments)
  assert.matches(pattern, err)
  local _, lines = err:gsub('\n', '')
  assert.equal(1, lines, err)
end

local function sides(path)
  local x = image.load(path)
  return {x:size(1), x:size(2), x:size(3)}
end

describe('a run to look at', function()
  local run
  setup(function()
    run = command.folder()
    local o = recipes.load('dcgan').options:resolve {from = 'test', values = {
      size = 16, base = 4, kernel = 4, batch = 8, z_size = 8, steps = 4, samples = 1, z = 'normal',
    }}
    gan.session.start({recipe = 'dcgan', options = o, out = run, quiet = true}):run()
  end)
  teardown(command.clean)

  it('gives sheets, with numbers and of chosen samples', function()
    assert.matches('64 samples of step 4: ' .. run:gsub('%p', '%%%0') .. '/sample.png', works('sample ' .. run))
    assert.same({3, 8 * 98 + 2, 8 * 98 + 2}, sides(run .. '/sample.png'))
    works(('sample %s --n 6 --columns 3 --scale 2 --out %s/plain.png'):format(run, run))
    assert.same({3, 70, 104}, sides(run .. '/plain.png'))
    works(('sample %s --n 6 --columns 3 --scale 2 --numbered --out %s/numbered.png'):format(run, run))
    local difference = image.load(run .. '/plain.png') - image.load(run .. '/numbered.png')
    assert.is_true(difference:narrow(2, 3, 9):narrow(3, 3, 7):abs():max() > 0.1, 'a number is there')
    assert.equal(0, difference:narrow(2, 13, 20):abs():max())
    works(('sample %s --only 5,2 --scale 1 --out %s/two.png'):format(run, run))
    works(('sample %s --n 5 --scale 1 --columns 5 --out %s/five.png'):format(run, run))
    local two, five = image.load(run .. '/two.png'), image.load(run .. '/five.png')
    assert.equal(0, (two:narrow(3, 3, 16) - five:narrow(3, 4 * 18 + 3, 16)):abs():max())
    assert.equal(0, (two:narrow(3, 21, 16) - five:narrow(3, 21, 16)):abs():max())
  end)

  it('gives single images', function()
    local each = command.folder()
    assert.matches('/0003.png', works(('sample %s --only 3,11 --each --out %s'):format(run, each)))
    assert.same({3, 16, 16}, sides(each .. '/0003.png'))
    assert.same({3, 16, 16}, sides(each .. '/0011.png'))
    assert.is_nil(lfs.attributes(each .. '/0001.png'))
    works(('sample %s --n 2 --each --scale 3 --out %s'):format(run, each))
    assert.same({3, 48, 48}, sides(each .. '/0002.png'))
  end)

  it('estimates the statistics of batch norm anew, unless those of training are wanted', function()
    works(('sample %s --n 4 --out %s/new.png'):format(run, run))
    works(('sample %s --n 4 --training-stats --out %s/old.png'):format(run, run))
    assert.is_true((image.load(run .. '/new.png') - image.load(run .. '/old.png')):abs():max() > 0.02)

    local opened, plain = gan.open(run), gan.open(run)
    torch.manualSeed(5)
    local _, images = opened:reestimate()
    local first = torch.uniform()
    torch.manualSeed(5)
    assert.equal(torch.uniform(), first, "torch's generator is left alone")
    assert.equal(2048, images)
    assert.equal(false, opened.G.train)
    -- Through the whole network, generated batches now have the mean and variance that evaluation takes for granted.
    local norm
    for _, m in ipairs(plain.G.modules) do norm = norm or m.running_mean and m end
    local before = torch.FloatTensor(4096, 8)
    before:copy(plain:z(4096, 3))
    local inputs = plain.G.modules[2]:forward(plain.G.modules[1]:forward(before))
    local count = inputs:size(1) * inputs:size(3) * inputs:size(4)
    local mean = inputs:transpose(1, 2):contiguous():view(inputs:size(2), count):mean(2):view(-1)
    local estimated
    for _, m in ipairs(opened.G.modules) do estimated = estimated or m.running_mean end
    assert.is_true((estimated - mean):abs():max() < 0.1 * norm.running_var:clone():sqrt():max())
    assert.equal(plain.state.hash, gan.hash(plain.G, plain.D), 'what is stored stays')
  end)

  it('truncates z', function()
    local opened = gan.open(run)
    local z = opened:z(500)
    local near = opened:z(500, nil, 0.7)
    assert.is_true(near:max() < 0.7 and near:min() > -0.7 and near:max() > 0.6)
    assert.is_true(torch.cmul(z, near):min() > -1e-6, 'no number changes its sign')
    assert.is_true((opened:z(500, nil, 8) - z):abs():max() < 1e-4)
    local order = select(2, z:view(-1):sort())
    local truncated = near:view(-1):index(1, order)
    assert.is_true((truncated:narrow(1, 2, 3999) - truncated:narrow(1, 1, 3999)):min() > -1e-6, 'ranks are kept')
    -- The distribution function of a normal cut off at 0.7, at 0.35: (Phi(0.35) - Phi(-0.7)) / (Phi(0.7) - Phi(-0.7)).
    local below = near:le(0.35):sum() / near:nElement()
    assert.near((0.636831 - 0.241964) / (0.758036 - 0.241964), below, 0.03)
    local uniform = gan.samples.z(3, {z_size = 4, z = 'uniform'}, 1)
    assert.equal(0, (gan.samples.truncate(uniform, 'uniform', 0.5) - uniform * 0.5):abs():max())
    refused(1, 'sample ' .. run .. ' --truncation 9', 'truncation: got 9, wanted a number above 0 and at most 8')
    refused(2, 'sample ' .. run .. ' --truncation x', '%-%-truncation is x, wanted a number')
  end)

  it('walks between chosen samples', function()
    assert.matches('2 walks of 5 frames', works(('walk %s --from 3,5,2 --frames 5 --scale 1 --out %s/w.png'):format(run, run)))
    local walk = image.load(run .. '/w.png')
    assert.same({3, 2 * 18 + 2, 5 * 18 + 2}, {walk:size(1), walk:size(2), walk:size(3)})
    works(('sample %s --only 3,5,2 --scale 1 --out %s/ends.png'):format(run, run))
    local ends = image.load(run .. '/ends.png')
    assert.equal(0, (walk:narrow(2, 3, 16):narrow(3, 3, 16) - ends:narrow(2, 3, 16):narrow(3, 3, 16)):abs():max())
    assert.equal(0, (walk:narrow(2, 21, 16):narrow(3, 75, 16) - ends:narrow(2, 21, 16):narrow(3, 3, 16)):abs():max())
    refused(2, 'walk ' .. run .. ' --from 3', 'wants at least two samples')
    refused(2, 'walk ' .. run .. ' --from 3,x', '%-%-from is x, wanted a whole number')
    refused(2, 'walk ' .. run .. ' --form 3,4', 'there is no option %-%-form %(did you mean %-%-from%?%)')
  end)

  it('animates a closed walk', function()
    assert.matches('a walk of 12 frames through 3 points',
      works(('walk %s --from 3,5,2 --frames 5 --scale 2 --spherical --animate --fps 20 --out %s/a.png'):format(run, run)))
    local bytes = command.read(run .. '/a.png')
    assert.same({3, 32, 32}, sides(run .. '/a.png')) -- what knows no animation shows the first frame
    local function number(at) return ((bytes:byte(at) * 256 + bytes:byte(at + 1)) * 256 + bytes:byte(at + 2)) * 256 + bytes:byte(at + 3) end
    local at, count, sequence, frames = 9, {}, 0, 0
    while at < #bytes do
      local n, kind = number(at), bytes:sub(at + 4, at + 7)
      count[kind] = (count[kind] or 0) + 1
      if kind == 'acTL' then frames = number(at + 8) end
      if kind == 'fcTL' or kind == 'fdAT' then
        assert.equal(sequence, number(at + 8))
        sequence = sequence + 1
      end
      if kind == 'fcTL' then
        assert.same({32, 32, 0, 0}, {number(at + 12), number(at + 16), number(at + 20), number(at + 24)})
        assert.equal(50, bytes:byte(at + 28) * 256 + bytes:byte(at + 29))
      end
      at = at + 12 + n
    end
    assert.equal(12, frames)
    assert.equal(12, count.fcTL)
    assert.equal(1, count.IEND)
    assert.is_true(count.fdAT >= 11)
    local C, native = require('gantry.native').C, require 'gantry.native'
    local one = torch.ByteTensor(1, 3, 4, 4):fill(7)
    assert.error_matches(function() native.check(C.gt_image_save_animation(run .. '/a.gif', one, 10)) end, 'ends in .png or .apng')
    assert.error_matches(function() native.check(C.gt_image_save_animation(run .. '/a.png', one[1], 10)) end, 'wanted frames x')
    assert.error_matches(function() native.check(C.gt_image_save_animation(run .. '/a.png', one, 0)) end, '0 ms for a frame')
  end)

  it('does arithmetic', function()
    local opened = gan.open(run)
    local z = opened:z(8)
    local function mean(...)
      local sum = torch.FloatTensor(8):zero()
      for _, i in ipairs {...} do sum:add(z[i]) end
      return sum / select('#', ...)
    end
    local result = arithmetic.compute(opened, '3,5,8 - 1,2 + 7')
    assert.is_true((result[1] - (mean(3, 5, 8) - mean(1, 2) + mean(7))):abs():max() < 1e-6)
    local near = arithmetic.neighbours(result)
    assert.equal(0, (near[5] - result[1]):abs():max())
    local distance = (near - result:expandAs(near)):abs():max()
    assert.is_true(distance <= 0.25 and distance > 0.2)
    local picture = arithmetic.picture(opened, '3,5,8 - 1,2 + 7', {scale = 1})
    local images = opened:images(z)
    local pixels = (images[3] + images[5] + images[8]) / 3 - (images[1] + images[2]) / 2 + images[7]
    local cell = picture:narrow(2, picture:size(2) - 25, 16):narrow(3, picture:size(3) - 39, 16)
    local difference = cell - ((pixels + 1) / 2):clamp(0, 1)
    assert.is_true(difference:narrow(2, 12, 5):abs():max() < 1e-5, 'below the word, the arithmetic of pixels')
    for i, line in ipairs {'3,5,8 - 1,2 + 7', '"3,5,8-1,2+7"', '3,5,8 - 1,2 +7'} do
      works(('arith %s %s --scale 1 --out %s/a%d.png'):format(run, line, run, i))
      assert.equal(command.read(run .. '/a1.png'), command.read(('%s/a%d.png'):format(run, i)))
    end
    works(('arith %s --seed 3 --training-stats 1,2 - 3'):format(run))
    assert.equal('file', lfs.attributes(run .. '/arith.png', 'mode'))
    refused(2, ('arith %s 1,,2'):format(run), "'1,,2' is not understood, wanted numbers of samples as in 3,5,9 %- 1,2,4")
    refused(2, ('arith %s 1 - - 2'):format(run), 'is not understood')
    refused(2, 'arith ' .. run, 'arith: wanted numbers of samples as in 3,5,9 .*, or %-%-rule')
    refused(1, ('arith %s 0 + 1'):format(run), '0 is not the number of a sample')
  end)

  it('tells where it stands', function()
    local out = works('info ' .. run)
    for _, pattern in ipairs {
      'step +4 of 4', 'G +%d+ parameters', 'weights +%x+', 'metrics +step 4: D %d',
      'go on +gantry resume .* %-%-steps 8', 'z_size: 8', 'MB',
    } do
      assert.matches(pattern, out)
    end
    refused(1, 'sample ' .. run .. ' --checkpoint best', 'no best checkpoint is kept there; train with %-%-set keep_best=')
    refused(2, 'info ' .. run .. ' --checkpoint bset', '%-%-checkpoint is bset')
  end)

  it('comes as a sheet in Lua too', function()
    local opened = gan.open(run)
    assert.same({3, 2 * 98 + 2, 2 * 98 + 2}, opened:sheet(4):size():totable())
    assert.same({3, 20, 38}, opened:sheet({7, 2}, {scale = 1, columns = 2, numbers = false}):size():totable())
    assert.equal(6, sheet.scale(16, 16, 8, 8))
    assert.equal(1, sheet.scale(64, 64, 8, 8))
    assert.equal(2, sheet.scale(16, 16, 40, 4))
  end)
end)

describe('a recipe of one\'s own', function()
  local home
  before_each(function() home = command.folder() end)
  teardown(command.clean)

  it('begins as a copy, and says how to go on', function()
    local out = works('new mine --from dcgan', {cd = home})
    assert.matches('gantry check ./mine.lua\n  gantry train ./mine.lua %-%-data SPEC', out)
    assert.equal('mine', recipes.load(home .. '/mine.lua').name)
    local tiny = ' --set size=16 base=4 kernel=4 batch=6 z_size=8'
    assert.matches('all is well', works('check ' .. home .. '/mine.lua' .. tiny))
    assert.matches('finished at step 1', works(('train %s/mine.lua --out %s/run --steps 1%s'):format(home, home, tiny)))
    refused(2, 'new ' .. home .. '/mine', 'mine.lua is there already')
    refused(2, 'new "a b"', "the name is 'a b', wanted letters")
    refused(1, 'new x --from dcgna', 'did you mean dcgan')
  end)

  it('is checked: shapes, parameters, gradients, one step', function()
    local out = works 'check dcgan --config demo'
    assert.matches('G: 370624 parameters', out)
    assert.matches('5 +nn.SpatialFullConvolution +N x 64 x 8 x 8 +131072 parameters', out)
    assert.matches('10 +nn.View +N x 1\n', out)
    assert.matches('one step of 4 images: [%d.]+ s  D [%d.]+  G [%d.]+', out)
    assert.matches('finite, and they reach every parameter', out)
  end)

  local function check(body)
    local path = command.write(home .. '/r.lua', ([[
local gantry = require 'gantry'
local gan, nets, nn = gantry.gan, require 'gantry.gan.nets', gantry.nn
return gan.recipe {name = 'r', options = gan.options('dcgan', {size = 16, base = 4, kernel = 4, z_size = 8}),
  generator = nets.dcgan_generator, discriminator = nets.dcgan_discriminator,
  %s
}]]):format(body))
    local code, out, err = gantry('check ' .. path)
    assert.equal(1, code, out)
    return out .. err
  end

  it('is told what is wrong, with its line', function()
    assert.matches('r.lua:6: attempt to index.*nil', check '\n  d_loss = function(s) return s.nothing.at_all end')
    assert.matches('r.lua:5: .*view', (check 'd_loss = function(s) return s.real:view(7, 7):mean() end'))
    assert.matches("r.lua:5: D's loss is a number, wanted a value", check 'd_loss = function() return 3 end')
    assert.matches('problem: G.2 %(nn.SpatialFullConvolution%), parameter 1: no gradient reaches it',
      check 'g_loss = function(s) return s.D(s.fake):mean() * 0 end')
    assert.matches("r.lua:5: G's loss does not depend on G's weights: nothing in it requires a gradient",
      check 'g_loss = function(s) return s.D(s.fake:detach()):mean() end')
    assert.matches('problem: the step never updated G', check 'step = function(s) s:draw() s:update_d(gan.d_loss) end')
    assert.matches('problem: G: makes images of N x 3 x 32 x 32, wanted N x 3 x 16 x 16',
      check 'generator = function(o) return nets.dcgan_generator {size = 32, base = 4, kernel = 4, z_size = 8, channels = 3} end')
    assert.matches('problem: D: layer after nn.LeakyReLU: .*nn.Linear', check [[discriminator = function()
      return nn.Sequential():add(nn.SpatialConvolution(3, 4, 4, 4, 2, 2, 1, 1)):add(nn.LeakyReLU()):add(nn.Linear(3, 1)) end]])
    assert.matches('there is no field g_los %(did you mean g_loss%?%)', check 'g_los = 3')
    assert.matches('is not a number; first in', check "d_loss = function(s) return (s.D(s.real):mean() * 0 - 1):log() end")
  end)
end)

describe('a run with classes', function()
  local run
  setup(function()
    run = command.folder() .. '/run'
    local npy = require 'gantry.data.npy'
    local folder = command.folder()
    npy.save(folder .. '/x.npy', torch.ByteTensor(24, 3, 16, 16):random(torch.Generator(1), 0, 255))
    local labels = torch.LongTensor(24)
    for i = 1, 24 do labels[i] = i % 4 end
    npy.save(folder .. '/x.labels.npy', labels)
    local o = recipes.load('acgan').options:resolve {from = 'test', values = {
      size = 16, base = 4, kernel = 4, batch = 8, z_size = 8, steps = 2, samples = 8,
    }}
    gan.session.start({recipe = 'acgan', options = o, data = folder .. '/x.npy', out = run, quiet = true}):run()
  end)
  teardown(command.clean)

  it('gives a class in each column, or one class', function()
    local opened = gan.open(run)
    assert.equal(4, opened.classes)
    assert.same({2, 4, 1}, opened:labels({2, 8, 5}):totable())
    assert.same({3, 3}, opened:labels(2, 3):totable())
    local z = opened:z(8)
    local all = opened:images(z)
    assert.is_true((opened:images(z, 3)[7] - all[7]):abs():max() < 1e-6) -- sample 7 is of class 3
    assert.is_true((opened:images(z, 3)[1] - all[1]):abs():max() > 1e-6)
    works(('sample %s --n 8 --scale 1 --training-stats --out %s/all.png'):format(run, run))
    assert.same({3, 2 * 18 + 2, 4 * 18 + 2}, sides(run .. '/all.png'))
    works(('sample %s --n 8 --class 2 --scale 1 --training-stats --columns 4 --out %s/one.png'):format(run, run))
    local difference = (image.load(run .. '/all.png') - image.load(run .. '/one.png')):abs()
    assert.equal(0, difference:narrow(3, 18 + 3, 16):max()) -- the column of class 2
    assert.is_true(difference:narrow(3, 3, 16):max() > 0)
    works(('walk %s --rows 2 --frames 3'):format(run))
    works(('walk %s --rows 2 --frames 3 --class 4 --animate'):format(run))
    works(('arith %s 1,2 - 3 --class 1'):format(run))
    works(('sample %s --n 3 --each --class 2 --out %s/each'):format(run, run))
    refused(1, ('sample %s --class 5'):format(run), 'class is 5, wanted 1 to 4')
    refused(1, ('arith %s 1,2 - 3'):format(run), 'has 4 classes; say of which one with %-%-class')
    assert.error_matches(function() opened:images(z, torch.LongTensor {1, 2}) end, 'got 2 classes for 8 images')
  end)

  it('has classes only where it says so', function()
    local plain = command.folder() .. '/plain'
    local o = recipes.load('dcgan').options:resolve {from = 'test', values = {
      size = 16, base = 4, kernel = 4, batch = 8, z_size = 8, steps = 1, samples = 1,
    }}
    gan.session.start({recipe = 'dcgan', options = o, out = plain, quiet = true}):run()
    refused(1, ('sample %s --class 1'):format(plain), 'has no classes')
  end)
end)
