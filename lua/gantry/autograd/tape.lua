--- The tape: applies ops, remembers how values came about, and walks back over that to find gradients of any order.
--
-- An op's backward is written with ops again. In a plain backward pass those run on tensors and leave no trace; with
-- create_graph they run on values and are recorded like everything else, so that gradients of gradients need nothing more.
-- @module gantry.autograd.tape
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local Value = require 'gantry.autograd.value'

local C, check, fail = native.C, native.check, native.fail
local getmetatable, setmetatable, type = getmetatable, setmetatable, type

local tape = {}

local recording = true -- false inside no_grad
local sequence = 0 -- of the last node; inputs always have smaller numbers
local made -- tensors made in the innermost scope, or nil outside of any

local add_code = C.gt_binary_code 'add'

--- Remembers a fresh tensor, so that the scope it was made in can release it.
local function track(t)
  if made then made[#made + 1] = t end
end

--- Applies an op to up to seven arguments, of which the first op.arity may be values.
-- @param op an entry of the op table
-- @return a value if any of them was one, else a tensor; then what the op's forward saved first
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
    if type(c) == 'table' and getmetatable(c) == Value then
      tc, any, needs = c.data, true, needs or c.requires_grad
    end
  end
  local out, saved, saved2 = op.forward(ta, tb, tc, d, e, f, g)
  track(out)
  if saved then track(saved) end
  if saved2 then track(saved2) end
  if not any then return out, saved end
  local v = setmetatable({data = out, requires_grad = false}, Value)
  if needs and recording then
    sequence = sequence + 1
    v.requires_grad = true
    v.node = {op = op, order = sequence, out = v, saved = saved, saved2 = saved2, a, b, c, d, e, f, g}
  end
  return v, saved
end

--- Applies an op whose first argument is a list of tensors or values.
function tape.apply_list(op, list, b, c)
  local tensors, any, needs = {}, false, false
  for i = 1, #list do
    local x = list[i]
    if Value.is(x) then
      tensors[i], any, needs = x.data, true, needs or x.requires_grad
    else
      tensors[i] = x
    end
  end
  local out = op.forward(tensors, b, c)
  track(out)
  if not any then return out end
  local v = setmetatable({data = out, requires_grad = false}, Value)
  if needs and recording then
    sequence = sequence + 1
    v.requires_grad = true
    v.node = {op = op, order = sequence, out = v, list = list, list, b, c}
  end
  return v
end

--- Runs fn(...) without recording; what it returns has no history.
function tape.no_grad(fn, ...)
  local before = recording
  recording = false
  local function finish(ok, ...)
    recording = before
    if not ok then error((...), 0) end
    return ...
  end
  return finish(xpcall(fn, native.keep_trace, ...))
end

--- Whether ops on values are being recorded.
function tape.is_recording() return recording end

--- Marks tensors inside a returned value, tensor or table, so that the end of the scope spares them.
local function keep(x, kept, depth)
  if torch.isTensor(x) then
    kept[x] = true
  elseif Value.is(x) then
    kept[x.data] = true
    if x.node then x.node, x.requires_grad = nil, false end
  elseif type(x) == 'table' and depth < 4 then
    for _, y in pairs(x) do keep(y, kept, depth + 1) end
  end
end

--- Runs fn(...) and at its end releases the memory of everything that ops made in it, except what fn returns (values and
-- tensors, also in tables). Returned values are constants. Using anything else afterwards is an error that says so.
-- A training step inside a scope uses the same memory again and again, whatever the garbage collector does.
function tape.scope(fn, ...)
  local outer = made
  local mine = {}
  made = mine
  local function finish(ok, ...)
    made = outer
    local kept = {}
    if ok then
      for i = 1, select('#', ...) do keep((select(i, ...)), kept, 1) end
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
local function reachable(roots)
  local nodes, seen, stack = {}, {}, {}
  for i = 1, #roots do stack[i] = roots[i] end
  while #stack > 0 do
    local node = stack[#stack].node
    stack[#stack] = nil
    if node and not seen[node] then
      seen[node] = true
      nodes[#nodes + 1] = node
      if node.spent then
        fail('backward: the history of this value (%s) was used up by an earlier backward; give that one {retain_graph = true}', node.op.name)
      end
      local inputs, n = node.list or node, node.list and #node.list or node.op.arity
      for i = 1, n do
        local x = inputs[i]
        if Value.is(x) and x.requires_grad then stack[#stack + 1] = x end
      end
    end
  end
  table.sort(nodes, later_first)
  return nodes
end

--- The state of one backward pass. Gradients are held per value; a tensor that nothing holds any more is released.
local Pass = {}
Pass.__index = Pass

local function new_pass(create_graph)
  return setmetatable({grads = {}, leaves = {}, owned = {}, holders = {}, create_graph = create_graph}, Pass)
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
    if not self.holders[g] then C.gt_tensor_release(g) end
  else
    local sum = tape.apply(add_op, have, g)
    self.grads[v] = sum
    self:hold(sum)
    if not self.create_graph then
      self.owned[v] = true
      self:drop(have)
      if not self.holders[g] then C.gt_tensor_release(g) end
    end
  end
end

--- Walks the nodes; `wants(v)` says whether value v's gradient is needed.
function Pass:walk(nodes, wanted, retain)
  local create = self.create_graph
  for i = 1, #nodes do
    local node = nodes[i]
    local g = self.grads[node.out]
    if g then
      local op = node.op
      if create and not op.second then fail('grad: the op %s has no gradient of its gradient', op.name) end
      local c = {out = create and node.out or node.out.data, saved = node.saved, saved2 = node.saved2, recording = create}
      if node.list then
        local list, need = {}, {}
        for k, x in ipairs(node.list) do
          local is = Value.is(x)
          need[k] = is and wanted[x] or false
          list[k] = is and not create and x.data or x
        end
        c[1], c[2], c[3], c.need = list, node[2], node[3], need
        local found = op.backward(c, g)
        for k, x in ipairs(node.list) do
          if need[k] then self:accumulate(x, found[k]) end
        end
      else
        local x1, x2, x3 = node[1], node[2], node[3]
        c.need1 = Value.is(x1) and wanted[x1] or false
        if op.arity > 1 then
          c.need2 = Value.is(x2) and wanted[x2] or false
          c.need3 = Value.is(x3) and wanted[x3] or false
        end
        for k = 1, 7 do
          local x = node[k]
          c[k] = not create and Value.is(x) and x.data or x
        end
        local g1, g2, g3 = op.backward(c, g)
        if c.need1 and g1 then self:accumulate(x1, g1) end
        if c.need2 and g2 then self:accumulate(x2, g2) end
        if c.need3 and g3 then self:accumulate(x3, g3) end
      end
      if not wanted.keep[node.out] then
        self.grads[node.out] = nil
        self:drop(g)
      end
      if not retain then
        -- The history is used up: let go of what it held.
        node.spent = true
        node.list, node.saved, node.saved2 = nil, nil, nil
        for k = 1, 7 do node[k] = nil end
      end
    end
  end
end

--- Which values lead to one of `inputs`.
local function leading_to(nodes, inputs)
  local wanted = {keep = {}}
  for _, v in ipairs(inputs) do wanted[v], wanted.keep[v] = true, true end
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

local needs_grad = {__index = function(_, v) return Value.is(v) and v.requires_grad end}

--- A gradient to start from: ones for a value of one element.
local function initial(v, given, create)
  if given == nil then
    if v.data:nElement() ~= 1 then
      fail('backward: got a value of %d elements and no gradient; reduce it to one (sum, mean) or give its gradient', v.data:nElement())
    end
    local ones = v.data:clone():fill(1)
    return create and Value.new(ones) or ones
  end
  local t = Value.is(given) and given.data or given
  if not torch.isTensor(t) or C.gt_same_shape(t, v.data) == 0 then
    fail('backward: the gradient given does not have the size of the value')
  end
  if create then return Value.is(given) and given or Value.new(given) end
  return t:clone() -- the pass releases what it is given
end

--- Adds the gradients of v with respect to every leaf it depends on to the leaves' `grad`.
-- @param v a value; of one element, unless gradient is given
-- @param[opt] gradient tensor of v's size
-- @tparam[opt] table options retain_graph: keep the history for another pass
function tape.backward(v, gradient, options)
  if not Value.is(v) then fail('backward: got %s, wanted a value', type(v)) end
  if not v.requires_grad then fail('backward: nothing that this value depends on requires a gradient') end
  local nodes = reachable {v}
  local pass = new_pass(false)
  local wanted = setmetatable({keep = {}}, needs_grad)
  pass:accumulate(v, initial(v, gradient, false))
  pass:walk(nodes, wanted, options and options.retain_graph)
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

--- Gradients of outputs with respect to inputs, as values.
-- @param outputs a value, or a list of values
-- @param inputs a value, or a list of values
-- @tparam[opt] table options create_graph: the gradients are recorded and can be differentiated again; retain_graph: keep
-- the history (default: create_graph); grad_outputs: a tensor or value, or a list, one for each output; allow_unused: nil
-- instead of an error for an input that the outputs do not depend on
-- @return a value for a single input, else a list
-- @usage local g = gantry.grad(D(x):sum(), x, {create_graph = true})
function tape.grad(outputs, inputs, options)
  options = options or {}
  local single = Value.is(inputs)
  if Value.is(outputs) then outputs = {outputs} end
  if single then inputs = {inputs} end
  if type(outputs) ~= 'table' or not Value.is(outputs[1]) then fail('grad: outputs: got %s, wanted a value or a list of values', type(outputs)) end
  if type(inputs) ~= 'table' or not Value.is(inputs[1]) then fail('grad: inputs: got %s, wanted a value or a list of values', type(inputs)) end
  for i, x in ipairs(inputs) do
    if not x.requires_grad then fail('grad: input %d does not require a gradient (autograd.value(tensor, true) does)', i) end
  end
  local seeds = options.grad_outputs
  if seeds ~= nil and (torch.isTensor(seeds) or Value.is(seeds)) then seeds = {seeds} end
  local create = options.create_graph or false
  local retain = options.retain_graph
  if retain == nil then retain = create end
  local nodes = reachable(outputs)
  local wanted = leading_to(nodes, inputs)
  local pass = new_pass(create)
  local before = recording
  recording = create
  local ok, problem = xpcall(function()
    for i, v in ipairs(outputs) do
      if wanted[v] then pass:accumulate(v, initial(v, seeds and seeds[i], create)) end
    end
    pass:walk(nodes, wanted, retain)
  end, native.keep_trace)
  recording = before
  if not ok then error(problem, 0) end
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
