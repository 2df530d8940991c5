--- The classes that network descriptions may name: how a module becomes arguments of its constructor, and those a module again.
-- @module gantry.gan.network_classes
local nn = require 'gantry.nn'
local torch = require 'gantry.torch'

local function flag(x) return x and true or false end
local function list(storage)
  local sizes = {}
  for i = 1, #storage do sizes[i] = storage[i] end
  return sizes
end

local function conv_arguments(m) return {m.nInputPlane, m.nOutputPlane, m.kW, m.kH, m.dW, m.dH, m.padW, m.padH} end
local function pool_arguments(m) return {m.kW, m.kH, m.dW, m.dH, m.padW, m.padH} end
local function norm_arguments(m) return {m.running_mean:size(1), m.eps, m.momentum, m.weight ~= nil} end
local function norm_shape(a) return {a[1]} end
local function plain_norm_arguments(m) return {m.channels, m.eps, m.weight ~= nil} end
local function plain_norm_shape(a) return a[3] and {a[1]} end
local function none() return {} end
local function inplace(m) return {flag(m.inplace)} end
local function dimension_arguments(m) return {m.dimension, m.nInputDims} end
local function pad_arguments(m) return {m.pad_l, m.pad_r, m.pad_t, m.pad_b} end
local function input_dims(m) return {input_dims = m.numInputDims} end

