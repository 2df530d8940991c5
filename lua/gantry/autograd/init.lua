--- Gradients of any order: recorded values, the op table, the tape.
--
--     local autograd = require 'gantry.autograd'
--     local x = autograd.value(torch.DoubleTensor {1, 2, 3}, true)
--     local y = (x * x):sum()
--     y:backward()            -- x.grad is 2, 4, 6
-- @module gantry.autograd
local backward = require 'gantry.autograd.backward'
local op = require 'gantry.autograd.op'
local tape = require 'gantry.autograd.tape'
local Value = require 'gantry.autograd.value'
local ops = require 'gantry.autograd.ops'

return {
  value = Value.new,
  leaf = Value.leaf,
  pass_on = tape.pass_on,
  lean = tape.lean,
  moving = tape.moving,
  is_value = Value.is,
  ops = ops,
  op = op.define,
  op_table = op.table,
  backward = backward.backward,
  grad = backward.grad,
  no_grad = tape.no_grad,
  is_recording = tape.is_recording,
  scope = tape.scope,
  observe = tape.observe,
  precision = require('gantry.autograd.precision').use,
  check = require 'gantry.autograd.check',
}
