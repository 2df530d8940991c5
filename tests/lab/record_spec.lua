-- What an experiment writes, and reads again.
local torch = require 'gantry.torch'
local record = require 'gantry.lab.record'
local command = require 'tests.support.command'

describe('lab.record', function()
  teardown(command.clean)

  it('writes figures and pictures, and reads them', function()
    local out = command.folder() .. '/lab'
    local r = record.new('walk', {out = out, seed = 7, about = {frames = 9}})
    r:figure('smoothness', {value = 1.5, low = 1.25, high = 1.75, n = 72, paper = 'no jumps'})
    assert.equal(out .. '/walk.png', r:picture(torch.FloatTensor(3, 8, 8):fill(0.5)))
    assert.equal(out .. '/walk-two.png', r:picture(torch.FloatTensor(3, 8, 8):fill(0.5), 'two', 'gray'))
    command.write(out .. '/walk-moving.png', command.read(out .. '/walk.png'))
    assert.equal(out .. '/walk-moving.png', r:file(out .. '/walk-moving.png', 'moving'))
    r:finish()
    command.write(out .. '/other.json', '{"x": 1}')
    command.write(out .. '/broken.json', '{')
    local found = record.read(out)
    assert.equal(1, #found)
    local c = found[1]
    assert.equal('walk', c.experiment)
    assert.equal(7, c.seed)
    assert.equal(9, c.about.frames)
    assert.is_true(c.seconds >= 0)
    assert.same({{name = 'smoothness', value = 1.5, low = 1.25, high = 1.75, n = 72, paper = 'no jumps'}}, c.figures)
    assert.same({{file = 'walk.png'}, {file = 'walk-two.png', caption = 'gray'},
      {file = 'walk-moving.png', caption = 'moving'}}, c.pictures)
    assert.equal("1.5 (1.25 to 1.75), n = 72, the paper's: no jumps", record.text(c.figures[1]))
    assert.equal('28672', record.rounded(28672))
    assert.equal('2.867e+04', record.rounded(28672.5))
  end)

  it('makes figures of what statistics tell', function()
    assert.same({value = 0.25, low = 0.1, high = 0.5, n = 8}, record.number {mean = 0.25, low = 0.1, high = 0.5, n = 8})
    assert.same({value = 25, low = 10, high = 50, n = 8, paper = 'p'},
      record.percent({share = 0.25, low = 0.1, high = 0.5, n = 8}, {paper = 'p'}))
    assert.same({value = -50, low = -75, high = 0, n = 3}, record.percent {difference = -0.5, low = -0.75, high = 0, n = 3})
    assert.same({value = 2, low = 1, high = 3, n = 9}, record.number({ratio = 2, low = 1, high = 3}, {n = 9}))
  end)

  it('says what is wrong', function()
    assert.error_matches(function() record.new('a b', {}) end, 'record: got a b, wanted a name')
    assert.error_matches(function() record.new('a', {}) end, 'record: a: out is missing')
    local x = command.folder()
    local r = record.new('a', {out = x})
    assert.error_matches(function() r:figure('f', {}) end, 'figure f has no value')
    for _, path in ipairs {'y/a.png', x .. '/y/a.png', x .. '/a b.png', x .. '/a.gif', x} do
      assert.error_matches(function() r:file(path) end, 'record: got ' .. path .. ', wanted a PNG in ' .. x)
    end
    assert.error_matches(function() r:file(x .. '/a.png') end, 'record: ' .. x .. '/a.png is not there')
    -- Before anything is computed.
    assert.error_matches(function() record.new('a', {out = command.write(x .. '/file', '')}) end, 'file: is a file, wanted a directory')
    assert.same({}, record.read '/nonexistent')
  end)

  it('gantry lab: help, and names that are not there', function()
    local code, out = command.gantry 'lab --help'
    assert.equal(0, code)
    assert.matches('Usage: gantry lab EXPERIMENT', out)
    local err
    code, out, err = command.gantry 'lab svmm'
    assert.equal(2, code)
    assert.equal('', out)
    assert.matches('lab: there is no experiment svmm', err)
  end)
end)
