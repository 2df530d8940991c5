--- One pass back over what the tape holds: from values through the nodes that they depend on, latest op first, to the gradients of
-- leaves and of values that were asked for. gantry.autograd.backward is what the rest of Gantry calls.
-- @module gantry.autograd.pass
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local tape = require 'gantry.autograd.tape'
local Value = require 'gantry.autograd.value'

local C, check, fail = native.C, native.check, native.fail
local getmetatable, setmetatable, type, tonumber = getmetatable, setmetatable, type, tonumber
local band, bor = bit.band, bit.bor
local state, track, version = tape.state, tape.track, tape.version

local add_code = C.gt_binary_code 'add'
local passes, running = 0, 0 -- how many there were, and how many run now: one inside another's backward function or hook

--- The state of one pass. Gradients are held per value: in `grads`, by the slot of the node that made it, or in `at_leaf`. Unless what is
-- done is itself recorded (create), each of them is a tensor that nobody else has: it is released as soon as it has gone on, and so is
-- all that a backward function made on its way.
local Pass = {}
Pass.__index = Pass

local function wants_gradient(x) return type(x) == 'table' and getmetatable(x) == Value and x.requires_grad end

local function tensor_of(x)
  if type(x) == 'table' and getmetatable(x) == Value then return x.data end
  return x
end

--- Another tensor of the same numbers in the same memory.
local function share(t)
  local r = native.new_tensor(t.dtype)
  check(C.gt_tensor_set_to(r, t))
  return r
end

--- A copy, in t's layout, of a tensor that is somebody else's.
local function own_copy(t)
  local r = native.new_tensor(t.dtype)
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

local function push(stack, top, x)
  if not wants_gradient(x) then return top end
  stack[top + 1] = x
  return top + 1
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
        local list, arity = node.list, node.op.arity
        if list then
          for i = 1, #list do top = push(stack, top, list[i]) end
        else
          top = push(stack, top, node[1])
          if arity > 1 then top = push(stack, top, node[2]) end
          if arity > 2 then top = push(stack, top, node[3]) end
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

--- The nodes that a list of values depends on, as keys.
local function history_of(what, values)
  local set = {}
  for _, node in ipairs(reachable(what, values)) do set[node] = true end
  return set
end

--- A pass over what the roots depend on.
-- @tparam[opt] table inputs values (as keys) whose gradients are results; nil: those of all leaves
-- @tparam[opt] table options as for backward
function Pass.new(what, roots, inputs, options)
  local retain = options and options.retain_graph
  local spared = type(retain) == 'table' and history_of(what, retain)
  local nodes = reachable(what, roots, inputs)
  local grads, owned, before = {}, {}, running > 0 and {}
  for i = 1, #nodes do
    grads[i], owned[i] = false, false
    if before then before[i] = nodes[i].slot end
    nodes[i].slot = i
  end
  return setmetatable({
    nodes = nodes, grads = grads, owned = owned, before = before, inputs = inputs, wanted = false, into = options and options.into,
    spared = spared, retain = not spared and retain,
    at_leaf = {}, owned_leaf = {}, leaves = {}, fresh = {n = 0}, context = {},
    create = options and options.create_graph or false, allow_changed = options and options.allow_changed or false,
  }, Pass)
end

--- With inputs, or with vectors that gradients are added to: notes which nodes lead to one of them, by slot.
function Pass:find_wanted()
  local inputs, nodes, wanted = self.inputs or {}, self.nodes, {}
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

--- Whether a tensor is in the memory of one of a list.
local function lies_in(t, list)
  for i = 1, #list do
    if t.store == list[i].store then return true end
  end
  return false
end

--- Whether the gradient of a value that requires one is needed.
function Pass:wants(v)
  local wanted = self.wanted
  if not wanted then return true end
  local node = node_of(v)
  if node then return wanted[node.slot] end
  if self.inputs then return self.inputs[v] or false end
  return v.grad ~= nil and lies_in(v.grad, self.into)
end

function Pass:needs(x)
  return wants_gradient(x) and (not self.wanted or self:wants(x))
end

--- Complains about an operand, or the result, of a node that no longer holds the numbers that its gradient is made of.
local function complain(node, what)
  fail("backward: %s of %s was changed in place after it was recorded, and the gradient needs what it held; change a clone() of it, "
    .. 'or run backward first', what, node.op.name)
