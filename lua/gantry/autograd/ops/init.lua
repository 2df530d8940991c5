--- All ops: functions that take tensors or recorded values. `ops.NAME(x, ...)` is also the method `value:NAME(...)`.
-- @module gantry.autograd.ops
local backward = require 'gantry.autograd.backward'
local op = require 'gantry.autograd.op'
local Pass = require 'gantry.autograd.pass'
local Value = require 'gantry.autograd.value'

local ops = {}
for _, part in ipairs {
  'elementwise', 'layout', 'shape', 'index', 'resize', 'reduce', 'linear', 'conv', 'norm', 'group_norm', 'batch', 'loss',
} do
  require('gantry.autograd.ops.' .. part)(ops)
end
Pass.bind(op.table.add)

-- Every op whose first argument is a tensor is a method of values.
local functions_only = {cat = true, conv_shape = true, pool_shape = true}
for name, fn in pairs(ops) do
  if not functions_only[name] then Value.methods[name] = fn end
end
Value.methods.backward = backward.backward

Value.__add, Value.__sub, Value.__mul, Value.__div, Value.__unm = ops.add, ops.sub, ops.mul, ops.div, ops.neg
function Value.__pow(x, p) return ops.pow(x, p) end

return ops
