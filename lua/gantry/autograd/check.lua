--- Gradient checks: what backward says against central differences.
-- @module gantry.autograd.check
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local shown = require('gantry.torch.class').shown
local grad = require('gantry.autograd.backward').grad
local ops = require 'gantry.autograd.ops'
local Value = require 'gantry.autograd.value'

--- Numbers in [-1, 1) of their own generator, so that a check draws nothing from the run's.
local function probe(like, generator)
  return like:clone():uniform(generator, -1, 1)
end

--- Central differences of number-valued f() with respect to every element of tensor x.
local function differences(f, x, eps)
  local flat, result = x:view(-1), x:clone():zero()
  local out = result:view(-1)
  for i = 1, flat:nElement() do
    local kept = flat[i]
    flat[i] = kept + eps
    local above = f()
    flat[i] = kept - eps
    local below = f()
    flat[i] = kept
    out[i] = (above - below) / (2 * eps)
  end
  return result
end

local function worst(found, expected, tolerance)
  local scale = math.max(1, expected:clone():abs():max())
  local difference = (found - expected):abs()
  local err = difference:max() / scale
  return err, err <= tolerance and difference:sum() < math.huge -- neither NaN
end

--- Compares fn's gradients with central differences.
-- @func fn takes one value for each input, returns a value of any size
-- @tparam table inputs contiguous DoubleTensors
-- @tparam[opt] table options order: 1, or 2 to check the gradient of the gradient too (default 1); eps (1e-5); tolerance
-- (1e-6), of the largest difference over the largest gradient or 1
-- @treturn bool whether all agree
-- @treturn number|string the largest difference, or which input disagrees and by how much
-- @usage assert(autograd.check(function(x) return x:tanh() end, {torch.DoubleTensor(3):uniform()}, {order = 2}))
return function(fn, inputs, options)
  options = options or {}
  if type(fn) ~= 'function' then native.fail('check: got %s, wanted a function', shown(fn)) end
  if type(inputs) ~= 'table' or type(options) ~= 'table' then
    native.fail('check: got %s and %s, wanted a list of inputs and a table of options', shown(inputs), shown(options))
  end
  local eps, tolerance, order = options.eps or 1e-5, options.tolerance or 1e-6, options.order or 1
  local generator = torch.Generator()
  torch.manualSeed(generator, 17)
  for i, x in ipairs(inputs) do
    if torch.typename(x) ~= 'torch.DoubleTensor' or not x:isContiguous() then
      native.fail('check: input %d: got %s, wanted a contiguous torch.DoubleTensor', i, tostring(torch.typename(x) or type(x)))
    end
  end

  local weights -- fn's result is reduced to one number by a fixed random weighting
  local function scalar(values)
    local y = fn(unpack(values))
    weights = weights or probe(y.data, generator)
    return ops.sum(ops.mul(y, weights))
  end
  local function wrap(requires_grad)
    local values = {}
    for i, x in ipairs(inputs) do values[i] = Value.new(x, requires_grad) end
    return values
  end

  local largest = 0
  local function compare(what, found, f)
    for i, x in ipairs(inputs) do
      local expected = differences(f, x, eps)
      local err, fine = worst(found[i] and found[i].data or x:clone():zero(), expected, tolerance)
      if not fine then return ('%s with respect to input %d differs by %.3g'):format(what, i, err) end
      largest = math.max(largest, err)
    end
  end

  local values = wrap(true)
  local problem = compare('the gradient', grad(scalar(values), values, {allow_unused = true}), function()
    return scalar(wrap(false)):item()
  end)
  if problem then return false, problem end

  if order >= 2 then
    local directions = {}
    for i, x in ipairs(inputs) do directions[i] = probe(x, generator) end
    --- The gradient along fixed directions, as a value; nil where fn's gradient is constant.
    local function slope(vs)
      local total
      local grads = grad(scalar(vs), vs, {create_graph = true, allow_unused = true})
      for i in ipairs(inputs) do
        if grads[i] then
          local part = ops.sum(ops.mul(grads[i], directions[i]))
          total = total and ops.add(total, part) or part
        end
      end
      return total
    end
    values = wrap(true)
    local total = slope(values)
    local found = total and total.requires_grad and grad(total, values, {allow_unused = true}) or {}
    problem = compare('the second-order gradient', found, function()
      local s = slope(wrap(true))
      return s and s:item() or 0
    end)
    if problem then return false, problem end
  end
  return true, largest
end
