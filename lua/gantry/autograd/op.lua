--- The op table. An op is one entry: its forward on tensors, its backward written with ops.
-- @module gantry.autograd.op
local native = require 'gantry.native'
local class = require 'gantry.torch.class'
local tape = require 'gantry.autograd.tape'

local fail, shown, type, floor = native.fail, class.shown, type, math.floor

local op = {}

--- Every op by name.
op.table = {}

local bits = {['1'] = 1, ['2'] = 2, ['3'] = 4, o = 8}

--- entry.reads as numbers: one for each gradient, and `sees`, all of them together.
local function compile_reads(entry)
  local of, sees, masks = entry.reads, 0, {}
  if entry.arity == 'list' then
    entry.sees = of == '' and 0 or 15
    return
  end
  for k = 1, entry.arity do
    local text, mask = type(of) == 'table' and of[k] or of, 0
    for letter in (text or ('123'):sub(1, entry.arity) .. 'o'):gmatch '.' do
      if not bits[letter] then native.fail("op: %s: reads has a '%s', wanted 1, 2, 3 or o", entry.name, letter) end
      mask = bit.bor(mask, bits[letter])
    end
    masks[k], sees = mask, bit.bor(sees, mask)
  end
  entry.sees, entry.reads1, entry.reads2, entry.reads3 = sees, masks[1], masks[2] or 0, masks[3] or 0
end

-- ---- what may follow an op's operands ---------------------------------------------------------------------------------------

--- An option that is a number.
-- @string what its name in messages: 'the slope'
-- @treturn function for an op's `options`
function op.number(what)
  return function(x, name)
    if type(x) ~= 'number' then fail('%s: %s is %s, wanted a number', name, what, shown(x)) end
  end
end

--- An option that is a whole number.
-- @string what its name in messages
-- @treturn function for an op's `options`
function op.whole(what)
  return function(x, name)
    if type(x) ~= 'number' or x ~= floor(x) or x > 2 ^ 53 or x < -2 ^ 53 then
      fail('%s: %s is %s, wanted a whole number', name, what, shown(x))
    end
  end
end

-- One function that looks at all options, which stand behind `skip` operands. No loops: it is called by every such op.
local function compile_options(entry)
  local list, name = entry.options, entry.name
  if not list then return end
  local skip = entry.arity == 'list' and 1 or entry.arity
  local first, second, third, fourth = list[1], list[2], list[3], list[4]
  entry.check = function(p, q, r, s, t, u)
    if skip == 2 then p, q, r, s = q, r, s, t elseif skip == 3 then p, q, r, s = r, s, t, u end
    first(p, name)
    if second then second(q, name) end
    if third then third(r, name) end
    if fourth then fourth(s, name) end
  end
end

--- Adds an op to the table and returns the function that applies it.
-- @tparam table entry
--   name: unique;
--   arity: how many leading arguments may be values, 1 to 3 (default 1), or 'list': the first is a list of them;
--   options: for each of the up to four arguments that follow, what raises an error unless it is as it should be: op.number 'the slope',
--   op.whole 'the size', or a function of it and of the op's name;
--   forward(a, b, ...): on tensors; returns a tensor of its own (a view is one), then up to two tensors to save;
--   backward(c, g): c[1], c[2], ... are the arguments, c.out the result, c.saved and c.saved2 what forward saved, all of them
--   tensors or, when gradients of gradients are wanted (c.recording), values; c.need1, c.need2, c.need3 (for a list:
--   c.need[i]) say which gradients are wanted. Returns one gradient for each of the leading arguments, or nil; each is g itself
--   or new, never an argument or saved. Where c.mine is true nobody else has g's memory, and it may be written over.
--   What ops make in it and it does not return is released, and c is used for the next op;
--   reads: which numbers the backward function looks at (of the rest it may use the sizes): 1, 2 and 3 for the arguments, o for
--   the result; a string, or a list of one for each gradient: {'2', '1'} says that the first gradient needs the second argument
--   and the second the first. What it reads must not be changed in place before; default: all arguments and the result;
--   gives_saved: true where what forward saves first is a second result for the caller (max's positions);
--   again(c): for results that are cheap to compute again (autograd.lean): the same tensor to the bit, from what c has and backward
--   reads;
--   second: true where backward can itself be differentiated (it uses only ops), false where it cannot.
-- @treturn function applies the op to tensors or values
-- @usage local double = op.define {name = 'double', second = true,
--   forward = function(x) return x * 2 end, backward = function(c, g) return ops.mul(g, 2) end}
function op.define(entry)
  if type(entry) ~= 'table' then fail('op: got %s, wanted a table', shown(entry)) end
  if type(entry.name) ~= 'string' or type(entry.forward) ~= 'function' or type(entry.backward) ~= 'function' then
    native.fail('op: wanted a name, a forward and a backward function')
  end
  if op.table[entry.name] then native.fail('op: there is already one called %s', entry.name) end
  if type(entry.second) ~= 'boolean' then
    native.fail('op: %s does not say whether its backward can be differentiated (second = true or false)', entry.name)
  end
  op.table[entry.name] = entry
  entry.arity = entry.arity or 1
  compile_reads(entry)
  compile_options(entry)
  if entry.arity == 'list' then
    return function(list, b, c) return tape.apply_list(entry, list, b, c) end
  end
  if entry.arity == 1 then
    return function(a, b, c, d, e, f, g) return tape.apply1(entry, a, b, c, d, e, f, g) end
  end
  return function(a, b, c, d, e, f, g) return tape.apply(entry, a, b, c, d, e, f, g) end
end

return op
