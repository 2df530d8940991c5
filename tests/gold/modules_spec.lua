-- Layers and criteria that follow from their `call`, against PyTorch: on tensors and on recorded values, in both types.
local torch = require 'gantry.torch'
local nn = require 'gantry.nn'
local autograd = require 'gantry.autograd'
local gold = require 'tests.support.gold'

local value = autograd.value

local layers = {
  ['ELU'] = function() return nn.ELU() end,
  ['ELU half'] = function() return nn.ELU(0.5, true) end,
  ['SoftPlus'] = function() return nn.SoftPlus() end,
  ['SoftPlus 2'] = function() return nn.SoftPlus(2) end,
  ['LogSigmoid'] = function() return nn.LogSigmoid() end,
  ['SoftSign'] = function() return nn.SoftSign() end,
  ['HardTanh'] = function() return nn.HardTanh() end,
  ['Clamp'] = function() return nn.Clamp(-0.5, 0.25) end,
  ['Threshold'] = function() return nn.Threshold(0.1, -0.3) end,
  ['Abs'] = function() return nn.Abs() end,
  ['Square'] = function() return nn.Square() end,
  ['Power'] = function() return nn.Power(3) end,
  ['Exp'] = function() return nn.Exp() end,
  ['MulConstant'] = function() return nn.MulConstant(2.5) end,
  ['SoftMax 1d'] = function() return nn.SoftMax() end,
  ['SoftMax 2d'] = function() return nn.SoftMax() end,
  ['SoftMax 3d'] = function() return nn.SoftMax() end,
  ['SoftMax 4d'] = function() return nn.SoftMax() end,
  ['LogSoftMax 2d'] = function() return nn.LogSoftMax() end,
  ['LogSoftMax 4d'] = function() return nn.LogSoftMax() end,
  ['Normalize 2'] = function() return nn.Normalize(2) end,
  ['Normalize 3'] = function() return nn.Normalize(3) end,
  ['Mean'] = function() return nn.Mean(1, 2) end,
  ['Sum'] = function() return nn.Sum(3) end,
  ['Max'] = function() return nn.Max(2) end,
  ['Min'] = function() return nn.Min(-1) end,
  ['Transpose'] = function() return nn.Transpose({1, 2}, {2, 3}) end,
  ['SpatialZeroPadding'] = function() return nn.SpatialZeroPadding(1, 2, -1, 3) end,
  ['SpatialReflectionPadding'] = function() return nn.SpatialReflectionPadding(1, 2, 3, 0) end,
  ['SpatialReplicationPadding'] = function() return nn.SpatialReplicationPadding(1, 2, 3, 0) end,
  ['SpatialUpSamplingNearest'] = function() return nn.SpatialUpSamplingNearest(3) end,
  ['SpatialUpSamplingBilinear'] = function() return nn.SpatialUpSamplingBilinear(2) end,
  ['SpatialUpSamplingBilinear sizes'] = function() return nn.SpatialUpSamplingBilinear {oheight = 7, owidth = 2} end,
  ['PReLU'] = function() return nn.PReLU(), 'weight' end,
  ['PReLU planes'] = function() return nn.PReLU(3), 'weight' end,
  ['CMul'] = function() return nn.CMul(3, 2), 'weight' end,
  ['Add'] = function() return nn.Add(6), 'bias' end,
  ['Maxout'] = function()
    local m = nn.Maxout(4, 2, 3)
    m.bias:zero()
    return m, 'weight'
  end,
}

local criteria = {
  ['AbsCriterion'] = function() return nn.AbsCriterion() end,
  ['SmoothL1Criterion'] = function() return nn.SmoothL1Criterion() end,
  ['SmoothL1Criterion sum'] = function() return nn.SmoothL1Criterion(false) end,
  ['MarginCriterion'] = function() return nn.MarginCriterion(0.5) end,
  ['DistKLDivCriterion'] = function() return nn.DistKLDivCriterion() end,
  ['ClassNLLCriterion'] = function() return nn.ClassNLLCriterion() end,
  ['ClassNLLCriterion weights'] = function(w) return nn.ClassNLLCriterion(w) end,
  ['ClassNLLCriterion sum'] = function(w) return nn.ClassNLLCriterion(w, false) end,
  ['CrossEntropyCriterion'] = function() return nn.CrossEntropyCriterion() end,
  ['CrossEntropyCriterion weights'] = function(w) return nn.CrossEntropyCriterion(w) end,
}

local function same_layer(make, case)
  gold.in_both(function(to, same)
    local x, g, kind = to(case.x), to(case.g), to(case.x):type()
    local m, field = make()
    m:type(kind)
    if field then m[field]:copy(to(case.w)) end
    local gradient = field and 'grad' .. field:sub(1, 1):upper() .. field:sub(2)
    m:zeroGradParameters()
    same(m:forward(x), case.y, 'forward')
    same(m:updateGradInput(x, g), case.gx, 'updateGradInput')
    same(m:backward(x, g), case.gx, 'backward')
    if field then same(m[gradient], case.gw, 'the gradient of ' .. field) end
    m:accGradParameters(x, g, 0.5)
    if field then same(m[gradient], case.gw * 1.5, 'the scaled gradient of ' .. field) end
    assert.equal(kind, m.output:type())

    m:zeroGradParameters()
    local v = value(x, true)
    local y = m:forward(v)
    same(y.data, case.y, 'forward of a value')
    y:backward(g)
    same(v.grad, case.gx, 'the gradient of a value')
    if field then same(m[gradient], case.gw, 'the gradient of ' .. field) end
  end)
end

describe('PyTorch agrees with nn', function()
  local cases = gold.open 'modules'
  for _, kind in ipairs {'layer ', 'weighted '} do
    gold.each(cases, '^' .. kind, function(name, case)
      local key = name:sub(#kind + 1)
      it(key, function() same_layer(assert(layers[key], key), case) end)
    end)
  end

  gold.each(cases, '^loss ', function(name, case)
    local key = name:sub(6)
    it(key, function()
      gold.in_both(function(to, same)
        local x, t = to(case.x), to(case.t)
        local criterion = criteria[key](case.weights):type(x:type())
        same(torch.DoubleTensor {criterion:forward(x, t)}, case.y, 'the loss')
        same(criterion:backward(x, t), case.gx, 'the gradient')
        local v = value(x, true)
        local loss = criterion:forward(v, t)
        same(loss.data, case.y, 'the loss of a value')
        loss:backward()
        same(v.grad, case.gx, 'the gradient of a value')
      end)
    end)
  end)
end)
