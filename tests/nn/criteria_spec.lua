--- Losses: values, gradients, agreement between tensors and recorded values.
local torch = require 'gantry.torch'
local nn = require 'gantry.nn'
local autograd = require 'gantry.autograd'
local helper = require 'tests.nn.helper'

describe('nn criteria', function()
  before_each(function() torch.manualSeed(3) end)

  it('BCECriterion', function()
    local x, t = torch.rand(4, 3) * 0.8 + 0.1, torch.rand(4, 3)
    helper.check_criterion(nn.BCECriterion(), x, t)
    helper.check_criterion(nn.BCECriterion(nil, false), x, t)
    helper.check_criterion(nn.BCECriterion(torch.DoubleTensor {1, 2, 3}), x, t)
    local c = nn.BCECriterion()
    assert.is_true(math.abs(c:forward(torch.FloatTensor {0.5, 0.5}, torch.FloatTensor {0, 1}) - math.log(2)) < 1e-7)
    assert.is_true(math.abs(c:forward(torch.DoubleTensor {1, 0}, torch.DoubleTensor {0, 1}) + math.log(1e-12)) < 1e-3)
    local column, row = torch.rand(4, 1), torch.rand(4)
    assert.equal(c:forward(column:view(4), row), c:forward(column, row))
    assert.same({4, 1}, c:backward(column, row):size():totable())
    assert.is_true(math.abs(c(autograd.value(column), row):item() - c:forward(column, row)) < 1e-6)
    assert.error_matches(function() c:forward(torch.rand(3), torch.rand(2)) end, 'BCECriterion: the input is 3, the target 2')
  end)

  it('BCEWithLogitsCriterion', function()
    local x, t = torch.randn(4, 3), torch.rand(4, 3)
    helper.check_criterion(nn.BCEWithLogitsCriterion(), x, t)
    helper.check_criterion(nn.BCEWithLogitsCriterion(false), x, t)
    local logits = nn.BCEWithLogitsCriterion():forward(x, t)
    assert.is_true(math.abs(logits - nn.BCECriterion():forward(nn.Sigmoid():forward(x), t)) < 1e-6)
    assert.equal(1000, nn.BCEWithLogitsCriterion():forward(torch.FloatTensor {1000}, torch.FloatTensor {0}))
    assert.is_true(math.abs(nn.BCEWithLogitsCriterion()(autograd.value(torch.FloatTensor {0, 0}), 1):item() - math.log(2)) < 1e-6)
  end)

  it('MSECriterion', function()
    helper.check_criterion(nn.MSECriterion(), torch.randn(4, 3), torch.randn(4, 3))
    helper.check_criterion(nn.MSECriterion(false), torch.randn(4, 3), torch.randn(4, 3))
    local c = nn.MSECriterion()
    assert.equal(2.5, c:forward(torch.FloatTensor {1, 2}, torch.FloatTensor {0, 0}))
    local loss, g = c(torch.FloatTensor {1, 2}, torch.FloatTensor {0, 0})
    assert.equal(2.5, loss)
    assert.same({1, 2}, g:totable())
  end)

  it('are cloned, converted and named', function()
    local c = nn.MSECriterion():double()
    assert.equal('torch.DoubleTensor', c:type())
    assert.equal('nn.MSECriterion', torch.type(c:clone()))
    assert.equal('torch.DoubleTensor', c:clone().gradInput:type())
  end)
end)
