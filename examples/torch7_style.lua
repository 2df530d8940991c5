-- A GAN written as Torch7 programs were: modules, criterions, forward and backward by hand, optim with closures.
-- It learns points on a ring, which takes a few seconds: gantry examples/torch7_style.lua [STEPS]
local gantry = require 'gantry'
local torch, nn, optim = gantry.torch, gantry.nn, gantry.optim

torch.manualSeed(1)
local steps, batch, z_size = tonumber((...)) or 2000, 64, 8

local netG = nn.Sequential():add(nn.Linear(z_size, 32)):add(nn.ReLU(true)):add(nn.Linear(32, 32)):add(nn.ReLU(true)):add(nn.Linear(32, 2))
local netD = nn.Sequential():add(nn.Linear(2, 32)):add(nn.LeakyReLU(0.2, true)):add(nn.Linear(32, 32)):add(nn.LeakyReLU(0.2, true))
  :add(nn.Linear(32, 1)):add(nn.Sigmoid())
local criterion = nn.BCECriterion()

local parametersD, gradParametersD = netD:getParameters()
local parametersG, gradParametersG = netG:getParameters()
local stateD, stateG = {learningRate = 1e-3, beta1 = 0.5}, {learningRate = 1e-3, beta1 = 0.5}

local input, noise, label = torch.Tensor(batch, 2), torch.Tensor(batch, z_size), torch.Tensor(batch, 1)
local errD, errG

local function ring(points)
  local angle = torch.Tensor(batch):uniform(0, 2 * math.pi)
  points:select(2, 1):copy(torch.cos(angle))
  points:select(2, 2):copy(torch.sin(angle))
  return points
end

local function fDx()
  gradParametersD:zero()

  input:copy(ring(input))
  label:fill(1)
  local output = netD:forward(input)
  local errReal = criterion:forward(output, label)
  netD:backward(input, criterion:backward(output, label))

  noise:normal(0, 1)
  input:copy(netG:forward(noise))
  label:fill(0)
  output = netD:forward(input)
  local errFake = criterion:forward(output, label)
  netD:backward(input, criterion:backward(output, label))

  errD = errReal + errFake
  return errD, gradParametersD
end

local function fGx()
  gradParametersG:zero()
  label:fill(1)
  local output = netD:forward(netG.output)
  errG = criterion:forward(output, label)
  local gradInput = netD:updateGradInput(netG.output, criterion:backward(output, label))
  netG:backward(noise, gradInput)
  return errG, gradParametersG
end

for step = 1, steps do
  optim.adam(fDx, parametersD, stateD)
  optim.adam(fGx, parametersG, stateG)
  if step % math.max(1, math.floor(steps / 5)) == 0 then
    local radius = netG:forward(torch.Tensor(1000, z_size):normal(0, 1)):norm(2, 2)
    print(('step %d  D %.3f  G %.3f  radius %.3f +- %.3f'):format(step, errD, errG, radius:mean(), radius:std()))
  end
end
