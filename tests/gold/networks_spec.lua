-- Whole networks against PyTorch: a small DCGAN's losses and gradients, and the weight gradients of WGAN-GP's penalty, which
-- are second derivatives; those also against central differences.
local autograd = require 'gantry.autograd'
local gold = require 'tests.support.gold'

local ops, value, grad, leaf = autograd.ops, autograd.value, autograd.grad, autograd.leaf
local halving = ops.conv_shape {stride_h = 2, stride_w = 2, pad_h = 1, pad_w = 1}
local plain = ops.conv_shape {}

describe('a small DCGAN', function()
  local case = gold.open('dcgan').dcgan

  --- Networks of ops, with parameters that are leaves and running statistics of their own.
  local function networks(to)
    local p, running = {}, {}
    for name, t in pairs(case) do
      if name:find '^[GD]%.' then
        p[name] = leaf(to(t):clone(), to(t):clone():zero())
        local norm = name:match '^([GD]%.bn%d)%.weight$'
        if norm then
          running[norm] = {train = true, momentum = 0.1, eps = 1e-5, running_mean = to(t):clone():zero(),
            running_var = to(t):clone():fill(1)}
        end
      end
    end
    local function normalise(x, name) return ops.batch_norm(x, p[name .. '.weight'], p[name .. '.bias'], running[name]) end
    local function G(z)
      local h = ops.relu(normalise(ops.conv_input(z, p['G.conv1.weight'], plain, 4, 4), 'G.bn1'))
      return ops.tanh(ops.add_bias(ops.conv_input(h, p['G.conv2.weight'], halving, 8, 8), p['G.conv2.bias']))
    end
    local function D(x)
      local h = ops.leaky_relu(ops.conv(x, p['D.conv1.weight'], halving), 0.2)
      h = ops.leaky_relu(normalise(ops.conv(h, p['D.conv2.weight'], halving), 'D.bn2'), 0.2)
      return ops.view(ops.add_bias(ops.conv(h, p['D.conv3.weight'], plain), p['D.conv3.bias']), -1)
    end
    return G, D, p, running
  end

  it('has the losses, gradients and running statistics that PyTorch finds', function()
    gold.in_both(function(to, same)
      local G, D, p, running = networks(to)
      local fake = G(value(to(case.z)))
      same(fake.data, case.fake, 'the images')
      local on_real, on_fake = D(value(to(case.real))), D(fake:detach())
      same(on_real.data, case.on_real, 'the logits of real images')
      same(on_fake.data, case.on_fake, 'the logits of generated images')
      local loss_d = ops.bce_with_logits(on_real, 1) + ops.bce_with_logits(on_fake, 0)
      same(loss_d.data, case.loss_d, "D's loss")
      loss_d:backward()
      for name, parameter in pairs(p) do
        if name:find '^D' then
          same(parameter.grad, case['grad.' .. name], 'the gradient of ' .. name)
          parameter.grad:zero()
        end
      end
      local loss_g = ops.bce_with_logits(D(fake), 1)
      same(loss_g.data, case.loss_g, "G's loss")
      same(grad(loss_g, fake, {retain_graph = true}).data, case['grad.fake'], 'the gradient of the images')
      loss_g:backward()
      for name, parameter in pairs(p) do
        if name:find '^G' then same(parameter.grad, case['grad.' .. name], 'the gradient of ' .. name) end
      end
      for name, statistics in pairs(running) do
        same(statistics.running_mean, case['mean.' .. name], 'the running mean of ' .. name)
        same(statistics.running_var, case['var.' .. name], 'the running variance of ' .. name)
      end
      running['G.bn1'].train = false
      same(G(to(case.z)).data, case.evaluated, 'the images in evaluation mode')
    end)
  end)

  it('has the float32 images and logits that PyTorch finds in float32', function()
    local function to(t) return t:type('torch.FloatTensor') end
    local G, D = networks(to)
    local fake = G(to(case.z)).data
    assert.equal('torch.FloatTensor', case.fake32:type())
    assert.is_true((fake - case.fake32):abs():max() < 1e-6)
    assert.is_true((D(fake).data - case.logits32):abs():max() < 1e-5)
  end)
end)