end

--- Whether a tensor was changed since it had a version, and is none of those that may have been.
local function is_changed(t, noted, excused)
  return version(t) ~= noted and not (excused and lies_in(t, excused))
end

local function want_unchanged(node, mask, excused)
  if band(mask, 1) ~= 0 and is_changed(tensor_of(node[1]), node.version1, excused) then complain(node, 'argument 1') end
  if band(mask, 2) ~= 0 and node.version2 and is_changed(tensor_of(node[2]), node.version2, excused) then complain(node, 'argument 2') end
  if band(mask, 4) ~= 0 and node.version3 and is_changed(tensor_of(node[3]), node.version3, excused) then complain(node, 'argument 3') end
  if band(mask, 8) ~= 0 and is_changed(node.out.data, node.version_out, excused) then complain(node, 'the result') end
end

local function taken_away(node)
  fail('backward: a pass inside this one used the history up (%s); give that one {retain_graph = true}', node.op.name)
end

local add_op -- set by Pass.bind

local function sum_of(a, b)
  local r = native.new_tensor(a.dtype)
  check(C.gt_tensor_follow(r, a))
  check(C.gt_binary(add_code, r, a, b, 1))
  return r
end

--- Adds g to the gradient of value v. Where the pass adds to leaves, one without a hook to see the whole gets it added to `grad` at once.
-- @treturn bool whether g itself is v's gradient now
function Pass:accumulate(v, g)
  local node = node_of(v)
  local at, grads, owned = v, self.at_leaf, self.owned_leaf
  if node then
    at, grads, owned = node.slot, self.grads, self.owned
  elseif v.node then
    if not (self.inputs and self.inputs[v]) then taken_away(v.node) end
  elseif not self.inputs and v.grad and not v.hooks then
    check(C.gt_binary(add_code, v.grad, v.grad, g, 1))
    return false
  end
  local have = grads[at]
  if not have then
    grads[at] = g
    if not node then self.leaves[#self.leaves + 1] = v end
    return true
  end
  if self.create then
    grads[at] = tape.apply(add_op, have, g)
  elseif owned[at] then
    check(C.gt_binary(add_code, have, have, g, 1))
  else
    grads[at], owned[at] = sum_of(have, g), true
    C.gt_tensor_release(have)
  end
  return false
end

--- Gives an input what a backward function returned for it: something new, or g, which it was given.
-- @bool mine whether g is still the pass's to give away
-- @treturn bool whether it is after this
function Pass:give(x, found, g, mine)
  if self.create then
    self:accumulate(x, found)
  elseif not rawequal(found, g) then
    if not self:accumulate(x, found) then C.gt_tensor_release(found) end
  elseif mine then
    return not self:accumulate(x, g)
  else
    local again = share(g)
    if not self:accumulate(x, again) then C.gt_tensor_release(again) end
  end
  return mine
end

local function settle(t, a, b, c)
  if not (rawequal(t, a) or rawequal(t, b) or rawequal(t, c)) then C.gt_tensor_release(t) end
end

--- Releases what was made since the last call, but for up to three tensors. The usual few without a loop: LuaJIT compiles the walk
-- around it then.
function Pass:tidy(a, b, c)
  local fresh = self.fresh
  local n = fresh.n
  fresh.n = 0
  if n == 0 then return end
  settle(fresh[1], a, b, c)
  if n == 1 then return end
  settle(fresh[2], a, b, c)
  if n == 2 then return end
  settle(fresh[3], a, b, c)
  if n == 3 then return end
  settle(fresh[4], a, b, c)
  for i = 5, n do settle(fresh[i], a, b, c) end
end

--- Calls a value's hooks with its whole gradient.
-- @return the gradient, or what they put in its place
function Pass:call_hooks(v, g)
  for _, hook in ipairs(v.hooks) do
    local found = hook.fn(self.create and g or Value.new(g))
    if found ~= nil then
      local t = tensor_of(found)
      if not torch.isTensor(t) or t.dtype ~= v.data.dtype or C.gt_same_shape(t, v.data) == 0 then
        fail('register_hook: the hook returned a %s, wanted nothing or a gradient of the type and size of the value', torch.type(t))
      end
      if self.create then
        g = Value.is(found) and found or Value.new(t)
      elseif not rawequal(t, g) then
        t = own_copy(t)
        C.gt_tensor_release(g)
        g = t
      end
    end
  end
  if not self.create then self:tidy() end
  return g
end

function Pass:through_list(node, g, mine)
  local create, list, need, any = self.create, node.list, {}, false
  for k = 1, #list do
    need[k] = self:needs(list[k])
    any = any or need[k]
  end
  if not any then return false, mine end
  if node.versions and self.allow_changed ~= true then
    for k = 1, #list do
      if is_changed(tensor_of(list[k]), node.versions[k], self.allow_changed) then complain(node, 'argument ' .. k) end
    end
  end
  local operands, out = list, node.out
  if not create then
    operands, out = {}, out.data
    for k = 1, #list do operands[k] = tensor_of(list[k]) end
  end
  local found = node.op.backward({operands, node[2], node[3], out = out, need = need, recording = create}, g)
  local fresh, wanted = self.fresh, {}
  for k = 1, #list do
    local f = need[k] and found[k]
    if f and not create then
      if wanted[f] and not rawequal(f, g) then f = share(f) end -- it was returned for two
      wanted[f], found[k] = true, f
    end
  end
  for i = 1, fresh.n do
    if not wanted[fresh[i]] then C.gt_tensor_release(fresh[i]) end
  end
  fresh.n = 0
  for k = 1, #list do
    if need[k] and found[k] then mine = self:give(list[k], found[k], g, mine) end
  end
  return true, mine
end

--- The numbers of a value that were not kept, computed again.
local function again(v, c)
  local node = v.node
  c[1], c[2], c[3] = tensor_of(node[1]), tensor_of(node[2]), tensor_of(node[3])
  c[4], c[5], c[6], c[7], c.saved, c.saved2 = node[4], node[5], node[6], node[7], node.saved, node.saved2
  return node.op.again(c)
end

--- Takes one node's gradient to those of its inputs that want theirs.
-- @bool mine whether g is the pass's to give away
-- @treturn bool whether any does
-- @treturn bool whether g still is
function Pass:through(node, g, mine)
  local create, op = self.create, node.op
  if create and not op.second then fail('grad: the op %s has no gradient of its gradient', op.name) end
  if node.list then return self:through_list(node, g, mine) end
  local x1, x2, x3, arity = node[1], node[2], node[3], op.arity
  local need1, need2, need3 = self:needs(x1), false, false
  if arity > 1 then
    need2 = self:needs(x2)
    if arity > 2 then need3 = self:needs(x3) end
  end
  if not (need1 or need2 or need3) then return false, mine end
  local c, out, reads = self.context, node.out, bor(need1 and op.reads1 or 0, need2 and op.reads2 or 0, need3 and op.reads3 or 0)
  local made = false -- the first operand, where it was not kept
  if type(x1) == 'table' and x1.passing == 'again' and (create or band(reads, 1) ~= 0) then
    made = again(x1, c)
    if create then x1.data, node.version1 = track(made), version(made) else reads = band(reads, 14) end
  end
  if op.sees ~= 0 and self.allow_changed ~= true then want_unchanged(node, reads, self.allow_changed) end
  if create then
    node.lent, out.passing = true, false
    if type(x1) == 'table' then x1.passing = false end
    c[1], c[2], c[3], c.out = x1, x2, x3, out
  else
    c[1], c[2], c[3], c.out = made or tensor_of(x1), tensor_of(x2), tensor_of(x3), out.data
  end
  c[4], c[5], c[6], c[7], c.saved, c.saved2 = node[4], node[5], node[6], node[7], node.saved, node.saved2
  c.need1, c.need2, c.need3, c.recording = need1, need2, need3, create
  c.mine = mine and not create and g.store ~= nil and g.store.refs == 1
  local g1, g2, g3 = op.backward(c, g)
  if made and not create then C.gt_tensor_release(made) end
  g1, g2, g3 = need1 and g1 or nil, need2 and g2 or nil, need3 and g3 or nil
  if not create then
    self:tidy(g1, g2, g3)
    -- What was returned for two becomes two.
    if g2 and rawequal(g2, g1) and not rawequal(g2, g) then g2 = share(g2) end
    if g3 and (rawequal(g3, g1) or rawequal(g3, g2)) and not rawequal(g3, g) then g3 = share(g3) end
  end
  if g1 then mine = self:give(x1, g1, g, mine) end
  if g2 then mine = self:give(x2, g2, g, mine) end
  if g3 then mine = self:give(x3, g3, g, mine) end
  return true, mine
end

--- The history of a node is used up: lets go of what it held. What forward saved is nobody else's, unless an op that a recorded pass
-- made has it too. The result is the program's as long as it holds the value; the collector learns of the bytes that it may have. What was
-- only passed on (tape.pass_on) goes at once.
local function spend(node)
  node.spent = true
  local first, out = node[1], node.out
  if type(first) == 'table' and first.passing == 'used' then C.gt_tensor_release(first.data) end
  if out.passing then C.gt_tensor_release(out.data) end
  if not node.lent and not node.op.gives_saved then
    if node.saved then C.gt_tensor_release(node.saved) end
    if node.saved2 then C.gt_tensor_release(node.saved2) end
  end
  local store = out.data.store
  if store ~= nil and store.refs == 1 then native.let_go(tonumber(store.bytes)) end
  node.list, node.saved, node.saved2, node.out, node.versions = nil, nil, nil, nil, nil
  node[1], node[2], node[3], node[4], node[5], node[6], node[7] = nil, nil, nil, nil, nil, nil, nil
end

--- Walks the nodes, latest first.
function Pass:walk()
  local create, grads, nodes, inputs = self.create, self.grads, self.nodes, self.inputs
  local retain, spared = self.retain, self.spared
  if not create then state.made = self.fresh end
  for i = 1, #nodes do
    local node, g = nodes[i], grads[i]
    if g then
      if node.spent then taken_away(node) end
      local out = node.out
      if out.hooks then
        g = self:call_hooks(out, g)
        grads[i] = g
      end
      local asked, observer = inputs and inputs[out], state.observer
      if observer then observer:begin_backward(node, g) end
      local passed, mine = self:through(node, g, not asked)
      if observer then observer:end_backward(node) end
      if not asked then
        grads[i] = false
        if mine and not create then C.gt_tensor_release(g) end
      end
      if passed and not retain and not (spared and spared[node]) then
        nodes[i] = false
        spend(node)
      end
    end
  end
  for _, v in ipairs(self.leaves) do
    if v.hooks then self.at_leaf[v] = self:call_hooks(v, self.at_leaf[v]) end
  end
end

--- A gradient to start from: ones for a value of one element.
function Pass:initial(v, given)
  local create = self.create
  if given == nil then
    if v.data:nElement() ~= 1 then
      fail('backward: got a value of %d elements and no gradient; reduce it to one (sum, mean) or give its gradient', v.data:nElement())
    end
    local ones = native.new_tensor(v.data.dtype)
    check(C.gt_tensor_resize_as(ones, v.data))
    check(C.gt_fill(ones, 1))
    return create and Value.new(track(ones)) or ones
  end
  local t = tensor_of(given)
  if not torch.isTensor(t) or C.gt_same_shape(t, v.data) == 0 then
    fail('backward: the gradient given does not have the size of the value')
  end
  if create then return Value.is(given) and given or Value.new(given) end
  return own_copy(t)
end

local function start_and_walk(pass, outputs, seeds)
  if pass.inputs or pass.into then pass:find_wanted() end
  for i = 1, #outputs do
    local v = outputs[i]
    if pass:wants(v) then pass:accumulate(v, pass:initial(v, seeds and seeds[i])) end
  end
  pass:walk()
end

--- Starts from the outputs, walks, and leaves recording, the scope and the slots of a pass around this one as they were, also after an
-- error.
function Pass.run(pass, outputs, seeds)
  local recording, outer = state.recording, state.made
  state.recording = pass.create
  running = running + 1
  local ok, problem = xpcall(start_and_walk, native.keep_trace, pass, outputs, seeds)
  running = running - 1
  state.recording, state.made = recording, outer
  if pass.before then
    for i, node in pairs(pass.nodes) do
      if node then node.slot = pass.before[i] end
    end
  end
  if not ok then error(problem, 0) end
end

--- Where in `grads` a value's gradient will be, false where that is `at_leaf`: to be asked before the pass, which uses nodes up.
function Pass.slot_of(v)
  local node = node_of(v)
  return node and node.mark == passes and node.slot
end

--- Tells passes which op adds gradients; called once, by gantry.autograd.ops.
function Pass.bind(add) add_op = add end

return Pass
