--- The tape: applies ops and remembers how values came about. gantry.autograd.pass walks back over it.
--
-- An op's backward is written with ops again. In a plain backward pass those run on tensors and leave no trace; with
-- create_graph they run on values and are recorded like everything else, so that gradients of gradients need nothing more.
-- @module gantry.autograd.tape
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local Value = require 'gantry.autograd.value'

local C, fail = native.C, native.fail
local getmetatable, setmetatable, type, tonumber = getmetatable, setmetatable, type, tonumber
local band, bor = bit.band, bit.bor
local is_tensor, shown = torch.isTensor, require('gantry.torch.class').shown

local tape = {}

-- recording: false inside no_grad and in plain backward passes. sequence: number of the last node; inputs always have smaller ones.
-- made: list (n entries) of the tensors made in the innermost scope or pass, or false outside of any.
-- observer: who is told of every op and every step of a backward pass, or false.
-- lean: whether what is cheap to compute again is not kept. moving: whether ops keep what they need of weights that may move before the
-- backward pass.
local state = {recording = true, sequence = 0, made = false, observer = false, lean = false, moving = false}
tape.state = state

--- Remembers a tensor that an op made beside its result, so that the scope it was made in can release it.
-- @return t
local function track(t)
  local made = state.made
  if made then
    local n = made.n + 1
    made.n = n
    made[n] = t
  end
  return t
end
tape.track = track

--- How often a tensor's storage has been written to.
local function version(t)
  local s = t.store
  if s ~= nil then return tonumber(s.version) end
  return 0
end
tape.version = version

--- The value of an op's result, with the node that says how it came about: the op, its arguments (1 to 7), the result, what
-- forward saved, and the versions of what backward reads, so that it can tell whether that was changed in place since.
local function record(op, out, saved, saved2, ta, tb, tc, a, b, c, d, e, f, g)
  local sequence = state.sequence + 1
  state.sequence = sequence
  local node = {
    op = op, order = sequence, out = false, saved = saved, saved2 = saved2, version1 = false, version2 = false, version3 = false,
    version_out = false, layer = false, mark = 0, slot = 0, spent = false, lent = false, a, b, c, d, e, f, g,
  }
  if state.observer then node.layer = state.observer.layer end
  local sees = op.sees
  if sees ~= 0 and ta then
    if band(sees, 1) ~= 0 then node.version1 = version(ta) end
    if band(sees, 2) ~= 0 and tb then node.version2 = version(tb) end
    if band(sees, 4) ~= 0 and tc then node.version3 = version(tc) end
    if band(sees, 8) ~= 0 then node.version_out = version(out) end
  end
  local v = setmetatable({data = out, requires_grad = true, node = node, hooks = false}, Value)
  node.out = v
  return v
end

--- Applies an op whose first argument alone may be a value.
-- @param op an entry of the op table
-- @return a value if it was one, else a tensor; then, if op.gives_saved, what the op's forward saved first
function tape.apply1(op, a, b, c, d, e, f, g)
  local ta, any = a, false
  if type(a) == 'table' and getmetatable(a) == Value then ta, any = a.data, true end
  if not is_tensor(ta) then Value.tensor(a, op.name) end
  if op.check then op.check(b, c, d, e, f, g) end
  local observer = state.observer
  if observer then observer:begin_op(op, ta, b) end
  local out, saved, saved2 = op.forward(ta, b, c, d, e, f, g)
  if observer then observer:end_op(op, out, ta, b, c, d, e) end
  if state.made then
    track(out)
    if saved then track(saved) end
    if saved2 then track(saved2) end
  end
  if any then
    if a.requires_grad and state.recording then
      out = record(op, out, saved, saved2, ta, nil, nil, a, b, c, d, e, f, g)
    else
      out = setmetatable({data = out, requires_grad = false, node = false, hooks = false}, Value)
    end
  end
  if op.gives_saved then return out, saved end
  return out
end

--- Applies an op of which the first two arguments may be values, or three, of which the second and the third may be missing.
function tape.apply(op, a, b, c, d, e, f, g)
  local ta, tb, tc = a, b, c
  local any, needs = false, false
  if type(a) == 'table' and getmetatable(a) == Value then
    ta, any, needs = a.data, true, a.requires_grad
  end
  if type(b) == 'table' and getmetatable(b) == Value then
    tb, any, needs = b.data, true, needs or b.requires_grad
  end
  local three = op.arity == 3
  if three and type(c) == 'table' and getmetatable(c) == Value then
    tc, any, needs = c.data, true, needs or c.requires_grad
  end
  if not is_tensor(ta) then Value.tensor(a, op.name) end
  if not is_tensor(tb) and not (three and tb == nil) then Value.tensor(b, op.name, 2) end
  if three and tc ~= nil and not is_tensor(tc) then Value.tensor(c, op.name, 3) end
  if op.check then op.check(b, c, d, e, f, g) end
  local observer = state.observer
  if observer then observer:begin_op(op, ta, tb) end
  local out, saved, saved2 = op.forward(ta, tb, tc, d, e, f, g)
  if observer then observer:end_op(op, out, ta, tb, tc, d, e) end
  if state.made then
    track(out)
    if saved then track(saved) end
    if saved2 then track(saved2) end
  end
  if any then
    if needs and state.recording then
      out = record(op, out, saved, saved2, ta, tb, tc, a, b, c, d, e, f, g)
    else
      out = setmetatable({data = out, requires_grad = false, node = false, hooks = false}, Value)
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
  local observer = state.observer
  if observer then observer:begin_op(op) end
  local out = track(op.forward(tensors, b, c))
  if observer then observer:end_op(op, out, tensors[1], tensors[2], tensors[3]) end
  if not any then return out end
  if not (needs and state.recording) then return Value.new(out) end
  local v = record(op, out, nil, nil, nil, nil, nil, inputs, b, c)
  local node = v.node
  node.list = inputs
  if op.sees ~= 0 then
    local versions = {}
    for i = 1, #tensors do versions[i] = version(tensors[i]) end
    node.versions = versions
  end
  return v
