-- Recipes: what one must have, where they are found, what is beside them.
local gan = require 'gantry.gan'
local recipes = require 'gantry.gan.recipe'
local command = require 'tests.support.command'

local function nothing() end

describe('gan.recipe', function()
  teardown(command.clean)

  it('wants a name and two networks, and knows no other fields', function()
    local function refused(r, pattern) assert.error_matches(function() gan.recipe(r) end, pattern) end
    refused({name = 'x', generator = nothing}, 'discriminator is missing')
    refused({name = 'x', generator = nothing, discriminator = nothing, dloss = nothing}, 'no field dloss %(did you mean d_loss%?%)')
    refused({name = 1}, 'name is a number, wanted a string')
    refused({name = 'x', generator = nothing, discriminator = nothing, score = 'logits'}, "wanted 'logit' or 'critic'")
    refused('x', 'got a string')
  end)

  it('is found by name or path', function()
    assert.equal('dcgan', recipes.load('dcgan').name)
    assert.equal('hinge', recipes.load('examples/own_recipe.lua').name)
    assert.error_matches(function() recipes.load 'dcgna' end, 'there is no recipe dcgna %(did you mean dcgan%?%)')
    assert.error_matches(function() recipes.load 'none/such.lua' end, 'there is no such file')
    assert.error_matches(function() recipes.load './recipes' end, 'wanted a Lua file')
    local names = {}
    for _, entry in ipairs(recipes.list()) do names[entry.name] = true end
    assert.is_true(names.dcgan)
  end)

  it('may require files beside it, which are noted', function()
    local folder = command.folder()
    command.write(folder .. '/part.lua', 'return {width = 7}')
    local path = command.write(folder .. '/mine.lua', [[
      local gan, part = require('gantry').gan, require 'part'
      return gan.recipe {name = 'mine', options = gan.options {base = {part.width, 'maps'}},
        generator = function() end, discriminator = function() end}]])
    local recipe = recipes.load(path)
    assert.equal(7, recipe.options:default 'base')
    assert.same({['mine.lua'] = path, ['part.lua'] = folder .. '/part.lua'}, recipe.files)
    assert.is_nil(package.loaded.part)
  end)

  it('tells where a broken one is broken', function()
    local folder = command.folder()
    assert.error_matches(function() recipes.load(command.write(folder .. '/a.lua', 'return 3')) end, 'does not return gan.recipe')
    assert.error_matches(function() recipes.load(command.write(folder .. '/b.lua', 'local x =')) end, 'b.lua:1')
    assert.error_matches(function() recipes.load(command.write(folder .. '/c.lua', '\nerror "no"')) end, 'c.lua:2: no')
  end)

  it('has settings beside it, found by a short name', function()
    local recipe = recipes.load 'dcgan'
    for _, name in ipairs {'demo', 'dcgan-demo', 'dcgan-demo.yaml', 'recipes/dcgan-demo.yaml', 'mnist', 'torch64', 'paper64'} do
      local path = recipes.find_settings(name, recipe)
      recipe.options:resolve {from = path, values = require('gantry.gan.options').read_yaml(path)}
    end
    assert.error_matches(function() recipes.find_settings('dcgan-dmo', recipe) end, 'did you mean dcgan%-demo%?')
  end)
end)
