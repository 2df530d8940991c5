--- optim.sgd: gradient descent with momentum.
-- @module gantry.optim.sgd
local native = require 'gantry.native'
local common = require 'gantry.optim.common'

--- One step.
-- @tparam function opfunc opfunc(x) returns the loss and its gradient with respect to x
-- @param x the parameters, a tensor; changed in place
-- @tparam[opt] table config learningRate (1e-3), learningRateDecay (0), weightDecay (0) or weightDecays (a tensor), momentum (0),
-- dampening (momentum), nesterov (false), learningRates (a tensor)
-- @tparam[opt=config] table state evalCounter: steps so far; dfdx: the moving gradient
-- @return x
-- @treturn table {loss before the step}
return function(opfunc, x, config, state)
  config, state = common.tables('sgd', opfunc, x, config, state)
  local momentum = config.momentum or 0
  local dampening = config.dampening or momentum
  if config.nesterov and (momentum <= 0 or dampening ~= 0) then
    native.fail('sgd: nesterov wants a momentum above 0 and dampening = 0, got %g and %g', momentum, dampening)
  end
  if config.weightDecays and (config.weightDecay or 0) ~= 0 then native.fail('sgd: got both weightDecay and weightDecays, wanted one') end
  state.evalCounter = state.evalCounter or 0
  local fx, dfdx = common.evaluate('sgd', opfunc, x)
  common.decay_weights(dfdx, x, config.weightDecay)
  if config.weightDecays then
    state.decayParameters = state.decayParameters or common.filled_like(x, 0)
    dfdx:add(state.decayParameters:copy(config.weightDecays):cmul(x))
  end
  if momentum ~= 0 then
    if state.dfdx then
      state.dfdx:mul(momentum):add(1 - dampening, dfdx)
    else
      state.dfdx = dfdx:clone()
    end
    if config.nesterov then dfdx:add(momentum, state.dfdx) else dfdx = state.dfdx end
  end
  local rate = (config.learningRate or 1e-3) / (1 + state.evalCounter * (config.learningRateDecay or 0))
  if config.learningRates then
    state.deltaParameters = state.deltaParameters or common.filled_like(x, 0)
    x:add(-rate, state.deltaParameters:copy(config.learningRates):cmul(dfdx))
  else
    x:add(-rate, dfdx)
  end
  state.evalCounter = state.evalCounter + 1
  return x, {fx}
end
