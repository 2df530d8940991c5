-- Tensors and storages as text.
local torch = require 'gantry.torch'

local function lines(text)
  local _, n = text:gsub('\n', '\n')
  return n
end

local function widest(text)
  local most = 0
  for line in text:gmatch '[^\n]*' do most = math.max(most, #line) end
  return most
end

describe('printing', function()
  it('aligns columns and ends with type and size', function()
    assert.equals(' 1  2\n 3  4\n[torch.FloatTensor of size 2x2]\n', tostring(torch.FloatTensor{{1, 2}, {3, 4}}))
    assert.equals(' 1.0000\n-2.5000\n[torch.DoubleTensor of size 2]\n', tostring(torch.DoubleTensor{1, -2.5}))
    assert.equals(' 0.1000\n[torch.FloatTensor of size 1]\n', tostring(torch.FloatTensor{0.1}))
    assert.equals('   1\n-200\n[torch.IntTensor of size 2]\n', tostring(torch.IntTensor{1, -200}))
    assert.equals(' 2\n 3\n[torch.LongStorage of size 2]\n', tostring(torch.FloatTensor(2, 3):size()))
    assert.equals('[torch.ByteTensor with no dimension]\n', tostring(torch.ByteTensor()))
    assert.equals('[torch.FloatTensor of size 0x3]\n', tostring(torch.FloatTensor(0, 3)))
    assert.equals('[torch.CharStorage of size 0]\n', tostring(torch.CharStorage()))
  end)

  it('takes a common factor out, or writes powers of ten', function()
    assert.equals('0.0001 *\n 1.0000\n 2.5000\n[torch.DoubleTensor of size 2]\n', tostring(torch.DoubleTensor{0.0001, 0.00025}))
    assert.equals('100000 *\n 1.2346\n 6.5000\n[torch.DoubleTensor of size 2]\n', tostring(torch.DoubleTensor{123456.5, 650000}))
    assert.truthy(tostring(torch.DoubleTensor{1e-8, 1.5}):find('1.0000e-08', 1, true))
    assert.truthy(tostring(torch.DoubleTensor{1e10, 1}):find('1.0000e+10', 1, true))
    local odd = tostring(torch.FloatTensor{0 / 0, 1 / 0, -1 / 0, 1}):gsub('%-nan', ' nan')
    assert.equals(' nan\n inf\n-inf\n   1\n[torch.FloatTensor of size 4]\n', odd)
  end)

  it('cuts wide matrices into groups of columns', function()
    local text = tostring(torch.zeros(2, 40))
    assert.truthy(text:find('Columns 1 to 26', 1, true))
    assert.truthy(text:find('Columns 27 to 40', 1, true))
    assert.is_true(widest(text) <= 80)
  end)

  it('shows slices of tensors with more dimensions', function()
    assert.equals('(1,.,.) = \n  1  2\n\n(2,.,.) = \n  3  4\n[torch.FloatTensor of size 2x1x2]\n',
      tostring(torch.range(1, 4):view(2, 1, 2)):gsub('\n   ', '\n  '))
    assert.truthy(tostring(torch.zeros(2, 2, 1, 1)):find('(2,1,.,.) = \n', 1, true))
  end)

  it('shortens what is large to about a screen', function()
    for _, t in ipairs {torch.randn(1000, 1000), torch.randn(64, 3, 64, 64), torch.randn(100000), torch.randn(3, 100000),
      torch.randn(100000, 3), torch.FloatTensor(1, 1):expand(100000, 100000), torch.randn(2000):mul(1e20)} do
      local text = tostring(t)
      assert.is_true(lines(text) <= 50, lines(text))
      assert.is_true(widest(text) <= 82, widest(text))
      assert.truthy(text:find('...', 1, true))
    end
    assert.is_nil(tostring(torch.randn(30, 30)):find('...', 1, true))
    assert.is_true(lines(tostring(torch.FloatStorage(5000):fill(1))) < 40)
  end)

  it('reads views as they are', function()
    assert.equals(' 1  3\n 2  4\n[torch.FloatTensor of size 2x2]\n', tostring(torch.FloatTensor{{1, 2}, {3, 4}}:t()))
    assert.equals(' 7  7\n[torch.FloatTensor of size 1x2]\n', tostring(torch.FloatTensor{{7}}:expand(1, 2)))
  end)
end)
