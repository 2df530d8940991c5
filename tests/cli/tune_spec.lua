-- gantry tune and gantry profile: what they print and write, what they refuse; tables in use; the benchmark's processes.
local lfs = require 'lfs'
local command = require 'tests.support.command'

local TINY = '--set size=16 base=4 kernel=4 batch=16 z_size=8 samples=4'
local LINE = 'float32 forward 16 3 16x16 4 4x4 2x2 1x1'

local function gantry(arguments, how)
  how = how or {}
  how.env = how.env or 'GANTRY_TUNE=none'
  return command.gantry(arguments, how)
end

local function fails(arguments, code, pattern, how)
  local got, _, err = gantry(arguments, how)
  assert.equal(code, got, arguments .. err)
  assert.matches(pattern, err)
  local _, lines = err:gsub('\n', '')
  assert.equal(1, lines, err)
end

describe('gantry tune', function()
  local folder, level, shipped, shipped_name
  setup(function()
    folder = command.folder()
    level = select(2, gantry 'info'):match 'level +(%w+)'
    local choices = select(2, gantry('info', {env = ('XDG_CONFIG_HOME=%s/none GANTRY_TUNE='):format(folder)})):match 'choices +([^\n]*)'
    shipped_name, shipped = choices:match '^(%x+), (%d+) entries'
    shipped_name, shipped = shipped_name or 'none', tonumber(shipped or 0)
  end)
  teardown(command.clean)

  it('times every convolution and writes a table that is used', function()
    local out = folder .. '/deep/tune.txt'
    local code, text, err = gantry(('tune dcgan %s --rounds 1 --out %s'):format(TINY, out))
    assert.equal(0, code, err)
    assert.matches('\nforward +16 x 3 x 16x16, 4, 4x4/2 +%d%.%d%d.? unrolling %d', text)
    assert.matches('%(D 1, G 8%)', text)
    assert.matches('\n%d+ of %d+ are faster another way', text)
    assert.matches('\ntable: ' .. out:gsub('%p', '%%%0') .. ' %(GANTRY_TUNE=', text)
    assert.is_nil(text:find '\r')
    local entries = 0
    for line in command.read(out):gmatch '[^\n]+' do
      if not line:match '^#' then
        assert.matches('^' .. level .. ' float32 %a+ %d+ .* # %d%.%d%d$', line)
        entries = entries + 1
      end
    end
    local _, info = gantry('info', {env = 'GANTRY_TUNE=' .. out})
    assert.matches(('choices +%%S+, %d entries for this level; .*deep/tune.txt'):format(shipped + entries), info)
  end)

  it('keeps what it found when it is stopped', function()
    local out = command.write(folder .. '/stopped.txt', '# mine\n')
    local code, text = gantry(('tune dcgan %s --rounds 1000 --out %s'):format(TINY, out),
      {env = 'GANTRY_TUNE=none timeout -s INT --preserve-status 2'})
    assert.equal(130, code)
    assert.matches('\nstopped after %d+ of %d+\n', text)
    assert.matches('^# mine\n', command.read(out))
  end)

  it('refuses what cannot be done before it measures', function()
    fails('tune dcgna', 1, 'there is no recipe dcgna %(did you mean dcgan%?%)')
    fails('tune --out ' .. folder .. ' ' .. TINY, 1, 'is a directory, wanted a file')
    fails('tune --out /proc/none/tune.txt ' .. TINY, 1, '/proc/none: cannot be made')
    fails('tune --out /proc/tune.txt ' .. TINY, 1, '/proc/tune.txt: cannot be written')
    fails('tune --rounds 0', 2, '%-%-rounds is 0, wanted a whole number from 1')
    fails('tune --set size=50 --out ' .. folder .. '/t', 1, 'size is 50, wanted')
    fails('tune', 2, 'there is no home directory', {env = 'HOME= XDG_CONFIG_HOME= GANTRY_TUNE=none'})
  end)

  it('is used by runs, which note it', function()
    local table_file = command.write(folder .. '/mine.txt', ('%s %s unrolling\n'):format(level, LINE))
    local run = folder .. '/run'
    local code, _, err = gantry(('train dcgan --out %s %s --steps 1'):format(run, TINY), {env = 'GANTRY_TUNE=' .. table_file})
    assert.equal(0, code, err)
    local name = select(2, gantry('info', {env = 'GANTRY_TUNE=' .. table_file})):match 'choices +(%x+),'
    assert.equal(16, #name)
    assert.matches('choices ' .. name, (select(2, gantry('info ' .. run))))
    local _, text = gantry(('resume %s --steps 2'):format(run), {env = 'GANTRY_TUNE=' .. table_file})
    assert.is_nil(text:match 'note: choices')
    _, text = gantry(('resume %s --steps 3'):format(run))
    assert.matches('note: choices was ' .. name .. ' and is none: the last bits may differ', text)
  end)

  it('names a table that is wrong', function()
    local wrong = command.write(folder .. '/wrong.txt', ('# table\n%s %s magic\n'):format(level, LINE))
    fails('recipes', 1, '^gantry: GANTRY_TUNE: ' .. wrong:gsub('%p', '%%%0') .. ":2: there is no way called 'magic'",
      {env = 'GANTRY_TUNE=' .. wrong})
    fails('recipes', 1, 'GANTRY_TUNE: /no/table: cannot be opened', {env = 'GANTRY_TUNE=/no/table'})
    -- One that was not asked for is a warning.
    lfs.mkdir(folder .. '/config')
    lfs.mkdir(folder .. '/config/gantry')
    command.write(folder .. '/config/gantry/tune.txt', command.read(wrong))
    local code, out, err = gantry('info', {env = ('XDG_CONFIG_HOME=%s/config GANTRY_TUNE='):format(folder)})
    assert.equal(0, code)
    assert.matches("^gantry: warning: .*tune.txt:2: there is no way called 'magic'; this table is not used\n$", err)
    assert.matches('choices +' .. shipped_name .. '.*this table is not used', out)
    command.write(folder .. '/config/gantry/tune.txt', ('%s %s taps\n'):format(level, LINE))
    code, out, err = gantry('info', {env = ('XDG_CONFIG_HOME=%s/config GANTRY_TUNE='):format(folder)})
    assert.same({0, ''}, {code, err})
    assert.matches(('choices +%%x+, %d entries'):format(shipped + 1), out)
  end)
end)

describe('gantry profile', function()
  teardown(command.clean)

  it('shows layers, passes, sums and what is left', function()
    local code, out, err = gantry('profile dcgan --steps 2 ' .. TINY)
    assert.equal(0, code, err)
    assert.matches('peak %d+%.%d GFLOP/s of float multiply%-adds, copies move', out)
    assert.matches('\nG 2 +SpatialFullConvolution +forward +[%d.]+ +[%d.]+%% +[%d.]+ +%d+%%', out)
    assert.matches('\nD 1 +SpatialConvolution[^\n]- +weight gradient [^\n]* few', out)
    for _, word in ipairs {'convolutions', 'normalization', 'activations', 'optimizer', 'next images', 'not attributed'} do
      assert.matches('\n +' .. word .. ' +%d', out)
    end
    assert.matches('\na step: [%d.]+ ms observed', out)
    assert.is_nil(out:find '\r')
  end)

  it('refuses what cannot be done', function()
    fails('profile', 2, "missing argument 'recipe'")
    fails('profile none.lua', 1, 'there is no such file')
    fails('profile dcgan --steps 0', 2, '%-%-steps is 0')
    fails('profile dcgan --data /no/such ' .. TINY, 1, "there is no folder '/no/such'")
  end)
end)

describe('the benchmarks', function()
  it('do a step for each line', function()
    local how = {input = '\n\nmemory\n'}
    for _, what in ipairs {'what=step', 'what=step columns=1', 'what=sample'} do
      local code, out, err = gantry('bench/gantry_step.lua size=16 base=4 batch=16 ' .. what, how)
      assert.equal(0, code, err)
      assert.matches('^ready\n0%.%d+\n0%.%d+\n%d+%.?%d*\n$', out)
    end
    fails('bench/gantry_step.lua sizes=16', 2, "there is no setting 'sizes=16'", how)
  end)

  it('name their parts', function()
    local code, out = gantry 'bench/step.lua --list'
    assert.equal(0, code)
    assert.matches('steps +whole updates beside PyTorch\n', out)
    fails('bench/step.lua --onyl x', 2, 'there is no option %-%-onyl')
    fails('bench/step.lua --only none', 2, 'there is no part none')
  end)
end)
