--- Torch7's `optim`: optimizers as functions, optim.NAME(opfunc, x, config, state).
--
--     local params, grads = net:getParameters()
--     local function feval()
--       grads:zero()
--       local loss = criterion:forward(net:forward(x), target)
--       net:backward(x, criterion:backward(net.output, target))
--       return loss, grads
--     end
--     optim.adam(feval, params, {learningRate = 2e-4, beta1 = 0.5})
--
-- What an optimizer remembers from step to step is in `state` (in `config`, where there is no state).
-- @module gantry.optim
return {
  adam = require 'gantry.optim.adam',
  sgd = require 'gantry.optim.sgd',
  rmsprop = require 'gantry.optim.rmsprop',
}
