-- Layers that GAN papers brought, against PyTorch: on tensors and on recorded values, in both types, whatever the order of memory.
local torch = require 'gantry.torch'
local nn = require 'gantry.nn'
local autograd = require 'gantry.autograd'
local network = require 'gantry.gan.network'
local gold = require 'tests.support.gold'

local value = autograd.value

local function conv(from, to, k) return nn.SpatialConvolution(from, to, k, k, 1, 1, (k - 1) / 2, (k - 1) / 2) end

local layers = {
  ['GroupNormalization'] = function() return nn.GroupNormalization(2, 4) end,
  ['GroupNormalization plain'] = function() return nn.GroupNormalization(2, 4, 1e-5, false) end,
  ['LayerNormalization'] = function() return nn.LayerNormalization(4) end,
  ['LayerNormalization rows'] = function() return nn.LayerNormalization(4) end,
  ['InstanceNormalization'] = function() return nn.InstanceNormalization(4) end,
  ['PixelNormalization'] = function() return nn.PixelNormalization() end,
  ['ConditionalBatchNormalization train'] = function() return nn.ConditionalBatchNormalization(4, 3) end,
  ['ConditionalBatchNormalization eval'] = function() return nn.ConditionalBatchNormalization(4, 3):evaluate() end,
  ['LookupTable'] = function() return nn.LookupTable(3, 4) end,
  ['SpectralNorm conv'] = function() return nn.SpectralNorm(conv(2, 3, 3)) end,
  ['SpectralNorm full'] = function() return nn.SpectralNorm(nn.SpatialFullConvolution(2, 3, 4, 4, 2, 2, 1, 1)) end,
  ['SpectralNorm linear'] = function() return nn.SpectralNorm(nn.Linear(4, 2)) end,
  ['MinibatchStandardDeviation'] = function() return nn.MinibatchStandardDeviation(2) end,
  ['MinibatchStandardDeviation whole'] = function() return nn.MinibatchStandardDeviation(0) end,
  ['MinibatchDiscrimination'] = function() return nn.MinibatchDiscrimination(5, 3, 2) end,
  ['SelfAttention'] = function() return nn.SelfAttention(4, 2) end,
  ['Residual'] = function() return nn.Residual(nn.Sequential():add(conv(2, 4, 3)):add(nn.Tanh()), conv(2, 4, 1)) end,
  ['EqualizedLearningRate'] = function() return nn.EqualizedLearningRate(conv(2, 3, 3)) end,
  ['EqualizedLearningRate rate'] = function() return nn.EqualizedLearningRate(nn.Linear(4, 2), 1, 0.01) end,
  ['AdaptiveInstanceNormalization'] = function() return nn.AdaptiveInstanceNormalization(3, 4) end,
  ['SpatialModulatedConvolution'] = function() return nn.SpatialModulatedConvolution(2, 4, 3, 3) end,
  ['SpatialModulatedConvolution plain'] = function() return nn.SpatialModulatedConvolution(2, 4, 3, 3, false) end,
  ['Projection'] = function() return nn.Projection(4, 3) end,
  ['VirtualBatch'] = function() return nn.VirtualBatch(nn.VirtualBatchNormalization(3), torch.zeros(4, 3, 2, 2)) end,
  ['PixelShuffle'] = function() return nn.PixelShuffle(2) end,
}

--- The module that a tensor's name leads to, and its field.
local function at(m, name)
  for index in name:gmatch '(%d+)%.' do m = m.modules[tonumber(index)] end
  return m, name:match '[%a_]+$'
end

--- A layer with the case's tensors, in a type; and a function that compares its gradients.
local function prepare(make, case, to, same, kind)
  local m, filled = make(), 0
  m:type(kind)
  network.tensors(m, 'p', function(name, t)
    if case[name] then
      t:copy(to(case[name]))
      filled = filled + 1
    end
  end)
  for key in pairs(case) do
    if key:find '^p%.' then filled = filled - 1 end
  end
  assert.equal(0, filled)
  m:zeroGradParameters()
  return m, function(scale)
    for key, expected in pairs(case) do
      local name = key:match '^gp%.(.*)'
      if name then
        local owner, field = at(m, name)
        local gradient = owner['grad' .. field:sub(1, 1):upper() .. field:sub(2)]
        if gradient then same(gradient, expected * scale, 'the gradient of ' .. name) end
      end
    end
  end
end

--- The same numbers in memory of the order height, width, image, channel.
local function reordered(t)
  if t:dim() ~= 4 then return t:t():contiguous():t() end
  return t:permute(3, 4, 1, 2):contiguous():permute(3, 4, 1, 2)
end

local function check(make, case)
  gold.in_both(function(to, same)
    local kind, g = to(case.y):type(), to(case.g)
    local labels = case.labels and case.labels:long()
    for _, order in ipairs {function(t) return t end, reordered} do
      local xs = {}
      for i = 1, 2 do xs[i] = case['x' .. i] and order(to(case['x' .. i])) end
      local function input(wrap)
        local list = {}
        for i, x in ipairs(xs) do list[i] = wrap(x) end
        list[#list + 1] = labels and wrap(labels)
        return #list > 1 and list or list[1]
      end

      local m, compare = prepare(make, case, to, same, kind)
      same(m:forward(input(function(t) return t end)), case.y, 'forward')
      assert.equal(kind, m.output:type())
      local gradInput = m:backward(input(function(t) return t end), order(g))
      for i in ipairs(xs) do
        same(torch.isTensor(gradInput) and gradInput or gradInput[i], case['gx' .. i], 'the gradient of input ' .. i)
      end
      compare(1)
      if case.mean_after then
        same(m.running_mean, case.mean_after, 'the running mean')
        same(m.running_var, case.var_after, 'the running variance')
      end

      m, compare = prepare(make, case, to, same, kind)
      local leaves = {}
      local y = m:forward(input(function(t)
        local v = value(t, t ~= labels)
        if t ~= labels then leaves[#leaves + 1] = v end
        return v
      end))
      same(y.data, case.y, 'forward of a value')
      y:backward(order(g))
      for i, v in ipairs(leaves) do same(v.grad, case['gx' .. i], 'the gradient of value ' .. i) end
      compare(1)
    end
  end)
end

describe('PyTorch agrees with', function()
  gold.each(gold.open 'gan_layers', '', function(name, case)
    it('nn.' .. name, function() check(assert(layers[name], name), case) end)
  end)
end)
