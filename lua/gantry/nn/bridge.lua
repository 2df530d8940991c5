--- Between the two ways to write a module. A module with only `call`, written with ops, gets Torch7's three methods from the
-- tape; a module with only Torch7's three methods becomes an op (of first order) when it is called on recorded values.
local autograd = require 'gantry.autograd'
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local duplicate = require 'gantry.nn.duplicate'
local nested = require 'gantry.nn.nested'

local fail = native.fail
local is_value, map, each, ops = autograd.is_value, nested.map, nested.each, autograd.ops

local bridge = {}

--- Where it is set (bridge.observe): called with every module that is run on recorded values, and its output.
bridge.observer = nil

local function unobserved(before, ok, ...)
  bridge.observer = before
  if not ok then error((...), 0) end
  return ...
end

--- Runs fn and shows every module that is run in it on recorded values, in the order they run in: each on its own (gantry.nn.fused).
-- Whoever looked before is shown them first. Afterwards all is as it was.
-- @func visit visit(module, output); outputs are values, or lists of them
-- @func fn
-- @param ... its arguments
-- @return what fn returns
function bridge.observe(visit, fn, ...)
  local before = bridge.observer
  bridge.observer = function(m, output)
    if before then before(m, output) end
    visit(m, output)
  end
  return unobserved(before, xpcall(fn, native.keep_trace, ...))
end

--- Where it is set: called with every module before it is run on recorded values, and with the module and true after it; in between those,
-- with what runs in it. Where a layer does the work of the activation behind it, that is the third argument.
bridge.watcher = nil

--- True for a recorded value, and for a list with one in it.
function bridge.is_recorded(x)
  if type(x) ~= 'table' then return false end
  if is_value(x) then return true end
  for i = 1, #x do
    if bridge.is_recorded(x[i]) then return true end
  end
  return false
end

local function is_real(t) return t.dtype == native.C.GT_FLOAT or t.dtype == native.C.GT_DOUBLE end

-- ---- Torch7's methods from `call` -------------------------------------------------------------------------------------

local traces = setmetatable({}, {__mode = 'k'}) -- module -> the values of its last forward

local function trace_of(module, what)
  return traces[module] or fail('%s: %s was called before forward', torch.type(module), what)
end

--- module.output from module:call.
function bridge.update_output(module, input)
  local wrapped = map(input, function(t) return torch.isTensor(t) and autograd.value(t, is_real(t)) or t end)
  local result = module:call(wrapped)
  traces[module] = {input = wrapped, output = result}
  module.output = map(result, function(v) return is_value(v) and v.data or v end)
  return module.output
end

--- Lets go of what a module's last forward left.
function bridge.forget(module) traces[module] = nil end

-- As with any module of Torch7, backward may be called several times, and with parameters that an update has moved.
local again = {retain_graph = true, allow_changed = true}

--- Runs backward from all outputs, then calls visit with each input value and its gradient (nil where it has none).
local function run_back(trace, gradOutput, scale, visit)
  each(trace.output, gradOutput, function(v, g)
    if is_value(v) and v.requires_grad then v:backward(scale == 1 and g or g * scale, again) end
  end)
  each(trace.input, trace.input, function(v)
    if is_value(v) then
      visit(v)
      v.grad = nil
    end
  end)
end

