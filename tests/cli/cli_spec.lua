-- The gantry command: what it prints, what it refuses, and its exit codes.
local lfs = require 'lfs'
local command = require 'tests.support.command'

local gantry = command.gantry
local TINY = '--set size=16 base=4 kernel=4 batch=6 z_size=8 samples=4'

local function fails(arguments, code, pattern, how)
  local got, _, err = gantry(arguments, how)
  assert.equal(code, got, arguments)
  assert.matches(pattern, err)
  local _, lines = err:gsub('\n', '')
  assert.equal(1, lines, err)
end

describe('gantry', function()
  local folder, run
  setup(function()
    folder = command.folder()
    run = folder .. '/run'
    local code, out, err = gantry(('train dcgan --data scenes:faces --out %s %s --steps 4 --seed 3'):format(run, TINY))
    assert.equal(0, code, err)
    assert.matches('finished at step 4', out)
  end)
  teardown(command.clean)

  it('tells what there is', function()
    for _, arguments in ipairs {'help', '--help', '-h'} do
      local code, out = gantry(arguments)
      assert.equal(0, code)
      assert.matches('Usage: gantry COMMAND', out)
      assert.matches('walk', out)
    end
    for _, name in ipairs {'train', 'resume', 'sample', 'walk', 'info', 'recipes'} do
      for _, arguments in ipairs {name .. ' --help', 'help ' .. name} do
        local code, out = gantry(arguments)
        assert.equal(0, code)
        assert.matches('Usage: gantry ' .. name, out)
        assert.matches('Examples?:%s+gantry ' .. name, out)
      end
    end
    assert.matches('^gantry %d', (select(2, gantry '--version')))
  end)

  it('tells about the machine and the recipes', function()
    local code, out = gantry 'info'
    assert.equal(0, code)
    for _, word in ipairs {'cpu', 'level', 'threads', 'blas'} do assert.matches(word .. ' +%w', out) end
    assert.matches('dcgan +the DCGAN.*--config demo', (select(2, gantry 'recipes')))
    assert.matches('batch +128 +images in a minibatch', (select(2, gantry 'recipes dcgan')))
  end)

  it('names the nearest where it does not know a word', function()
    fails('trian', 2, '^gantry: there is no command trian %(did you mean train%?%)')
    fails('--hlep', 2, 'there is no option %-%-hlep')
    fails('train dcgan --ouput x', 2, 'there is no option %-%-ouput %(did you mean %-%-out%?%)')
    fails('train dcgna --out ' .. folder .. '/n', 1, 'there is no recipe dcgna %(did you mean dcgan%?%)')
    fails('train dcgan --set bacth=4 --out ' .. folder .. '/n', 2, 'there is no option bacth %(did you mean batch%?%)')
    fails('train dcgan --config dmo --out ' .. folder .. '/n', 1, 'there is no such file %(did you mean demo%?%)')
    fails('train dcgan --config xxxxxxxx --out ' .. folder .. '/n', 1, 'beside the recipe there are demo, mnist')
  end)

  it('refuses bad values, missing and unusable things with one line', function()
    fails('train', 2, "missing argument 'recipe'")
    fails('train dcgan', 2, '%-%-out RUN is missing')
    fails('train dcgan --set batch=abc --out ' .. folder .. '/n', 2, 'batch is abc, wanted a whole number')
    fails('train dcgan --set batch --out ' .. folder .. '/n', 2, 'wanted key=value')
    fails('train dcgan --steps x --out ' .. folder .. '/n', 2, 'steps is x, wanted')
    fails('train dcgan --set size=50 --out ' .. folder .. '/n', 1, 'size is 50, wanted')
    fails('train dcgan --threads 0 --out ' .. folder .. '/n', 2, '%-%-threads is 0, wanted')
    fails('train dcgan --data /no/such --out ' .. folder .. '/n', 1, "there is no folder '/no/such'")
    local empty = command.folder()
    fails(('train dcgan --data %s --out %s/n'):format(empty, folder), 1, 'holds no PNG or JPEG')
    fails('train dcgan --out /proc/run ' .. TINY, 1, '/proc/run: cannot be made')
    fails('train none.lua --out ' .. folder .. '/n', 1, 'none.lua: there is no such file')
    assert.is_nil(lfs.attributes(folder .. '/n', 'mode'))
    fails('sample ' .. run .. ' --n 0', 2, '%-%-n is 0, wanted a whole number from 1')
    fails('sample ' .. run .. ' --n -1', 2, '%-%-n is %-1, wanted a whole number from 1')
    fails('train dcgan --steps -5 --out ' .. folder .. '/n', 2, 'steps is %-5, wanted')
    fails('sample', 2, "missing argument 'run'")
    fails('info ' .. folder .. '/none', 1, 'there is no such run')
    fails('walk ' .. empty, 1, 'is not a run')
    fails('resume ' .. run .. ' --steps x', 2, '%-%-steps is x')
    fails('resume --set lr=0.001 batch=x ' .. run .. ' --steps 9', 1, 'batch is x') -- the run may follow the settings
    fails('resume --set lr ' .. run, 2, "missing argument 'run'")
    fails(('train dcgan --out %s %s'):format(run, TINY), 1, 'there is a run in it: `gantry resume')
    local broken = command.folder()
    command.write(broken .. '/checkpoint.safetensors', 'broken file')
    fails('sample ' .. broken, 1, 'not a usable safetensors file')
    fails('resume ' .. broken, 1, 'not a usable safetensors file')
    local cut = command.folder()
    command.write(cut .. '/checkpoint.safetensors', command.read(run .. '/checkpoint.safetensors'):sub(1, 5000))
    fails('info ' .. cut, 1, 'not a usable safetensors file')
  end)

  it('prefers flags to --set, --set to --config, and --config to defaults', function()
    local config = command.write(folder .. '/c.yaml', 'steps: 9\nseed: 5\nbatch: 4\n')
    local out = folder .. '/precedence'
    local tiny = '--set size=16 base=4 kernel=4 samples=1'
    local code = gantry(('train dcgan --out %s --config %s %s --set steps=8 --set seed=6 --steps 1'):format(out, config, tiny))
    assert.equal(0, code)
    local options = command.read(out .. '/options.yaml')
    assert.matches('steps: 1 ', options)
    assert.matches('seed: 6 ', options)
    assert.matches('batch: 4 ', options)
    assert.matches('beta1: 0.5 ', options)
  end)

  it('prints its settings, plain lines and where things are', function()
    local code, out = gantry(('train dcgan --out %s/plain %s --steps 2'):format(folder, TINY))
    assert.equal(0, code)
    assert.matches('batch=6%*', out)
    assert.matches('G: %d+ parameters, D: %d+ parameters', out)
    assert.matches('step 2/2  %d+ images/s', out)
    assert.matches('weights: %x+', out)
    assert.is_nil(out:find '\r')
  end)

  it('ends in one weights hash whatever the number of threads', function()
    local hashes = {}
    for i, how in ipairs {'--threads 1', '--threads 2 --set sample_every=1 checkpoint_every=1'} do
      local _, out = gantry(('train dcgan --out %s/threads%d %s --steps 3 %s'):format(folder, i, TINY, how))
      hashes[i] = out:match 'weights: (%x+)'
    end
    local _, out = gantry(('train dcgan --out %s/threads3 %s --steps 3'):format(folder, TINY), {env = 'GANTRY_THREADS=1'})
    hashes[3] = out:match 'weights: (%x+)'
    assert.equal(16, #hashes[1])
    assert.same({hashes[1], hashes[1], hashes[1]}, hashes)
  end)

  it('resumes', function()
    local out = folder .. '/resumed'
    assert.equal(0, (gantry(('train dcgan --out %s %s --steps 2 --seed 3'):format(out, TINY))))
    local code, text = gantry(('resume %s --steps 4'):format(out))
    assert.equal(0, code)
    local _, info = gantry('info ' .. run)
    assert.equal(info:match 'weights +(%x+)', text:match 'weights: (%x+)')
    assert.matches('is at step 4 of 4 already', (select(2, gantry('resume ' .. out))))
  end)

  it('resumes from any directory, and with data that were moved', function()
    local place = command.folder()
    command.write(place .. '/grays.lua', "local o = ...\nreturn {size = 9, get = function(i) "
      .. "return require('gantry').torch.FloatTensor(o.channels, o.height, o.width):fill(i / 9) end}")
    assert.equal(0, (gantry(('train dcgan --data grays.lua --out run %s --steps 2'):format(TINY), {cd = place})))
    local code, _, err = gantry(('resume %s/run --steps 3'):format(place))
    assert.equal(0, code, err)
    assert.equal(0, os.execute(("mkdir '%s/new' && mv '%s/grays.lua' '%s/new'"):format(place, place, place)))
    fails(('resume %s/run --steps 4'):format(place), 1, "no file '.*/grays.lua'; where it was moved: gantry resume .*/run %-%-data SPEC")
    local out
    code, out = gantry('resume run --steps 4 --data new/grays.lua', {cd = place})
    assert.equal(0, code)
    assert.matches('finished at step 4', out)
    assert.matches('new/grays.lua', (select(2, gantry('info ' .. place .. '/run'))))
    fails(('resume %s/run --steps 5 --data scenes:faces'):format(place), 1, 'scenes:faces: has 20000 images now and had 9')
  end)

  it('draws samples, single images and walks', function()
    local code, out = gantry(('sample %s --n 5 --out %s/s.png'):format(run, folder))
    assert.equal(0, code)
    assert.matches('5 samples of step 4: ' .. folder:gsub('%p', '%%%0') .. '/s.png', out)
    assert.matches('^\137PNG', command.read(folder .. '/s.png'))
    assert.equal(0, (gantry(('sample %s --n 3 --each --out %s/each'):format(run, folder))))
    for i = 1, 3 do assert.matches('^\137PNG', command.read(('%s/each/%04d.png'):format(folder, i))) end
    for _, how in ipairs {'', '--spherical --seed 9'} do
      assert.equal(0, (gantry(('walk %s --frames 3 --rows 2 %s'):format(run, how))))
      assert.matches('^\137PNG', command.read(run .. '/walk.png'))
    end
  end)

  it("names the recipe's file and line where its code is wrong", function()
    local head = "local gan, nets = require 'gantry.gan', require 'gantry.gan.nets'\n"
    local made = "return gan.recipe {name = 'x', options = gan.options('dcgan', {}), generator = nets.dcgan_generator, "
      .. 'discriminator = nets.dcgan_discriminator,\n%s}\n'
    local file = folder .. '/wrong.lua'
    for body, message in pairs {
      ['d_loss = function(s) return s.D(s.real):mean():narrow(1, 5, 5) end'] = 'wrong.lua:3: narrow: 5 elements',
      ['d_loss = function(s) return 3 end'] = "wrong.lua:3: D's loss is a number, wanted",
      ['d_loss = function(s) return s.D(s.real) end'] = "wrong.lua:3: D's loss is a value of 6 elements, wanted",
      ['d_los = function(s) return s.D(s.real) end'] = 'wrong.lua: there is no field d_los %(did you mean d_loss%?%)',
    } do
      command.write(file, head .. made:format(body))
      fails(('train %s --out %s/wrong --force %s --steps 2'):format(file, folder, TINY), 1, message)
    end
  end)

  it('says in one line that it was interrupted before it could catch that', function()
    local script = command.write(folder .. '/endless.lua', 'require("ffi").cdef "int raise(int);" require("ffi").C.raise(2)\n' ..
      "for i = 1, 1e6 do tostring(i) end\nreturn require('gantry.gan').recipe {}")
    local code, _, err = gantry('recipes ' .. script)
    assert.equal(130, code)
    assert.equal('gantry: interrupted\n', err)
    -- inside a network too, which adds the layer's place to messages
    command.write(script, 'require("ffi").cdef "int raise(int);"' .. [[
      local gantry = require 'gantry'
      local nn = gantry.nn
      local Endless = gantry.torch.class('endless.Layer', 'nn.Module')
      function Endless:call(x)
        require('ffi').C.raise(2)
        for i = 1, 1e6 do tostring(i) end
        return x
      end
      jit.off(Endless.call) -- a compiled loop sees no signal
      return gantry.gan.recipe {
        name = 'endless', options = gantry.gan.options('dcgan', {}), generator = require('gantry.gan.nets').dcgan_generator,
        discriminator = function() return nn.Sequential():add(Endless()) end,
      }]])
    code, _, err = gantry('check ' .. script .. ' --set size=16 base=4')
    assert.equal(130, code)
    assert.equal('gantry: interrupted\n', err)
  end)

  it('enlarges small images on sheets by whole pixels', function()
    assert.equal(0, (gantry(('sample %s --n 4 --out %s/large.png'):format(run, folder))))
    local sheet = require('gantry.image').load(folder .. '/large.png', 3, 'float')
    assert.same({3, 198, 198}, sheet:size():totable())
    for _, at in ipairs {{3, 3}, {15, 101}, {101, 45}} do
      local block = sheet:narrow(2, at[1], 6):narrow(3, at[2], 6)
      assert.is_true((block - block[{{}, {1, 1}, {1, 1}}]:expandAs(block)):abs():max() == 0)
    end
  end)

  it('works from anywhere and through a symbolic link', function()
    local link = folder .. '/link'
    os.execute(("ln -s '%s/bin/gantry' '%s'"):format(lfs.currentdir(), link))
    local pipe = io.popen(("cd / && '%s' recipes"):format(link))
    local out = pipe:read '*a'
    pipe:close()
    assert.matches('dcgan', out)
  end)
end)
