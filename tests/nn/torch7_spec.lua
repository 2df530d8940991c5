--- The original Torch7's numbers: a small DCGAN made and trained from a seed, and the networks that Torch7 saved.
local torch = require 'gantry.torch'
local nn = require 'gantry.nn'
local optim = require 'gantry.optim'
local helper = require 'tests.nn.helper'

local folder = helper.data 'torch7'
local describe_data = folder and describe or function(name, f) pending(name .. ' (the data is not there)', f) end

local NZ, NF, BATCH = 20, 8, 4

local function generator()
  return nn.Sequential()
    :add(nn.SpatialFullConvolution(NZ, NF * 4, 4, 4)):add(nn.SpatialBatchNormalization(NF * 4)):add(nn.ReLU(true))
    :add(nn.SpatialFullConvolution(NF * 4, NF * 2, 4, 4, 2, 2, 1, 1)):add(nn.SpatialBatchNormalization(NF * 2)):add(nn.ReLU(true))
    :add(nn.SpatialFullConvolution(NF * 2, 3, 4, 4, 2, 2, 1, 1)):add(nn.Tanh())
end

local function discriminator()
  return nn.Sequential()
    :add(nn.SpatialConvolution(3, NF, 4, 4, 2, 2, 1, 1)):add(nn.LeakyReLU(0.2, true))
    :add(nn.SpatialConvolution(NF, NF * 2, 4, 4, 2, 2, 1, 1)):add(nn.SpatialBatchNormalization(NF * 2)):add(nn.LeakyReLU(0.2, true))
    :add(nn.SpatialConvolution(NF * 2, 1, 4, 4)):add(nn.Sigmoid()):add(nn.View(1):setNumInputDims(3))
end

local function draw(m)
  local name = torch.type(m)
  if name:find 'Convolution' then
    m.weight:normal(0, 0.02)
    m:noBias()
  elseif name:find 'BatchNormalization' then
    m.weight:normal(1, 0.02)
    m.bias:zero()
  end
end

--- Everything up to the first update, from the seed.
local function start()
  torch.manualSeed(7)
  local s = {G = generator(), D = discriminator()}
  s.G:apply(draw)
  s.D:apply(draw)
  s.real = torch.FloatTensor(BATCH, 3, 16, 16):uniform(-1, 1)
  return s
end

--- One update of each network on the tensor protocol; G's uses what D said of the fake images before its own update.
local function trainer(s)
  local criterion = nn.BCECriterion()
  local pD, gD = s.D:getParameters()
  local pG, gG = s.G:getParameters()
  local noise, label = torch.FloatTensor(BATCH, NZ, 1, 1), torch.FloatTensor(BATCH)
  local input = torch.FloatTensor(BATCH, 3, 16, 16)
  local stateD, stateG = {learningRate = 2e-4, beta1 = 0.5}, {learningRate = 2e-4, beta1 = 0.5}

  local function loss_D(images, target)
    input:copy(images)
    label:fill(target)
    local output = s.D:forward(input)
    local loss = criterion:forward(output, label)
    s.D:backward(input, criterion:backward(output, label))
    return loss
  end
  local function feval_D()
    gD:zero()
    local real = loss_D(s.real, 1)
    noise:normal(0, 1)
    return real + loss_D(s.G:forward(noise), 0), gD
  end
  local function feval_G()
    gG:zero()
    label:fill(1)
    local loss = criterion:forward(s.D.output, label)
    s.G:backward(noise, s.D:updateGradInput(input, criterion:backward(s.D.output, label)))
    return loss, gG
  end
  return function()
    local _, d = optim.adam(feval_D, pD, stateD)
    local _, g = optim.adam(feval_G, pG, stateG)
    return d[1], g[1]
  end
end

local function assert_near_networks(a, b, tolerance)
  local p, q = a:parameters(), b:parameters()
  assert.equal(#q, #p)
  for i = 1, #p do helper.near(p[i], q[i], tolerance) end
end

describe_data("Torch7's numbers", function()
  it('networks drawn from its seed are the ones it drew', function()
    local mine, theirs = start(), torch.load(folder .. '/start.t7')
    assert_near_networks(mine.G, theirs.G, 1e-8)
    assert_near_networks(mine.D, theirs.D, 1e-8)
    helper.near(mine.real, theirs.real, 0)
    assert.equal(tostring(mine.D), tostring(theirs.D))
    assert.equal(tostring(mine.G), tostring(theirs.G))
  end)

  it('ten updates give its losses to 1e-6, its weights and its image', function()
    local s = start()
    local update = trainer(s)
    local worst = 0
    for line in io.lines(folder .. '/losses.txt') do
      local _, d, g = line:match '(%S+) (%S+) (%S+)'
      local my_d, my_g = update()
      worst = math.max(worst, math.abs(my_d / tonumber(d) - 1), math.abs(my_g / tonumber(g) - 1))
    end
    assert.is_true(worst < 1e-6, ('the losses differ by %.3g'):format(worst))

    local theirs = torch.load(folder .. '/end.t7')
    assert_near_networks(s.G, theirs.G, 1e-5)
    assert_near_networks(s.D, theirs.D, 1e-5)
    helper.near(s.G:get(2).running_var, theirs.G:get(2).running_var, 1e-5)
    helper.near(s.G:evaluate():forward(theirs.z), theirs.image, 1e-5)
  end)

  it('a network that it saved runs', function()
    local theirs = torch.load(folder .. '/end.t7')
    helper.near(theirs.G:forward(theirs.z), theirs.image, 1e-6)
    assert.same({2, 1}, theirs.D:forward(theirs.image):size():totable())
    theirs.D:backward(theirs.image, torch.FloatTensor(2, 1):fill(1))
    assert.equal(theirs.G:getParameters():nElement(), theirs.G:clone():double():getParameters():nElement())
  end)
end)
