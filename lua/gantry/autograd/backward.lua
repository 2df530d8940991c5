--- Walks back over what the tape holds, latest op first, and finds gradients: `backward` adds them to the leaves', `grad` returns them.
-- @module gantry.autograd.backward
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local tape = require 'gantry.autograd.tape'
local Value = require 'gantry.autograd.value'

local C, check, fail = native.C, native.check, native.fail
local getmetatable, setmetatable, type, tonumber = getmetatable, setmetatable, type, tonumber
local band, bor = bit.band, bit.bor
local state, track, version, is_tensor = tape.state, tape.track, tape.version, torch.isTensor

local backward = {}

local add_code = C.gt_binary_code 'add'
local passes, running = 0, 0 -- how many there were, and how many run now: one inside another's backward function or hook

--- The state of one pass. Gradients are held per value: in `grads`, by the slot of the node that made it, or in `at_leaf`. A tensor
-- that nothing holds any more is released, and so is all that a backward function made on its way, unless what it does is itself
-- recorded (create).
local Pass = {}
Pass.__index = Pass

local function wants_gradient(x) return type(x) == 'table' and getmetatable(x) == Value and x.requires_grad end

local function tensor_of(x)
  if type(x) == 'table' and getmetatable(x) == Value then return x.data end
  return x
end

--- A copy, in t's layout, of a tensor that is somebody else's: the pass releases what it holds.
local function own_copy(t)
  local r = track(native.new_tensor(t.dtype))
  check(C.gt_tensor_follow(r, t))
  check(C.gt_tensor_resize_as(r, t))
  check(C.gt_copy(r, t))
  return r
end

--- The node that v's gradient goes on to; nil for a leaf, and where history was used up (v is an input then).
local function node_of(v)
  local node = v.node
  if node and not node.spent then return node end
end

--- All nodes that the roots depend on, latest first.
-- @tparam[opt] table stop values (as keys) whose own history may be used up already
local function reachable(what, roots, stop)
  passes = passes + 1
  local mark, nodes, n, stack, top = passes, {}, 0, {}, #roots
  local last, sorted = math.huge, true
  for i = 1, top do stack[i] = roots[i] end
  while top > 0 do
    local v = stack[top]
    local node = v.node
    top = top - 1
    if node and node.mark ~= mark then
      node.mark = mark
      if not node.spent then
        n = n + 1
        nodes[n] = node
        sorted, last = sorted and node.order < last, node.order
        local inputs = node.list or node
        for i = 1, node.list and #inputs or node.op.arity do
          local x = inputs[i]
          if wants_gradient(x) then
            top = top + 1
            stack[top] = x
          end
        end
      elseif not (stop and stop[v]) then
        fail('%s: the history of this value (%s) was used up by an earlier pass; give that one {retain_graph = true}', what, node.op.name)
      end
    end
  end
  if not sorted then
    local orders, by_order = {}, {}
    for i = 1, n do orders[i], by_order[-nodes[i].order] = -nodes[i].order, nodes[i] end
    table.sort(orders)
    for i = 1, n do nodes[i] = by_order[orders[i]] end
  end
  return nodes
end

--- A pass over what the roots depend on.
-- @tparam[opt] table inputs values (as keys) whose gradients are results; nil: those of all leaves
local function new_pass(what, roots, inputs, options)
  local nodes = reachable(what, roots, inputs)
  local grads, owned, before = {}, {}, running > 0 and {}
  for i = 1, #nodes do
    grads[i], owned[i] = false, false
    if before then before[i] = nodes[i].slot end
    nodes[i].slot = i
  end
  return setmetatable({
    nodes = nodes, grads = grads, owned = owned, before = before, inputs = inputs, wanted = false,
    at_leaf = {}, owned_leaf = {}, leaves = {}, holders = {}, fresh = {n = 0}, context = {},
    create = options and options.create_graph or false, allow_changed = options and options.allow_changed or false,
  }, Pass)
end

