-- Wrong arguments of ops: whatever is given, the message is Gantry's own and names the op.
local autograd = require 'gantry.autograd'
local torch = require 'gantry.torch'

local ops = autograd.ops

local function images() return torch.rand(2, 4, 6, 6) end
local function matrix() return torch.rand(3, 4) end
local function index() return torch.LongTensor {1, 3, 2} end
local conv, pool = ops.conv_shape {pad_h = 1, pad_w = 1}, ops.pool_shape {kh = 2, kw = 2}
local pooled, places = ops.max_pool(images(), pool), torch.LongTensor(2, 4, 3, 3):fill(7)

-- Arguments with which each op works.
local calls = {
  abs = {matrix()}, abs_pow = {matrix(), 1.5}, add = {matrix(), matrix()}, add_bias = {images(), torch.rand(4)},
  affine_per_image = {images(), torch.rand(2, 4), torch.rand(2, 4)},
  attention = {torch.rand(2, 3, 4), torch.rand(2, 3, 5), torch.rand(2, 6, 5)}, avg_pool = {images(), pool},
  avg_pool_grad = {pooled, pool, 6, 6},
  batch_norm = {images(), torch.rand(4), torch.rand(4), {train = true, momentum = 0.1, eps = 1e-5}},
  bce_with_logits = {matrix(), 1}, block_sum = {images(), 2}, cat = {{matrix(), matrix()}, 2}, channel_sum = {images()},
  clamp = {matrix(), 0, 1}, clamp_grad = {matrix(), matrix(), 0, 1}, cmax = {matrix(), matrix()}, cmin = {matrix(), matrix()},
  contiguous = {matrix():t()}, conv = {images(), torch.rand(5, 4, 3, 3), conv},
  conv_input = {torch.rand(2, 5, 6, 6), torch.rand(5, 4, 3, 3), conv, 6, 6}, conv_shape = {{stride_h = 2, pad_w = 1}},
  conv_weight = {images(), torch.rand(2, 5, 6, 6), conv, 3, 3}, cos = {matrix()}, div = {matrix(), 3}, dropout = {matrix(), 0.5},
  elu = {matrix(), 1}, elu_grad = {matrix(), matrix(), 1}, embed = {matrix(), 1, 2, 9}, exp = {matrix()},
  expand = {torch.rand(3, 1), 3, 4}, expand_as = {torch.rand(3, 1), matrix()}, flatten = {images(), 2},
  gather = {matrix(), 1, torch.LongTensor(1, 4):fill(2)}, group_norm = {images(), 2, torch.rand(4), torch.rand(4), 1e-5},
  hard_tanh = {matrix(), -1, 1}, hard_tanh_grad = {matrix(), matrix(), -1, 1}, index = {matrix(), {{1, 2}, 3}},
  index_put = {matrix(), 1, index(), 5}, index_select = {matrix(), 1, index()}, inner = {images()}, interpolate = {images(), 3, 9},
  layout_as = {images(), ops.inner(images())}, leaky_relu = {matrix(), 0.2}, leaky_relu_grad = {matrix(), matrix(), 0.2},
  log = {matrix()}, log_softmax = {matrix(), 2}, matmul = {matrix(), torch.rand(4, 2)}, max = {matrix(), 1},
  max_pool = {images(), pool}, max_pool_grad = {pooled, places, 6, 6}, max_pool_pick = {images(), places}, mean = {matrix(), 1},
  min = {matrix(), 1}, minibatch_similarity = {torch.rand(3, 2, 4)}, minibatch_stddev = {images(), 2, 1e-8},
  modulated_conv = {images(), torch.rand(5, 4, 3, 3), torch.rand(2, 4), conv, true, 1e-8}, mse = {matrix(), matrix()},
  mul = {matrix(), 2}, narrow = {matrix(), 1, 2, 2}, neg = {matrix()}, norm = {matrix(), 2, 1},
  per_channel = {torch.rand(4), images()}, permute = {matrix(), 2, 1}, pixel_norm = {images(), 1e-8}, pixel_shuffle = {images(), 2},
  pool_shape = {{kh = 2, kw = 2, stride_h = 1}}, pow = {matrix(), 2}, reciprocal = {matrix()}, relu = {matrix()},
  reshape = {matrix(), 4, 3}, reshape_as = {matrix(), torch.rand(12)}, reverse_gradient = {matrix(), 1}, root = {matrix(), 2},
  safe_reciprocal = {matrix()}, scale = {matrix(), 2}, scatter_add = {matrix(), 1, torch.LongTensor(3, 4):fill(2), 5},
  select = {matrix(), 1, 2}, sigmoid = {matrix()}, sigmoid_grad = {matrix(), matrix()}, sign = {matrix()},
  signed_pow = {matrix(), 1.5}, sin = {matrix()}, smooth_l1 = {matrix()}, softmax = {matrix(), 2}, softplus = {matrix(), 1, 40},
  sqrt = {matrix()}, squeeze = {torch.rand(3, 1), 2}, sub = {matrix(), matrix()}, sum = {matrix(), 1},
  sum_to = {matrix(), torch.rand(1, 4)}, t = {matrix()}, tanh = {matrix()}, tanh_grad = {matrix(), matrix()},
  threshold = {matrix(), 0, 1}, threshold_grad = {matrix(), matrix(), 0}, transpose = {matrix(), 1, 2}, unsqueeze = {matrix(), 1},
  upsample_nearest = {images(), 2}, var = {matrix(), 1}, view = {matrix(), 4, 3}, virtual_batch_norm = {torch.rand(5, 4), 2, 1e-5},
}

