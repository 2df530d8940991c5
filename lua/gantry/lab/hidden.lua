--- What a discriminator makes of images before its verdict: the activations of its last hidden layer.
-- @module gantry.lab.hidden
local autograd = require 'gantry.autograd'
local native = require 'gantry.native'
local bridge = require 'gantry.nn.bridge'
local torch = require 'gantry.torch'

local PART = 256

local nonlinear = {}
for _, name in ipairs {'ReLU', 'LeakyReLU', 'PReLU', 'ELU', 'Tanh', 'Sigmoid', 'SoftPlus'} do nonlinear['nn.' .. name] = true end

-- The output of the last nonlinearity that gives more than one number an image.
local function last_of(net, input, n)
  local found
  local before = bridge.observer
  bridge.observer = function(m, output)
    if nonlinear[torch.type(m)] and autograd.is_value(output) and output.data:nElement() > n then found = output.data end
  end
  local ok, problem = pcall(autograd.no_grad, net.forward, net, input)
  bridge.observer = before
  if not ok then error(problem, 0) end
  return found
end

-- What D is given of some images: not every D of a run with classes takes them, which shows when it is tried.
local function input_of(run, x, labels, from, n)
  local part = autograd.value(x:narrow(1, from, n):contiguous())
  if not labels then return part end
  local both = {part, labels:narrow(1, from, n)}
  if run.D.conditional or pcall(autograd.no_grad, run.D.forward, run.D, both) then return both end
  return part
end

--- The features of images by a run's discriminator.
-- @tparam Run run
-- @param x FloatTensor n x channels x height x width, -1..1
-- @param[opt] labels LongTensor of n classes, where the run has them
-- @treturn tensor FloatTensor n x features
return function(run, x, labels)
  local rows
  for from = 1, x:size(1), PART do
    local n = math.min(PART, x:size(1) - from + 1)
    autograd.scope(function()
      local found = last_of(run.D, input_of(run, x, labels, from, n), n)
      if not found then native.fail('%s: its discriminator has no hidden layer with a nonlinearity', run.path) end
      found = found:contiguous():view(n, -1)
      rows = rows or torch.FloatTensor(x:size(1), found:size(2))
      rows:narrow(1, from, n):copy(found)
    end)
  end
  return rows
end