-- Each class: `arguments` of its constructor, read off a module; `extra`: what the constructor does not take;
-- `make(a, extra)`; `shape(a)`: of its weight (or of the tensor that `checked` names), nil where it has none, so that a file can be
-- checked before memory is asked for; `buffers`: its tensors besides weight, bias, running_mean and running_var; container: it is made
-- without more than its arguments, and its modules are added, or `assemble(modules, a)` makes it of them.
return {
  Identity = {arguments = none}, Tanh = {arguments = none}, Sigmoid = {arguments = none},
  ReLU = {arguments = inplace},
  LeakyReLU = {arguments = function(m) return {m.negval, flag(m.inplace)} end},
  Dropout = {arguments = function(m) return {m.p} end},
  JoinTable = {arguments = function(m) return {m.dimension, m.nInputDims} end},
  Linear = {
    arguments = function(m) return {m.weight:size(2), m.weight:size(1), m.bias ~= nil} end,
    shape = function(a) return {a[2], a[1]} end,
  },
  SpatialConvolution = {
    arguments = conv_arguments, extra = function(m) return {bias = m.bias ~= nil} end,
    shape = function(a) return {a[2], a[1], a[4], a[3]} end,
    make = function(a, extra)
      local m = nn.SpatialConvolution(unpack(a))
      return extra.bias and m or m:noBias()
    end,
  },
  SpatialFullConvolution = {
    arguments = function(m)
      local a = conv_arguments(m)
      a[9], a[10] = m.adjW, m.adjH
      return a
    end,
    extra = function(m) return {bias = m.bias ~= nil} end,
    shape = function(a) return {a[1], a[2], a[4], a[3]} end,
    make = function(a, extra)
      local m = nn.SpatialFullConvolution(unpack(a))
      return extra.bias and m or m:noBias()
    end,
  },
  BatchNormalization = {arguments = norm_arguments, shape = norm_shape},
  SpatialBatchNormalization = {arguments = norm_arguments, shape = norm_shape},
  SpatialMaxPooling = {
    arguments = pool_arguments, extra = function(m) return {ceil = flag(m.ceil_mode)} end,
    make = function(a, extra)
      local m = nn.SpatialMaxPooling(unpack(a))
      return extra.ceil and m:ceil() or m
    end,
  },
  SpatialAveragePooling = {
    arguments = pool_arguments,
    extra = function(m) return {ceil = flag(m.ceil_mode), count_include_pad = m.count_include_pad ~= false} end,
    make = function(a, extra)
      local m = nn.SpatialAveragePooling(unpack(a))
      if extra.ceil then m:ceil() end
      if not extra.count_include_pad then m:setCountExcludePad() end
      return m
    end,
  },
  View = {
    arguments = function(m) return list(m.size) end, extra = function(m) return {input_dims = m.numInputDims} end,
    make = function(a, extra)
      local m = nn.View(unpack(a))
      return extra.input_dims and m:setNumInputDims(extra.input_dims) or m
    end,
  },
  Reshape = {
    arguments = function(m) return list(m.size) end, extra = function(m) return {batch = m.batchMode} end,
    make = function(a, extra)
      a[#a + 1] = extra.batch
      return nn.Reshape(unpack(a))
    end,
  },
  Sequential = {container = true}, ConcatTable = {container = true}, ParallelTable = {container = true},
  Concat = {container = true, arguments = function(m) return {m.dimension} end},

  -- layers around others
  SpectralNorm = {
    container = true, buffers = {'u', 'v'}, arguments = function(m) return {m.iterations} end,
    assemble = function(modules, a) return nn.SpectralNorm(modules[1], a[1]) end,
  },
  EqualizedLearningRate = {
    container = true, arguments = function(m) return {m.variance, m.rate} end,
    assemble = function(modules, a) return nn.EqualizedLearningRate(modules[1], a[1], a[2]) end,
  },
  Residual = {container = true, assemble = function(modules) return nn.Residual(modules[1], modules[2]) end},
  ConditionalSequential = {container = true},
  SelfAttention = {container = true, assemble = function(modules) return nn.SelfAttention(modules) end},
  Projection = {container = true, assemble = function(modules) return nn.Projection(modules) end},
  AdaptiveInstanceNormalization = {
    container = true, arguments = function(m) return {m.channels, m.eps} end,
    assemble = function(modules, a) return nn.AdaptiveInstanceNormalization(a[1], modules[1], a[2]) end,
  },
  SpatialModulatedConvolution = {
    container = true, shape = function(a) return {a[2], a[1], a[3], a[3]} end,
    arguments = function(m) return {m.nInputPlane, m.nOutputPlane, m.kW, m.demodulate} end,
    assemble = function(modules, a) return nn.SpatialModulatedConvolution(a[1], a[2], modules[1], a[3], a[4]) end,
  },
  StyleTruncation = {
    arguments = function(m) return {m.running_mean:size(1), m.momentum} end, shape = norm_shape, checked = 'running_mean',
  },
  StyleMixing = {arguments = function(m) return {m.layers, m.probability} end},
  VirtualBatch = {
    container = true, buffers = {'reference'}, checked = 'reference', shape = function(a) return a end,
    arguments = function(m) return list(m.reference:size()) end,
    assemble = function(modules, a) return nn.VirtualBatch(modules[1], torch.Tensor(torch.LongStorage(a))) end,
  },
  VirtualBatchNormalization = {arguments = function(m) return {m.weight:size(1), m.eps} end, shape = norm_shape},

  -- normalisation
  GroupNormalization = {
    arguments = function(m) return {m.groups, m.channels, m.eps, m.weight ~= nil} end,
    shape = function(a) return a[4] and {a[2]} end,
  },
  LayerNormalization = {arguments = plain_norm_arguments, shape = plain_norm_shape},
  InstanceNormalization = {arguments = plain_norm_arguments, shape = plain_norm_shape},
  PixelNormalization = {arguments = function(m) return {m.eps} end},
  ConditionalBatchNormalization = {
    arguments = function(m) return {m.weight:size(2), m.weight:size(1), m.eps, m.momentum} end,
    shape = function(a) return {a[2], a[1]} end,
  },

  -- with parameters
  Maxout = {
    arguments = function(m) return {m.weight:size(2), m.outputSize, m.pieces} end,
    shape = function(a) return {a[2] * a[3], a[1]} end,
  },
  LookupTable = {
    arguments = function(m) return {m.weight:size(1), m.weight:size(2)} end, shape = function(a) return {a[1], a[2]} end,
  },
  MinibatchDiscrimination = {
    arguments = function(m) return {m.weight:size(1), m.kernels, m.dimensions} end, shape = function(a) return {a[1], a[2] * a[3]} end,
  },
  NoiseInjection = {arguments = function(m) return {m.weight:size(1), m.seed} end, shape = norm_shape},
  PReLU = {arguments = function(m) return {m.nOutputPlane} end, shape = function(a) return {math.max(a[1], 1)} end},
  Mul = {arguments = none, shape = function() return {1} end},
  CMul = {arguments = function(m) return list(m.size) end, shape = function(a) return a end},
  CAdd = {arguments = function(m) return list(m.size) end, shape = function(a) return a end, checked = 'bias'},
  Add = {
    arguments = function(m) return {m.bias:size(1), m.scalar} end, checked = 'bias',
    shape = function(a) return {a[2] == true and 1 or a[1]} end,
  },

  -- element by element
  Abs = {arguments = none}, Square = {arguments = none}, Exp = {arguments = none}, Log = {arguments = none},
  LogSigmoid = {arguments = none}, SoftSign = {arguments = none}, SoftMax = {arguments = none}, LogSoftMax = {arguments = none},
  Sqrt = {arguments = function(m) return {m.eps} end},
  Power = {arguments = function(m) return {m.pow} end},
  ELU = {arguments = function(m) return {m.alpha, flag(m.inplace)} end},
  SoftPlus = {arguments = function(m) return {m.beta} end},
  HardTanh = {arguments = function(m) return {m.min_val, m.max_val, flag(m.inplace)} end},
  Clamp = {arguments = function(m) return {m.min_val, m.max_val} end},
  Threshold = {arguments = function(m) return {m.threshold, m.val, flag(m.inplace)} end},
  MulConstant = {arguments = function(m) return {m.constant_scalar, flag(m.inplace)} end},
  AddConstant = {arguments = function(m) return {m.constant_scalar, flag(m.inplace)} end},
  GradientReversal = {arguments = function(m) return {m.lambda} end},

  -- along dimensions. The largest magnitude's norm has no number in JSON.
  Normalize = {
    arguments = function(m) return {m.p < math.huge and m.p or 0, m.eps} end,
    make = function(a) return nn.Normalize(a[1] > 0 and a[1] or math.huge, a[2]) end,
  },
  Sum = {
    arguments = dimension_arguments,
    extra = function(m) return {mean = m.sizeAverage, keep = m.squeeze == false} end,
    make = function(a, extra) return nn.Sum(a[1], a[2], flag(extra.mean), not extra.keep) end,
  },
  Mean = {arguments = dimension_arguments}, Max = {arguments = dimension_arguments}, Min = {arguments = dimension_arguments},
  SplitTable = {arguments = dimension_arguments},

  -- shapes
  Narrow = {arguments = function(m) return {m.dimension, m.index, m.length} end},
  Select = {arguments = function(m) return {m.dimension, m.index} end},
  Transpose = {
    arguments = function(m)
      local flat = {}
      for _, pair in ipairs(m.permutations) do flat[#flat + 1], flat[#flat + 2] = pair[1], pair[2] end
      return flat
    end,
    extra = input_dims,
    make = function(a, extra)
      local pairs_of = {}
      for i = 1, #a, 2 do pairs_of[#pairs_of + 1] = {a[i], a[i + 1]} end
      return nn.Transpose(unpack(pairs_of)):setNumInputDims(extra.input_dims)
    end,
  },
  Squeeze = {
    arguments = function(m) return {m.dim} end, extra = input_dims,
    make = function(a, extra) return nn.Squeeze(a[1], extra.input_dims) end,
  },
  Unsqueeze = {arguments = function(m) return {m.pos, m.numInputDims} end},
  Replicate = {arguments = function(m) return {m.nfeatures, m.dim, m.ndim} end},
  Contiguous = {arguments = none},
  Padding = {
    arguments = function(m) return {m.dim, m.pad} end,
    extra = function(m) return {input_dims = m.nInputDim, value = m.value, index = m.index} end,
    make = function(a, extra) return nn.Padding(a[1], a[2], extra.input_dims, extra.value, extra.index) end,
  },
  SpatialZeroPadding = {arguments = pad_arguments}, SpatialReflectionPadding = {arguments = pad_arguments},
  SpatialReplicationPadding = {arguments = pad_arguments},
  PixelShuffle = {arguments = function(m) return {m.upscaleFactor} end},
  MinibatchStandardDeviation = {arguments = function(m) return {m.group} end},
  SpatialUpSamplingNearest = {arguments = function(m) return {m.scale_factor} end},
  SpatialUpSamplingBilinear = {
    arguments = function(m) return m.scale_factor and {m.scale_factor} or {m.oheight, m.owidth} end,
    make = function(a) return nn.SpatialUpSamplingBilinear(a[2] and {oheight = a[1], owidth = a[2]} or a[1]) end,
  },

  -- lists
  CAddTable = {arguments = inplace}, CSubTable = {arguments = none}, CMulTable = {arguments = none}, CDivTable = {arguments = none},
  CMaxTable = {arguments = none}, CMinTable = {arguments = none}, FlattenTable = {arguments = none},
  JoinLabels = {arguments = function(m) return {m.classes} end},
  SelectTable = {arguments = function(m) return {m.index} end},
  NarrowTable = {arguments = function(m) return {m.offset, m.length} end},
}
