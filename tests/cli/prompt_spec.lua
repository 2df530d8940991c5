-- The prompt in a pipe, `-e`, and Lua programs run by the command.
local command = require 'tests.support.command'

local gantry = command.gantry

describe('the prompt', function()
  it('prints expressions, keeps what is assigned, and goes on after errors', function()
    local code, out, err = gantry('', {input = [[
x = 3
x * 2
= x + 1
error 'oops'
local f = function() return nil .. 'x' end f()
1, nil, 'a'
{b = 2, a = 1}
torch.ones(2, 2):sum()
y =
  5
for i = 1, 2 do
  print(i * y)
end
this is not Lua
x -- comment
torch.ones(2):narrow(1, 5, 1)
]]})
    assert.equal(0, code)
    assert.equal("6\n4\n1\tnil\ta\n{a = 1, b = 2}\n4\n5\n10\n3\n", out)
    assert.matches('prompt:1: oops', err)
    assert.matches('attempt to concatenate a nil value', err)
    assert.matches("'=' expected near 'is'", err)
    assert.matches('prompt:1: narrow', err)
    assert.is_nil(err:find('lua/gantry', 1, true))
  end)

  it('goes on in the next line where an expression is not at its end, and only there', function()
    local code, out, err = gantry('', {input = '1 +\n2\n{3,\n4}\nprint(5) end\n6 7\ntorch.mm(torch.ones(2, 3), torch.ones(2, 3))\n8\n'})
    assert.equal(0, code)
    assert.equal('3\n{3, 4}\n8\n', out)
    assert.matches("'<eof>' expected near 'end'", err)
    assert.matches('sizes 2x3 and 2x3 do not fit', err)
    assert.is_nil(err:find('gt_', 1, true)) -- nor are there functions of the library in a trace
  end)

  it('installs no globals', function()
    local _, out = gantry('', {input = 'z = 1\nrawget(_G, "torch"), getmetatable(_G) ~= nil, nn ~= nil\nexit\n5\n'})
    assert.equal('nil\ttrue\ttrue\n', out)
  end)

  it('says when its input ends in the middle', function()
    local code, _, err = gantry('', {input = 'for i = 1, 2 do\n'})
    assert.equal(0, code)
    assert.matches('ended in the middle of a statement', err)
  end)
end)

describe('gantry -e', function()
  it('runs a line', function()
    assert.same({0, '42\n', ''}, {gantry "-e '6 * 7'"})
    assert.same({0, 'hi\n', ''}, {gantry [[-e 'print "hi"']]})
    local code, _, err = gantry "-e 'error()('"
    assert.equal(1, code)
    assert.matches('unexpected symbol', err)
    assert.equal(2, (gantry '-e'))
  end)
end)

describe('gantry FILE.lua', function()
  local folder
  setup(function() folder = command.folder() end)
  teardown(command.clean)

  it('runs a program with its arguments, and installs no globals', function()
    command.write(folder .. '/beside.lua', 'return {word = "beside"}')
    local path = command.write(folder .. '/a.lua', [[
      local beside = require 'beside'
      print(arg[0], arg[1], arg[2], select('#', ...), beside.word, rawget(_G, 'torch'), require('gantry').torch ~= nil)]])
    local code, out = gantry(path .. " one 'two words'")
    assert.equal(0, code)
    assert.equal(path .. '\tone\ttwo words\t2\tbeside\tnil\ttrue\n', out)
  end)

  it("shows errors as a traceback into the user's code", function()
    local path = command.write(folder .. '/b.lua', [[
local torch = require('gantry').torch
local function inner(x) local y = x:narrow(1, 7, 1) return y end
local y = inner(torch.ones(2))
print(y)]])
    local code, _, err = gantry(path)
    assert.equal(1, code)
    assert.matches('b.lua:2: narrow', err)
    assert.matches("b.lua:2: in function 'inner'.*b.lua:3: in", err)
    assert.is_nil(err:find('lua/gantry', 1, true))
    local none, _, message = gantry(folder .. '/none.lua')
    assert.equal(1, none)
    assert.matches('none.lua', message)
    local broken, _, syntax = gantry(command.write(folder .. '/c.lua', 'local = 3'))
    assert.equal(1, broken)
    assert.matches('c.lua:1', syntax)
  end)
end)
