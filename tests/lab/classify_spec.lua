-- Features against classes: K-means' features, what stands beside a discriminator, pictures, and the commands.
local cjson = require 'cjson'
local lfs = require 'lfs'
local torch = require 'gantry.torch'
local nn = require 'gantry.nn'
local image = require 'gantry.image'
local nets = require 'gantry.gan.nets'
local classify = require 'gantry.lab.classify'
local features = require 'gantry.lab.features'
local kmeans = require 'gantry.lab.kmeans'
local supervised = require 'gantry.lab.supervised'
local tally = require 'gantry.lab.tally'
local command = require 'tests.support.command'

-- Images 16 x 16 of three classes: stripes across, stripes along, and a blot, with noise.
local function pictures(n, seed)
  local generator = torch.Generator(seed)
  local x = torch.FloatTensor(n, 3, 16, 16):uniform(generator, -0.4, 0.4)
  local labels = torch.LongTensor(n)
  for i = 1, n do
    labels[i] = (i - 1) % 3 + 1
    local phase = torch.random(generator, 0, 3)
    for k = 1, 16 do
      local v = (k + phase) % 4 < 2 and 0.4 or -0.4
      if labels[i] == 1 then x[i]:narrow(2, k, 1):add(v) elseif labels[i] == 2 then x[i]:narrow(3, k, 1):add(v) end
    end
    if labels[i] == 3 then x[i]:narrow(2, 3 + phase, 8):narrow(3, 6 - phase, 8):add(0.4) end
  end
  return x:clamp(-1, 1), labels
end

local function source(n, seed)
  local x, labels = pictures(n, seed)
  local s = features.source(x)
  s.classes = {'across', 'along', 'blot'}
  function s.label(_, i) return tonumber(labels[i]) end
  return s
end

local function discriminator(base)
  torch.manualSeed(3)
  return nets.dcgan_discriminator {size = 16, channels = 3, base = base, kernel = 4}
end

