--- What the spatial convolution layers share: drawing parameters, images without a batch dimension, the weight's shape.
local ffi = require 'ffi'
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local autograd = require 'gantry.autograd'
local ops = require 'gantry.autograd.ops'
local precision = require 'gantry.autograd.precision'
local kernel = require 'gantry.nn.kernel'

local C, check, fail = native.C, native.check, native.fail
local conv_shape_t = ffi.typeof 'gt_conv_shape'
local dims = ffi.new 'int64_t[8]'

local spatial = {}

--- The layer's stride and padding, and the precision in force, for the C functions. Networks saved long ago had one field
-- `padding`, or none.
function spatial.shape(layer)
  local pad_w = layer.padW or layer.padding or 0
  local pad_h = layer.padH or pad_w
  return conv_shape_t(layer.dH, layer.dW, pad_h, pad_w, 1, 1, 1, precision.code)
end

--- Sets the fields that say what a layer's kernel is, as Torch7 took its arguments; kH may be left out.
function spatial.set_kernel(layer, nInputPlane, nOutputPlane, kW, kH, dW, dH, padW, padH)
  kH, dW, dH = kH or kW, dW or 1, dH or 1
  kernel.whole(layer, 1, 'nInputPlane', nInputPlane, 'nOutputPlane', nOutputPlane, 'kW', kW, 'kH', kH, 'dW', dW, 'dH', dH)
  kernel.whole(layer, 0, 'padW', padW, 'padH', padH)
  layer.nInputPlane, layer.nOutputPlane = nInputPlane, nOutputPlane
  layer.kW, layer.kH, layer.dW, layer.dH, layer.padW, layer.padH = kW, kH, dW, dH, padW, padH
end

--- Makes the parameters: weight of out x in x kH x kW (whatever the layer calls out), bias numbers.
function spatial.make_parameters(layer, first, second, biases)
  layer.weight, layer.gradWeight = torch.Tensor(first, second, layer.kH, layer.kW), torch.Tensor(first, second, layer.kH, layer.kW):zero()
  layer.bias, layer.gradBias = torch.Tensor(biases), torch.Tensor(biases):zero()
end

--- Draws weight, then bias, uniformly; stdv is the standard deviation, by default the bound is 1/sqrt(kW kH nInputPlane).
function spatial.draw(layer, stdv)
  stdv = stdv and stdv * math.sqrt(3) or 1 / math.sqrt(layer.kW * layer.kH * layer.nInputPlane)
  layer.weight:uniform(-stdv, stdv)
  if layer.bias then layer.bias:uniform(-stdv, stdv) end
end

--- Checks an input and its number of planes.
function spatial.want(layer, input)
  kernel.want(input, layer, 4, 3)
  local planes = tonumber(input.shape[input.rank - 3])
  if planes ~= layer.nInputPlane then
    fail('%s: the input is %s, wanted %d planes, got %d', torch.type(layer), kernel.sizes(input), layer.nInputPlane, planes)
  end
end

--- t with a batch dimension of 1 in front, if it has three dimensions.
function spatial.batch(t)
  if t.rank ~= 3 then return t end
  local v = native.new_tensor(t.dtype)
  check(C.gt_unsqueeze(v, t, 0))
  return v
end

--- Drops the batch dimension of a result computed for an input of three dimensions.
function spatial.unbatch(r, input)
  if input.rank == 3 then
    for d = 0, 2 do dims[d] = r.shape[d + 1] end
    check(C.gt_view(r, r, 3, dims))
  end
  return r
end

--- A layer's call on a value of three or four dimensions.
function spatial.call(input, f, ...)
  if input:dim() == 4 then return f(input, ...) end
  local y = f(ops.unsqueeze(input, 1), ...)
  return ops.select(y, 1, 1)
end

--- ops.add_bias of a value that nobody else has.
function spatial.add_bias(x, bias, slope)
  local y = ops.add_bias(x, bias, slope)
  autograd.pass_on(x, y)
  return y
end

--- A weight or its gradient in four dimensions; networks saved long ago had two.
function spatial.kernel(layer, t)
  if t.rank == 4 then return t end
  local v = native.new_tensor(t.dtype)
  dims[0], dims[1], dims[2], dims[3] = layer.nOutputPlane, layer.nInputPlane, layer.kH, layer.kW
  check(C.gt_view(v, t, 4, dims))
  return v
end

--- The kernel, stride and padding in Torch7's printing.
function spatial.describe(layer, extra)
  local pad_w = layer.padW or layer.padding or 0
  local pad_h = layer.padH or pad_w
  local text = ('%s(%d -> %d, %dx%d'):format(torch.type(layer), layer.nInputPlane, layer.nOutputPlane, layer.kW, layer.kH)
  local padded = pad_w ~= 0 or pad_h ~= 0 or extra ~= ''
  if layer.dW ~= 1 or layer.dH ~= 1 or padded then text = ('%s, %d,%d'):format(text, layer.dW, layer.dH) end
  if padded then text = ('%s, %d,%d'):format(text, pad_w, pad_h) end
  return text .. extra .. ')' .. (layer.bias and '' or ' without bias')
end

return spatial
