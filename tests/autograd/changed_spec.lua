-- What a gradient still needs must not be changed in place: by the version of its storage.
local torch = require 'gantry.torch'
local nn = require 'gantry.nn'
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local listed = require 'tests.autograd.op_cases'
local numbers = require 'tests.support.numbers'

local C = native.C
local ops, value = autograd.ops, autograd.value

local function leaf(...) return value(torch.DoubleTensor {...}, true) end

describe('a change in place before backward', function()
  it('of an operand that is needed is an error that names the op', function()
    local x, w = leaf(1, 2), leaf(3, 4)
    local y = (x * w):sum()
    w.data:mul(2)
    assert.error_matches(function() y:backward() end, 'backward: argument 2 of mul was changed in place after it was recorded')
    y = ops.exp(x)
    y.data:add(1)
    assert.error_matches(function() y:sum():backward() end, 'the result of exp was changed')
    y = ops.matmul(value(torch.DoubleTensor {{1, 2}}), ops.view(w, 2, 1))
    w.data:fill(0)
    y:backward()
    local x2 = value(torch.DoubleTensor {{1, 2}})
    y = ops.matmul(x2, ops.view(w, 2, 1))
    x2.data[1][1] = 5
    assert.error_matches(function() autograd.grad(y, w) end, 'argument 1 of matmul was changed')
  end)

  it('through a view is noticed too', function()
    local store = torch.DoubleTensor {1, 2, 3, 4}
    local x = value(store:narrow(1, 1, 2), true)
    local y = ops.pow(x, 3):sum()
    store:narrow(1, 2, 1):fill(7)
    assert.error_matches(function() y:backward() end, 'argument 1 of pow')
  end)

  it('of what no gradient needs is none', function()
    local x, w = leaf(1, 2), value(torch.DoubleTensor {3, 4})
    local y = ops.tanh(ops.add(ops.mul(x, w), w)):sum()
    x.data:zero() -- mul needs x for w's gradient only, which nobody wants
    y:backward()
    assert.is_true(x.grad[1] ~= 0)
    y = ops.sum(x + 1) + ops.sum(ops.view(x, 2, 1))
    x.data:fill(3)
    y:backward()
  end)

  it('is an error for parameters that were updated in between', function()
    local net = nn.Linear(2, 1)
    local y = net:forward(value(torch.randn(3, 2), true)):sum()
    net.weight:add(1)
    assert.error_matches(function() y:backward() end, 'argument 2 of matmul was changed')
  end)

  it('of a list is an error', function()
    local Square = torch.class('spec.SquareLayer', 'nn.Module')
    function Square:updateOutput(x) return self.output:resizeAs(x):cmul(x, x) end
    function Square:updateGradInput(x, g) return self.gradInput:resizeAs(x):cmul(x, g):mul(2) end
    local x = value(torch.randn(3), true)
    local y = Square():forward(x):sum()
    x.data:add(1)
    assert.error_matches(function() y:backward() end, 'argument 1 of torch7_module was changed')
  end)

  it('is allowed where one asks for it, and in modules as in Torch7', function()
    local x, w = leaf(1, 2), leaf(3, 4)
    local y = (x * w):sum()
    w.data:mul(2)
    y:backward(nil, {allow_changed = {w.data}, retain_graph = true})
    assert.equal(6, x.grad[1])
    x.data:fill(0)
    local only_w = {allow_changed = {w.data}, retain_graph = true}
    assert.error_matches(function() y:backward(nil, only_w) end, 'argument 1 of mul was changed')
    y:backward(nil, {allow_changed = true})
    assert.equal(12, x.grad[1])
    local m, input = nn.PReLU(), torch.FloatTensor {-1, 2}
    m:forward(input)
    m.weight:fill(0.5)
    assert.same({0.5, 1}, m:backward(input, torch.ones(2)):totable())
  end)
end)

describe('what an op says its backward reads', function()
  --- A backward whose c knows nothing but what `reads` names: of the other tensors only sizes and layout are left, their memory is gone.
  local function blinded(entry, original)
    return function(c, g)
      local function hide(t)
        if not torch.isTensor(t) then return t end
        local hidden = t.new():set(t)
        C.gt_tensor_release(hidden)
        return hidden
      end
      local mask = 0
      for k = 1, 3 do
        if c['need' .. k] then mask = bit.bor(mask, entry['reads' .. k]) end
      end
      local seen = {out = bit.band(mask, 8) ~= 0 and c.out or hide(c.out)}
      for k = 1, entry.arity do seen[k] = bit.band(mask, 2 ^ (k - 1)) ~= 0 and c[k] or hide(c[k]) end
      return original(setmetatable(seen, {__index = c}), g)
    end
  end

  for name, cases in pairs(listed.cases) do
    local entry = autograd.op_table[name]
    if entry.arity ~= 'list' then
      it('is all that it needs: ' .. name, function()
        local original = entry.backward
        entry.backward = blinded(entry, original)
        local ok, problem = pcall(function()
          numbers.restart()
          assert(autograd.check(cases[1].fn, cases[1].inputs()))
        end)
        entry.backward = original
        assert(ok, problem)
      end)
    end
  end
end)
