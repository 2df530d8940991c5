--- optim.adam: Adam (Kingma and Ba 2014, arXiv 1412.6980) as Torch7 had it: epsilon is added to the uncorrected sqrt(v).
-- @module gantry.optim.adam
local native = require 'gantry.native'
local common = require 'gantry.optim.common'

local C, check = native.C, native.check

--- One step.
-- @tparam function opfunc opfunc(x) returns the loss and its gradient with respect to x
-- @param x the parameters, a tensor; changed in place
-- @tparam[opt] table config learningRate (1e-3), learningRateDecay (0), beta1 (0.9), beta2 (0.999), epsilon (1e-8), weightDecay (0)
-- @tparam[opt=config] table state t: steps so far; m, v: moving averages of the gradient and its square
-- @return x
-- @treturn table {loss before the step}
-- @usage optim.adam(feval, params, {learningRate = 2e-4, beta1 = 0.5})
return function(opfunc, x, config, state)
  config, state = common.tables('adam', opfunc, x, config, state)
  local lr, decay = config.learningRate or 0.001, config.learningRateDecay or 0
  local beta1, beta2 = config.beta1 or 0.9, config.beta2 or 0.999
  local fx, dfdx = common.evaluate('adam', opfunc, x)
  common.decay_weights(dfdx, x, config.weightDecay)
  state.t = state.t or 0
  state.m = state.m or common.filled_like(dfdx, 0)
  state.v = state.v or common.filled_like(dfdx, 0)
  local rate = lr / (1 + state.t * decay)
  state.t = state.t + 1
  local step = rate * math.sqrt(1 - beta2 ^ state.t) / (1 - beta1 ^ state.t)
  check(C.gt_adam(x, state.m, state.v, dfdx, beta1, beta2, config.epsilon or 1e-8, step))
  return x, {fx}
end
