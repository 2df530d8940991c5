-- The prompt's parts: what Tab offers, what ?NAME says, pictures as terminals take them, commands, values as text.
local command = require 'tests.support.command'
local torch = require 'gantry.torch'
local nn = require 'gantry.nn'
local image = require 'gantry.image'
local repl = require 'gantry.repl'
local complete = require 'gantry.repl.complete'
local describe_name = require 'gantry.repl.describe'
local graphics = require 'gantry.repl.graphics'
local printer = require 'gantry.repl.print'
local words = require('gantry.repl.commands').names

local environment = repl.environment()

local function offered(text)
  local list, replaced = complete.candidates(text, environment, words)
  local set = {}
  for _, word in ipairs(list) do set[word] = true end
  return set, replaced, list
end

describe('Tab', function()
  teardown(command.clean)

  it('offers names, keywords, parts and fields', function()
    assert.is_true(offered 'to'.torch)
    assert.is_true(offered 'x = fun'['function'])
    assert.is_true(offered 'print(ga'.gantry)
    assert.is_true(offered 'sh'.show)
    local set, replaced = offered 'torch.Floa'
    assert.is_true(set.FloatTensor)
    assert.equal('Floa', replaced)
    assert.is_true(offered 'gantry.'.autograd)
    assert.is_true(offered 'gantry.op'.open)
    assert.is_true(offered 'nn.SpatialC'.SpatialConvolution)
    assert.is_true(offered 'f(1)+math.'.huge)
  end)

  it('offers methods of tensors, storages, modules, values, strings and runs', function()
    environment.t = torch.rand(2)
    environment.net = nn.Sequential():add(nn.Linear(2, 3))
    environment.list = {a = {b = {1, torch.rand(2)}}}
    environment.v = require('gantry.autograd').value(torch.rand(2))
    environment.s = 'text'
    local built = false
    local Run = {__names = {'G'}, z = print}
    Run.__index = function(_, key)
      if key == 'G' then built = true end
      return Run[key]
    end
    environment.run = setmetatable({path = 'x'}, Run)
    assert.is_true(offered 't:nar'.narrow)
    assert.is_true(offered 'y = -t:su'.sum)
    environment.storage = environment.t:storage()
    assert.is_true(offered 'storage:fi'.fill)
    assert.is_nil(next((offered 't:storage():')))
    assert.is_true(offered 'net:fo'.forward)
    assert.is_true(offered 'net.modules[1].we'.weight)
    assert.is_nil(offered 'net.modules[1]:we'.weight)
    assert.is_true(offered 'net.modules[1]:zeroG'.zeroGradParameters)
    assert.is_true(offered 'list.a["b"][2]:si'.size)
    assert.is_true(offered 'v:bac'.backward)
    assert.is_true(offered 's:up'.upper)
    assert.is_true(offered 'run.'.G and offered 'run.'.path and offered 'run:'.z)
    assert.is_false(built)
    assert.is_nil(next((offered 'no.such.')))
    assert.is_nil(next((offered 'f(3).')))
    assert.is_nil(next((offered '3')))
  end)

  it('offers files in strings, and only directories to gantry.open', function()
    local folder = command.folder()
    command.write(folder .. '/face.png', '')
    command.write(folder .. '/notes.txt', '')
    os.execute(("mkdir -p '%s/runs/faces' '%s/runs/rooms' '%s/deep/er/est'"):format(folder, folder, folder))
    command.write(folder .. '/runs/faces/checkpoint.safetensors', '')
    local set, replaced = offered("image.load('" .. folder .. '/fa')
    assert.is_true(set[folder .. '/face.png'])
    assert.equal(folder .. '/fa', replaced)
    local _, _, list = offered('run = gantry.open "' .. folder .. '/')
    assert.same({folder .. '/deep/', folder .. '/runs/'}, list)
    _, _, list = offered("gantry.open('" .. folder .. '/ru')
    assert.same({folder .. '/runs/faces', folder .. '/runs/rooms/'}, list)
    _, _, list = offered("x('" .. folder .. '/de')
    assert.same({folder .. '/deep/er/est/'}, list)
    _, _, list = offered('%run ' .. folder .. '/no')
    assert.same({folder .. '/notes.txt'}, list)
    assert.is_nil(next((offered("x = '/no/such/folder/"))))
  end)

  it('offers commands and names to describe', function()
    assert.is_true(offered '%t'.time)
    assert.is_true(offered '?nn.Lin'.Linear)
    assert.is_true(offered '%time torch.ra'.rand)
  end)
end)

