--- Recorded values: a tensor together with how it was computed. Methods that compute come from the op table; this file has
-- what a value is, its operators' plumbing and what is asked of it without computing.
-- @module gantry.autograd.value
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local class = require 'gantry.torch.class'

local Value = {} -- the metatable
local methods = {} -- filled by gantry.autograd.ops
Value.methods = methods
class.register_plain(Value, 'autograd.value')

--- A method, or what indices name: v[2], v[{{1, 3}, 2}].
function Value.__index(v, key)
  local method = methods[key]
  if method == nil and type(key) ~= 'string' then return methods.index(v, key) end
  return method
end

--- Elements cannot be assigned: the history would not know.
function Value.__newindex(v, key, x)
  if type(key) ~= 'string' then
    native.fail('value: its elements cannot be assigned, which no gradient would know of; compute a new value (cat, mul with a mask)')
  end
  rawset(v, key, x)
end

--- True for a recorded value.
function Value.is(x)
  return type(x) == 'table' and getmetatable(x) == Value
end

--- Wraps a tensor.
-- @param tensor a FloatTensor or DoubleTensor
-- @bool[opt=false] requires_grad whether gradients with respect to it may be asked for
function Value.new(tensor, requires_grad)
  if not torch.isTensor(tensor) then
    native.fail('value: got %s, wanted a tensor', tensor == nil and 'nil' or 'a ' .. class.type(tensor))
  end
  return setmetatable({data = tensor, requires_grad = requires_grad or false, node = false, hooks = false}, Value)
end

--- The tensor of a value; anything else as it is.
function Value.unwrap(x)
  return Value.is(x) and x.data or x
end

--- The tensor of a value, or a tensor itself; an error for anything else.
-- @param x the argument of an op
-- @string what the op's name
-- @int[opt=1] position of the argument
-- @treturn tensor
function Value.tensor(x, what, position)
  if Value.is(x) then return x.data end
  if not torch.isTensor(x) then
    native.fail('%s: argument %d is %s, wanted a tensor or a value', what, position or 1, x == nil and 'nil' or 'a ' .. class.type(x))
  end
  return x
end

--- A parameter: what backward() finds for it is added to `grad`.
-- @param tensor the parameter
-- @param grad a tensor of the same size, usually a module's gradWeight
function Value.leaf(tensor, grad)
  local v = Value.new(tensor, true)
  v.grad = grad
  return v
end

--- The number in a value of one element.
function methods:item()
  local n = self.data:nElement()
  if n ~= 1 then native.fail('item: got a value of %d elements, wanted one', n) end
  local t = self.data
  while t:dim() > 1 do t = t:select(1, 1) end
  return t[1]
end

--- The same tensor without its history.
function methods:detach()
  return Value.new(self.data)
end

--- Has fn called with every gradient that a backward pass finds for this value, once it is whole: after all uses of the value have
-- added to it, before it goes on, and for a leaf before it is added to `grad`. Hooks run in the order they were registered.
-- @func fn fn(gradient): gets a value of this one's type and size, which has a history only with create_graph, and may return another,
-- a value or a tensor, to go on in its place. What it keeps beyond a pass it clones: the pass releases gradients.
-- @treturn table a handle; handle:remove() ends it
-- @usage h:register_hook(function(g) return g:clamp(-1, 1) end)
function methods:register_hook(fn)
  if type(fn) ~= 'function' then native.fail('register_hook: got a %s, wanted a function', torch.type(fn)) end
  if not self.requires_grad then native.fail 'register_hook: this value requires no gradient, none will ever be found' end
  local hook = {fn = fn}
  local hooks = {unpack(self.hooks or {})} -- a pass may be going through the old list
  hooks[#hooks + 1] = hook
  self.hooks = hooks
  function hook.remove()
    local rest = {}
    for _, other in ipairs(self.hooks or {}) do
      if other ~= hook then rest[#rest + 1] = other end
    end
    self.hooks = #rest > 0 and rest
  end
  return hook
end

--- Has backward add to `grad` what it finds for this value, as it does for leaves.
-- @return self
function methods:retain_grad()
  if self.node then
    self:register_hook(function(g)
      if self.grad then self.grad:add(g.data) else self.grad = g.data:clone() end
    end)
  end
  return self
end

--- Sizes, as a tensor gives them: size() or size(dim).
function methods:size(dim)
  if dim then return self.data:size(dim) end
  return self.data:size()
end

--- Number of dimensions.
function methods:dim() return self.data:dim() end
--- Number of elements.
function methods:nElement() return self.data:nElement() end
--- The name of the tensor's type: 'torch.FloatTensor'.
function methods:type() return self.data:type() end

function Value.__tostring(v)
  local how = v.node and ('recorded by %s'):format(v.node.op.name) or v.requires_grad and 'a leaf' or 'a constant'
  return tostring(v.data) .. '\n[autograd.value: ' .. how .. ']'
end

return Value
