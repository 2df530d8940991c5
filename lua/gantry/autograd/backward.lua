--- Gradients: `backward` adds them to the leaves', `grad` returns them. gantry.autograd.pass finds them.
-- @module gantry.autograd.backward
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local Pass = require 'gantry.autograd.pass'
local tape = require 'gantry.autograd.tape'
local Value = require 'gantry.autograd.value'

local C, check, fail, is_tensor = native.C, native.check, native.fail, torch.isTensor
local add_code = C.gt_binary_code 'add'

local backward = {}

--- Adds the gradients of v with respect to every leaf it depends on to the leaves' `grad`.
-- @param v a value; of one element, unless gradient is given
-- @param[opt] gradient tensor of v's size
-- @tparam[opt] table options retain_graph: keep the history for another pass, or (a list of values) that of those values;
-- allow_changed: operands that were changed in place since they were recorded are used as they are, as Torch7's modules do, where it would
-- be an error else, or (a list of tensors) those that lie in their memory are; into: a list of tensors (vectors of gradients): only leaves
-- whose `grad` lies in their memory get gradients
function backward.backward(v, gradient, options)
  if not Value.is(v) then fail('backward: got %s, wanted a value', type(v)) end
  if not v.requires_grad then fail('backward: nothing that this value depends on requires a gradient') end
  local how = options and {retain_graph = options.retain_graph, allow_changed = options.allow_changed, into = options.into}
  local pass = Pass.new('backward', {v}, nil, how)
  pass:run({v}, {gradient})
  for _, leaf in ipairs(pass.leaves) do -- in order: leaves may share a gradient
    local g = pass.at_leaf[leaf]
    if leaf.grad then
      check(C.gt_binary(add_code, leaf.grad, leaf.grad, g, 1))
      C.gt_tensor_release(g)
    elseif C.gt_is_contiguous(g) ~= 0 and g.store ~= nil and g.store.refs == 1 then
      leaf.grad = g
    else
      leaf.grad = g:clone()
      C.gt_tensor_release(g)
    end
  end
end

local function want_values(what, list)
  if type(list) ~= 'table' or #list == 0 then
    fail('grad: %s: got %s, wanted a value or a list of values', what, type(list) == 'table' and 'an empty list' or torch.type(list))
  end
  for i = 1, #list do
    if not Value.is(list[i]) then fail('grad: %s: entry %d is a %s, wanted a value', what, i, torch.type(list[i])) end
  end
end

--- Gradients of outputs with respect to inputs, as values.
-- @param outputs a value, or a list of values
-- @param inputs a value, or a list of values
-- @tparam[opt] table options create_graph: the gradients are recorded and can be differentiated again; retain_graph: keep
-- the history (default: create_graph); grad_outputs: a tensor or value, or a list, one for each output; allow_unused: nil
-- instead of an error for an input that the outputs do not depend on; allow_changed: as for backward
-- @return a value for a single input, else a list
-- @usage local g = gantry.grad(D(x):sum(), x, {create_graph = true})
function backward.grad(outputs, inputs, options)
  options = options or {}
  local single = Value.is(inputs)
  if Value.is(outputs) then outputs = {outputs} end
  if single then inputs = {inputs} end
  want_values('outputs', outputs)
  want_values('inputs', inputs)
  for i, x in ipairs(inputs) do
    if not x.requires_grad then fail('grad: input %d does not require a gradient (autograd.value(tensor, true) does)', i) end
  end
  local seeds = options.grad_outputs
  if seeds ~= nil and (is_tensor(seeds) or Value.is(seeds)) then seeds = {seeds} end
  local create, retain, is_input = options.create_graph or false, options.retain_graph, {}
  if retain == nil then retain = create end
  for i = 1, #inputs do is_input[inputs[i]] = true end
  local how = {create_graph = create, retain_graph = retain, allow_changed = options.allow_changed}
  local pass = Pass.new('grad', outputs, is_input, how)
  local slots = {} -- a node that the pass uses up knows its slot no longer
  for i, x in ipairs(inputs) do slots[i] = Pass.slot_of(x) end
  pass:run(outputs, seeds)
  local results = {}
  for i, x in ipairs(inputs) do
    local g
    if slots[i] then g = pass.grads[slots[i]] else g = pass.at_leaf[x] end
    if not g and not options.allow_unused then fail('grad: the outputs do not depend on input %d', i) end
    results[i] = g and (create and g or Value.new(tape.track(g))) or nil
  end
  if single then return results[1] end
  return results
end

return backward
