--- The optimizers against their formulas, step by step in plain Lua.
local torch = require 'gantry.torch'
local optim = require 'gantry.optim'

-- f(x) = sum of k (x_k - 1)^4 / 4
local function problem()
  local function f(x)
    local loss, g = 0, x:clone()
    for k = 1, x:nElement() do
      loss = loss + k * (x[k] - 1) ^ 4 / 4
      g[k] = k * (x[k] - 1) ^ 3
    end
    return loss, g
  end
  return f, torch.DoubleTensor {3, -2, 0.5}
end

--- Runs five steps of optimizer and of `formula(x_k, g_k, t, s)`, which returns the new x_k, on each element.
local function follow(optimizer, config, formula, state)
  local f, x = problem()
  local mine, states = x:totable(), {}
  for t = 1, 5 do
    local loss, g = f(torch.DoubleTensor(mine))
    local result, losses = optimizer(f, x, config, state)
    assert.equal(x, result)
    assert.is_true(math.abs(losses[1] - loss) < 1e-9)
    for k = 1, 3 do
      states[k] = states[k] or {}
      mine[k] = formula(mine[k], g[k], t, states[k])
      assert.is_true(math.abs(x[k] - mine[k]) < 1e-12, ('step %d: %.17g, not %.17g'):format(t, x[k], mine[k]))
    end
  end
end

describe('optim', function()
  it("adam is Torch7's: epsilon beside the uncorrected root", function()
    local state = {}
    local config = {learningRate = 0.1, beta1 = 0.5, beta2 = 0.9, epsilon = 0.01, learningRateDecay = 0.1, weightDecay = 0.2}
    follow(optim.adam, config, function(x, g, t, s)
      g = g + 0.2 * x
      s.m, s.v = 0.5 * (s.m or 0) + 0.5 * g, 0.9 * (s.v or 0) + 0.1 * g * g
      local rate = 0.1 / (1 + (t - 1) * 0.1) * math.sqrt(1 - 0.9 ^ t) / (1 - 0.5 ^ t)
      return x - rate * s.m / (math.sqrt(s.v) + 0.01)
    end, state)
    assert.equal(5, state.t)
    assert.is_nil(config.t)
    assert.equal(3, state.m:nElement())
  end)

  it('keeps its state in config where none is given', function()
    local config = {}
    local f, x = problem()
    optim.adam(f, x, config)
    assert.equal(1, config.t)
  end)

  it('sgd', function()
    follow(optim.sgd, {learningRate = 0.01, learningRateDecay = 0.5, weightDecay = 0.1}, function(x, g, t)
      return x - 0.01 / (1 + (t - 1) * 0.5) * (g + 0.1 * x)
    end)
    follow(optim.sgd, {learningRate = 0.01, momentum = 0.9}, function(x, g, t, s)
      s.d = t == 1 and g or 0.9 * s.d + 0.1 * g
      return x - 0.01 * s.d
    end)
    follow(optim.sgd, {learningRate = 0.01, momentum = 0.5, dampening = 0, nesterov = true}, function(x, g, t, s)
      s.d = t == 1 and g or 0.5 * s.d + g
      return x - 0.01 * (g + 0.5 * s.d)
    end)
    local rates, decays = torch.DoubleTensor {0.01, 0.01, 0.01}, torch.DoubleTensor {1, 1, 1}
    follow(optim.sgd, {learningRate = 1, learningRates = rates, weightDecays = decays},
      function(x, g) return x - 0.01 * (g + x) end)
    assert.error_matches(function() optim.sgd(problem(), torch.DoubleTensor {1, 1, 1}, {nesterov = true}) end, 'sgd: nesterov wants')
  end)

  it('rmsprop', function()
    follow(optim.rmsprop, {learningRate = 0.05, alpha = 0.8, epsilon = 0.001, weightDecay = 0.1}, function(x, g, _, s)
      g = g + 0.1 * x
      s.m = 0.8 * (s.m or 0) + 0.2 * g * g
      return x - 0.05 * g / (math.sqrt(s.m) + 0.001)
    end)
    follow(optim.rmsprop, {learningRate = 0.05, initialMean = 1}, function(x, g, _, s)
      s.m = 0.99 * (s.m or 1) + 0.01 * g * g
      return x - 0.05 * g / (math.sqrt(s.m) + 1e-8)
    end)
  end)

  it('says what is wrong with its arguments', function()
    local x = torch.DoubleTensor {1, 2}
    assert.error_matches(function() optim.adam(3, x) end, 'adam: argument 1 is a number')
    assert.error_matches(function() optim.adam(function() end, 3) end, 'adam: argument 2 is a number')
    assert.error_matches(function() optim.adam(function() return 1 end, x) end, "adam: the function's second result is a nil")
    assert.error_matches(function() optim.rmsprop(function() return 1, torch.DoubleTensor {1} end, x) end, 'wanted the gradient: 2 numbers')
  end)
end)
