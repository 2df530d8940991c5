-- The ops against PyTorch's results and gradients: convolutions, batch normalisation, pooling, activations, losses.
local autograd = require 'gantry.autograd'
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local gold = require 'tests.support.gold'

local ops, value, grad, C = autograd.ops, autograd.value, autograd.grad, native.C

--- Gradients of y, weighted with g, by what is listed, in both of autograd's ways.
local function both_ways(y, inputs, g, compare)
  compare(grad(y, inputs, {grad_outputs = g, retain_graph = true}))
  compare(grad(y, inputs, {grad_outputs = g, create_graph = true}))
end

describe('PyTorch agrees with', function()
  gold.each(gold.open 'conv', '^conv ', function(name, case)
    it(name, function()
      local o = case.options
      local shape = ops.conv_shape {stride_h = o.stride[1], stride_w = o.stride[2], pad_h = o.pad[1], pad_w = o.pad[2],
        dil_h = o.dil[1], dil_w = o.dil[2], groups = o.groups}
      gold.in_both(function(to, same)
        local x, w, b = value(to(case.x), true), value(to(case.w), true), value(to(case.b), true)
        local y = ops.add_bias(ops.conv(x, w, shape), b)
        same(y.data, case.y, 'y')
        both_ways(y, {x, w, b}, to(case.g), function(found)
          same(found[1].data, case.gx, 'the gradient of x')
          same(found[2].data, case.gw, 'the gradient of w')
          same(found[3].data, case.gb, 'the gradient of the bias')
        end)
      end)
    end)
  end)

  gold.each(gold.open 'conv', '^full ', function(name, case)
    it(name, function()
      local o = case.options
      local shape = ops.conv_shape {stride_h = o.stride[1], stride_w = o.stride[2], pad_h = o.pad[1], pad_w = o.pad[2],
        dil_h = o.dil[1], dil_w = o.dil[2], groups = o.groups}
      gold.in_both(function(to, same)
        local x, w, b = value(to(case.x), true), value(to(case.w), true), value(to(case.b), true)
        local y = ops.add_bias(ops.conv_input(x, w, shape, case.y:size(3), case.y:size(4)), b)
        same(y.data, case.y, 'y')
        both_ways(y, {x, w, b}, to(case.g), function(found)
          same(found[1].data, case.gx, 'the gradient of x')
          same(found[2].data, case.gw, 'the gradient of w')
          same(found[3].data, case.gb, 'the gradient of the bias')
        end)
      end)
    end)
  end)

  local layers = gold.open 'layers'

  gold.each(layers, '^batch norm', function(name, case)
    it(name, function()
      gold.in_both(function(to, same)
        local x = value(to(case.x), true)
        local w, b = case.w and value(to(case.w), true), case.b and value(to(case.b), true)
        local running = {train = case.options.train, running_mean = to(case.mean_before):clone(), running_var = to(case.var_before):clone(),
          momentum = 0.1, eps = 1e-5}
        local y = ops.batch_norm(x, w, b, running)
        same(y.data, case.y, 'y')
        same(running.running_mean, case.mean_after, 'the running mean')
        same(running.running_var, case.var_after, 'the running variance')
        both_ways(y, {x, w, b}, to(case.g), function(found)
          same(found[1].data, case.gx, 'the gradient of x')
          if w then
            same(found[2].data, case.gw, 'the gradient of the weight')
            same(found[3].data, case.gb, 'the gradient of the bias')
          end
        end)
      end)
    end)
  end)

  gold.each(layers, '_pool', function(name, case)
    it(name, function()
      local o = case.options
      local shape = ops.pool_shape {kh = o.k[1], kw = o.k[2], stride_h = o.stride[1], stride_w = o.stride[2], pad_h = o.pad[1],
        pad_w = o.pad[2], ceil_mode = o.ceil, include_pad = o.op ~= 'avg_pool_without_pad'}
      local pool = o.op == 'max_pool' and ops.max_pool or ops.avg_pool
      gold.in_both(function(to, same)
        local x = value(to(case.x), true)
        local y = pool(x, shape)
        same(y.data, case.y, 'y')
        both_ways(y, {x}, to(case.g), function(found) same(found[1].data, case.gx, 'the gradient') end)
      end)
    end)
  end)

  local activations = {
    leaky_relu = function(x) return ops.leaky_relu(x, 0.2) end,
    norm = function(x) return ops.norm(x, 2, 2) end,
    var = function(x) return ops.var(x, 1) end,
  }
  gold.each(layers, '^activation', function(name, case)
    local fn = activations[case.options.op] or ops[case.options.op]
    it(name .. ', to the second order', function()
      gold.in_both(function(to, same)
        local x = value(to(case.x), true)
        local y = fn(x)
        same(y.data, case.y, 'y')
        local gx = grad(y, x, {grad_outputs = to(case.g), create_graph = true})
        same(gx.data, case.gx, 'the gradient')
        local second = gx.requires_grad and grad(gx, x, {grad_outputs = to(case.v), allow_unused = true})
        same(second and second.data or torch.zerosLike(case.x), case.ggx, 'the gradient of the gradient')
      end)
    end)
  end)

  for _, op in ipairs {'bce_with_logits', 'mse'} do
    it('loss ' .. op, function()
      local case = layers['loss ' .. op]
      gold.in_both(function(to, same)
        local x, t = value(to(case.x), true), value(to(case.t), true)
        local y = ops[op](x, t)
        same(y.data, case.y, 'the loss')
        both_ways(y, {x, t}, to(torch.DoubleTensor {1}), function(found)
          same(found[1].data, case.gx, 'the gradient of x')
          same(found[2].data, case.gt, 'the gradient of the target')
        end)
      end)
    end)
  end
end)

describe("Torch7's formula agrees with", function()
  gold.each(gold.open 'adam', '', function(name, case)
    it('the Adam kernel: ' .. name, function()
      local o = case.options
      gold.in_both(function(to, same)
        local x, m, v = to(case.x0):clone(), to(case.x0):clone():zero(), to(case.x0):clone():zero()
        for t = 1, o.steps do
          local step = o.lr * math.sqrt(1 - o.beta2 ^ t) / (1 - o.beta1 ^ t)
          native.check(C.gt_adam(x, m, v, to(case['g' .. t]), o.beta1, o.beta2, o.eps, step))
          same(x, case['x' .. t], 'x after step ' .. t)
        end
        same(m, case.m, 'the first moment')
        same(v, case.v, 'the second moment')
      end)
    end)
  end)
end)