describe("WGAN-GP's penalty", function()
  --- The critic of make_gold.py: score of x for a table of weights (values or tensors).
  local function critic(x, p)
    local h = ops.leaky_relu(ops.add_bias(ops.conv(x, p.w1, halving), p.b1), 0.2)
    h = ops.conv(h, p.w2, halving)
    if p.gamma then h = ops.batch_norm(h, p.gamma, p.beta, {train = true}) end
    h = ops.tanh(ops.leaky_relu(h, 0.2))
    return ops.matmul(ops.flatten(h, 2), p.w3, false, true) + p.b3
  end

  local function penalty(x, p)
    local g = grad(critic(x, p):sum(), x, {create_graph = true})
    return ((g:flatten(2):norm(2, 2) - 1) ^ 2):mean(), g
  end

  local cases = gold.open 'wgan_gp'
  for _, name in ipairs {'plain', 'batch norm'} do
    local case = cases[name]
    local names = {}
    for key in pairs(case) do
      if key:find '^grad%.' and key ~= 'grad.x' then names[#names + 1] = key:sub(6) end
    end
    table.sort(names)

    local function parameters(to)
      local p, all = {}, {}
      for _, key in ipairs {'w1', 'b1', 'w2', 'w3', 'b3', 'gamma', 'beta'} do
        if case[key] then
          p[key] = value(to(case[key]):clone(), true)
          if case['grad.' .. key] then all[#all + 1] = key end
        end
      end
      return p, all
    end

    it('of a ' .. name .. ' critic has the weight gradients that PyTorch finds', function()
      gold.in_both(function(to, same)
        local p = parameters(to)
        local x = value(to(case.x), true)
        local loss, g = penalty(x, p)
        same(critic(to(case.x), p).data, case.score, 'the score')
        same(g.data, case.gx, 'the gradient of the score')
        same(loss.data, case.penalty, 'the penalty')
        local inputs = {x}
        for i, key in ipairs(names) do inputs[i + 1] = p[key] end
        local found = grad(loss, inputs)
        same(found[1].data, case['grad.x'], 'the gradient of x')
        for i, key in ipairs(names) do same(found[i + 1].data, case['grad.' .. key], 'the gradient of ' .. key) end
      end)
    end)

    it('of a ' .. name .. ' critic agrees with central differences', function()
      local p = parameters(function(t) return t end)
      local inputs = {}
      for i, key in ipairs(names) do inputs[i] = p[key].data end
      assert(autograd.check(function(...)
        local q = {}
        for key, v in pairs(p) do q[key] = v.data end
        for i, key in ipairs(names) do q[key] = (select(i, ...)) end
        return (penalty(value(case.x, true), q))
      end, inputs, {tolerance = 1e-6}))
    end)
  end

  it('adds to a loss: both reach the leaves in one backward', function()
    local case = cases.plain
    local p = {}
    for _, key in ipairs {'w1', 'b1', 'w2', 'w3', 'b3'} do p[key] = leaf(case[key]:clone(), case[key]:clone():zero()) end
    autograd.scope(function()
      local x = value(case.x, true)
      ;(critic(x, p):mean() + penalty(x, p) * 10):backward()
    end)
    local alone = {}
    for key, v in pairs(p) do alone[key] = value(v.data, true) end
    local score_grads = grad(critic(value(case.x), alone):mean(), {alone.w1, alone.w3})
    for i, key in ipairs {'w1', 'w3'} do
      local expected = score_grads[i].data + case['grad.' .. key] * 10
      assert.is_true((p[key].grad - expected):abs():max() < 1e-10)
    end
    assert.near(1, p.b3.grad[1], 1e-12)
  end)
end)
