--- What the optimizers share: their arguments, the call of the loss, weight decay.
local native = require 'gantry.native'
local torch = require 'gantry.torch'

local fail = native.fail

local common = {}

--- Checks an optimizer's arguments; config defaults to an empty table, state to config.
function common.tables(name, opfunc, x, config, state)
  if type(opfunc) ~= 'function' then
    fail('%s: argument 1 is a %s, wanted a function that returns a loss and its gradient', name, torch.type(opfunc))
  end
  if not torch.isTensor(x) then fail('%s: argument 2 is a %s, wanted a tensor of parameters', name, torch.type(x)) end
  config = config or {}
  return config, state or config
end

--- The loss and its gradient at x.
function common.evaluate(name, opfunc, x)
  local fx, dfdx = opfunc(x)
  if not torch.isTensor(dfdx) or dfdx:nElement() ~= x:nElement() then
    fail("%s: the function's second result is %s, wanted the gradient: %d numbers", name,
      torch.isTensor(dfdx) and ('a tensor of %d'):format(dfdx:nElement()) or 'a ' .. torch.type(dfdx), x:nElement())
  end
  return fx, dfdx
end

--- Adds decay times x to the gradient.
function common.decay_weights(dfdx, x, decay)
  if decay and decay ~= 0 then dfdx:add(decay, x) end
end

--- A tensor of t's type and sizes, filled with a number.
function common.filled_like(t, value)
  return t.new():resizeAs(t):fill(value)
end

return common
