-- Nearest neighbours against the definition, and the 1-NN evaluation on generators whose error is known.
local torch = require 'gantry.torch'
local npy = require 'gantry.data.npy'
local neighbours = require 'gantry.lab.neighbours'
local nnc = require 'gantry.lab.nnc'
local record = require 'gantry.lab.record'
local command = require 'tests.support.command'

-- All distances by the definition, sorted: {{distance, number}, ...} of query q.
local function by_definition(queries, rows, q, metric)
  local list = {}
  for j = 1, rows:size(1) do
    local sum = 0
    for c = 1, rows:size(2) do
      local d = math.abs(queries[q][c] - rows[j][c])
      sum = sum + (metric == 'l1' and d or d * d)
    end
    list[j] = {metric == 'l1' and sum or math.sqrt(sum), j}
  end
  table.sort(list, function(a, b) return a[1] < b[1] or a[1] == b[1] and a[2] < b[2] end)
  return list
end

describe('lab.neighbours', function()
  it('are those of the definition, in parts of any size', function()
    local queries, rows = torch.FloatTensor(5, 7):uniform(-1, 1), torch.FloatTensor(41, 7):uniform(-1, 1)
    for _, metric in ipairs {'l1', 'l2'} do
      for _, k in ipairs {1, 3} do
        local search = neighbours.new(queries, {k = k, metric = metric, keep = true})
        search:add(rows:narrow(1, 1, 2)):add(rows:narrow(1, 3, 20)):add(rows:narrow(1, 23, 19))
        assert.equal(41, search.seen)
        local distances, numbers = search:result()
        for q = 1, 5 do
          local wanted = by_definition(queries, rows, q, metric)
          for j = 1, k do
            assert.equal(wanted[j][2], tonumber(numbers[q][j]))
            assert.near(wanted[j][1], distances[q][j], 1e-5)
          end
          assert.equal(0, (search.rows[q] - rows[wanted[1][2]]):abs():max())
          assert.near(wanted[1][1], neighbours.distance(queries:narrow(1, q, 1), search.rows:narrow(1, q, 1), metric)[1], 1e-6)
        end
      end
    end
  end)

  it('cross the borders of blocks, keep the first of equals, and are fewer where there are fewer', function()
    local rows = torch.FloatTensor(2500, 3):uniform(-1, 1)
    local queries = rows:index(1, torch.LongTensor {1, 1024, 1025, 2500}):contiguous()
    local distances, numbers = neighbours.new(queries):add(rows):add(rows):result()
    assert.same({1, 1024, 1025, 2500}, numbers:view(-1):totable())
    local wide = torch.FloatTensor(19, 2 ^ 15):uniform(-1, 1) -- eight of these are compared at once
    local far, which = neighbours.new(wide:index(1, torch.LongTensor {8, 9, 19}):contiguous(), {metric = 'l1', k = 2}):add(wide):result()
    assert.same({8, 9, 19}, which:select(2, 1):totable())
    assert.equal(0, far:select(2, 1):abs():max())
    assert.near((wide[8] - wide[tonumber(which[1][2])]):abs():sum(), far[1][2], 0.1)
    assert.is_true(distances:max() < 2e-3)
    distances, numbers = neighbours.new(queries, {k = 2}):add(rows:narrow(1, 1, 1)):result()
    assert.equal(0, tonumber(numbers[2][2]))
    assert.equal(math.huge, distances[2][2])
  end)

  it('say what is wrong', function()
    local x = torch.FloatTensor(2, 3):zero()
    assert.error_matches(function() neighbours.new(torch.DoubleTensor(2, 3)) end, 'wanted a FloatTensor n x d')
    assert.error_matches(function() neighbours.new(x, {k = 0}) end, 'k is 0')
    assert.error_matches(function() neighbours.new(x, {metric = 'cosine'}) end, 'metric is cosine')
    assert.error_matches(function() neighbours.new(x):add(torch.FloatTensor(2, 4)) end, 'got a torch.FloatTensor of 2 x 4, wanted')
  end)
end)