--- module.gradInput from the tape of the last forward.
function bridge.update_grad_input(module, gradOutput)
  local trace = trace_of(module, 'updateGradInput')
  local inputs, outputs, seeds = {}, {}, {}
  each(trace.input, trace.input, function(v)
    if is_value(v) and v.requires_grad then inputs[#inputs + 1] = v end
  end)
  each(trace.output, gradOutput, function(v, g)
    if is_value(v) and v.requires_grad then outputs[#outputs + 1], seeds[#seeds + 1] = v, g end
  end)
  local found = {}
  if #outputs > 0 and #inputs > 0 then
    found = autograd.grad(outputs, inputs, {grad_outputs = seeds, retain_graph = true, allow_unused = true,
      allow_changed = true})
  end
  local by_value = {}
  for i, v in ipairs(inputs) do by_value[v] = found[i] and found[i].data end
  module.gradInput = map(trace.input, function(v)
    if not is_value(v) then return v end
    return by_value[v] or v.data:clone():zero()
  end)
  return module.gradInput
end

--- Adds scale times the parameters' gradients.
function bridge.acc_grad_parameters(module, gradOutput, scale)
  run_back(trace_of(module, 'accGradParameters'), gradOutput, scale, function() end)
end

--- Both in one pass.
function bridge.backward(module, gradOutput, scale)
  if scale ~= 1 then
    bridge.update_grad_input(module, gradOutput)
    bridge.acc_grad_parameters(module, gradOutput, scale)
    return module.gradInput
  end
  local gradients = {}
  local trace = trace_of(module, 'backward')
  run_back(trace, gradOutput, 1, function(v) gradients[v] = v.grad end)
  module.gradInput = map(trace.input, function(v)
    if not is_value(v) then return v end
    return gradients[v] or v.data:clone():zero()
  end)
  return module.gradInput
end

-- ---- an op from Torch7's methods --------------------------------------------------------------------------------------

--- A copy of the module with buffers of its own, whose parameters and gradients are the module's.
local function with_own_buffers(module)
  local memo = {}
  local parameters, gradients = module:parameters()
  for _, list in ipairs {parameters or {}, gradients or {}} do
    for _, t in ipairs(list) do memo[t] = t end
  end
  return duplicate.copy(module, memo)
end

--- The parts of a nested list, in order, and the nested list of new parts in their places.
local function parts_of(x)
  local parts = {}
  map(x, function(part) parts[#parts + 1] = part end)
  return parts
end

local function in_places(x, parts, skip)
  local i = skip or 0
  return map(x, function()
    i = i + 1
    return parts[i]
  end)
end

--- A vector cut into the parts of a nested list of tensors, in their sizes.
local function taken_apart(vector, like)
  local at = 1
  return map(like, function(part)
    local n = part:nElement()
    at = at + n
    return ops.reshape_as(ops.narrow(vector, 1, at - n, n), part)
  end)
end

--- Each call runs a copy with its own buffers, so that several calls can wait for their backward. Where parameters want
-- gradients, a leaf of one number stands first in the list: it has the call recorded even if no input wants a gradient.
-- Several outputs are one vector, which bridge.apply takes apart again.
local protocol = autograd.op {name = 'torch7_module', arity = 'list', second = false,
  forward = function(list, run)
    run.input = in_places(run.input, list, run.leaves)
    local output = run.module:updateOutput(run.input)
    run.output = output
    if torch.isTensor(output) then return output:clone() end
    local parts = parts_of(output)
    for i, part in ipairs(parts) do
      if not torch.isTensor(part) then
        fail('%s: a part of its output is a %s, wanted a tensor', torch.type(run.module), torch.type(part))
      end
      parts[i] = ops.view(part, -1)
    end
    if #parts == 0 then fail('%s: its output is a %s, wanted a tensor or a list of them', torch.type(run.module), torch.type(output)) end
    return ops.cat(parts, 1)
  end,
  backward = function(c, g)
    local run = c[2]
    local gradOutput = torch.isTensor(run.output) and g or taken_apart(g, run.output)
    local gradInput = run.module:updateGradInput(run.input, gradOutput)
    local found = {}
    if run.leaves == 1 and c.need[1] then
      run.module:accGradParameters(run.input, gradOutput, 1)
      found[1] = c[1][1]:clone():zero()
    end
    for i, gradient in ipairs(parts_of(gradInput)) do
      if c.need[i + run.leaves] then found[i + run.leaves] = gradient:clone() end
    end
    return found
  end}

--- Applies a module that has only Torch7's methods to a value, or to a nested list of values and tensors.
-- @tparam table module the module
-- @param input a value, or a nested list with one in it
-- @bool frozen whether its parameters' gradients are left alone
-- @return a value, or a nested list of them, as the module's output is
function bridge.apply(module, input, frozen)
  local parameters, gradients = module:parameters()
  local run = {module = with_own_buffers(module), input = input}
  local list = parts_of(input)
  run.leaves = not frozen and parameters ~= nil and #parameters > 0 and 1 or 0
  if run.leaves == 1 then
    -- Its gradient is 0 and changes nothing where it is added; by that place a pass knows whose gradients it stands for.
    local first = gradients[1]
    local place = first.new():set(first:storage(), first:storageOffset(), torch.LongStorage {1}, torch.LongStorage {1})
    table.insert(list, 1, autograd.leaf(parameters[1].new(1):zero(), place))
  end
  local output = protocol(list, run)
  return torch.isTensor(run.output) and output or taken_apart(output, run.output)
end

return bridge