-- Those that become other ops where they are given more, or another layout.
local others = {
  {'add_bias', {images(), torch.rand(4), 0.2}}, {'avg_pool', {ops.inner(images()), pool}},
  {'batch_norm', {images(), torch.rand(4), torch.rand(4), {train = true, slope = 0.2}}}, {'cat', {{images(), images()}, 1}},
  {'conv', {images(), torch.rand(5, 4, 3, 3), conv, 0.2}},
  {'group_norm', {ops.inner(images()), 2}}, {'view', {ops.inner(images()), 2, -1}}, {'view', {matrix(), torch.LongStorage {4, 3}}},
}

local function bad_values()
  return {
    table = {}, list = {1, 'x'}, string = 'x', boolean = true, negative = -3, fraction = 1.5, large = 1e18,
    nan = 0 / 0, infinite = math.huge,
    ['function'] = print, long = torch.LongTensor {1, 2}, vector = torch.rand(7), empty = torch.FloatTensor(),
    double = torch.DoubleTensor(3, 4), value = autograd.value(torch.rand(3, 4)), storage = torch.LongStorage {3, 4}, ['nil'] = false,
  }
end

local function copy(list)
  local c = {}
  for i = 1, 7 do c[i] = list[i] end
  return c
end

-- Calls an op with every argument in turn replaced by what it should not be; how often it refused that.
local function refusals(name, op, good)
  local refused = 0
  for _, wrap in ipairs {false, true} do
    local first = good[1]
    if wrap and torch.isTensor(first) then first = autograd.value(first, true) end
    assert(pcall(op, first, unpack(good, 2)))
    for i = 1, #good do
      for kind, bad in pairs(bad_values()) do
        local arguments = copy(good)
        arguments[1] = first
        if kind == 'nil' then arguments[i] = nil else arguments[i] = bad end
        local ok, problem = pcall(op, unpack(arguments, 1, 7))
        if not ok then
          refused = refused + 1
          problem = tostring(problem)
          local told = ('%s, argument %d is a %s: %s'):format(name, i, kind, problem)
          assert(problem:find 'arguments_spec.lua', told)
          assert(not problem:find 'bad argument' and not problem:find 'attempt to' and not problem:find 'cannot convert', told)
          assert(not problem:find '\n' and not problem:find 'gt_', told)
        end
      end
    end
  end
  return refused
end

describe('ops', function()
  it('refuse wrong arguments in words of their own', function()
    local refused = 0
    for name, op in pairs(ops) do refused = refused + refusals(name, op, assert(calls[name], 'there are no arguments for ' .. name)) end
    for _, other in ipairs(others) do refused = refused + refusals(other[1], ops[other[1]], other[2]) end
    assert.is_true(refused > 2500, refused)
  end)

  it('refuse running statistics that are no tensors, by name', function()
    local x, good = autograd.value(torch.rand(3, 4), true), torch.ones(4)
    for _, bad in ipairs {'x', 3, true, {}, autograd.value(good)} do
      for name, other in pairs {running_mean = 'running_var', running_var = 'running_mean'} do
        for _, train in ipairs {true, false} do
          local o = {train = train, [name] = bad, [other] = good}
          assert.error_matches(function() ops.batch_norm(x, nil, nil, o) end, 'batch_norm: ' .. name .. ' is .*, wanted a tensor')
        end
      end
    end
  end)
end)
