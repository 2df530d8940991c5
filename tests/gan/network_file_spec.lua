-- A network in a file with what it says of itself.
local nn = require 'gantry.nn'
local torch = require 'gantry.torch'
local network_file = require 'gantry.gan.network_file'
local safetensors = require 'gantry.gan.safetensors'
local command = require 'tests.support.command'

describe('gan.network_file', function()
  teardown(command.clean)

  it('comes back in evaluation mode, with what it said', function()
    local path = command.folder() .. '/n.safetensors'
    local net = nn.Sequential():add(nn.Linear(3, 2)):add(nn.BatchNormalization(2)):add(nn.Dropout(0.5))
    net:get(2).running_mean:fill(0.25)
    network_file.write(path, 'test-1', net, {size = 3})
    local seen
    local copy, about = network_file.read(path, 'test-1', 'is no test', function(told)
      seen = told
      return told.size == 3
    end)
    assert.same({size = 3}, about)
    assert.equal(seen, about)
    local x = torch.rand(4, 3)
    assert.equal(0, (net:evaluate():forward(x) - copy:forward(x)):abs():max())
    assert.error_matches(function() network_file.read(path, 'test-2', 'is no test') end, 'n.safetensors: is no test')
    local function never() return false end
    assert.error_matches(function() network_file.read(path, 'test-1', '', never) end, 'what it says of itself cannot be read')
  end)

  it('is refused where what it says cannot be read', function()
    local path = command.folder() .. '/n.safetensors'
    for _, said in ipairs {{format = 'f'}, {format = 'f', about = '{}', network = '{'}, {format = 'f', about = '7', network = '{}'}} do
      safetensors.write(path, {{'net.weight', torch.zeros(2)}}, said)
      assert.error_matches(function() network_file.read(path, 'f', '') end, 'what it says of itself cannot be read')
    end
  end)
end)
