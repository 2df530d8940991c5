--- optim.rmsprop: each gradient divided by the root of a moving average of its square.
-- @module gantry.optim.rmsprop
local native = require 'gantry.native'
local common = require 'gantry.optim.common'

local C, check = native.C, native.check

--- One step.
-- @tparam function opfunc opfunc(x) returns the loss and its gradient with respect to x
-- @param x the parameters, a tensor; changed in place
-- @tparam[opt] table config learningRate (1e-2), alpha (0.99), epsilon (1e-8), initialMean (0), weightDecay (0)
-- @tparam[opt=config] table state m: moving average of the squared gradient
-- @return x
-- @treturn table {loss before the step}
return function(opfunc, x, config, state)
  config, state = common.tables('rmsprop', opfunc, x, config, state)
  local fx, dfdx = common.evaluate('rmsprop', opfunc, x)
  common.decay_weights(dfdx, x, config.weightDecay)
  state.m = state.m or common.filled_like(dfdx, config.initialMean or 0)
  check(C.gt_rmsprop(x, state.m, dfdx, config.alpha or 0.99, config.epsilon or 1e-8, config.learningRate or 1e-2))
  return x, {fx}
end
