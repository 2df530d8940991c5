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
  'module', 'container', 'sequential', 'concat', 'concat_table', 'parallel_table',
  -- parameters
  'linear', 'maxout', 'spatial_convolution', 'spatial_full_convolution', 'batch_normalization', 'spatial_batch_normalization',
  'prelu', 'mul', 'cmul', 'add', 'cadd',
  'lookup_table', 'minibatch_discrimination', 'noise_injection',
  -- normalisation
  'group_normalization', 'layer_normalization', 'instance_normalization', 'pixel_normalization', 'conditional_batch_normalization',
  'adaptive_instance_normalization', 'virtual_batch_normalization', 'virtual_batch',
  -- layers around others, layers made of others
  'composite', 'spectral_norm', 'equalized_learning_rate', 'residual', 'conditional_sequential', 'self_attention', 'projection',
  'spatial_modulated_convolution', 'style_truncation', 'style_mixing',
  -- element by element
  'relu', 'leaky_relu', 'elu', 'tanh', 'sigmoid', 'soft_plus', 'log_sigmoid', 'soft_sign', 'hard_tanh', 'clamp', 'threshold',
  'abs', 'square', 'sqrt', 'power', 'exp', 'log', 'mul_constant', 'add_constant', 'gradient_reversal', 'dropout',
  -- along dimensions
  'softmax', 'log_softmax', 'normalize', 'sum', 'mean', 'max', 'min', 'spatial_max_pooling', 'spatial_average_pooling',
  -- shapes
  'identity', 'view', 'reshape', 'narrow', 'select', 'transpose', 'squeeze', 'unsqueeze', 'replicate', 'contiguous', 'padding',
  'spatial_zero_padding', 'spatial_reflection_padding', 'spatial_replication_padding', 'spatial_up_sampling_nearest',
  'spatial_up_sampling_bilinear', 'pixel_shuffle', 'minibatch_standard_deviation',
  -- lists
  'join_table', 'join_labels', 'cadd_table', 'csub_table', 'cmul_table', 'cdiv_table', 'cmax_table', 'cmin_table', 'select_table',
  'narrow_table', 'flatten_table', 'split_table',
  -- losses
  'criterion', 'bce_criterion', 'bce_with_logits_criterion', 'mse_criterion', 'abs_criterion', 'smooth_l1_criterion',
  'margin_criterion', 'class_nll_criterion', 'cross_entropy_criterion', 'dist_kl_div_criterion', 'multi_criterion',
  'parallel_criterion',
} do
  require('gantry.nn.' .. name)
end

return nn