describe('?NAME', function()
  local function says(name, ...)
    local text = describe_name.text(name, environment)
    for _, pattern in ipairs {...} do assert.matches(pattern, text) end
    return text
  end

  it('describes classes, functions, methods, modules and objects', function()
    says('nn.SpatialConvolution', '^nn.SpatialConvolution%(nInputPlane, nOutputPlane, kW, kH, dW, dH, padW, padH%), a nn.Module',
      'kW %(int%): kernel width', 'dW %(int, default 1%)', 'example:\n  nn.SpatialConvolution%(3, 64', 'spatial_convolution.lua')
    says('torch.add', '^torch.add\nSums', 'torch.add%(r, x, %[v,%] y%) fills r', 'x:add%(0.5, y%)', 'elementwise.lua:%d+')
    says('torch.FloatTensor', 'LongStorage sizes', 'methods: abs acos')
    says('torch.DiskFile', '^torch.DiskFile%(name, mode, quiet%), a torch.File')
    says('nn.Add', '^nn.Add%(inputSize, scalar%), a nn.Module\nnn.Add: adds a learned bias.\n  inputSize')
    says('autograd.ops.leaky_relu', '^autograd.ops.leaky_relu%(x, slope%)\nx where x > 0')
    says('nn', '^nn\nTorch7')
    says('gan.mix', '^gan.mix%(a, b%)\nPoints on the lines', 'returns value')
    says('gan', 'Generative adversarial networks', 'in it: .*mix')
    environment.t, environment.net = torch.rand(2), nn.Linear(2, 3)
    says('t:narrow', '^t:narrow%(dim, first, size%)', 'example:')
    says('t.narrow', '^t.narrow%(t, dim, first, size%)')
    says('net:updateOutput', '^net:updateOutput%(input%)\nComputes self.output')
    says('t', 'torch.FloatTensor')
    says('net', '^net is a nn.Linear\n')
    says('gantry.open', 'Executes no code of the run')
    says('show', 'half blocks')
    says('print', 'a function of LuaJIT')
    says('no.such', 'nothing called no.such')
    says('math.pi', 'a number')
  end)

  it('has something to say about every function, something else about each', function()
    local objects = {
      tensor = torch.rand(2), storage = torch.LongStorage(2), module = nn.Linear(2, 3), criterion = nn.MSECriterion(),
      value = require('gantry.autograd').value(torch.rand(2)), timer = torch.Timer(),
    }
    local seen, count = {}, 0
    for _, place in ipairs {'torch', 'nn', 'optim', 'image', 'gan', 'data', 'autograd', 'autograd.ops', 'gantry',
      'tensor', 'storage', 'module', 'criterion', 'value', 'timer'} do
      environment[place] = objects[place]
      local holder = complete.value(place, environment)
      for key in pairs(complete.names(holder)) do
        local f = holder[key]
        if type(f) == 'function' then
          local text = describe_name.text(place .. '.' .. key, environment)
          local said = text:match '^[^\n]*\n(.*)\n%['
          assert(said and #said > 5 and not said:find 'no description', text)
          assert(not said:find 'conventions', text) -- no more than the head of a file
          local before = seen[place .. said]
          assert(not before or before == f, text)
          seen[place .. said] = f
          count = count + 1
        end
      end
      environment[place] = nil
    end
    assert.is_true(count > 600, count)
  end)

  it('has something to say about every class of nn', function()
    for name, class in pairs(nn) do
      if type(class) == 'table' and rawget(class, '__typename') then
        local text = says('nn.' .. name, '^nn%.' .. name)
        assert.is_true(#text > 40 and not text:find 'without a source file', text)
      end
    end
  end)
end)

describe('pictures', function()
  teardown(command.clean)

  it('as half blocks', function()
    local x = torch.ByteTensor(3, 3, 2):fill(0)
    x[1]:fill(255)
    local text = graphics.blocks(x)
    assert.equal('\27[38;2;255;0;0;48;2;255;0;0m▀▀\27[0m\n\27[38;2;255;0;0;49m▀▀\27[0m\n', text)
  end)

  it('as sixel', function()
    local x = torch.ByteTensor(3, 7, 5):fill(255)
    local text = graphics.sixel(x)
    assert.matches('^\27P0;1q"1;1;5;7#0;2;0;0;0#1;2;0;0;20#2', text)
    assert.matches('#215!5~%-#215!5@%-\27\\$', text)
  end)

  it("by kitty's protocol, as a PNG in pieces", function()
    assert.equal('', graphics.base64 '')
    assert.same({'YQ==', 'YWI=', 'YWJj', 'AP8Q'},
      {graphics.base64 'a', graphics.base64 'ab', graphics.base64 'abc', graphics.base64 '\0\255\16'})
    local text = graphics.kitty(torch.rand(3, 80, 80):mul(255):byte())
    assert.matches('^\27_Ga=T,f=100,m=1;iVBORw0KGgo', text)
    local pieces, last = 0, nil
    for more, data in text:gmatch '\27_G[^;]-m=(%d);([^\27]*)\27\\' do
      pieces, last = pieces + 1, more
      assert.is_true(#data <= 4096)
    end
    assert.is_true(pieces > 1)
    assert.equal('0', last)
  end)

  it('of everything that stands for one, written where there is no terminal', function()
    local folder = command.folder()
    local code, out, err = command.gantry('', {cd = folder, env = 'GANTRY_GRAPHICS=', input = [[
show(torch.rand(3, 8, 6))
show(torch.rand(9, 7))
show(torch.rand(4, 3, 8, 8):mul(2):add(-1))
show(autograd.value(torch.rand(1, 1, 5, 5)))
show {torch.rand(3, 4, 4), torch.rand(3, 4, 4)}
show(torch.rand(4, 5, 5), 'rgba.png')
show 'rgba.png'
show(torch.ByteTensor(3, 4, 4):fill(255), {file = 'white.png'})
show(torch.Tensor(2, 2):fill(-1), 'black.png')
show(nil)
show(torch.rand(3))
show {}
]]})
    assert.equal(0, code)
    assert.equal(table.concat({'show-1.png: 6 x 8 pixels', 'show-2.png: 7 x 9 pixels', 'show-3.png: 22 x 22 pixels',
      'show-4.png: 5 x 5 pixels', 'show-5.png: 14 x 8 pixels', 'rgba.png: 5 x 5 pixels', 'show-6.png: 5 x 5 pixels',
      'white.png: 4 x 4 pixels', 'black.png: 2 x 2 pixels', ''}, '\n'), out)
    assert.matches('show: got nil, wanted images', err)
    assert.matches('show: got a tensor of 3, wanted', err)
    assert.matches('show: got a table without images', err)
    assert.equal(1, image.load(folder .. '/white.png'):min())
    assert.equal(0, image.load(folder .. '/black.png'):max())
  end)

  it('in the way that GANTRY_GRAPHICS names', function()
    for way, pattern in pairs {blocks = '▀', sixel = '\27P0;1q', kitty = '\27_Ga=T'} do
      local _, out = command.gantry('', {env = 'GANTRY_GRAPHICS=' .. way,
        input = 'show(torch.rand(4, 4))\nshow(torch.rand(4, 300, 300))\n'})
      assert.matches(pattern, out)
    end
  end)
end)

describe('commands', function()
  local folder
  setup(function() folder = command.folder() end)
  teardown(command.clean)

  it('run files in the same names, time, help, and name the nearest', function()
    local path = command.write(folder .. '/a.lua', [[
assigned = torch.ones(2):sum() + #arg
local function f() error "inside" end
if ... == "x" then f() end]])
    local input = '%%run %s a b\nassigned\n%%run %s x\n%%time 6 * 7\n%%time\n%%tiem 3\n%%run\n%%run none.lua\n%%help\n?\n%%time for\n'
    local _, out, err = command.gantry('', {input = input:format(path, path)})
    assert.matches('^4\n42\n[%d.]+ [mu]?s\n', out)
    assert.equal(2, select(2, out:gsub('Ctrl%-C stops what runs', '')))
    assert.matches("a.lua:2: inside.*a.lua:2: in function 'f'.*a.lua:3: in main chunk", err:gsub("in function 'chunk'", 'in main chunk'))
    assert.matches('there is no %%tiem %(did you mean %%time%?%)', err)
    assert.matches('%%time: wanted', err)
    assert.matches('%%run: wanted', err)
    assert.matches('none.lua', err)
    assert.is_nil(err:find('gantry/repl', 1, true))
  end)
end)

describe('values as text', function()
  it('are short, one level deep, in order', function()
    assert.equal('{1, 2, "a\\nb", x = {... 2 values}, y = {}, [true] = 1}', printer.text {1, 2, 'a\nb', y = {}, x = {1, 2}, [true] = 1})
    local net = nn.Sequential():add(nn.Linear(2, 3)):add(nn.Tanh())
    assert.matches('nn.Linear%(2 %-> 3%) +%- +9\n', printer.text(net))
    net:forward(torch.rand(5, 2))
    assert.matches('nn.Linear%(2 %-> 3%) +5x3 +9\n', printer.text(net))
    assert.equal('nn.Linear(2 -> 3)', printer.text(nn.Linear(2, 3)))
    assert.equal('{n = nn.Linear(2 -> 3), t = [torch.FloatTensor of size 2x3]}', printer.text {t = torch.rand(2, 3), n = nn.Linear(2, 3)})
    local long = {}
    for i = 1, 200 do long[i] = i end
    assert.matches('^{\n  1\n  2\n.*\n  %.%.%. and 160 more\n}$', printer.text(long))
    assert.equal('[torch.FloatTensor of size 200x300]', printer.text(torch.zeros(200, 300)):match '[^\n]*$')
    assert.is_true(#printer.text(torch.zeros(200, 300)) < 4000)
  end)
end)