describe('lab.nnc', function()
  local dir
  setup(function() dir = command.folder() end)
  teardown(command.clean)

  -- Three classes of 4 x 4 pictures: class k is bright at pixel k, with noise.
  local function picture(class) return torch.FloatTensor(1, 4, 4):uniform(-0.1, 0.1):indexAdd(3, torch.LongTensor {class},
    torch.FloatTensor(1, 4, 1):fill(0.8)) end

  local function saved(name, n)
    local x, labels = torch.FloatTensor(n, 1, 4, 4), torch.LongTensor(n)
    for i = 1, n do
      labels[i] = (i - 1) % 3
      x[i]:copy(picture((i - 1) % 3 + 1))
    end
    npy.save(dir .. '/' .. name .. '.npy', x:view(n, 4, 4))
    npy.save(dir .. '/' .. name .. '.labels.npy', labels)
    return dir .. '/' .. name .. '.npy'
  end

  -- A run whose generator draws class_of(k) where it is told class k.
  local function run_of(class_of)
    return {
      path = dir, step = 5, classes = 3, state = {hash = 'x', data = dir .. '/train.npy'},
      options = {size = 4, channels = 1, z_size = 2, z = 'uniform', seed = 1},
      images = function(_, z, labels)
        local x = torch.FloatTensor(z:size(1), 1, 4, 4)
        for i = 1, z:size(1) do x[i]:copy(picture(class_of(tonumber(labels[i])))) end
        return x
      end,
    }
  end

  local function errors(run)
    local found = {}
    local c = nnc(run, {test = dir .. '/test.npy', sizes = {6, 30}, out = dir .. '/lab'})
    for _, f in ipairs(c.figures) do found[f.name] = f end
    return found
  end

  it('counts what a perfect generator and one that mixes up classes teach', function()
    saved('train', 12)
    saved('test', 30)
    local perfect = errors(run_of(function(k) return k end))
    assert.equal(0, perfect['error of 1-NN, 12 real images, %'].value)
    assert.equal(0, perfect['error of 1-NN, 30 generated images, %'].value)
    local mixed = errors(run_of(function(k) return k == 1 and 2 or k == 2 and 1 or 3 end))
    local f = mixed['error of 1-NN, 6 generated images, %']
    assert.near(200 / 3, f.value, 1e-9)
    assert.is_true(f.low < f.value and f.value < f.high)
    assert.near(100 / 3, mixed['nnc, accuracy, 6 generated images, %'].value, 1e-9)
    local d = mixed['30 generated images: error minus that of the real images, points']
    assert.near(200 / 3, d.value, 1e-9)
    assert.is_true(d.low > 40 and d.high < 90)
    assert.equal('nnc', record.read(dir .. '/lab')[1].experiment)
  end)

  it('says what is wrong', function()
    local run = run_of(function(k) return k end)
    assert.error_matches(function() nnc(run, {}) end, 'nnc: test is missing')
    assert.error_matches(function() nnc(run, {test = 'x', sizes = {10, 5}}) end, 'got 5 after 10')
    run.classes = nil
    assert.error_matches(function() nnc(run, {test = 'x'}) end, 'has no classes')
  end)

  it('is a command', function()
    saved('train', 12)
    saved('test', 30)
    local code, _, err = command.gantry(
      ('train cdcgan --data %s/train.npy --out %s/run --steps 1 --set size=4 batch=4 base=2 hidden=4 samples=3'):format(dir, dir))
    assert.equal(0, code, err)
    local out
    code, out, err = command.gantry(('lab nnc %s/run --test %s/test.npy --sizes 6,10'):format(dir, dir))
    assert.equal(0, code, err)
    assert.matches('error of 1%-NN, 10 generated images, %%: ', out)
    assert.matches('/run/lab/nnc.json', out, 1, true)
    code, _, err = command.gantry(('lab nnc %s/run'):format(dir))
    assert.equal(2, code)
    assert.matches('%-%-test SPEC is missing', err)
  end)
end)
