-- The modules, criteria and optimizers against PyTorch: Torch7's protocol on tensors, calls on recorded values, and the second
-- order of both kinds of layers' gradients.
local torch = require 'gantry.torch'
local nn = require 'gantry.nn'
local optim = require 'gantry.optim'
local autograd = require 'gantry.autograd'
local gold = require 'tests.support.gold'

local value, grad = autograd.value, autograd.grad

--- Compares a module with a case, on tensors and on values. fields: {gold name of a parameter -> module field}
local function compare_module(make, case, fields)
  gold.in_both(function(to, same)
    local x, g = to(case.x), to(case.g)
    local function fresh()
      local m = make():type(x:type())
      for key, field in pairs(fields) do
        m[field]:copy(to(case[key]))
        m['grad' .. field:sub(1, 1):upper() .. field:sub(2)]:zero()
      end
      if case.mean_before then
        m.running_mean:copy(to(case.mean_before))
        m.running_var:copy(to(case.var_before))
        if not case.options.train then m:evaluate() end
      end
      return m
    end
    local function same_parameters(m, times)
      for key, field in pairs(fields) do
        same(m['grad' .. field:sub(1, 1):upper() .. field:sub(2)], case['g' .. key] * times, 'the gradient of ' .. field)
      end
      if case.mean_after then
        same(m.running_mean, case.mean_after, 'the running mean')
        same(m.running_var, case.var_after, 'the running variance')
      end
    end

    local m = fresh()
    same(m:forward(x), case.y, 'forward')
    same(m:backward(x, g), case.gx, 'backward')
    same_parameters(m, 1)
    same(m:updateGradInput(x, g), case.gx, 'updateGradInput')
    m:accGradParameters(x, g, 0.5)
    same_parameters(m, 1.5)

    m = fresh()
    local v = value(x, true)
    local y = m:forward(v)
    assert.is_true(autograd.is_value(y))
    same(y.data, case.y, 'forward of a value')
    same(grad(y, v, {grad_outputs = g, retain_graph = true}).data, case.gx, 'the gradient of a value')
    y:backward(g)
    same(v.grad, case.gx, 'the gradient of a leaf')
    same_parameters(m, 1)
  end)
end

