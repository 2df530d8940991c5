--- Torch7's `nn`: layers, containers and criteria under their names.
--
--     local net = nn.Sequential()
--       :add(nn.SpatialConvolution(3, 64, 4, 4, 2, 2, 1, 1))
--       :add(nn.LeakyReLU(0.2, true))
--
-- Called on tensors they behave as Torch7's: `net:forward(x)`, `net:backward(x, gradOutput)`, buffers reused from call to call.
-- Called on recorded values (gantry.autograd) they are ops: every call gives a new value, and several calls may wait for their
-- backward. gantry.nn.module says what a module is and how to write one.
-- @module gantry.nn
local nn = require 'gantry.nn.namespace'

for _, name in ipairs {
  'module', 'container', 'sequential', 'identity', 'linear', 'view', 'reshape', 'join_table',
  'spatial_convolution', 'spatial_full_convolution', 'batch_normalization', 'spatial_batch_normalization',
  'relu', 'leaky_relu', 'tanh', 'sigmoid', 'dropout', 'spatial_max_pooling', 'spatial_average_pooling',
  'criterion', 'bce_criterion', 'bce_with_logits_criterion', 'mse_criterion',
} do
  require('gantry.nn.' .. name)
end

return nn
