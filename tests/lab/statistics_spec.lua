-- Intervals and correlations against figures from elsewhere.
local statistics = require 'gantry.lab.statistics'

describe('lab.statistics', function()
  it('mean and its interval', function()
    local m = statistics.mean {2, 4, 4, 4, 5, 5, 7, 9}
    assert.near(5, m.mean, 1e-12)
    assert.near(math.sqrt(32 / 7), m.deviation, 1e-12)
    assert.near(1.959964 * math.sqrt(32 / 7) / math.sqrt(8), m.high - 5, 1e-6)
    assert.same({1, 0, 1, 1}, (function(x) return {x.mean, x.deviation, x.low, x.high} end)(statistics.mean {1}))
    assert.error_matches(function() statistics.mean {} end, 'mean: got 0 numbers')
  end)

  -- Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
  it("Wilson's interval", function()
    local cases = {{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}, {29, 29, 0.8830, 1}}
    for _, case in ipairs(cases) do
      local w = statistics.wilson(case[1], case[2])
      assert.near(case[3], w.low, 5e-5)
      assert.near(case[4], w.high, 5e-5)
    end
    assert.error_matches(function() statistics.wilson(3, 2) end, 'wilson: got 3 of 2')
  end)

  it('a paired difference: its interval is about that of the normal distribution', function()
    local a, b, differences = {}, {}, {}
    for i = 1, 400 do
      a[i], b[i] = i % 5 == 0 and 1 or 0, i % 10 == 0 and 1 or 0
      differences[i] = a[i] - b[i]
    end
    local d, normal = statistics.paired(a, b), statistics.mean(differences)
    assert.near(0.1, d.difference, 1e-12)
    assert.near(normal.low, d.low, 0.005)
    assert.near(normal.high, d.high, 0.005)
    assert.same(d, statistics.paired(a, b))
    assert.error_matches(function() statistics.paired({1, 2}, {1, 2, 3}) end, '2 and 3 numbers')
  end)

  it("a ratio of means: its interval is about that of the delta method", function()
    local a, b = {}, {}
    for i = 1, 300 do a[i], b[i] = 2 + math.sin(i), 1 + 0.3 * math.cos(3 * i) end
    local r, x, y = statistics.ratio(a, b), statistics.mean(a), statistics.mean(b)
    assert.near(x.mean / y.mean, r.ratio, 1e-12)
    local relative = math.sqrt((x.deviation / x.mean) ^ 2 + (y.deviation / y.mean) ^ 2) / math.sqrt(300)
    assert.near(r.ratio * (1 - 1.96 * relative), r.low, 0.02)
    assert.near(r.ratio * (1 + 1.96 * relative), r.high, 0.02)
    assert.error_matches(function() statistics.ratio({1, 2}, {0, 0}) end, 'the mean of the second list is 0')
  end)

  it('rank correlation', function()
    assert.near(0.5, statistics.rank_correlation({1, 2, 3}, {10, 20, 15}), 1e-12)
    assert.near(-1, statistics.rank_correlation({1, 2, 3, 4}, {9, 7, 3, -1}), 1e-12)
    assert.same({1, 2.5, 2.5, 4}, statistics.ranks {3, 5, 5, 8})
    -- scipy.stats.spearmanr([1, 2, 2, 3, 5], [4, 1, 3, 3, 9])
    assert.near(0.2894736842, statistics.rank_correlation({1, 2, 2, 3, 5}, {4, 1, 3, 3, 9}), 1e-9)
    assert.equal(0, statistics.rank_correlation({1, 1, 1}, {1, 2, 3}))
  end)
end)
