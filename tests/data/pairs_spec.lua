-- Pairs of pictures side by side, and runs that turn the left one into the right one.
local data = require 'gantry.data'
local gan = require 'gantry.gan'
local options = require 'gantry.gan.options'
local recipes = require 'gantry.gan.recipe'
local samples = require 'gantry.gan.samples'
local score = require 'gantry.metrics.score'
local command = require 'tests.support.command'

describe('pairs', function()
  teardown(command.clean)

  it('have the scene on the right and its parts, in colours that do not change, on the left', function()
    for _, kind in ipairs {'faces', 'rooms'} do
      local set = data.open('pairs:' .. kind, {size = {32, 64}, seed = 4})
      assert.equal('pairs:' .. kind, data.absolute('pairs:' .. kind))
      local left, right = samples.pairs(set, {3, 9})
      local scenes = data.open('scenes:' .. kind, {size = 32, seed = 4})
      for k, i in ipairs {3, 9} do assert.is_true((right[k] - scenes:get(i)):abs():max() < 1e-6) end
      assert.is_true((left - right):abs():mean() > 0.1)
      -- The maps of two scenes differ less than the scenes do: only by shape.
      assert.is_true((left[1] - left[2]):abs():mean() < (right[1] - right[2]):abs():mean())
      assert.equal(20000, set:size())
    end
    assert.error_matches(function() data.open 'pairs:cats' end, "no pairs 'cats'")
    assert.error_matches(function() data.open('pairs:rooms', {size = {32, 33}}) end, 'the width is 33')
    assert.error_matches(function() data.open('pairs:rooms', {flip = true}) end, 'differently')
  end)

  it('are learned from, shown beside the truth and scored by their distance from it', function()
    local recipe, folder = recipes.load 'pix2pix', command.folder()
    local o = recipe.options:resolve {from = 'test', values = {size = 16, base = 4, batch = 2, samples = 3, steps = 3, ema = 0.5}}
    gan.session.start({recipe = recipe, options = o, data = 'pairs:faces', out = folder, quiet = true}):run()
    local run = gan.open(folder)
    local inputs, truths = run:pairs {5, 2}
    local set = data.open('pairs:faces', options.for_data(o, true))
    local left, right = samples.pairs(set, {5, 2})
    assert.same({0, 0}, {(inputs - left):abs():max(), (truths - right):abs():max()})
    assert.equal(0, (run:z {5, 2} - left):abs():max())
    local s = score.run(run, {n = 60})
    assert.is_true(s.rows[1].distance > 0.05 and s.rows[1].distance < 2)
    assert.equal(0, (command.gantry(('sample %s --n 4'):format(folder))))
    for _, line in ipairs {'walk ' .. folder, 'arith ' .. folder .. ' 1,2 - 3'} do
      local code, _, err = command.gantry(line)
      assert.equal(1, code)
      assert.matches('turns images into images; there is no z', err)
    end
    assert.error_matches(function() run:z(3, 7) end, 'there is no z with a seed')
  end)
end)