--- With inputs: notes which nodes lead to one of them, by slot.
function Pass:find_wanted()
  local inputs, nodes, wanted = self.inputs, self.nodes, {}
  for i = 1, #nodes do wanted[i] = false end
  self.wanted = wanted
  for i = #nodes, 1, -1 do -- earliest first
    local node = nodes[i]
    local want, list = inputs[node.out] or false, node.list or node
    for k = 1, node.list and #list or node.op.arity do
      if not want and wants_gradient(list[k]) then want = self:wants(list[k]) end
    end
    wanted[i] = want
  end
end

--- Whether the gradient of a value that requires one is needed.
function Pass:wants(v)
  local wanted = self.wanted
  if not wanted then return true end
  local node = node_of(v)
  if node then return wanted[node.slot] end
  return self.inputs[v] or false
end

function Pass:needs(x)
  return wants_gradient(x) and (not self.wanted or self:wants(x))
end

--- Complains about an operand, or the result, of a node that no longer holds the numbers that its gradient is made of.
local function complain(node, what)
  fail("backward: %s of %s was changed in place after it was recorded, and the gradient needs what it held; change a clone() of it, "
    .. 'or run backward first', what, node.op.name)
end

local function want_unchanged(node, mask)
  if band(mask, 1) ~= 0 and version(tensor_of(node[1])) ~= node.version1 then complain(node, 'argument 1') end
  if band(mask, 2) ~= 0 and node.version2 and version(tensor_of(node[2])) ~= node.version2 then complain(node, 'argument 2') end
  if band(mask, 4) ~= 0 and node.version3 and version(tensor_of(node[3])) ~= node.version3 then complain(node, 'argument 3') end
  if band(mask, 8) ~= 0 and version(node.out.data) ~= node.version_out then complain(node, 'the result') end
end

function Pass:hold(g)
  if not self.create then
    local holders = self.holders
    holders[g] = (holders[g] or 0) + 1
  end
end

function Pass:drop(g)
  if self.create then return end
  local holders = self.holders
  local n = holders[g] - 1
  if n > 0 then
    holders[g] = n
  else
    holders[g] = nil
    C.gt_tensor_release(g)
  end
end

local function taken_away(node)
  fail('backward: a pass inside this one used the history up (%s); give that one {retain_graph = true}', node.op.name)
end

local add_op -- set by backward.bind