describe('PyTorch agrees with', function()
  local conv = gold.open 'conv'
  local function ones(pair) return pair[1] == 1 and pair[2] == 1 end

  gold.each(conv, '^conv ', function(name, case)
    local o = case.options
    if o.groups == 1 and ones(o.dil) then
      it('nn.SpatialConvolution: ' .. name, function()
        compare_module(function()
          return nn.SpatialConvolution(case.w:size(2), case.w:size(1), case.w:size(4), case.w:size(3), o.stride[2], o.stride[1],
            o.pad[2], o.pad[1])
        end, case, {w = 'weight', b = 'bias'})
      end)
    end
  end)

  gold.each(conv, '^full ', function(name, case)
    local o = case.options
    if o.groups == 1 and ones(o.dil) then
      it('nn.SpatialFullConvolution: ' .. name, function()
        compare_module(function()
          return nn.SpatialFullConvolution(case.w:size(1), case.w:size(2), case.w:size(4), case.w:size(3), o.stride[2], o.stride[1],
            o.pad[2], o.pad[1], o.out[2], o.out[1])
        end, case, {w = 'weight', b = 'bias'})
      end)
    end
  end)

  local layers = gold.open 'layers'

  gold.each(layers, '^batch norm', function(name, case)
    local kind = case.x:dim() == 4 and 'SpatialBatchNormalization' or 'BatchNormalization'
    it('nn.' .. kind .. ': ' .. name, function()
      compare_module(function() return nn[kind](case.x:size(2), 1e-5, 0.1, case.w ~= nil) end, case,
        case.w and {w = 'weight', b = 'bias'} or {})
    end)
  end)

  gold.each(layers, '_pool', function(name, case)
    local o = case.options
    it('pooling: ' .. name, function()
      compare_module(function()
        local kind = o.op == 'max_pool' and nn.SpatialMaxPooling or nn.SpatialAveragePooling
        local m = kind(o.k[2], o.k[1], o.stride[2], o.stride[1], o.pad[2], o.pad[1])
        if o.ceil then m:ceil() end
        if o.op == 'avg_pool_without_pad' then m:setCountExcludePad() end
        return m
      end, case, {})
    end)
  end)

  for op, make in pairs {relu = nn.ReLU, tanh = nn.Tanh, sigmoid = nn.Sigmoid, leaky_relu = function() return nn.LeakyReLU(0.2) end} do
    it('the activation ' .. op, function()
      local case = layers['activation ' .. op]
      compare_module(function() return make() end, case, {})
    end)
  end

  for op, make in pairs {bce = nn.BCECriterion, bce_with_logits = nn.BCEWithLogitsCriterion, mse = nn.MSECriterion} do
    it('the criterion ' .. op, function()
      local case = layers['loss ' .. op]
      gold.in_both(function(to, same)
        local x, t = to(case.x), to(case.t)
        local criterion = make():type(x:type())
        same(torch.DoubleTensor {criterion:forward(x, t)}, case.y, 'the loss')
        same(criterion:backward(x, t), case.gx, 'the gradient')
        local v = value(x, true)
        local loss = criterion:forward(v, t)
        same(loss.data, case.y, 'the loss of a value')
        loss:backward()
        same(v.grad, case.gx, 'the gradient of a value')
      end)
    end)
  end

  it('a DCGAN of modules', function()
    local case = gold.open('dcgan').dcgan
    gold.in_both(function(to, same)
      local G = nn.Sequential()
        :add(nn.SpatialFullConvolution(4, 6, 4, 4):noBias()):add(nn.SpatialBatchNormalization(6)):add(nn.ReLU(true))
        :add(nn.SpatialFullConvolution(6, 3, 4, 4, 2, 2, 1, 1)):add(nn.Tanh())
      local D = nn.Sequential()
        :add(nn.SpatialConvolution(3, 4, 4, 4, 2, 2, 1, 1):noBias()):add(nn.LeakyReLU(0.2, true))
        :add(nn.SpatialConvolution(4, 5, 4, 4, 2, 2, 1, 1):noBias()):add(nn.SpatialBatchNormalization(5)):add(nn.LeakyReLU(0.2, true))
        :add(nn.SpatialConvolution(5, 1, 2, 2)):add(nn.View(-1))
      local kind = to(case.z):type()
      G:type(kind)
      D:type(kind)
      local parameters = {
        ['G.conv1.weight'] = {G:get(1), 'weight'}, ['G.bn1.weight'] = {G:get(2), 'weight'}, ['G.bn1.bias'] = {G:get(2), 'bias'},
        ['G.conv2.weight'] = {G:get(4), 'weight'}, ['G.conv2.bias'] = {G:get(4), 'bias'},
        ['D.conv1.weight'] = {D:get(1), 'weight'}, ['D.conv2.weight'] = {D:get(3), 'weight'}, ['D.bn2.weight'] = {D:get(4), 'weight'},
        ['D.bn2.bias'] = {D:get(4), 'bias'}, ['D.conv3.weight'] = {D:get(6), 'weight'}, ['D.conv3.bias'] = {D:get(6), 'bias'},
      }
      for name, p in pairs(parameters) do p[1][p[2]]:copy(to(case[name])) end
      local function same_gradients(of)
        for name, p in pairs(parameters) do
          if name:find('^' .. of) then
            same(p[1]['grad' .. p[2]:sub(1, 1):upper() .. p[2]:sub(2)], case['grad.' .. name], 'the gradient of ' .. name)
          end
        end
      end
      local criterion = nn.BCEWithLogitsCriterion():type(kind)
      local z, real = to(case.z), to(case.real)
      local one, zero = real.new(3):fill(1), real.new(3):zero()
      G:zeroGradParameters()
      D:zeroGradParameters()

      -- Torch7's order: D on real and on generated images, then G through D
      local logits = D:forward(real)
      same(logits, case.on_real, 'the logits of real images')
      local loss = criterion:forward(logits, one)
      D:backward(real, criterion:backward(logits, one))
      local fake = G:forward(z)
      same(fake, case.fake, 'the images')
      logits = D:forward(fake)
      same(logits, case.on_fake, 'the logits of generated images')
      loss = loss + criterion:forward(logits, zero)
      same(torch.DoubleTensor {loss}, case.loss_d, "D's loss")
      D:backward(fake, criterion:backward(logits, zero))
      same_gradients 'D'
      logits = D:forward(fake)
      same(torch.DoubleTensor {criterion:forward(logits, one)}, case.loss_g, "G's loss")
      local g = D:updateGradInput(fake, criterion:backward(logits, one))
      same(g, case['grad.fake'], 'the gradient of the images')
      G:backward(z, g)
      same_gradients 'G'
      same(G:get(2).running_mean, case['mean.G.bn1'], "G's running mean")
      same(G:get(2).running_var, case['var.G.bn1'], "G's running variance")
      same(D:get(4).running_mean, case['mean.D.bn2'], "D's running mean")
      same(D:get(4).running_var, case['var.D.bn2'], "D's running variance")
      G:evaluate()
      same(G:forward(z), case.evaluated, 'the images in evaluation mode')
    end)
  end)

  it('the gradient penalty of a critic of modules', function()
    for _, name in ipairs {'plain', 'batch norm'} do
      local case = gold.open('wgan_gp')[name]
      gold.in_both(function(to, same)
        local D = nn.Sequential():add(nn.SpatialConvolution(2, 3, 4, 4, 2, 2, 1, 1)):add(nn.LeakyReLU(0.2, true))
          :add(nn.SpatialConvolution(3, 4, 4, 4, 2, 2, 1, 1):noBias())
        if case.gamma then D:add(nn.SpatialBatchNormalization(4)) end
        D:add(nn.LeakyReLU(0.2, true)):add(nn.Tanh()):add(nn.View(16)):add(nn.Linear(16, 1))
        D:type(to(case.x):type())
        local n = D:size()
        local parameters = {w1 = {1, 'weight'}, b1 = {1, 'bias'}, w2 = {3, 'weight'}, w3 = {n, 'weight'}, b3 = {n, 'bias'}}
        if case.gamma then parameters.gamma, parameters.beta = {4, 'weight'}, {4, 'bias'} end
        for key, p in pairs(parameters) do D:get(p[1])[p[2]]:copy(to(case[key])) end
        D:zeroGradParameters()
        autograd.scope(function()
          local x = value(to(case.x), true)
          local g = grad(D:forward(x):sum(), x, {create_graph = true})
          same(g.data, case.gx, 'the gradient of the score')
          local penalty = ((g:flatten(2):norm(2, 2) - 1) ^ 2):mean()
          same(penalty.data, case.penalty, 'the penalty')
          penalty:backward()
        end)
        for key, p in pairs(parameters) do
          local m, expected = D:get(p[1]), case['grad.' .. key]
          local found = m['grad' .. p[2]:sub(1, 1):upper() .. p[2]:sub(2)]
          same(found, expected or found:double():zero(), name .. ': the gradient of ' .. key)
        end
      end)
    end
  end)
end)

describe("Torch7's formula agrees with", function()
  gold.each(gold.open 'adam', '', function(name, case)
    it('optim.adam: ' .. name, function()
      local o = case.options
      gold.in_both(function(to, same)
        local x, state = to(case.x0):clone(), {}
        local config = {learningRate = o.lr, beta1 = o.beta1, beta2 = o.beta2, epsilon = o.eps}
        for t = 1, o.steps do
          optim.adam(function() return 0, to(case['g' .. t]):clone() end, x, config, state)
          same(x, case['x' .. t], 'x after step ' .. t)
        end
      end)
    end)
  end)
end)
