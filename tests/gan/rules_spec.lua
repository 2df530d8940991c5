-- bench/rules/opposite.lua: with the paper's rules it is the recipe dcgan, and each opposite differs from it in what its name says.
local torch = require 'gantry.torch'
local gan = require 'gantry.gan'

local function options(recipe, rule)
  local values = {size = 16, base = 4, channels = 1, kernel = 5, z_size = 6, batch = 8, rule = rule}
  return recipe.options:resolve {from = 'test', values = values}
end

local function network(which, rule)
  local recipe = gan.load_recipe 'bench/rules/opposite.lua'
  torch.manualSeed(3)
  return recipe[which](options(recipe, rule))
end

-- 'nn.Linear BatchNormalization ...' of a network.
local function classes(net)
  local list = {}
  for _, m in ipairs(net:listModules()) do
    if not m.modules then list[#list + 1] = torch.type(m):match '^nn%.(.*)$' end
  end
  return table.concat(list, ' ')
end

describe('bench/rules/opposite.lua', function()
  local G, D

  setup(function() G, D = network('generator', 'paper'), network('discriminator', 'paper') end)

  it("is the recipe dcgan with the paper's rules", function()
    local dcgan = gan.load_recipe 'dcgan'
    for _, which in ipairs {'generator', 'discriminator'} do
      torch.manualSeed(3)
      local net = dcgan[which](options(gan.load_recipe 'bench/rules/opposite.lua', 'paper'))
      assert.equal(gan.hash(net), gan.hash(network(which, 'paper')))
    end
  end)

  -- What is replaced in the list of classes of G, of D, and how often.
  local changes = {
    ['no-norm'] = {{'BatchNormalization', 'CAdd', 1, 'SpatialCAdd', 'CAdd'}, {'SpatialBatchNormalization', 'CAdd', 1}},
    relu = {nil, {'LeakyReLU', 'ReLU', 2}},
    linear = {{' Tanh', '', 1}},
    ['norm-everywhere'] = {{'Tanh', 'SpatialBatchNormalization Tanh', 1}, {'^SpatialConvolution', '%0 SpatialBatchNormalization', 1}},
    pooling = {
      {'SpatialFullConvolution', 'SpatialUpSamplingNearest SpatialConvolution', 2}, {'SpatialConvolution', '%0 SpatialMaxPooling', 2},
    },
    hidden = {
      {'^Linear BatchNormalization ReLU', '%0 %0', 1}, {'Linear$', 'Linear BatchNormalization LeakyReLU Linear', 1},
    },
    average = {nil, {'View', 'SpatialAveragePooling View', 1}},
  }
  for rule, wanted in pairs(changes) do
    it('has ' .. rule, function()
      for k, which in ipairs {'generator', 'discriminator'} do
        local paper, change = classes(k == 1 and G or D), wanted[k]
        local expected = paper
        if change then
          local count
          expected, count = paper:gsub(change[1], change[2])
          if change[4] then expected = expected:gsub(change[4], change[5]) else assert.equal(change[3], count) end
        end
        local net = network(which, rule)
        assert.equal(expected, classes(net))
        for _, m in ipairs(net:findModules 'nn.CAdd') do assert.equal(0, m.bias:abs():max()) end
      end
      local recipe = gan.load_recipe 'bench/rules/opposite.lua'
      local report = require('gantry.gan.tryout').run(recipe, options(recipe, rule))
      assert.same({}, report.problems)
    end)
  end
end)