--- Adds g to the gradient of value v. What has no hook to see the whole gets it added to `grad` at once, where the pass adds to leaves.
function Pass:accumulate(v, g)
  local node = node_of(v)
  if not node and not self.inputs and v.grad and not v.hooks and not v.node then
    check(C.gt_binary(add_code, v.grad, v.grad, g, 1))
    return
  end
  local at, grads, owned = v, self.at_leaf, self.owned_leaf
  if node then at, grads, owned = node.slot, self.grads, self.owned end
  local have = grads[at]
  if not have then
    grads[at] = g
    self:hold(g)
    if not node then
      if v.node and not (self.inputs and self.inputs[v]) then taken_away(v.node) end
      self.leaves[#self.leaves + 1] = v
    end
  elseif owned[at] then
    check(C.gt_binary(add_code, have, have, g, 1))
  else
    local sum = tape.apply(add_op, have, g)
    grads[at] = sum
    self:hold(sum)
    if not self.create then
      owned[at] = true
      self:drop(have)
    end
  end
end

--- Releases what was made since the last call and is not held; the rest belongs to the scope around the pass.
function Pass:tidy(outer)
  local fresh, holders = self.fresh, self.holders
  for i = 1, fresh.n do
    local t = fresh[i]
    fresh[i] = false
    if not holders[t] then
      C.gt_tensor_release(t)
    elseif outer then
      local n = outer.n + 1
      outer.n = n
      outer[n] = t
    end
  end
  fresh.n = 0
end

--- Calls a value's hooks with its whole gradient.
-- @return the gradient, or what they put in its place
function Pass:call_hooks(v, g)
  for _, hook in ipairs(v.hooks) do
    local found = hook.fn(self.create and g or Value.new(g))
    if found ~= nil then
      local t = tensor_of(found)
      if not is_tensor(t) or t.dtype ~= v.data.dtype or C.gt_same_shape(t, v.data) == 0 then
        fail('register_hook: the hook returned a %s, wanted nothing or a gradient of the type and size of the value', torch.type(t))
      end
      if self.create then
        g = Value.is(found) and found or Value.new(t)
      elseif t ~= g then
        t = own_copy(t)
        self:hold(t)
        self:drop(g)
        g = t
      end
    end
  end
  return g
end

function Pass:through_list(node, g)
  local create, list, need, any = self.create, node.list, {}, false
  for k = 1, #list do
    need[k] = self:needs(list[k])
    any = any or need[k]
  end
  if not any then return false end
  if node.versions and not self.allow_changed then
    for k = 1, #list do
      if version(tensor_of(list[k])) ~= node.versions[k] then complain(node, 'argument ' .. k) end
    end
  end
  local operands, out = list, node.out
  if not create then
    operands, out = {}, out.data
    for k = 1, #list do operands[k] = tensor_of(list[k]) end
  end
  local found = node.op.backward({operands, node[2], node[3], out = out, need = need, recording = create}, g)
  for k = 1, #list do
    if need[k] and found[k] then self:accumulate(list[k], found[k]) end
  end
  return true
end

--- Takes one node's gradient to those of its inputs that want theirs. False where none does.
function Pass:through(node, g)
  local create, op = self.create, node.op
  if create and not op.second then fail('grad: the op %s has no gradient of its gradient', op.name) end
  if node.list then return self:through_list(node, g) end
  local x1, x2, x3, arity = node[1], node[2], node[3], op.arity
  local need1, need2, need3 = self:needs(x1), false, false
  if arity > 1 then
    need2 = self:needs(x2)
    if arity > 2 then need3 = self:needs(x3) end
  end
  if not (need1 or need2 or need3) then return false end
  if op.sees ~= 0 and not self.allow_changed then
    want_unchanged(node, bor(need1 and op.reads1 or 0, need2 and op.reads2 or 0, need3 and op.reads3 or 0))
  end
  local c, out = self.context, node.out
  if create then
    node.lent = true
    c[1], c[2], c[3], c.out = x1, x2, x3, out
  else
    c[1], c[2], c[3], c.out = tensor_of(x1), tensor_of(x2), tensor_of(x3), out.data
  end
  c[4], c[5], c[6], c[7], c.saved, c.saved2 = node[4], node[5], node[6], node[7], node.saved, node.saved2
  c.need1, c.need2, c.need3, c.recording = need1, need2, need3, create
  local g1, g2, g3 = op.backward(c, g)
  if need1 and g1 then self:accumulate(x1, g1) end
  if need2 and g2 then self:accumulate(x2, g2) end
  if need3 and g3 then self:accumulate(x3, g3) end
  return true
end

--- The history of a node is used up: lets go of what it held. What forward saved is nobody else's, unless an op that a recorded pass
-- made has it too. The result is the program's as long as it holds the value; the collector learns of the bytes that it may have.
local function spend(node)
  node.spent = true
  if not node.lent and not node.op.gives_saved then
    if node.saved then C.gt_tensor_release(node.saved) end
    if node.saved2 then C.gt_tensor_release(node.saved2) end
  end
  local store = node.out.data.store
  if store ~= nil and store.refs == 1 then native.let_go(tonumber(store.bytes)) end
  node.list, node.saved, node.saved2, node.out, node.versions = nil, nil, nil, nil, nil
  node[1], node[2], node[3], node[4], node[5], node[6], node[7] = nil, nil, nil, nil, nil, nil, nil
end

--- Walks the nodes, latest first.
-- @bool retain whether the history stays usable
function Pass:walk(retain)
  local create, grads, nodes, inputs, outer = self.create, self.grads, self.nodes, self.inputs, state.made
  if not create then state.made = self.fresh end
  for i = 1, #nodes do
    local node, g = nodes[i], grads[i]
    if g and node.spent then taken_away(node) end
    if g then
      local out = node.out
      if out.hooks then
        g = self:call_hooks(out, g)
        grads[i] = g
      end
      local observer = state.observer
      if observer then observer:begin_backward(node, g) end
      local passed = self:through(node, g)
      if observer then observer:end_backward(node) end
      if not (inputs and inputs[out]) then
        grads[i] = false
        self:drop(g)
      end
      if not create then self:tidy(outer) end
      if passed and not retain then
        nodes[i] = false
        spend(node)
      end
    end
  end
  for i, v in ipairs(self.leaves) do
    if v.hooks then self.at_leaf[v] = self:call_hooks(v, self.at_leaf[v]) end
    if i == #self.leaves and not create then self:tidy(outer) end
  end
end

--- A gradient to start from: ones for a value of one element.
function Pass:initial(v, given)
  local create = self.create
  if given == nil then
    if v.data:nElement() ~= 1 then
      fail('backward: got a value of %d elements and no gradient; reduce it to one (sum, mean) or give its gradient', v.data:nElement())
    end
    local ones = track(native.new_tensor(v.data.dtype))
    check(C.gt_tensor_resize_as(ones, v.data))
    check(C.gt_fill(ones, 1))
    return create and Value.new(ones) or ones
  end
  local t = tensor_of(given)
  if not is_tensor(t) or C.gt_same_shape(t, v.data) == 0 then
    fail('backward: the gradient given does not have the size of the value')
  end
  if create then return Value.is(given) and given or Value.new(given) end
  return own_copy(t)
end

local function start_and_walk(pass, outputs, seeds, retain)
  if pass.inputs then pass:find_wanted() end
  for i = 1, #outputs do
    local v = outputs[i]
    if pass:wants(v) then pass:accumulate(v, pass:initial(v, seeds and seeds[i])) end
  end
  pass:walk(retain)
end

--- Runs a pass: starts from the outputs, walks, and leaves recording, the scope and the slots of a pass around it as they were, also
-- after an error.
local function run(pass, outputs, seeds, retain)
  local recording, outer = state.recording, state.made
  state.recording = pass.create
  running = running + 1
  local ok, problem = xpcall(start_and_walk, native.keep_trace, pass, outputs, seeds, retain)
  running = running - 1
  state.recording, state.made = recording, outer
  if pass.before then
    for i, node in pairs(pass.nodes) do
      if node then node.slot = pass.before[i] end
    end
  end
  if not ok then error(problem, 0) end
end

--- Adds the gradients of v with respect to every leaf it depends on to the leaves' `grad`.
-- @param v a value; of one element, unless gradient is given
-- @param[opt] gradient tensor of v's size
-- @tparam[opt] table options retain_graph: keep the history for another pass; allow_changed: operands that were changed in place
-- since they were recorded are used as they are, as Torch7's modules do, where it would be an error else
function backward.backward(v, gradient, options)
  if not Value.is(v) then fail('backward: got %s, wanted a value', type(v)) end
  if not v.requires_grad then fail('backward: nothing that this value depends on requires a gradient') end
  local pass = new_pass('backward', {v}, nil, {allow_changed = options and options.allow_changed})
  run(pass, {v}, {gradient}, options and options.retain_graph)
  for _, leaf in ipairs(pass.leaves) do -- in order: leaves may share a gradient
    local g = pass.at_leaf[leaf]
    if leaf.grad then
      check(C.gt_binary(add_code, leaf.grad, leaf.grad, g, 1))
    else
      leaf.grad = g:clone()
    end
    pass:drop(g)
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
  local pass = new_pass('grad', outputs, is_input, options)
  local slots = {} -- a node that the pass uses up knows its slot no longer
  for i, x in ipairs(inputs) do
    local node = node_of(x)
    slots[i] = node and node.mark == passes and node.slot
  end
  run(pass, outputs, seeds, retain)
  local results = {}
  for i, x in ipairs(inputs) do
    local g
    if slots[i] then g = pass.grads[slots[i]] else g = pass.at_leaf[x] end
    if not g and not options.allow_unused then fail('grad: the outputs do not depend on input %d', i) end
    results[i] = g and (create and g or Value.new(g)) or nil
  end
  if single then return results[1] end
  return results
end

--- Tells backward passes which op adds gradients; called once, by gantry.autograd.ops.
function backward.bind(add) add_op = add end

return backward
