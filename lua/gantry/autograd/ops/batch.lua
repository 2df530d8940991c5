--- Ops that look at the images of a batch beside each other, for discriminators that are to see variety, and attention.
local native = require 'gantry.native'
local common = require 'gantry.autograd.ops.common'
local shown = require('gantry.torch.class').shown
local Value = require 'gantry.autograd.value'

local fail = native.fail

return function(ops)
  --- Minibatch standard deviation: Karras, Aila, Laine and Lehtinen 2018, arXiv 1710.10196, section 3. In groups of images, the
  -- standard deviation (biased) of every number over its group, averaged into one number for the group, as one more channel.
  -- Image i is in group (i - 1) mod (N / group), as in the authors' program.
  -- @param x N x C or N x C x ...
  -- @int[opt=N] group images in a group; divides N
  -- @number[opt=1e-8] eps added to variances
  -- @return N x (C + 1) x ...
  function ops.minibatch_stddev(x, group, eps)
    local sizes = common.sizes(Value.tensor(x, 'minibatch_stddev'))
    local n = sizes[1]
    if #sizes < 2 then fail('minibatch_stddev: got %d dimensions, wanted N x C x ...', #sizes) end
    if group == nil then group = n end
    if type(group) ~= 'number' or group < 1 or n == 0 or n % math.min(group, n) ~= 0 then
      fail('minibatch_stddev: a batch of %d does not make groups of %s', n, shown(group))
    end
    if eps ~= nil and type(eps) ~= 'number' then fail('minibatch_stddev: eps is %s, wanted a number', shown(eps)) end
    group = math.min(group, n)
    local y = ops.view(x, group, n / group, -1)
    local variance = ops.var(y, 1, false, true)                             -- groups x numbers
    local spread = ops.mean(ops.sqrt(ops.add(variance, eps or 1e-8)), 2)    -- groups
    sizes[2] = 1
    local column = {n}
    for d = 2, #sizes do column[d] = 1 end
    local each = ops.view(ops.expand(ops.view(spread, 1, n / group), group, n / group), column)
    return ops.cat({x, ops.expand(each, sizes)}, 2)
  end

  --- How close each image's features are to those of the batch: Salimans, Goodfellow, Zaremba, Cheung, Radford and Chen 2016,
  -- arXiv 1606.03498, section 3.2. o[i][b] = sum over j of e ^ -|m[i][b] - m[j][b]|, the distance an L1 norm over the last dimension; i
  -- itself counts, as 1.
  -- @param m N x B x C
  -- @return N x B
  function ops.minibatch_similarity(m)
    local sizes = common.sizes(Value.tensor(m, 'minibatch_similarity'))
    if #sizes ~= 3 then fail('minibatch_similarity: got %d dimensions, wanted 3', #sizes) end
    local n, b, c = sizes[1], sizes[2], sizes[3]
    local apart = ops.sub(ops.view(m, n, 1, b, c), ops.view(m, 1, n, b, c))
    return ops.sum(ops.exp(ops.neg(ops.norm(apart, 1, 4))), 2)
  end

  --- What each place makes of all places: o[.][j] = sum over i of values[.][i] beta[i][j], where beta[.][j] is the softmax over i of
  -- keys[.][i] . queries[.][j]. Zhang, Goodfellow, Metaxas and Odena 2019, arXiv 1805.08318, equations 1 and 2.
  -- @param queries N x K x J
  -- @param keys N x K x I
  -- @param values N x V x I
  -- @return N x V x J
  function ops.attention(queries, keys, values)
    for position, x in ipairs {queries or false, keys or false, values or false} do
      local rank = Value.tensor(x, 'attention', position).rank
      if rank ~= 3 then fail('attention: argument %d has %d dimensions, wanted 3', position, rank) end
    end
    return ops.matmul(values, ops.softmax(ops.matmul(keys, queries, true, false), 2))
  end
end
