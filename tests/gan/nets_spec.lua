-- The DCGAN networks: shapes for every size and kernel, the published numbers of weights, the initial weights.
local torch = require 'gantry.torch'
local autograd = require 'gantry.autograd'
local nets = require 'gantry.gan.nets'
local network = require 'gantry.gan.network'

local function shape(t)
  local s = {}
  for d = 1, t:dim() do s[d] = t:size(d) end
  return s
end

describe('nets', function()
  for _, kernel in ipairs {4, 5} do
    for _, size in ipairs {16, 28, 32, 48, 64, 128} do
      it(('has the right shapes at %dx%d, kernel %d'):format(size, size, kernel), function()
        local o = {size = size, channels = size == 28 and 1 or 3, base = 2, kernel = kernel, z_size = 5}
        local G, D = nets.dcgan_generator(o), nets.dcgan_discriminator(o)
        local images = G:forward(torch.FloatTensor(3, 5):uniform(-1, 1))
        assert.same({3, o.channels, size, size}, shape(images))
        assert.is_true(images:max() <= 1 and images:min() >= -1)
        assert.same({3, 1}, shape(D:forward(images)))
        assert.same({3, 1}, shape(D:forward(autograd.value(images)).data))
      end)
    end
  end

  for _, kernel in ipairs {4, 5} do
    for size, sides in pairs {['48x80'] = {48, 80}, ['80x48'] = {80, 48}, ['16x64'] = {16, 64}, ['28x40'] = {28, 40}} do
      it(('has the right shapes at %s, kernel %d'):format(size, kernel), function()
        for _, channels in ipairs {1, 3, 4} do
          local o = {size = size, channels = channels, base = 2, kernel = kernel, z_size = 5}
          local images = nets.dcgan_generator(o):forward(torch.FloatTensor(3, 5):uniform(-1, 1))
          assert.same({3, channels, sides[1], sides[2]}, shape(images))
          assert.same({3, 1}, shape(nets.dcgan_discriminator(o):forward(images)))
        end
      end)
    end
  end

  it("has as many weights as the paper's networks", function()
    local o = {size = 64, channels = 3, base = 128, kernel = 5, z_size = 100}
    assert.equal(18885760, network.count(nets.dcgan_generator(o)))
    assert.equal(17232768, network.count(nets.dcgan_discriminator(o)))
  end)
  it("has as many weights as dcgan.torch's", function()
    local o = {size = 64, channels = 3, base = 64, kernel = 4, z_size = 100}
    assert.equal(3576704, network.count(nets.dcgan_generator(o)))
    assert.equal(2765568, network.count(nets.dcgan_discriminator(o)))
  end)
  it('begins with N(0, 0.02), and N(1, 0.02) for the scale of batch norm', function()
    torch.manualSeed(5)
    local G = nets.dcgan_generator {size = 32, channels = 3, base = 32, kernel = 5, z_size = 100}
    for _, m in ipairs(G:listModules()) do
      if m.weight and not m.modules then
        local norm = m.running_mean ~= nil
        local n = m.weight:nElement()
        assert.near(norm and 1 or 0, m.weight:mean(), 5 * 0.02 / math.sqrt(n))
        assert.near(0.02, m.weight:std(), 5 * 0.02 / math.sqrt(2 * n))
        if m.bias then assert.equal(0, m.bias:abs():max()) end
      end
    end
  end)
  it('judges an image alone where D has layer norm, with a gradient of its gradient', function()
    torch.manualSeed(6)
    local D = nets.dcgan_discriminator({size = 16, channels = 1, base = 4, kernel = 4}, {norm = 'layer'})
    assert.equal(1, #D:findModules 'nn.LayerNormalization')
    local x = torch.rand(5, 1, 16, 16)
    local together, alone = D:forward(x):clone(), D:forward(x:narrow(1, 2, 1)):clone()
    assert.near(alone[1][1], together[2][1], 1e-5)
    local v = autograd.value(x, true)
    local slope = autograd.grad(D:forward(v):sum(), v, {create_graph = true})
    slope:pow(2):sum():backward()
    assert.is_true(D:findModules('nn.LayerNormalization')[1].gradWeight:abs():sum() > 0)
    assert.error_matches(function() nets.dcgan_discriminator({size = 16, channels = 1, base = 4, kernel = 4}, {norm = 'group'}) end,
      "norm is 'group', wanted 'batch', 'layer' or 'none'")
  end)
  it('refuses sizes and kernels it has no network for', function()
    local function refused(o, pattern) assert.error_matches(function() nets.dcgan_generator(o) end, pattern) end
    refused({size = 50, channels = 3, base = 2, kernel = 5, z_size = 5}, 'size is 50, wanted')
    refused({size = 6, channels = 3, base = 2, kernel = 5, z_size = 5}, 'size is 6, wanted')
    refused({size = '50x70', channels = 3, base = 2, kernel = 5, z_size = 5}, 'size is 50x70, wanted .* as 48x72')
    refused({size = '64x1', channels = 3, base = 2, kernel = 5, z_size = 5}, 'size is 64x1, wanted')
    refused({size = 32, channels = 3, base = 2, kernel = 3, z_size = 5}, 'kernel is 3, wanted 4 or 5')
  end)
end)
