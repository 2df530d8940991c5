--- The tape: applies ops, remembers how values came about, and walks back over that to find gradients of any order.
--
-- An op's backward is written with ops again. In a plain backward pass those run on tensors and leave no trace; with
-- create_graph they run on values and are recorded like everything else, so that gradients of gradients need nothing more.
-- @module gantry.autograd.tape
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local Value = require 'gantry.autograd.value'

local C, check, fail = native.C, native.check, native.fail
local getmetatable, setmetatable, type, tonumber = getmetatable, setmetatable, type, tonumber
local band, bor = bit.band, bit.bor
local is_tensor, shown = torch.isTensor, require('gantry.torch.class').shown

local tape = {}

local recording = true -- false inside no_grad
local sequence = 0 -- of the last node; inputs always have smaller numbers
local observer -- who is told of every op and every step of a backward pass, or nil
local made -- tensors made in the innermost scope, or nil outside of any

local add_code = C.gt_binary_code 'add'

--- Remembers a tensor that an op made beside its result, so that the scope it was made in can release it.
-- @return t
local function track(t)
  if made then made[#made + 1] = t end
  return t
end
tape.track = track

--- How often a tensor's storage has been written to.
local function version(t)
  local s = t.store
  if s ~= nil then return tonumber(s.version) end
  return 0
end

--- Notes the versions of what an op's backward reads, so that it can tell whether that was changed in place since.
local function note_versions(node, sees, a, b, c, out)
  if band(sees, 1) ~= 0 then node.version1 = version(a) end
  if band(sees, 2) ~= 0 and b then node.version2 = version(b) end
  if band(sees, 4) ~= 0 and c then node.version3 = version(c) end
  if band(sees, 8) ~= 0 then node.version_out = version(out) end
end

--- Applies an op to up to seven arguments, of which the first op.arity may be values.
-- @param op an entry of the op table
-- @return a value if any of them was one, else a tensor; then, if op.gives_saved, what the op's forward saved first
function tape.apply(op, a, b, c, d, e, f, g)
  local ta, tb, tc = a, b, c
  local any, needs = false, false
  if type(a) == 'table' and getmetatable(a) == Value then
    ta, any, needs = a.data, true, a.requires_grad
  end
  if op.arity > 1 then
    if type(b) == 'table' and getmetatable(b) == Value then
      tb, any, needs = b.data, true, needs or b.requires_grad
    end
    if op.arity > 2 and type(c) == 'table' and getmetatable(c) == Value then
      tc, any, needs = c.data, true, needs or c.requires_grad
    end
  end
  if not is_tensor(ta) then Value.tensor(a, op.name, 1) end
  if op.arity == 2 then
    if not is_tensor(tb) then Value.tensor(b, op.name, 2) end
  elseif op.arity == 3 then
    if tb ~= nil and not is_tensor(tb) then Value.tensor(b, op.name, 2) end
    if tc ~= nil and not is_tensor(tc) then Value.tensor(c, op.name, 3) end
  end
  if op.check then op.check(b, c, d, e, f, g) end
  if observer then observer:begin_op(op, ta, tb) end
  local out, saved, saved2 = op.forward(ta, tb, tc, d, e, f, g)
  if observer then observer:end_op(op, out, ta, tb, tc, d, e) end
  if made then
    track(out)
    if saved then track(saved) end
    if saved2 then track(saved2) end
  end
  if any then
    if needs and recording then
      sequence = sequence + 1
      local node = {
        op = op, order = sequence, out = false, saved = saved, saved2 = saved2, version1 = false, version2 = false, version3 = false,
        version_out = false, a, b, c, d, e, f, g,
      }
      if op.sees ~= 0 then note_versions(node, op.sees, ta, tb, tc, out) end
      if observer then node.layer = observer.layer end
      out = setmetatable({data = out, requires_grad = true, node = node}, Value)
      node.out = out
    else
      out = setmetatable({data = out, requires_grad = false}, Value)
    end
  end
  if op.gives_saved then return out, saved end
  return out
end

--- Applies an op whose first argument is a list of tensors or values.
function tape.apply_list(op, list, b, c)
  local inputs, tensors, any, needs = {}, {}, false, false -- inputs: the caller may go on using its list
  for i = 1, #list do
    local x = list[i]
    inputs[i], tensors[i] = x, x
    if Value.is(x) then
      tensors[i], any, needs = x.data, true, needs or x.requires_grad
    elseif not is_tensor(x) then
      Value.tensor(x, op.name, i)
    end
  end
  if op.check then op.check(b, c) end
  if observer then observer:begin_op(op) end
  local out = track(op.forward(tensors, b, c))
  if observer then observer:end_op(op, out, unpack(tensors, 1, 3)) end
  if not any then return out end
  local v = setmetatable({data = out, requires_grad = false}, Value)
  if needs and recording then
    sequence = sequence + 1
    v.requires_grad = true
    v.node = {op = op, order = sequence, out = v, list = inputs, layer = observer and observer.layer, inputs, b, c}
    if op.sees ~= 0 then
      local versions = {}
      for i = 1, #tensors do versions[i] = version(tensors[i]) end
      v.node.versions = versions
    end
  end
  return v
end

--- Runs fn(...) without recording; what it returns has no history.
function tape.no_grad(fn, ...)
  if type(fn) ~= 'function' then fail('no_grad: got %s, wanted a function', shown(fn)) end
  local before = recording
  recording = false
  local function finish(ok, ...)
    recording = before
    if not ok then error((...), 0) end
    return ...
  end
  return finish(xpcall(fn, native.keep_trace, ...))
end

--- Has somebody told of everything that is computed, from now on: how `gantry profile` knows what a step does.
-- @tparam[opt] table new nil: nobody. Else with the functions begin_op(op, a, b) and end_op(op, result, a, b, c, d, e), on tensors;
-- begin_backward(node, g) and end_backward(node) around each node of a backward pass; and the field layer, which recorded nodes note
-- @treturn[opt] table who was told until now
function tape.observe(new)
  local before = observer
  observer = new
  return before
end

--- Whether ops on values are being recorded.
function tape.is_recording() return recording end

--- Marks tensors inside a returned value, tensor or table, so that the end of the scope spares them. Values recorded in
-- the scope, after node number `began`, lose their history.
local function keep(x, kept, began, depth)
  if is_tensor(x) then
    kept[x] = true
  elseif Value.is(x) then
    kept[x.data] = true
    if x.node and x.node.order > began then x.node, x.requires_grad = nil, false end
  elseif type(x) == 'table' and depth < 4 then
    for _, y in pairs(x) do keep(y, kept, began, depth + 1) end
  end
end

--- Runs fn(...) and at its end releases the memory of everything that ops made in it, except what fn returns (values and
-- tensors, also in tables). Values made in it are returned as constants. Using anything else afterwards is an error that says so.
-- A training step inside a scope uses the same memory again and again, whatever the garbage collector does.
function tape.scope(fn, ...)
  if type(fn) ~= 'function' then fail('scope: got %s, wanted a function', shown(fn)) end
  local outer, began = made, sequence
  local mine = {}
  made = mine
  local function finish(ok, ...)
    made = outer
    local kept = {}
    if ok then
      for i = 1, select('#', ...) do keep((select(i, ...)), kept, began, 1) end
    end
    for i = 1, #mine do
      local t = mine[i]
      if not kept[t] then
        C.gt_tensor_release(t)
      elseif outer then
        outer[#outer + 1] = t
      end
    end
    if not ok then error((...), 0) end
    return ...
  end
  return finish(xpcall(fn, native.keep_trace, ...))
end

local function later_first(p, q) return p.order > q.order end

--- All nodes that the roots depend on, latest first.
-- @tparam table stop values (as keys) whose own history may be used up already
local function reachable(what, roots, stop)
  local nodes, seen, stack = {}, {}, {}
  for i = 1, #roots do stack[i] = roots[i] end
  local top = #stack
  while top > 0 do
    local v = stack[top]
    local node = v.node
    stack[top], top = nil, top - 1
    if node and not seen[node] then
      seen[node] = true
      if not node.spent then
        nodes[#nodes + 1] = node
        local inputs, n = node.list or node, node.list and #node.list or node.op.arity
        for i = 1, n do
          local x = inputs[i]
          if Value.is(x) and x.requires_grad then stack[top + 1], top = x, top + 1 end
        end
      elseif not (stop and stop[v]) then
        fail('%s: the history of this value (%s) was used up by an earlier pass; give that one {retain_graph = true}', what, node.op.name)
      end
    end
  end
  table.sort(nodes, later_first)
  return nodes
end

--- The state of one backward pass. Gradients are held per value; a tensor that nothing holds any more is released, and so
-- is all that a backward function made on its way, unless what it does is itself recorded (create_graph).
local Pass = {}
Pass.__index = Pass

local function new_pass(create_graph, allow_changed)
  return setmetatable({
    grads = {}, leaves = {}, owned = {}, holders = {}, fresh = {}, create_graph = create_graph, allow_changed = allow_changed,
  }, Pass)
end

local function tensor_of(x) return Value.is(x) and x.data or x end

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
  if not self.create_graph then self.holders[g] = (self.holders[g] or 0) + 1 end
end

function Pass:drop(g)
  if self.create_graph then return end
  local n = self.holders[g] - 1
  self.holders[g] = n > 0 and n or nil
  if n == 0 then C.gt_tensor_release(g) end
end

local add_op -- set by tape.bind

--- Adds g to the gradient of value v.
function Pass:accumulate(v, g)
  local have = self.grads[v]
  if not have then
    self.grads[v] = g
    self:hold(g)
    if not v.node then self.leaves[#self.leaves + 1] = v end
  elseif self.owned[v] then
    check(C.gt_binary(add_code, have, have, g, 1))
  else
    local sum = tape.apply(add_op, have, g)
    self.grads[v] = sum
    self:hold(sum)
    if not self.create_graph then
      self.owned[v] = true
      self:drop(have)
    end
  end
end

--- Releases what was made since the last call and is not held; the rest belongs to the scope around the pass.
function Pass:tidy(outer)
  local fresh, holders = self.fresh, self.holders
  for i = 1, #fresh do
    local t = fresh[i]
    if not holders[t] then
      C.gt_tensor_release(t)
    elseif outer then
      outer[#outer + 1] = t
    end
    fresh[i] = nil
  end
end

--- Takes one node's gradient to those of its inputs that want theirs. False where none does.
function Pass:through(node, g, wanted)
  local create, op = self.create_graph, node.op
  local list, x1, x2, x3 = node.list, node[1], node[2], node[3]
  local need, need1, need2, need3 = nil, false, false, false
  if list then
    need = {}
    for k = 1, #list do
      local x = list[k]
      need[k] = Value.is(x) and x.requires_grad and (not wanted or wanted[x]) or false
      need1 = need1 or need[k]
    end
  else
    need1 = Value.is(x1) and x1.requires_grad and (not wanted or wanted[x1]) or false
    if op.arity > 1 then
      need2 = Value.is(x2) and x2.requires_grad and (not wanted or wanted[x2]) or false
      need3 = Value.is(x3) and x3.requires_grad and (not wanted or wanted[x3]) or false
    end
  end
  if not (need1 or need2 or need3) then return false end
  if create and not op.second then fail('grad: the op %s has no gradient of its gradient', op.name) end
  if op.sees ~= 0 and not self.allow_changed then
    if list then
      for k = 1, #list do
        if version(tensor_of(list[k])) ~= node.versions[k] then complain(node, 'argument ' .. k) end
      end
    else
      want_unchanged(node, bor(need1 and op.reads1 or 0, need2 and op.reads2 or 0, need3 and op.reads3 or 0))
    end
  end

  local out = node.out
  if list then
    local operands = list
    if not create then
      operands = {}
      for k = 1, #list do operands[k] = Value.is(list[k]) and list[k].data or list[k] end
    end
    local found = op.backward({operands, x2, x3, out = create and out or out.data, need = need, recording = create}, g)
    for k = 1, #list do
      if need[k] and found[k] then self:accumulate(list[k], found[k]) end
    end
    return true
  end
  if not create then
    x1 = Value.is(x1) and x1.data or x1
    x2 = Value.is(x2) and x2.data or x2
    x3 = Value.is(x3) and x3.data or x3
    out = out.data
  end
  local g1, g2, g3 = op.backward({x1, x2, x3, node[4], node[5], node[6], node[7], out = out, saved = node.saved, saved2 = node.saved2,
    need1 = need1, need2 = need2, need3 = need3, recording = create}, g)
  if need1 and g1 then self:accumulate(node[1], g1) end
  if need2 and g2 then self:accumulate(node[2], g2) end
  if need3 and g3 then self:accumulate(node[3], g3) end
  return true
end

--- Walks the nodes, latest first.
-- @tparam table wanted values (as keys) whose gradients are needed; nil: those of all that require one
-- @tparam table asked values whose gradients are results
-- @bool retain whether the history stays usable
function Pass:walk(nodes, wanted, asked, retain)
  local create, grads, outer = self.create_graph, self.grads, made
  if not create then made = self.fresh end
  for i = 1, #nodes do
    local node = nodes[i]
    local out = node.out
    local g = grads[out]
    if g then
      if observer then observer:begin_backward(node, g) end
      local passed = self:through(node, g, wanted)
      if observer then observer:end_backward(node) end
      if not (asked and asked[out]) then
        grads[out] = nil
        self:drop(g)
      end
      if not create then self:tidy(outer) end
      if passed and not retain then
        -- The history is used up: let go of what it held.
        node.spent = true
        node.list, node.saved, node.saved2 = nil, nil, nil
        for k = 1, 7 do node[k] = nil end
      end
    end
  end
end

--- Runs a pass: starts from the outputs, walks, and leaves recording and the scope as they were, also after an error.
local function run(pass, outputs, seeds, nodes, wanted, asked, retain)
  local before, outer = recording, made
  recording = pass.create_graph
  local ok, problem = xpcall(function()
    for i = 1, #outputs do
      local v = outputs[i]
      if not wanted or wanted[v] then pass:accumulate(v, pass:initial(v, seeds and seeds[i])) end
    end
    pass:walk(nodes, wanted, asked, retain)
  end, native.keep_trace)
  recording, made = before, outer
  if not ok then error(problem, 0) end
end

--- Which values lead to one of `inputs`, themselves included.
local function leading_to(nodes, inputs)
  local wanted = {}
  for v in pairs(inputs) do wanted[v] = true end
  for i = #nodes, 1, -1 do -- earliest first
    local node = nodes[i]
    local list, n = node.list or node, node.list and #node.list or node.op.arity
    for k = 1, n do
      local x = list[k]
      if Value.is(x) and wanted[x] then wanted[node.out] = true end
    end
  end
  return wanted
end

--- A gradient to start from: ones for a value of one element.
function Pass:initial(v, given)
  local create = self.create_graph
  if given == nil then
    if v.data:nElement() ~= 1 then
      fail('backward: got a value of %d elements and no gradient; reduce it to one (sum, mean) or give its gradient', v.data:nElement())
    end
    local ones = track(v.data:clone():fill(1))
    return create and Value.new(ones) or ones
  end
  local t = Value.is(given) and given.data or given
  if not is_tensor(t) or C.gt_same_shape(t, v.data) == 0 then
    fail('backward: the gradient given does not have the size of the value')
  end
  if create then return Value.is(given) and given or Value.new(given) end
  return track(t:clone()) -- the pass releases what it is given
end

--- Adds the gradients of v with respect to every leaf it depends on to the leaves' `grad`.
-- @param v a value; of one element, unless gradient is given
-- @param[opt] gradient tensor of v's size
-- @tparam[opt] table options retain_graph: keep the history for another pass; allow_changed: operands that were changed in place
-- since they were recorded are used as they are, as Torch7's modules do, where it would be an error else
function tape.backward(v, gradient, options)
  if not Value.is(v) then fail('backward: got %s, wanted a value', type(v)) end
  if not v.requires_grad then fail('backward: nothing that this value depends on requires a gradient') end
  local pass, nodes = new_pass(false, options and options.allow_changed), reachable('backward', {v})
  run(pass, {v}, {gradient}, nodes, nil, nil, options and options.retain_graph)
  for _, leaf in ipairs(pass.leaves) do -- in order: leaves may share a gradient
    local g = pass.grads[leaf]
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
function tape.grad(outputs, inputs, options)
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
  local create = options.create_graph or false
  local retain = options.retain_graph
  if retain == nil then retain = create end
  local is_input = {}
  for i = 1, #inputs do is_input[inputs[i]] = true end
  local nodes = reachable('grad', outputs, is_input)
  local pass = new_pass(create, options.allow_changed)
  run(pass, outputs, seeds, nodes, leading_to(nodes, is_input), is_input, retain)
  local results = {}
  for i, x in ipairs(inputs) do
    local g = pass.grads[x]
    if not g and not options.allow_unused then fail('grad: the outputs do not depend on input %d', i) end
    results[i] = g and (create and g or Value.new(g)) or nil
  end
  if single then return results[1] end
  return results
end

--- Tells the tape which op adds gradients; called once, by gantry.autograd.ops.
function tape.bind(add) add_op = add end

return tape
