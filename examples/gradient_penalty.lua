-- Gradients of gradients: the penalty of WGAN-GP (Gulrajani et al. 2017, arXiv 1704.00028, equation 3) and its gradient with
-- respect to a small critic's weights, beside central differences: gantry examples/gradient_penalty.lua
local gantry = require 'gantry'
local torch, nn, gan, autograd = gantry.torch, gantry.nn, gantry.gan, gantry.autograd

torch.manualSeed(1)
local D = nn.Sequential()
  :add(nn.SpatialConvolution(1, 4, 4, 4, 2, 2, 1, 1)):add(nn.LeakyReLU(0.2)):add(nn.View(4 * 4 * 4)):add(nn.Linear(4 * 4 * 4, 1)):double()
local weights, gradients = D:getParameters()
local real = torch.DoubleTensor(3, 1, 8, 8):uniform(-1, 1)
local fake = torch.DoubleTensor(3, 1, 8, 8):uniform(-1, 1)
local between = gan.mix(real, fake).data

local function penalty()
  local x = autograd.value(between, true)
  local g = gantry.grad(D:forward(x):sum(), x, {create_graph = true})
  return (g:flatten(2):norm(2, 2) - 1):pow(2):mean()
end

gradients:zero()
penalty():backward()

local eps, worst = 1e-5, 0
for i = 1, weights:size(1), 7 do
  local w = weights[i]
  weights[i] = w + eps
  local above = penalty():item()
  weights[i] = w - eps
  local below = penalty():item()
  weights[i] = w
  worst = math.max(worst, math.abs((above - below) / (2 * eps) - gradients[i]))
end
print(('penalty %.6f, %d weights, largest difference from central differences %.1e'):format(penalty():item(), weights:size(1), worst))
