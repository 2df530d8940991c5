--- What a network's convolutions give: their activations after the nonlinearity, found in any network by watching it run, and pooled to
-- a number of regions.
local ffi = require 'ffi'
local autograd = require 'gantry.autograd'
local bridge = require 'gantry.nn.bridge'
local native = require 'gantry.native'
local tensor = require 'gantry.torch.tensor'
local torch = require 'gantry.torch'

local C, check = native.C, native.check
local pool_shape_t = ffi.typeof 'gt_pool_shape'

local activations = {}

local function is_one_of(names)
  return function(m)
    for _, name in ipairs(names) do
      if torch.isTypeOf(m, 'nn.' .. name) then return true end
    end
    return false
  end
end

local is_convolution = is_one_of {'SpatialConvolution', 'SpatialFullConvolution', 'SpatialModulatedConvolution'}
local is_nonlinear = is_one_of {
  'ReLU', 'LeakyReLU', 'PReLU', 'ELU', 'Threshold', 'Tanh', 'HardTanh', 'Sigmoid', 'LogSigmoid', 'SoftPlus', 'SoftSign', 'Abs', 'Square',
}

--- Runs a network in its mode, without recording, and finds the images that a nonlinearity made of what one or more convolutions gave.
-- What the network gives in the end is not among them. Each module is run on its own: none is fused with the next.
-- @param net a network
-- @param input what it takes: a tensor, or {tensor, classes}
-- @func[opt] each called with every module that is run and its output
-- @treturn {table,...} module and output (a tensor n x channels x height x width), in the order that they ran in
function activations.of(net, input, each)
  local found, convolved, last = {}, false, nil
  local before = bridge.observer
  bridge.observer = function(m, output)
    if each then each(m, output) end
    if is_convolution(m) then
      convolved, last = true, m
    elseif not m.modules then
      last = m
      if convolved and is_nonlinear(m) and autograd.is_value(output) and output:dim() == 4 then
        found[#found + 1], convolved = {module = m, output = output.data}, false
      end
    end
  end
  local first = type(input) == 'table' and {autograd.value(input[1]), input[2]} or autograd.value(input)
  local ok, problem = pcall(autograd.no_grad, net.forward, net, first)
  bridge.observer = before
  if not ok then error(problem, 0) end
  if #found > 0 and found[#found].module == last then found[#found] = nil end
  return found
end

-- The largest number of each window of a x b pixels.
local function largest(x, a, b)
  local y, index = tensor.new(x.dtype), tensor.new(C.GT_LONG)
  check(C.gt_max_pool(y, index, x, pool_shape_t(a, b, a, b, 0, 0, 0, 1)))
  return y
end

-- Region i (from 0) of k over n pixels, as first and count: they meet without gaps, and where k does not divide n they overlap.
local function region(i, k, n)
  local from, to = math.floor(i * n / k), math.ceil((i + 1) * n / k)
  return from, to - from
end

--- The largest activation in each of k x k regions, which cover the image whatever its sides are.
-- @param x n x channels x height x width
-- @int k regions a side
-- @treturn tensor n x channels x k x k
function activations.regions(x, k)
  local n, channels, h, w = x:size(1), x:size(2), x:size(3), x:size(4)
  if h % k == 0 and w % k == 0 then return largest(x, h / k, w / k) end
  local y = torch.FloatTensor(n, channels, k, k):type(torch.type(x))
  for i = 0, k - 1 do
    for j = 0, k - 1 do
      local top, height = region(i, k, h)
      local left, width = region(j, k, w)
      local part = x:narrow(3, top + 1, height):narrow(4, left + 1, width)
      y:narrow(3, i + 1, 1):narrow(4, j + 1, 1):copy(largest(part, height, width))
    end
  end
  return y
end

--- The largest activation in each window of so many pixels a side; what is left over at the right and at the bottom is left out.
-- @param x n x channels x height x width
-- @int side at most height and width
-- @treturn tensor n x channels x floor(height / side) x floor(width / side)
function activations.windows(x, side)
  if side > math.min(x:size(3), x:size(4)) then
    native.fail('features: a window of %d pixels on maps of %dx%d', side, x:size(3), x:size(4))
  end
  return largest(x, side, side)
end

return activations
