-- Options: defaults, layers of settings, what is refused and how.
local options = require 'gantry.gan.options'
local nearest = require 'gantry.gan.nearest'
local command = require 'tests.support.command'

describe('nearest', function()
  local names = {'batch', 'size', 'steps', 'sample_every', 'seed'}
  it('finds what was probably meant', function()
    assert.equal('batch', nearest('bacth', names))
    assert.equal('steps', nearest('step', names))
    assert.equal('sample_every', nearest('sample', names))
    assert.equal('size', nearest('Size', names))
  end)
  it('does not guess wildly', function()
    assert.is_nil(nearest('quantization', names))
    assert.is_nil(nearest('x', names))
    assert.is_nil(nearest('x', {}))
  end)
end)

describe('gan.options', function()
  local declared = options.declare {
    width = {8, 'how wide', min = 1, integer = true}, noisy = {false, 'whether'}, mode = {'a', 'which', one_of = {'a', 'b'}}, lr = 1e-3,
  }

  it('has the common ones, its own, and changed defaults', function()
    local o = declared:resolve()
    assert.equal(8, o.width)
    assert.equal(1e-3, o.lr)
    assert.equal(0.5, o.beta1)
    assert.equal("the optimizer's step size", declared:help 'lr')
    assert.equal(2e-4, options.declare({}):default 'lr')
  end)
  it('derives from others', function()
    local derived = options.declare(declared, {width = 16, depth = {2, 'how deep'}})
    assert.equal(16, derived:resolve().width)
    assert.equal(2, derived:resolve().depth)
    assert.equal(8, declared:resolve().width)
    assert.equal(128, options.declare('dcgan', {}):resolve().base)
  end)
  it('leaves out what a recipe has no use for', function()
    local derived = options.declare(declared, {width = 16}, {'critic_steps', 'noisy'})
    assert.same({nil, nil, 16}, {derived:resolve().critic_steps, derived:resolve().noisy, derived:resolve().width})
    local set = {from = '--set', values = {critic_steps = 2}}
    assert.error_matches(function() derived:resolve(set) end, '^%-%-set: there is no option critic_steps')
    assert.is_nil(options.declare({width = {8, 'how wide'}}, {'z'}):resolve().z)
    assert.error_matches(function() options.declare({}, {'zz'}) end, '^options: without: there is no option zz')
    assert.same({nil, 8}, {derived:default 'critic_steps', declared:default 'width'})
    assert.is_false(declared:resolve().noisy)
  end)
  it('lets later layers win and converts text', function()
    local o = declared:resolve({from = 'x.yaml', values = {width = 4, batch = 16}},
      {from = '--set', values = {width = '5', noisy = 'yes', mode = 'b'}})
    assert.same({5, 16, true, 'b'}, {o.width, o.batch, o.noisy, o.mode})
  end)
  it('refuses what it does not know, naming the nearest', function()
    assert.error_matches(function() declared:resolve {from = '--set', values = {widht = 3}} end,
      '%-%-set: there is no option widht %(did you mean width%?%)')
    assert.error_matches(function() options.declare {bacth = 3} end, 'no option bacth %(did you mean batch%?%)')
  end)
  it('refuses values of the wrong kind or range', function()
    local function refused(key, value, pattern)
      assert.error_matches(function() declared:resolve {from = 'here', values = {[key] = value}} end, pattern)
    end
    refused('batch', 'abc', 'here: batch is abc, wanted a whole number of at least 2')
    refused('width', 1.5, 'width is 1.5, wanted a whole number')
    refused('width', 0, 'wanted a whole number of at least 1')
    refused('noisy', 'perhaps', 'wanted true or false')
    refused('mode', 'c', 'wanted a or b')
    refused('beta1', 2, 'from 0 to 1')
    refused('lr', 'nan', 'wanted a number')
  end)
  it('takes sizes of any shape, and a colour', function()
    local function resolved(key, value) return options.declare({}):resolve({from = 'here', values = {[key] = value}})[key] end
    assert.equal(48, resolved('size', '48'))
    assert.equal('48x80', resolved('size', '48x80'))
    assert.equal(64, resolved('size', '64X64'))
    assert.same({48, 80}, {options.sides '48x80'})
    assert.same({32, 32}, {options.sides(32)})
    assert.equal('#ff8000', resolved('background', 'FF8000'))
    for _, bad in ipairs {'48x', 'x', '3x80', '48x80x3', 4097, 48.5, true, '64x5000'} do
      assert.error_matches(function() resolved('size', bad) end, 'here: size is .*, wanted a side or HEIGHTxWIDTH, as 64 or 48x80')
    end
    assert.error_matches(function() resolved('background', 'red') end, "wanted auto or a colour as '#ff8000'")
  end)
  it('reads back what it writes as YAML, to the last bit', function()
    local folder = command.folder()
    local odd = {
      lr = 0.1 + 0.2, a = 1 / 3, n = 25000, flag = true, word = 'uniform', yes = 'yes', text = 'a: "b"\\c', number = '12', tiny = 1e-300,
    }
    local path = command.write(folder .. '/o.yaml', options.to_yaml(odd))
    assert.same(odd, options.read_yaml(path))
    command.clean()
  end)
  it('tells what is wrong with a YAML file', function()
    local folder = command.folder()
    assert.error_matches(function() options.read_yaml(folder .. '/none.yaml') end, 'none.yaml: No such file')
    assert.error_matches(function() options.read_yaml(command.write(folder .. '/a.yaml', 'a: [1,')) end, 'a.yaml: not valid YAML')
    assert.error_matches(function() options.read_yaml(command.write(folder .. '/b.yaml', 'words')) end, 'wanted a mapping')
    assert.error_matches(function() options.read_yaml(command.write(folder .. '/c.yaml', 'a: [1, 2]')) end, 'a is not a single number')
    assert.same({}, options.read_yaml(command.write(folder .. '/d.yaml', '')))
    command.clean()
  end)
end)
