-- Scores against an independent implementation (NumPy and PyTorch: tests/gold/make_gan_gold.py) on the same features and images.
local torch = require 'gantry.torch'
local metrics = require 'gantry.metrics'
local images = require 'gantry.metrics.images'
local gold = require 'tests.support.gold'

describe('metrics', function()
  local cases = gold.open 'metrics'
  local features, pictures = cases.features, cases.images

  it('decomposes symmetric matrices, singular ones too', function()
    for _, n in ipairs {1, 2, 3, 17, 60, 108} do
      local a = torch.DoubleTensor(n, n):normal(torch.Generator(n), 0, 1)
      local few = a:narrow(1, 1, math.ceil(n / 5)) -- most eigenvalues are 0
      for _, m in ipairs {a + a:t(), torch.mm(a, a:t()), torch.eye(n):double(), a * 0, torch.ger(a[1], a[1]), torch.mm(few:t(), few)} do
        m = m:double()
        local values, v = metrics.eigen(m)
        local scale = math.max(torch.abs(m):max(), 1)
        local off = (torch.mm(v:t(), torch.mm(torch.diag(values), v)) - m):abs():max()
        assert.is_true(off < 1e-12 * n * scale, ("%d: %g"):format(n, off))
        assert.is_true((torch.mm(v, v:t()) - torch.eye(n):double()):abs():max() < 1e-12 * n)
      end
    end
    assert.error_matches(function() metrics.eigen(torch.DoubleTensor(2, 3)) end, 'wanted a square DoubleTensor')
    assert.error_matches(function() metrics.eigen(torch.DoubleTensor(2, 2):fill(0 / 0)) end, 'not finite')
  end)

  it("finds Frechet's distance", function()
    assert.near(features.options.frechet, metrics.frechet(features.real, features.fake), 1e-9)
    assert.near(0, metrics.frechet(features.real, features.real), 1e-9)
  end)

  it('finds the kernel distance, and an interval that covers it', function()
    assert.near(features.options.mmd, metrics.mmd(features.real, features.fake), 1e-9)
    local g, inside, found = torch.Generator(5), 0, nil
    for _ = 1, 40 do -- two sets of the same distribution: the truth is 0
      local a, b = torch.DoubleTensor(200, 6):normal(g, 0, 1), torch.DoubleTensor(200, 6):normal(g, 0, 1)
      local distance, interval = metrics.kernel(a, b)
      if math.abs(distance) <= interval then inside = inside + 1 end
      found = distance
    end
    assert.is_true(inside >= 34, inside .. ' of 40')
    assert.is_true(math.abs(found) < 0.5)
    assert.error_matches(function() metrics.kernel(features.real, features.fake, 1) end, 'blocks is 1')
  end)

  it('finds precision, recall, density and coverage', function()
    for name, x in pairs(metrics.manifold(features.real, features.fake, 4)) do assert.near(features.options[name], x, 1e-12) end
    assert.same({precision = 1, recall = 1, coverage = 1}, (function()
      local all = metrics.manifold(features.real, features.real)
      return {precision = all.precision, recall = all.recall, coverage = all.coverage}
    end)())
  end)

  it('finds how sure and how varied classes are', function()
    assert.near(features.options.inception, metrics.inception(features.p), 1e-9)
    assert.near(6, metrics.inception(torch.eye(6):double()), 1e-9)
  end)

  it('finds structural similarity', function()
    local s = images.similarity(pictures.a:float(), pictures.b:float())
    assert.is_true((s:double() - pictures.similarity):abs():max() < 1e-5)
    assert.is_true((images.similarity(pictures.a:float(), pictures.a:float()) - 1):abs():max() < 1e-5)
    local both = torch.cat(pictures.a[1]:float():view(1, 2, 24, 20), pictures.b[1]:float():view(1, 2, 24, 20), 1)
    assert.near(pictures.similarity[1], images.alikeness(both), 1e-5)
  end)

  it('refuses images and features that are not a pair of sets', function()
    local x = torch.rand(4, 1, 16, 16)
    local function refused(text, fn, ...)
      local arguments = {...}
      assert.error_matches(function() fn(unpack(arguments)) end, text)
    end
    refused('sliced: got a torch.FloatTensor of 4 x 1 x 4 x 4, .* sides of at least 7', metrics.sliced, torch.rand(4, 1, 4, 4), x)
    refused('sliced: got images of 1 x 16 x 16 and of 3 x 16 x 16', metrics.sliced, x, torch.rand(4, 3, 16, 16))
    refused('similarity: got 4 and 3 images, wanted pairs', metrics.similarity, x, x:narrow(1, 1, 3))
    refused('similarity: got a number', metrics.similarity, x, 3)
    refused('alikeness: got 1 image', metrics.alikeness, x:narrow(1, 1, 1))
    refused('inception: got a torch.FloatTensor of 2', metrics.inception, torch.rand(3, 3))
    refused('frechet: got a torch.FloatTensor of 4 x 16', metrics.frechet, torch.rand(4, 16), torch.rand(4, 16))
  end)

  it('finds pyramids and sliced distances', function()
    local levels = images.pyramid(pictures.a:float(), 2)
    assert.is_true((levels[1]:double() - pictures.detail):abs():max() < 1e-5)
    assert.is_true((levels[2]:double() - pictures.small):abs():max() < 1e-5)
    local real = features.real:narrow(1, 1, 90)
    assert.near(pictures.options.moved, images.along(real, features.fake, pictures.directions), 1e-9)
    local g = torch.Generator(2)
    local x = torch.FloatTensor(12, 1, 32, 32):uniform(g, -1, 1)
    local stripes = x:narrow(3, 1, 1):expand(12, 1, 32, 32):contiguous()
    local near, far = select(2, images.sliced(x, x)), select(2, images.sliced(x, stripes))
    assert.is_true(far > 2 * near)
    assert.equal(far, select(2, images.sliced(x, stripes)))
  end)

  it('finds the sliced distance that plain loops find', function()
    local n, each, k, c = 3, 4, 5, 2
    local sets = {torch.FloatTensor(n, c, 16, 12):uniform(torch.Generator(3), -1, 1), torch.FloatTensor(n, c, 16, 12):fill(0.5)}
    sets[2]:narrow(3, 1, 5):uniform(torch.Generator(4), -1, 1)
    local generator = torch.Generator(6) -- in the order in which numbers are drawn
    local directions, projected = torch.FloatTensor(c * 49, k):normal(generator, 0, 1), {}
    for set, x in ipairs(sets) do
      local tops = torch.LongTensor(n, each):random(generator, 0, 16 - 7)
      local lefts = torch.LongTensor(n, each):random(generator, 0, 12 - 7)
      local points, sums, squares = {}, {0, 0}, {0, 0}
      for i = 1, n do
        for j = 1, each do
          local p = {}
          for channel = 1, c do
            for y = 1, 7 do
              for column = 1, 7 do p[#p + 1] = x[i][channel][tops[i][j] + y][lefts[i][j] + column] end
            end
          end
          points[#points + 1] = p
          for d, v in ipairs(p) do
            local channel = d <= 49 and 1 or 2
            sums[channel], squares[channel] = sums[channel] + v, squares[channel] + v * v
          end
        end
      end
      local count = n * each * 49
      projected[set] = {}
      for a = 1, k do
        local list, length = {}, directions:select(2, a):norm()
        for m, p in ipairs(points) do
          local sum = 0
          for d, v in ipairs(p) do
            local channel = d <= 49 and 1 or 2
            local mean = sums[channel] / count
            local deviation = math.sqrt((squares[channel] - count * mean * mean) / (count - 1))
            sum = sum + (v - mean) / deviation * directions[d][a] / length
          end
          list[m] = sum
        end
        table.sort(list)
        projected[set][a] = list
      end
    end
    local sum = 0
    for a = 1, k do
      for m = 1, n * each do sum = sum + math.abs(projected[1][a][m] - projected[2][a][m]) end
    end
    local found = images.sliced(sets[1], sets[2], {each = each, directions = k, seed = 6})
    assert.equal(1, #found)
    assert.near(1000 * sum / (k * n * each), found[1], 0.05)
  end)
end)
