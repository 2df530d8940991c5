--- Checks of layers and criteria: gradients against central differences, and tensors against recorded values.
local torch = require 'gantry.torch'
local autograd = require 'gantry.autograd'
local assert = require 'luassert'

local helper = {}

local function each(x, f)
  if type(x) == 'table' then
    for i = 1, #x do each(x[i], f) end
  else
    f(x)
  end
end

local function copy(x)
  if type(x) ~= 'table' then return x:clone() end
  local r = {}
  for i = 1, #x do r[i] = copy(x[i]) end
  return r
end

local function wrap(x)
  if type(x) ~= 'table' then return autograd.value(x:clone(), true) end
  local r = {}
  for i = 1, #x do r[i] = wrap(x[i]) end
  return r
end

--- The largest distance between two tensors' elements.
function helper.distance(a, b)
  assert.same(a:size():totable(), b:size():totable())
  return a:nElement() == 0 and 0 or (a - b):abs():max()
end

function helper.near(a, b, tolerance)
  local d = helper.distance(a, b)
  assert.is_true(d <= (tolerance or 1e-10), ('the tensors differ by %g'):format(d))
end

--- The derivative of f() with respect to each element of a contiguous tensor.
local function differences(t, f)
  local flat, r = t:view(-1), t:clone():zero()
  local result, h = r:view(-1), 1e-5
  for i = 1, flat:nElement() do
    local value = flat[i]
    flat[i] = value + h
    local up = f()
    flat[i] = value - h
    local down = f()
    flat[i] = value
    result[i] = (up - down) / (2 * h)
  end
  return r
end

--- Checks a layer on an input (a tensor or a list; converted to Double here).
-- @tparam[opt] table o tolerance (1e-6); recorded: false to leave the recorded path out
function helper.check_layer(layer, input, o)
  o = o or {}
  layer:double()
  if type(input) ~= 'table' then input = input:double() else
    for i = 1, #input do input[i] = input[i]:double() end
  end
  local tolerance = o.tolerance or 1e-6
  local function run(x)
    torch.manualSeed(11)
    return layer:forward(x)
  end
  local output = run(copy(input)):clone()
  local gradOutput = output:clone():uniform(-1, 1)
  local function loss() return run(copy(input)):dot(gradOutput) end

  local parameters, gradients = layer:parameters()
  layer:zeroGradParameters()
  local used = copy(input)
  run(used)
  local gradInput = copy(layer:backward(used, gradOutput:clone()))
  local found = {}
  for i, g in ipairs(gradients or {}) do found[i] = g:clone() end

  local ins, ingrads = {}, {}
  each(input, function(t) ins[#ins + 1] = t end)
  each(gradInput, function(t) ingrads[#ingrads + 1] = t end)
  for i, t in ipairs(ins) do helper.near(ingrads[i], differences(t, loss), tolerance) end
  for i, p in ipairs(parameters or {}) do helper.near(found[i], differences(p, loss), tolerance) end

  -- scale: twice more, so three times in all
  run(copy(input))
  used = copy(input)
  run(used)
  layer:updateGradInput(used, gradOutput:clone())
  layer:accGradParameters(used, gradOutput:clone(), 2)
  if not layer.inplace then
    for i, g in ipairs(gradients or {}) do helper.near(g, found[i] * 3, 1e-9) end
  end

  if o.recorded == false then return end
  layer:zeroGradParameters()
  local before = layer.output
  local v = wrap(input)
  local out = run(v)
  assert.is_true(autograd.is_value(out))
  assert.equal(before, layer.output)
  helper.near(out.data, output)
  out:backward(gradOutput)
  local k = 0
  each(v, function(x)
    if autograd.is_value(x) then
      k = k + 1
      helper.near(x.grad, ingrads[k])
    end
  end)
  for i, g in ipairs(gradients or {}) do helper.near(g, found[i]) end
end

--- Checks a criterion on an input and a target (converted to Double).
function helper.check_criterion(criterion, input, target)
  criterion:double()
  input, target = input:double(), target:double()
  local loss = criterion:forward(input, target)
  local gradient = criterion:backward(input, target):clone()
  helper.near(gradient, differences(input, function() return criterion:forward(input, target) end), 1e-6)
  local v = autograd.value(input:clone(), true)
  local out = criterion(v, target)
  assert.is_true(math.abs(out:item() - loss) < 1e-10)
  out:backward()
  helper.near(v.grad, gradient)
end

--- Folder of the data that tests may use where it is there: GANTRY_DATA, or ../shared/data.
function helper.data(name)
  local folder = (os.getenv 'GANTRY_DATA' or '../shared/data') .. '/' .. name
  local file = io.open(folder)
  if file then file:close() end
  return file and folder
end

return helper