end

--- Whether a gradient of a node's operands that somebody wants is made of the numbers of its first one.
local function reads_first(node)
  local op, mask = node.op, 0
  for k = 1, op.arity do
    local x = node[k]
    if type(x) == 'table' and getmetatable(x) == Value and x.requires_grad then
      mask = bor(mask, k == 1 and op.reads1 or k == 2 and op.reads2 or op.reads3)
    end
  end
  return band(mask, 1) ~= 0
end

--- The node of the op that took v on the way to another value, each op's first operand being the one before's result; nil where it is
-- not found so.
local function user_of(v, taken)
  local node = taken.node
  for _ = 1, 3 do
    if not node or node.list then return nil end
    local x = node[1]
    if rawequal(x, v) then return node end
    node = type(x) == 'table' and getmetatable(x) == Value and x.node
  end
end

--- Says that nobody has a value that an op made but what was computed from it, so that its memory can go as soon as no gradient needs it
-- any more: now, or during the backward pass.
-- @param v a value that an op made
-- @param taken the value that was computed from it, by one op or more
function tape.pass_on(v, taken)
  local made, used = v.node, user_of(v, taken)
  if not made and v.requires_grad then return end -- a leaf
  if made and band(made.op.sees, 8) ~= 0 then
    v.passing = 'made' -- until its own node is done
  elseif not made and not taken.node or used and not reads_first(used) then
    C.gt_tensor_release(v.data)
  elseif used and made and made.op.again and state.lean then
    v.passing = 'again'
    C.gt_tensor_release(v.data)
  else
    v.passing = 'used'
  end
end

local function within(what, fn, ...)
  if type(fn) ~= 'function' then fail('%s: got %s, wanted a function', what, shown(fn)) end
  local before = state[what]
  state[what] = true
  local function finish(ok, ...)
    state[what] = before
    if not ok then error((...), 0) end
    return ...
  end
  return finish(xpcall(fn, native.keep_trace, ...))
end

--- Runs fn(...), and what a chain passes on in it (pass_on) and is cheap to compute again is not kept for the backward pass, but computed
-- again there, to the bit: batch norm's results. For networks whose backward pass is far away.
-- @treturn what fn returns
-- @usage local fake = autograd.lean(G.forward, G, z)
function tape.lean(fn, ...) return within('lean', fn, ...) end

--- Runs fn(...), whose backward pass comes after the weights have moved (backward's allow_changed): an activation that runs as one with the
-- layer before it keeps the weights that its sign depends on.
-- @treturn what fn returns
function tape.moving(fn, ...) return within('moving', fn, ...) end

--- Runs fn(...) without recording; what it returns has no history.
function tape.no_grad(fn, ...)
  if type(fn) ~= 'function' then fail('no_grad: got %s, wanted a function', shown(fn)) end
  local before = state.recording
  state.recording = false
  local function finish(ok, ...)
    state.recording = before
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
  local before = state.observer
  state.observer = new or false
  return before or nil
end

--- Whether ops on values are being recorded.
function tape.is_recording() return state.recording end

--- Marks tensors inside a returned value, tensor or table, so that the end of the scope spares them. Values recorded in
-- the scope, after node number `began`, lose their history.
local function keep(x, kept, began, depth)
  if is_tensor(x) then
    kept[x] = true
  elseif Value.is(x) then
    kept[x.data] = true
    if x.node and x.node.order > began then x.node, x.requires_grad = false, false end
  elseif type(x) == 'table' and depth < 4 then
    for _, y in pairs(x) do keep(y, kept, began, depth + 1) end
  end
end

-- What a scope made does not live longer because it is on its list: the collector may have what nobody else holds.
local weak = {__mode = 'v'}

--- Runs fn(...) and at its end releases the memory of everything that ops made in it, except what fn returns (values and
-- tensors, also in tables). Values made in it are returned as constants. Using anything else afterwards is an error that says so.
-- A training step inside a scope uses the same memory again and again, whatever the garbage collector does.
function tape.scope(fn, ...)
  if type(fn) ~= 'function' then fail('scope: got %s, wanted a function', shown(fn)) end
  local outer, began = state.made, state.sequence
  local mine = setmetatable({n = 0}, weak)
  state.made = mine
  local function finish(ok, ...)
    state.made = outer
    local kept = {}
    if ok then
      for i = 1, select('#', ...) do keep((select(i, ...)), kept, began, 1) end
    end
    for i = 1, mine.n do
      local t = mine[i]
      if t ~= nil then
        if kept[t] then track(t) else C.gt_tensor_release(t) end
      end
    end
    if not ok then error((...), 0) end
    return ...
  end
  return finish(xpcall(fn, native.keep_trace, ...))
end

return tape
