--- Cases for gradient checks: for every entry of the op table at least one, and for the functions that are made of entries.
--
-- A case: inputs() returns a list of DoubleTensors; fn takes one value for each. smooth = false where moving inputs together or
-- repeating them would reach a kink (ties), so that the variants with repeated operands leave it out.
local torch = require 'gantry.torch'
local autograd = require 'gantry.autograd'
require 'gantry.nn'
local numbers = require 'tests.support.numbers'

local ops = autograd.ops
local signed, positive, distinct, between = numbers.signed, numbers.positive, numbers.distinct, numbers.between

local cases, composites = {}, {}

--- Cases of an op: case(name, inputs, fn [, more fields]).
local function case(name, inputs, fn, fields)
  local list = cases[name] or {}
  cases[name] = list
  local c = {inputs = inputs, fn = fn}
  for key, x in pairs(fields or {}) do c[key] = x end
  list[#list + 1] = c
end

local function composite(name, inputs, fn, fields)
  local c = {name = name, inputs = inputs, fn = fn}
  for key, x in pairs(fields or {}) do c[key] = x end
  composites[#composites + 1] = c
end

local function one(make, ...)
  local sizes = {...}
  return function() return {make(unpack(sizes))} end
end

local function two(make, sizes1, sizes2)
  return function() return {make(unpack(sizes1)), make(unpack(sizes2))} end
end

-- ---- element-wise -----------------------------------------------------------------------------------------------------

case('add_scalar', one(signed, 3, 5), function(x) return ops.mul(x + 1.5, 2 - x) end)
case('scale', one(signed, 7), function(x) return ops.mul(x * -2.5, x / 4) end)

-- every way two operands can broadcast against each other
local pairs_of_sizes = {
  {{3, 5}, {3, 5}}, {{3, 5}, {5}}, {{1, 5}, {3, 1}}, {{2, 3, 4}, {3, 1}}, {{1}, {2, 3}}, {{4}, {2, 3, 4}}, {{1, 1}, {1}}, {{3, 2}, {6}},
}
for _, sizes in ipairs(pairs_of_sizes) do
  case('add', two(signed, sizes[1], sizes[2]), function(a, b) return ops.pow(a + b, 2) end)
  case('sub', two(signed, sizes[1], sizes[2]), function(a, b) return ops.pow(a - b, 3) end)
  case('mul', two(signed, sizes[1], sizes[2]), function(a, b) return ops.mul(a * b, a) end)
  case('div', two(signed, sizes[1], sizes[2]), function(a, b) return a / b end)
end
case('reciprocal', one(signed, 3, 3), ops.reciprocal)
case('reciprocal', one(signed, 4), function(x) return 3 / x end)
case('safe_reciprocal', one(signed, 3, 3), ops.safe_reciprocal)
for _, p in ipairs {0, 1, 2, 3, 0.5, -1.5} do
  case('pow', one(positive, 2, 3), function(x) return x ^ p end)
end
case('pow', one(signed, 2, 3), function(x) return ops.pow(x, 4) end)
case('root', one(positive, 5), function(x) return ops.root(x, 3) end)
for _, p in ipairs {0, 1, 2, 3.5, 0.5, -1.5} do
  case('abs_pow', one(signed, 2, 3), function(x) return ops.pow(ops.abs_pow(x, p), 2) end)
  case('signed_pow', one(signed, 2, 3), function(x) return ops.pow(ops.signed_pow(x, p), 2) end)
end
case('exp', one(signed, 2, 5), ops.exp)
case('log', one(positive, 2, 5), ops.log)
case('sqrt', one(positive, 2, 5), ops.sqrt)
case('sin', one(signed, 6), ops.sin)
case('cos', one(signed, 6), ops.cos)
case('sign', one(signed, 6), function(x) return ops.sign(x) * x end)
case('abs', one(signed, 6), function(x) return ops.mul(ops.abs(x), x) end)
case('tanh', one(signed, 2, 1, 3), ops.tanh)
case('tanh_grad', two(signed, {2, 3}, {2, 3}), ops.tanh_grad)
case('sigmoid', one(signed, 2, 1, 3), ops.sigmoid)
case('sigmoid_grad', two(signed, {2, 3}, {2, 3}), ops.sigmoid_grad)
case('relu', one(signed, 3, 5), function(x) return ops.pow(ops.relu(x), 3) end)
case('leaky_relu', one(signed, 3, 5), function(x) return ops.pow(ops.leaky_relu(x, 0.2), 2) end)
case('leaky_relu_grad', two(signed, {2, 5}, {2, 5}), function(g, x) return ops.pow(ops.leaky_relu_grad(g, x, 0.2), 2) end)
case('softplus', one(signed, 3, 5), ops.softplus)
case('softplus', function() return {torch.DoubleTensor {-30, -5, 0, 5, 30, 45, 60}} end, ops.softplus)
case('softplus', one(signed, 3, 5), function(x) return ops.softplus(x, 2.5, 20) end)
case('elu', one(signed, 3, 5), function(x) return ops.pow(ops.elu(x, 0.7), 2) end)
case('elu_grad', two(signed, {2, 5}, {2, 5}), function(g, x) return ops.pow(ops.elu_grad(g, x, 0.7), 2) end)
case('threshold', one(signed, 3, 5), function(x) return ops.pow(ops.threshold(x, 0.13, -2), 2) end)
case('threshold_grad', two(signed, {2, 5}, {2, 5}), function(g, x) return ops.pow(ops.threshold_grad(g, x, 0.13), 2) end)
case('hard_tanh', one(signed, 3, 7), function(x) return ops.mul(ops.hard_tanh(x, -0.71, 0.93), x) end)
case('hard_tanh_grad', two(signed, {2, 5}, {2, 5}), function(g, x) return ops.pow(ops.hard_tanh_grad(g, x, -0.71, 0.93), 2) end)
-- Its gradient is that of x * -lambda, so it agrees with differences where lambda is -1.
case('reverse_gradient', one(signed, 3, 5), function(x) return ops.pow(ops.reverse_gradient(x, -1), 3) end)
case('clamp', one(signed, 3, 7), function(x) return ops.mul(ops.clamp(x, -0.71, 0.93), x) end)
case('clamp_grad', two(signed, {2, 5}, {2, 5}), function(g, x) return ops.pow(ops.clamp_grad(g, x, -0.71, 0.93), 2) end)
for _, name in ipairs {'cmax', 'cmin'} do
  local function apart() -- two tensors without ties, also after one is repeated
    local both = distinct(2, 12)
    return {both:narrow(1, 1, 1):clone():view(3, 4), both:narrow(1, 2, 1):clone():view(3, 4)}
  end
  case(name, apart, function(a, b) return ops.mul(ops[name](a, b), a) end, {smooth = false})
  case(name, function()
    local both = distinct(4, 4)
    return {both:narrow(1, 1, 3):clone(), both:narrow(1, 4, 1):clone():view(4)}
  end, function(a, b) return ops.pow(ops[name](a, b), 2) end, {smooth = false})
end
case('bce_with_logits', two(signed, {3, 4}, {3, 4}), function(x, t) return ops.bce_with_logits(x, t) end)
case('bce_with_logits', two(signed, {3, 4}, {4}), function(x, t) return ops.bce_with_logits(x, t) end)
case('bce_with_logits', one(signed, 5), function(x) return ops.bce_with_logits(x, 0.9) end)
case('bce_with_logits', function() return {torch.DoubleTensor {-700, -50, 50, 700}} end, function(x) return ops.bce_with_logits(x, 1) end)

-- ---- shape ------------------------------------------------------------------------------------------------------------

case('contiguous', one(signed, 3, 4), function(x) return ops.pow(ops.contiguous(ops.transpose(x, 1, 2)), 2) end)
case('inner', one(signed, 2, 3, 4, 5), function(x) return ops.pow(ops.inner(x), 2) end)
case('inner', one(signed, 2, 3, 4, 5), function(x) return ops.mul(ops.contiguous(ops.pow(ops.inner(x), 2)), ops.inner(x)) end)
case('reshape', one(signed, 2, 3, 4, 2), function(x) return ops.pow(ops.view(ops.inner(x), 4, -1), 3) end)
case('reshape', one(signed, 3, 4), function(x) return ops.pow(ops.view(x, 2, -1), 2) end)
case('reshape', one(signed, 2, 3, 4), function(x) return ops.pow(ops.view(ops.transpose(x, 1, 3), {6, 4}), 2) end)
case('transpose', one(signed, 2, 3, 4), function(x) return ops.pow(ops.transpose(x, 1, 3), 2) end)
case('permute', one(signed, 2, 3, 4), function(x) return ops.pow(ops.permute(x, 2, 3, 1), 2) end)
case('permute', one(signed, 2, 1, 3, 2), function(x) return ops.pow(ops.permute(x, {4, 1, 3, 2}), 2) end)
case('narrow', one(signed, 3, 5), function(x) return ops.pow(ops.narrow(x, 2, 2, 3), 2) end)
case('embed', one(signed, 3, 2), function(x) return ops.pow(ops.embed(x, 2, 3, 5), 2) end)
case('cat', two(signed, {2, 3}, {2, 1}), function(a, b) return ops.pow(ops.cat({a, b, a}, 2), 2) end)
case('cat', two(signed, {1, 3}, {2, 3}), function(a, b) return ops.pow(ops.cat({a, ops.transpose(ops.t(b), 1, 2)}), 3) end)
case('cat', one(signed, 4), function(a) return ops.cat({torch.typename(a.data) == 'torch.DoubleTensor' and torch.DoubleTensor {1, 2}
  or torch.FloatTensor {1, 2}, a * a}, 1) end)
case('expand', one(signed, 3, 1), function(x) return ops.pow(ops.expand(x, 2, 3, 4), 2) end)
case('expand', one(signed, 4), function(x) return ops.mul(ops.expand(x, {3, 4}), ops.expand(x, 3, 4)) end)
case('sum_to', two(signed, {2, 3, 4}, {3, 1}), function(x, like) return ops.pow(ops.sum_to(x, like), 2) end)
case('sum_to', two(signed, {2, 3}, {1}), function(x, like) return ops.pow(ops.sum_to(x, like), 2) end)
local some = torch.LongTensor {3, 1, 3, 2}
case('index_select', one(signed, 3, 2), function(x) return ops.pow(ops.index_select(x, 1, some), 2) end)
case('index_select', one(signed, 2, 3, 2), function(x) return ops.pow(ops.index_select(x, 2, some), 2) end)
case('index_put', one(signed, 4, 2), function(x) return ops.pow(ops.index_put(x, 1, some, 3), 2) end)
local which = torch.LongTensor {{1, 3}, {2, 2}, {3, 1}}
case('gather', one(signed, 3, 3), function(x) return ops.pow(ops.gather(x, 2, which), 2) end)
case('gather', one(signed, 3, 2), function(x) return ops.pow(ops.gather(x, 1, which), 2) end)
case('scatter_add', one(signed, 3, 2), function(x) return ops.pow(ops.scatter_add(x, 2, which, 4), 2) end)

case('upsample_nearest', one(signed, 2, 1, 2, 3), function(x) return ops.pow(ops.upsample_nearest(x, 3), 2) end)
case('upsample_nearest', one(signed, 2, 3), function(x) return ops.pow(ops.upsample_nearest(x, 2), 2) end)
case('block_sum', one(signed, 2, 1, 4, 6), function(x) return ops.pow(ops.block_sum(x, 2), 2) end)

-- ---- reductions -------------------------------------------------------------------------------------------------------

case('sum_all', one(signed, 3, 5), function(x) return ops.sum(x) * ops.sum(x * x) end)
case('sum_dims', one(signed, 2, 3, 4), function(x) return ops.pow(ops.sum(x, 2), 2) end)
case('sum_dims', one(signed, 2, 3, 4), function(x) return ops.pow(ops.sum(x, {1, 3}, true), 2) end)
case('sum_dims', one(signed, 2, 3), function(x) return ops.pow(ops.sum(x, {1, 2}), 2) end)
for _, name in ipairs {'max', 'min'} do
  case(name, one(distinct, 3, 5), function(x) return ops.pow((ops[name](x, 2)), 2) end, {smooth = false})
  case(name, one(distinct, 2, 3, 4), function(x) return ops.pow((ops[name](x, 1, true)), 2) end, {smooth = false})
  case(name, one(distinct, 3, 4), function(x) return ops.pow((ops[name](x)), 2) end, {smooth = false})
end
case('log_softmax', one(signed, 3, 5), function(x) return ops.log_softmax(x) end)
case('log_softmax', one(signed, 3, 2, 2), function(x) return ops.log_softmax(x, 1) end)

-- ---- linear -----------------------------------------------------------------------------------------------------------

for _, turn in ipairs {{false, false}, {true, false}, {false, true}, {true, true}} do
  local ta, tb = turn[1], turn[2]
  case('matmul', two(signed, ta and {4, 3} or {3, 4}, tb and {5, 4} or {4, 5}), function(a, b)
    return ops.pow(ops.matmul(a, b, ta, tb), 2)
  end)
  case('matmul', two(signed, ta and {2, 3, 2} or {2, 2, 3}, tb and {2, 1, 3} or {2, 3, 1}), function(a, b)
    return ops.pow(ops.matmul(a, b, ta, tb), 2)
  end)
end
case('matmul', one(signed, 3, 3), function(a) return ops.matmul(a, a, false, true) end)
case('add_bias', two(signed, {2, 3, 2, 2}, {3}), function(x, b) return ops.pow(ops.add_bias(x, b), 2) end)
case('add_bias', two(signed, {4, 3}, {3}), function(x, b) return ops.pow(ops.add_bias(x, b), 2) end)
for _, slope in ipairs {0, 0.2, -0.5} do
  case('add_bias_activated', two(signed, {2, 3, 2, 2}, {3}), function(x, b) return ops.pow(ops.add_bias(x, b, slope), 2) end)
  case('add_bias_activated', two(signed, {2, 3, 2, 2}, {3}), function(x, b) return ops.pow(ops.add_bias(ops.inner(x), b, slope), 2) end)
  case('add_bias_activated', two(signed, {4, 3}, {3}), function(x, b) return ops.pow(ops.add_bias(x, b, slope), 2) end)
end
case('channel_sum', one(signed, 2, 3, 2, 2), function(x) return ops.pow(ops.channel_sum(x), 2) end)
case('channel_sum', one(signed, 4, 3), function(x) return ops.pow(ops.channel_sum(x), 2) end)

-- ---- convolution: sizes of x and w, and how it moves --------------------------------------------------------------------

local convolutions = {
  {x = {2, 2, 6, 6}, w = {3, 2, 4, 4}, o = {stride_h = 2, stride_w = 2, pad_h = 1, pad_w = 1}}, -- DCGAN's
  {x = {1, 1, 5, 7}, w = {2, 1, 3, 2}, o = {stride_h = 2, stride_w = 3, pad_h = 1}},
  {x = {2, 2, 5, 5}, w = {2, 2, 5, 5}, o = {stride_h = 2, stride_w = 2, pad_h = 2, pad_w = 2}}, -- the last row and column unused or not
  {x = {1, 4, 4, 5}, w = {6, 2, 3, 3}, o = {pad_h = 1, pad_w = 2, groups = 2}},
  {x = {2, 3, 4, 4}, w = {3, 1, 2, 2}, o = {groups = 3}}, -- depthwise
  {x = {1, 2, 7, 6}, w = {2, 2, 3, 2}, o = {dil_h = 2, dil_w = 3, pad_h = 1, pad_w = 1}},
  {x = {3, 2, 1, 1}, w = {4, 2, 1, 1}, o = {}},
  {x = {1, 2, 4, 4}, w = {1, 2, 4, 4}, o = {}}, -- to a single number
}
for _, c in ipairs(convolutions) do
  local shape = ops.conv_shape(c.o)
  local function out(d)
    local k = d == 3 and 'h' or 'w'
    local stride, pad, dil = c.o['stride_' .. k] or 1, c.o['pad_' .. k] or 0, c.o['dil_' .. k] or 1
    return math.floor((c.x[d] + 2 * pad - dil * (c.w[d] - 1) - 1) / stride) + 1
  end
  local y = {c.x[1], c.w[1], out(3), out(4)}
  local h, w, kh, kw = c.x[3], c.x[4], c.w[3], c.w[4]
  case('conv', two(signed, c.x, c.w), function(x, k) return ops.conv(x, k, shape) end)
  -- h and w carry the output padding where the stride leaves rows over
  case('conv_input', two(signed, y, c.w), function(g, k) return ops.conv_input(g, k, shape, h, w) end)
  case('conv_weight', two(signed, c.x, y), function(x, g) return ops.conv_weight(x, g, shape, kh, kw) end)
end

local pools = {
  {x = {2, 2, 4, 4}, o = {kh = 2, kw = 2}},
  {x = {1, 2, 5, 7}, o = {kh = 3, kw = 2, stride_h = 2, stride_w = 3, pad_h = 1, pad_w = 1}},
  {x = {2, 1, 5, 5}, o = {kh = 2, kw = 2, ceil_mode = true}},
  {x = {1, 1, 6, 5}, o = {kh = 3, kw = 3, stride_h = 2, stride_w = 2, pad_h = 1, pad_w = 1, ceil_mode = true, include_pad = false}},
}
for _, c in ipairs(pools) do
  local shape = ops.pool_shape(c.o)
  local h, w = c.x[3], c.x[4]
  local probe = ops.avg_pool(torch.DoubleTensor(unpack(c.x)):zero(), shape)
  local y = numbers.sizes(probe)
  local _, index = autograd.op_table.max_pool.forward(numbers.distinct(unpack(c.x)), shape)
  case('max_pool', one(distinct, unpack(c.x)), function(x) return ops.pow(ops.max_pool(x, shape), 2) end, {smooth = false})
  case('max_pool_grad', one(signed, unpack(y)), function(g) return ops.pow(ops.max_pool_grad(g, index, h, w), 2) end)
  case('max_pool_pick', one(signed, unpack(c.x)), function(x) return ops.pow(ops.max_pool_pick(x, index), 2) end)
  case('avg_pool', one(signed, unpack(c.x)), function(x) return ops.pow(ops.avg_pool(x, shape), 2) end)
  case('avg_pool_grad', one(signed, unpack(y)), function(g) return ops.pow(ops.avg_pool_grad(g, shape, h, w), 2) end)
end

-- ---- batch normalisation ----------------------------------------------------------------------------------------------

local function normalised(x_sizes)
  local channels = x_sizes[2]
  local function affine() return {signed(unpack(x_sizes)), positive(channels), signed(channels)} end
  local train = {train = true, eps = 1e-3}
  case('batch_norm', affine, function(x, w, b) return ops.batch_norm(x, w, b, train) end, {smooth = false})
  case('batch_norm', one(signed, unpack(x_sizes)), function(x)
    return ops.pow(ops.batch_norm(x, nil, nil, {train = true}), 2)
  end, {smooth = false})
  case('batch_norm', affine, function(x, w, b)
    local function running(number) return torch.DoubleTensor(channels):fill(number):type(x.data:type()) end
    return ops.pow(ops.batch_norm(x, w, b, {running_mean = running(0.3), running_var = running(0.7)}), 2)
  end)
  for _, slope in ipairs {0, 0.2, -0.5} do
    local activated = {train = true, slope = slope}
    case('batch_norm_activated', affine, function(x, w, b)
      if #x_sizes == 4 then x = ops.inner(x) end
      return ops.pow(ops.batch_norm(x, w, b, activated), 2)
    end, {smooth = false})
    case('batch_norm_activated', one(signed, unpack(x_sizes)), function(x)
      return ops.batch_norm(x, nil, nil, activated)
    end, {smooth = false})
    case('batch_norm_activated', affine, function(x, w, b)
      local function running(number) return torch.DoubleTensor(channels):fill(number):type(x.data:type()) end
      return ops.pow(ops.batch_norm(x, w, b, {running_mean = running(0.3), running_var = running(0.7), slope = slope}), 2)
    end, {smooth = false})
  end
end
normalised {3, 2, 2, 3}
normalised {5, 3}

-- ---- a module that has only Torch7's three methods ------------------------------------------------------------------------

local Square = torch.class('spec.Square', 'nn.Module')
function Square:updateOutput(x)
  self.output = torch.cmul(x, x)
  return self.output
end
function Square:updateGradInput(x, g)
  self.gradInput = torch.cmul(x, g):mul(2)
  return self.gradInput
end
case('torch7_module', one(signed, 2, 3), function(x) return Square():forward(Square():forward(x)) end)

-- ---- what is made of several entries ------------------------------------------------------------------------------------

composite('number on either side', one(signed, 4), function(x) return (2 + x) * 3 + 4 * x * x + (1 - x) * x + 2 / x + x / 2 - (x - 1) end)
composite('neg', one(signed, 4), function(x) return -(x * x) end)
composite('mean', one(signed, 3, 4), function(x) return ops.mean(x) * ops.sum(x) end)
composite('mean over a dimension', one(signed, 2, 3, 4), function(x) return ops.pow(ops.mean(x, 2), 2) end)
composite('mean over dimensions, kept', one(signed, 2, 3, 4), function(x) return ops.mul(ops.mean(x, {1, 3}, true), x) end)
composite('var', one(signed, 3, 4), ops.var)
composite('var over a dimension', one(signed, 3, 4), function(x) return ops.var(x, 1) end)
composite('var, biased and kept', one(signed, 3, 4), function(x) return ops.var(x, 2, true, true) end)
for _, p in ipairs {1, 2, 3, 2.5} do
  composite('norm ' .. p, one(signed, 3, 4), function(x) return ops.pow(ops.norm(x, p), 2) end)
  composite('norm ' .. p .. ' over a dimension', one(signed, 3, 4), function(x) return ops.pow(ops.norm(x, p, 2) - 1, 2) end)
end
composite('softmax', one(signed, 3, 4), function(x) return ops.softmax(x) end)
composite('softmax over dimension 1', one(signed, 3, 4), function(x) return ops.softmax(x, 1) end)
composite('select', one(signed, 3, 4), function(x) return ops.pow(ops.select(x, 2, 3), 2) end)
composite('select from a vector', one(signed, 4), function(x) return ops.pow(ops.select(x, 1, 3), 2) end)
composite('index', one(signed, 3, 4), function(x) return ops.pow(x[2], 2) + x[{{1, 2}, -1}]:sum() * x[{{}, {2, 3}}]:sum() end)
composite('index of a vector', one(signed, 4), function(x) return x[1] * x[-1] + x[{{2, 3}}]:pow(2):sum() end)
composite('squeeze', one(signed, 1, 3, 1, 2), function(x) return ops.pow(ops.squeeze(x), 2) end)
composite('squeeze one', one(signed, 1, 3, 1, 2), function(x) return ops.pow(ops.squeeze(x, 3), 2) end)
composite('unsqueeze', one(signed, 3, 2), function(x) return ops.pow(ops.unsqueeze(x, 2), 2) end)
composite('flatten', one(signed, 2, 3, 2), function(x) return ops.pow(ops.flatten(x, 2), 2) end)
composite('expand_as', two(signed, {1, 3}, {2, 3}), function(a, b) return ops.mul(ops.expand_as(a, b), b) end)
composite('per_channel', two(signed, {3}, {2, 3, 2}), function(v, x) return ops.mul(ops.per_channel(v, x), x) end)
composite('mse', two(signed, {3, 4}, {3, 4}), function(a, b) return ops.mse(a, b) end)
composite('mse of broadcast sizes', two(signed, {3, 4}, {4}), function(a, b) return ops.mse(a, b) end)
for groups = 1, 4 do
  if 4 % groups == 0 then
    composite('group_norm ' .. groups, function() return {signed(2, 4, 3, 2), positive(4), signed(4)} end, function(x, w, b)
      return ops.group_norm(x, groups, w, b, 1e-3)
    end, {smooth = false})
  end
end
composite('group_norm of rows', one(signed, 3, 4), function(x) return ops.pow(ops.group_norm(x, 2), 2) end, {smooth = false})
composite('affine_per_image', function() return {signed(2, 3, 2), signed(2, 3), signed(2, 3)} end, ops.affine_per_image)
composite('pixel_norm', one(signed, 2, 3, 2, 2), ops.pixel_norm)
composite('pixel_norm of rows', one(signed, 3, 4), function(x) return ops.pixel_norm(x, 1e-2) end)
composite('virtual_batch_norm', one(signed, 5, 2, 2, 1), function(x) return ops.virtual_batch_norm(x, 3, 1e-3) end, {smooth = false})
composite('virtual_batch_norm of rows', one(signed, 4, 2), function(x) return ops.virtual_batch_norm(x, 2, 1e-2) end, {smooth = false})
composite('virtual_batch_norm, references only', one(signed, 3, 2, 2), function(x) return ops.virtual_batch_norm(x, 3) end,
  {smooth = false})
composite('minibatch_stddev', one(signed, 4, 2, 2, 1), function(x) return ops.pow(ops.minibatch_stddev(x, 2, 1e-3), 2) end)
composite('minibatch_stddev of rows', one(signed, 3, 4), function(x) return ops.minibatch_stddev(x, nil, 1e-3) end)
composite('minibatch_similarity', one(distinct, 3, 2, 2), ops.minibatch_similarity, {smooth = false})
composite('attention', function() return {signed(2, 2, 3), signed(2, 2, 4), signed(2, 3, 4)} end, ops.attention)
for _, demodulate in ipairs {true, false} do
  composite('modulated_conv ' .. tostring(demodulate), function() return {signed(2, 2, 4, 3), signed(3, 2, 3, 3), positive(2, 2)} end,
    function(x, w, style) return ops.modulated_conv(x, w, style, ops.conv_shape {pad_h = 1, pad_w = 1}, demodulate) end)
end
composite('pixel_shuffle', one(signed, 2, 8, 2, 1), function(x) return ops.pow(ops.pixel_shuffle(x, 2), 2) end)
composite('interpolate', one(signed, 2, 3, 4), function(x) return ops.pow(ops.interpolate(ops.interpolate(x, 3, 7), 2, 2), 2) end)
composite('interpolate to one', one(signed, 2, 3), function(x) return ops.pow(ops.interpolate(x, 2, 1), 2) end)
composite('smooth_l1', function() return {torch.DoubleTensor {-3, -1.2, -0.8, -0.1, 0.2, 0.7, 1.5}} end, ops.smooth_l1)
composite('t', one(signed, 3, 2), function(x) return ops.matmul(x:t(), x) end)
composite('dropout', one(signed, 3, 4), function(x) return ops.pow(ops.dropout(x, 0.4, torch.Generator(5)), 2) end)
composite('methods and operators', two(between, {-1, 1, 2, 3}, {1, 2, 2, 3}), function(a, b)
  return ((a * b):tanh():sum(2) / b:mean() - a:view(-1):narrow(1, 1, 2) ^ 2):sigmoid()
end)
composite('a bottleneck used many times', one(signed, 3), function(x)
  local y = x:tanh()
  return y * y + y:exp() - y * x + y:sum() * y
end)

return {cases = cases, composites = composites}