describe('lab.classify', function()
  teardown(command.clean)

  it("K-means' features are the paper's: patches, whitening, triangle, quadrants", function()
    local x = pictures(60, 1)
    local distances = {}
    local e = kmeans.learn(x, {centroids = 20, patches = 2000, iterations = 6, side = 5, progress = function(i, d) distances[i] = d end})
    assert.equal(80, e.count)
    for i = 2, 6 do assert.is_true(distances[i] <= distances[i - 1] * 1.001) end
    local got = e:of(x:narrow(1, 8, 1))[1]
    local sums = {0, 0, 0, 0}
    for r = 0, 11 do
      for c = 0, 11 do
        local p = x[8]:narrow(2, r + 1, 5):narrow(3, c + 1, 5):clone():view(-1):double()
        p:add(-p:mean())
        p:div(math.sqrt(torch.pow(p, 2):mean() * 127.5 ^ 2 + 10) / 127.5)
        local white = torch.mv(e.matrix:double(), p - e.mean:double():view(-1))
        local z, mean = {}, 0
        for k = 1, 20 do
          z[k] = (white - e.centroids[k]:double()):norm()
          mean = mean + z[k] / 20
        end
        local q = (r < 6 and 0 or 2) + (c < 6 and 1 or 2)
        sums[q] = sums[q] + math.max(0, mean - z[7])
      end
    end
    for q = 1, 4 do assert.near(sums[q], got[20 * (q - 1) + 7], 1e-3) end
    -- Whitened patches have a covariance of about one in the directions that there are.
    assert.is_true(e.matrix:std() > 0 and (e.matrix - e.matrix:t()):abs():max() < 1e-4)
    -- Gray images as RGB, and fewer patches than pixels: some directions do not vary at all.
    local gray = x:narrow(2, 1, 1):expand(60, 3, 16, 16):contiguous()
    local few = kmeans.learn(gray, {centroids = 2, patches = 20, iterations = 1}):of(gray:narrow(1, 1, 2))
    assert.is_true(few:min() >= 0 and few:max() < 1e6)
    assert.error_matches(function() kmeans.learn(x, {centroids = 30, patches = 20}) end, '30 centroids of 20 patches')
    assert.error_matches(function() kmeans.learn(x, {side = 9, patches = 2000}) end, 'images of 16x16, wanted twice the patch of 9')
    assert.error_matches(function() kmeans.learn(x, {iterations = 0}) end, 'iterations is 0')
  end)

  it('measures features and what stands beside them on the same images', function()
    local train, test = source(180, 1), source(60, 2)
    local task = classify.task(train, test, {per_class = 10, draws = 3, validation = 20})
    assert.same({60, 120}, {task.judge:size(1), task.rest:size(1)})
    local folder = command.folder()
    local extractor = features.extractor(discriminator(8), train)
    local d = classify.features(task, 'discriminator', extractor, {folder = folder})
    for name in lfs.dir(folder) do assert.is_nil(name:find 'npy') end
    assert.equal(7, #d.tried)
    assert.is_true(d.all.share > 0.8 and d.all.low < d.all.share and d.few.n == 3 and d.few.mean > 0.5, d.all.share)
    assert.equal(60, d.confusion:sum())
    local pixels = classify.features(task, 'pixels', classify.pixels(train), {folder = folder, keep = true, standard = true})
    assert.equal('file', lfs.attributes(folder .. '/train-standard.npy', 'mode'))
    assert.is_true(pixels.all.share > 1 / 3)
    local k = classify.features(task, 'k-means', kmeans.learn(train, {centroids = 16, patches = 2000, iterations = 3}), {folder = folder})
    assert.is_true(k.all.share > 0.5, k.all.share)
    local nearest = classify.nearest(task)
    local right = 0
    local all = train:batch(1, 180):view(180, 768)
    for i = 1, 60 do -- plainly
      local difference = all - test:batch(i, i):view(1, 768):expandAs(all)
      local _, of = difference:pow(2):sum(2):view(-1):min(1)
      if train:label(of[1]) == test:label(i) then right = right + 1 end
    end
    assert.near(right / 60, nearest.all.share, 1e-9)
    assert.equal(3, nearest.few.n)
  end)

  it('a supervised network of the same shape learns the classes', function()
    local train, test = source(240, 1), source(60, 2)
    local task = classify.task(train, test, {per_class = 20, validation = 20})
    local net = discriminator(8)
    local new = supervised.network(net, train:batch(1, 2), 3, 0.5, 1)
    assert.equal(tostring(net:get(1)), tostring(new:get(1)))
    assert.same({2, 3}, new:evaluate():forward(train:batch(1, 2)):size():totable())
    local settings = supervised.settings
    assert.equal(8, #settings)
    supervised.settings = {settings[1], settings[8]}
    local ok, found = pcall(classify.supervised, task, net, {steps = 60})
    supervised.settings = settings
    assert.is_true(ok, found)
    assert.is_true(found.all.share > 0.8, found.all.share)
    assert.equal(2, #found.tried_settings)
    assert.equal(1, found.few.n)
    assert.error_matches(function() supervised.network(nn.Linear(3, 2), train:batch(1, 2), 3, 0, 1) end, 'wanted an nn.Sequential')
  end)

  it('says what is wrong with a task', function()
    local train, test = source(30, 1), source(12, 2)
    local bare = torch.FloatTensor(4, 3, 16, 16)
    assert.error_matches(function() classify.task(train, bare) end, 'not all images of the test set have a class')
    assert.error_matches(function() classify.task(train, test, {validation = 10}) end, 'the smallest class has 10 images; 10 choose C')
    test.classes = {'a', 'b', 'c'}
    assert.error_matches(function() classify.task(train, test) end, 'are not the same: 3 %(across, along, blot%), and 3 %(a, b, c%)')
  end)

  it('draws bars and confusions', function()
    local function exactly(share) return {share = share, low = share, high = share} end
    local rows = {{'a', {share = 0.5, low = 0.4, high = 0.6}, false}, {'b', exactly(1), exactly(0)}}
    local bars = tally.bars(rows, {'all', 'few'}, 0.1)
    assert.is_true(bars:min() >= 0 and bars:max() <= 1 and bars:size(3) > 480)
    local blue = bars[3]:clone():csub(bars[1]):gt(0.5):double():sum() -- the bars' pixels, and the legend's
    assert.is_true(blue > 18 * 700 and blue < 18 * 780, blue)
    local c = tally.confusion(torch.DoubleTensor {{9, 1}, {0, 10}}, {'cat', 'dog'})
    assert.same({3}, {c:size(1)})
  end)

  it('gantry lab features and gantry lab svm', function()
    local dir = command.folder()
    local function gantry(line) return command.gantry((line:gsub('DIR', dir))) end
    assert.equal(0, (gantry 'train dcgan --data scenes:faces --set size=16 base=4 batch=8 steps=2 samples=4 --out DIR/run'))
    for part, n in pairs {train = 30, test = 12} do
      local x, labels = pictures(n, n)
      for i = 1, n do
        local folder = ('%s/%s/%s'):format(dir, part, ({'across', 'along', 'blot'})[tonumber(labels[i])])
        lfs.mkdir(dir .. '/' .. part)
        lfs.mkdir(folder)
        image.save(('%s/%03d.png'):format(folder, i), (x[i] + 1) / 2)
      end
    end
    local code, out, err = gantry 'lab features DIR/run --data DIR/test --statistics DIR/train --out DIR/f/test.npy'
    assert.equal(0, code, err)
    assert.matches('test.npy: 12 x 192', out)
    local rows = require('gantry.data.npy').load(dir .. '/f/test.npy')
    assert.same({12, 192}, rows:size():totable())
    assert.equal('file', lfs.attributes(dir .. '/f/features.png', 'mode'))
    code, out, err = gantry 'lab features DIR/run --of G --n 5 --out DIR/f/g.npy'
    assert.equal(0, code, err)
    assert.matches('g.npy: 5 x', out)
    code, out, err = gantry('lab svm DIR/run --data DIR/train --test DIR/test --per-class 5 --draws 2 --centroids 8 --steps 3 ' ..
      '--values 1e-3,1e-2 --baseline pixels --baseline nearest --baseline random --baseline kmeans --baseline supervised')
    assert.equal(0, code, err)
    for _, name in ipairs {'discriminator, 192 numbers', 'pixels, 768', 'nearest image', 'untrained, 192', 'k%-means, 32', 'supervised'} do
      assert.matches(name .. '[^\n]*all 30 labels', out)
      assert.matches(name .. '[^\n]*5 labels of each class', out)
    end
    local record = cjson.decode(command.read(dir .. '/run/lab/svm.json'))
    assert.is_true(#record.figures >= 16)
    assert.is_nil(lfs.attributes(dir .. '/run/lab/svm-D', 'mode'))
    assert.equal(2, #record.pictures)
    for line, text in pairs {
      ['--data x'] = '%-%-data SPEC and %-%-test SPEC are wanted',
      ['--data x --test y --baseline pixel'] = '%-%-baseline is pixel, wanted pixels',
      ['--data x --test y --loss l2'] = '%-%-loss is l2', ['--data x --test y --only-baselines'] = 'leaves nothing',
      ['--data x --test y --standard all'] = '%-%-standard is all',
      ['--data x --test y --values 1e-3,1e-4'] = '%-%-values is 1e%-3,1e%-4, wanted numbers above 0, ascending',
    } do
      code, out, err = gantry('lab svm DIR/run ' .. line)
      assert.equal(2, code)
      assert.equal('', out)
      assert.matches(text, err)
    end
    code, out, err = gantry 'lab features DIR/run --out x'
    assert.equal(2, code)
    assert.equal('', out)
    assert.matches('wanted a file that ends in .npy', err)
    code, out, err = gantry 'lab features DIR/run'
    assert.same({2, ''}, {code, out})
    assert.matches('%-%-out FILE.npy is missing', err)
    code, out, err = gantry 'lab svm DIR/run --data scenes:faces --test DIR/test'
    assert.same({1, ''}, {code, out})
    assert.matches('svm: not all images of the training set have a class', err)
  end)
end)
