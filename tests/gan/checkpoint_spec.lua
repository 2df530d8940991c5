-- Checkpoints: networks as data, damaged and hostile files.
local cjson = require 'cjson'
local nn = require 'gantry.nn'
local torch = require 'gantry.torch'
local checkpoint = require 'gantry.gan.checkpoint'
local network = require 'gantry.gan.network'
local safetensors = require 'gantry.gan.safetensors'
local command = require 'tests.support.command'

local function through_file(net)
  local entries = {}
  network.tensors(net, 'N', function(name, t) entries[#entries + 1] = {name, t} end)
  local path = command.folder() .. '/n.safetensors'
  safetensors.write(path, entries, {net = cjson.encode(network.describe(net))})
  local file = safetensors.open(path)
  return network.build(cjson.decode(file.metadata.net), 'N', file)
end

describe('a network as data', function()
  teardown(command.clean)

  it('gives the same outputs again', function()
    torch.manualSeed(1)
    local net = nn.Sequential()
      :add(nn.Linear(6, 2 * 4 * 4)):add(nn.BatchNormalization(32)):add(nn.ReLU(true)):add(nn.View(2, 4, 4):setNumInputDims(1))
      :add(nn.SpatialFullConvolution(2, 4, 5, 5, 2, 2, 2, 2, 1, 1)):add(nn.SpatialBatchNormalization(4, 1e-3, 0.3)):add(nn.LeakyReLU(0.3))
      :add(nn.Sequential():add(nn.SpatialConvolution(4, 3, 3, 3, 1, 1, 1, 1):noBias()):add(nn.Sigmoid()):add(nn.Identity()))
      :add(nn.SpatialMaxPooling(2, 2, 2, 2)):add(nn.SpatialAveragePooling(2, 2)):add(nn.Dropout(0.25)):add(nn.Reshape(27))
      :add(nn.Linear(27, 2, false)):add(nn.Tanh())
    net:forward(torch.FloatTensor(5, 6):normal())
    net:evaluate()
    local x = torch.FloatTensor(5, 6):normal()
    local y = net:forward(x):clone()
    local copy = through_file(net)
    copy:evaluate()
    assert.equal(0, (copy:forward(x) - y):abs():max())
    assert.same(network.describe(net), network.describe(copy))
  end)

  it('names a module that Gantry does not know, and does not make it', function()
    local Odd = torch.class('checkpointspec.Odd', 'nn.Module')
    Odd.updateOutput = function(_, x) return x end
    assert.same({class = 'checkpointspec.Odd', unknown = true}, network.describe(Odd()))
    assert.error_matches(function() through_file(nn.Sequential():add(nn.Tanh()):add(Odd())) end,
      'N.2 is a checkpointspec.Odd, which Gantry does not know')
  end)

  it('refuses descriptions that lie', function()
    local path = command.folder() .. '/n.safetensors'
    safetensors.write(path, {{'N.weight', torch.FloatTensor(2, 3)}})
    local file = safetensors.open(path)
    local function refused(description, pattern)
      local ok, message = pcall(network.build, description, 'N', file)
      assert.is_false(ok)
      assert.matches(pattern, message)
      assert.is_nil(message:find '\n')
    end
    refused({class = 'nn.Linear', arguments = {1e5, 1e5, true}}, 'N.weight is 2x3 in the file, wanted 100000x100000')
    refused({class = 'nn.Linear', arguments = {3, 2, true}}, 'no tensor N.bias')
    refused({class = 'nn.Linear', arguments = {'os.exit()', 2}}, 'argument 1 of nn.Linear')
    refused({class = 'nn.Linear', arguments = {}}, 'wanted')
    refused({class = 'os.execute', arguments = {}}, 'does not know')
    refused({class = 'nn.Module', arguments = {}}, 'does not know')
    refused({class = 'nn.Sequential'}, 'has no modules')
    refused('nn.Linear', 'not a description')
    local deep = {class = 'nn.Tanh', arguments = {}}
    for _ = 1, 60 do deep = {class = 'nn.Sequential', modules = {deep}} end
    refused(deep, 'not a description')
  end)

  it('says what a file is not', function()
    local path = command.folder() .. '/n.safetensors'
    local one = {{'x', torch.FloatTensor {1}}}
    safetensors.write(path, one)
    assert.error_matches(function() checkpoint.open(path) end, 'not a checkpoint that this Gantry reads')
    safetensors.write(path, one, {format = 'gantry-1', options = 'a: 1', state = '{}', networks = '{', machine = '{}'})
    assert.error_matches(function() checkpoint.open(path) end, 'its networks cannot be read')
    safetensors.write(path, one, {format = 'gantry-1', options = 'a: 1', state = '{}', networks = '{}', machine = '{}'})
    assert.error_matches(function() checkpoint.open(path) end, 'its state is incomplete')
  end)
end)
