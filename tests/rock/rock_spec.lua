-- Installing: the rock in a scratch tree, the installed command and its recipes from elsewhere, `require 'gantry'`.
local lfs = require 'lfs'
local command = require 'tests.support.command'

local root = lfs.currentdir()
local library = os.getenv 'GANTRY_LIBRARY'
local build = library and library:match '^(.*)/[^/]*$' or root .. '/build'

local function shell(line)
  local pipe = io.popen(('{ %s; } 2>&1; echo "=$?"'):format(line))
  local text = pipe:read '*a'
  pipe:close()
  local out, code = text:match '^(.*)=(%d+)\n$'
  return tonumber(code), out
end

local function has(program) return (shell('command -v ' .. program)) == 0 end

-- As a stranger's shell has it: no variable but these two.
local function bare(folder, line)
  return shell(("cd '%s' && env -i PATH=/usr/local/bin:/usr/bin:/bin HOME='%s' %s"):format(folder, folder, line))
end

local function installed_works(program, folder)
  local code, out = bare(folder, program .. ' recipes')
  assert.equal(0, code, out)
  assert.matches('dcgan', out)
  code, out = bare(folder, program .. ' train dcgan --data scenes:faces --out run --steps 3 --seed 1 ' ..
    '--set size=16 base=4 kernel=4 batch=6 z_size=8 samples=4')
  assert.equal(0, code, out)
  assert.matches('finished at step 3', out)
  code, out = bare(folder, program .. ' sample run --n 4')
  assert.equal(0, code, out)
  assert.matches('^\137PNG', command.read(folder .. '/run/sample.png'))
  code, out = bare(folder, ("echo \"gantry.open('run').step\" | %s"):format(program))
  assert.equal(0, code, out)
  assert.equal('3\n', out)
end

describe('the installed rock', function()
  local tree, elsewhere
  local missing
  for _, program in ipairs {'luarocks', 'make', 'pkg-config', 'luajit'} do
    if not has(program) then missing = program end
  end
  local function check(name, f)
    it(name, function()
      if missing then pending('no ' .. missing .. ' here') else f() end
    end)
  end

  setup(function()
    if missing then return end
    tree, elsewhere = command.folder(), command.folder()
    local code, out = shell(("cd '%s' && make --no-print-directory BUILD='%s' TREE='%s' rock"):format(root, build, tree))
    assert(code == 0, out)
  end)
  teardown(command.clean)

  check('trains three steps and samples, from another directory, with no variable set', function()
    installed_works(tree .. '/bin/gantry', elsewhere)
  end)

  check('works through symbolic links, absolute and relative', function()
    os.execute(("ln -s '%s/bin/gantry' '%s/absolute' && cd '%s' && ln -s absolute relative"):format(tree, elsewhere, elsewhere))
    for _, link in ipairs {'absolute', 'relative'} do
      local code, out = bare(elsewhere, './' .. link .. ' info')
      assert.equal(0, code, out)
      assert.matches('library +' .. tree:gsub('%p', '%%%0') .. '/lib/lua/5.1/libgantry.so', out)
    end
  end)

  check('describes what is in it', function()
    local code, out = bare(elsewhere, ("sh -c \"echo '?nn.SpatialConvolution' | '%s/bin/gantry'\""):format(tree))
    assert.equal(0, code)
    assert.matches('nInputPlane', out)
  end)

  check("is found by require 'gantry' after luarocks path, and starts in less than a tenth of a second", function()
    local program = "luajit -e \"local g = require 'gantry' if arg[1] then print(g.torch.ones(2, 2):sum()) end\""
    local paths = ('eval "$(luarocks --lua-version 5.1 --tree \'%s\' path)"'):format(tree)
    local code, out = bare(elsewhere, ("sh -c '%s; %s - x'"):format(paths:gsub("'", "'\\''"), program:gsub("'", "'\\''")))
    assert.equal(0, code, out)
    assert.equal('4\n', out)
    local best = math.huge
    local clock = require('gantry.native').C.gt_seconds
    local _, variables = shell(("luarocks --lua-version 5.1 --tree '%s' path"):format(tree))
    for _ = 1, 5 do
      local from = clock()
      assert.equal(0, (shell(variables:gsub('\n', '; ') .. "cd / && luajit -e \"require 'gantry'\"")))
      best = math.min(best, clock() - from)
    end
    assert.is_true(best < 0.1, ('%.0f ms'):format(best * 1000))
  end)
end)

describe('make install', function()
  teardown(command.clean)

  it('installs under a prefix what works there', function()
    local prefix, elsewhere = command.folder(), command.folder()
    local code, out = shell(("cd '%s' && make --no-print-directory BUILD='%s' PREFIX='%s' install"):format(root, build, prefix))
    assert.equal(0, code, out)
    installed_works(prefix .. '/bin/gantry', elsewhere)
  end)

  it('says what make rock needs', function()
    local code, out = shell(("cd '%s' && make --no-print-directory BUILD='%s' rock TREE="):format(root, build))
    assert.not_equal(0, code)
    assert.matches('make rock TREE=DIRECTORY', out)
  end)
end)
