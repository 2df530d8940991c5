-- What the tape costs: microseconds of the processor an op, forward and backward, on tensors of one element, where nothing else counts;
-- and a DCGAN update written with values over the same one through modules' backward. The two take turns, an update each.
-- usage: gantry bench/autograd.lua [ROUNDS [SIZE BATCH BASE]]      Prints medians, `us NAME VALUE` and `ratio NAME VALUE` lines.
local ffi = require 'ffi'
local gantry = require 'gantry'
local native = require 'gantry.native'
local nets = require 'gantry.gan.nets'
local torch, nn, optim, autograd = gantry.torch, gantry.nn, gantry.optim, gantry.autograd
local ops, value, grad = autograd.ops, autograd.value, autograd.grad

local rounds = tonumber(arg[1]) or 31
local steps = {{size = 32, batch = 16, base = 16}}
if arg[2] then steps = {{size = tonumber(arg[2]), batch = tonumber(arg[3]), base = tonumber(arg[4])}} end

local function median(list)
  table.sort(list)
  return list[math.floor((#list + 1) / 2)]
end

-- ---- an op --------------------------------------------------------------------------------------------------------------

local function one(x) return torch.FloatTensor(1):fill(x) end
local weight, kernel = value(one(0.7):view(1, 1), true), value(one(0.9):view(1, 1, 1, 1), true)
local still = ops.conv_shape {}

-- name, ops in it, the ops: y goes on, x is the leaf they all start from
local kinds = {
  {'add', 1, function(y, x) return y + x end},
  {'mul', 1, function(y, x) return y * x end},
  {'scale', 1, function(y) return y * 0.99 end},
  {'tanh', 1, function(y) return y:tanh() end},
  {'leaky_relu', 1, function(y) return y:leaky_relu(0.2) end},
  {'sum', 1, function(y) return y:sum() end},
  {'view', 1, function(y) return y:view(1) end},
  {'div', 1, function(y, x) return y / x end},
  {'matmul, views', 3, function(y) return ops.matmul(y:view(1, 1), weight):view(1) end},
  {'conv, views', 3, function(y) return ops.conv(y:view(1, 1, 1, 1), kernel, still):view(1) end},
  {'mixed', 12, function(y, x)
    local z = (y * x + x):tanh():view(1, 1)
    z = ops.matmul(z, weight):leaky_relu(0.2):sum() - x
    return (z / (x * x + 1)):sigmoid()
  end},
}

local function seconds(fn)
  local timer = torch.Timer()
  fn()
  return timer:time().real
end

--- Of the processor: other programs on the machine count less. One thread, since those that wait for work count too.
local function own_seconds(fn)
  local start = os.clock()
  fn()
  return os.clock() - start
end

local function chain(kind, length)
  return function()
    autograd.scope(function()
      local x = value(one(0.5), true)
      local y = x
      for _ = 1, length do y = kind[3](y, x) end
      y:backward()
    end)
  end
end

--- A gradient penalty on a loss of a few ops, over and over: what create_graph costs, its own ops counted.
local function penalty()
  for _ = 1, 20 do
    autograd.scope(function()
      local x = value(one(0.5):view(1, 1), true)
      local g = grad(ops.matmul(x, weight):leaky_relu(0.2):sum(), x, {create_graph = true})
      ;(g:norm(2, 2) - 1):pow(2):mean():backward()
    end)
  end
end

print(('gantry %s, %s'):format(gantry.version, ffi.string(native.C.gt_cpu_name())))
print 'an op, forward and backward, on one element:'
local threads = native.C.gt_threads()
native.C.gt_set_threads(1)
local times, length = {}, 120
for i = 1, #kinds do times[i] = {} end
local second = {}
for round = 1, rounds do
  for i, kind in ipairs(kinds) do
    local n = math.floor(length / kind[2])
    local s = 0
    for _ = 1, 10 do s = s + own_seconds(chain(kind, n)) end
    times[i][round] = s / (10 * n * kind[2]) * 1e6
  end
  second[round] = own_seconds(penalty) / 20 * 1e6
end
for i, kind in ipairs(kinds) do print(('us %s %.2f'):format((kind[1]:gsub('[, ]+', '_')), median(times[i]))) end
print(('us_in_all gradient_penalty %.1f'):format(median(second)))

native.C.gt_set_threads(threads)

-- ---- an update ----------------------------------------------------------------------------------------------------------

--- A player: a network, its flat weights and gradients, its optimizer.
local function player(net)
  local weights, gradients = net:getParameters()
  return {net = net, weights = weights, gradients = gradients, state = {}, config = {learningRate = 2e-4, beta1 = 0.5}}
end

local function learn(p) optim.adam(function() return 0, p.gradients end, p.weights, p.config, p.state) end

--- Two ways to the same update, on the same numbers.
local function both_ways(o)
  local settings = {size = o.size, channels = 3, base = o.base, kernel = 4, z_size = 100}
  local real, z = torch.FloatTensor(o.batch, 3, o.size, o.size):uniform(-1, 1), torch.FloatTensor(o.batch, 100):normal()
  local function pair()
    torch.manualSeed(1)
    return player(nets.dcgan_generator(settings)), player(nets.dcgan_discriminator(settings))
  end
  local G1, D1 = pair()
  local criterion, ones, zeros = nn.BCEWithLogitsCriterion(), torch.ones(o.batch, 1), torch.zeros(o.batch, 1)
  local function by_modules()
    D1.gradients:zero()
    local fake = G1.net:forward(z)
    for _, case in ipairs {{real, ones}, {fake, zeros}} do
      local scores = D1.net:forward(case[1])
      criterion:forward(scores, case[2])
      D1.net:backward(case[1], criterion:backward(scores, case[2]))
    end
    learn(D1)
    G1.gradients:zero()
    local scores = D1.net:forward(fake)
    criterion:forward(scores, ones)
    G1.net:backward(z, D1.net:updateGradInput(fake, criterion:backward(scores, ones)))
    learn(G1)
  end
  local G2, D2 = pair()
  local function by_values()
    autograd.scope(function()
      D2.gradients:zero()
      D2.net:unfreeze()
      local fake = G2.net:forward(value(z))
      ;(ops.bce_with_logits(D2.net:forward(value(real)), 1) + ops.bce_with_logits(D2.net:forward(fake:detach()), 0)):backward()
      learn(D2)
      G2.gradients:zero()
      D2.net:freeze()
      ops.bce_with_logits(D2.net:forward(fake), 1):backward()
      learn(G2)
    end)
  end
  --- Of the gradients, the largest difference over the largest.
  local function difference()
    local largest = 0
    for _, pair_of in ipairs {{G1, G2}, {D1, D2}} do
      local a, b = pair_of[1].gradients, pair_of[2].gradients
      largest = math.max(largest, (a - b):abs():max() / a:clone():abs():max())
    end
    return largest
  end
  return by_modules, by_values, difference
end

--- Seconds of both ways, by turns, and the median of their ratios.
local function by_turns(one_way, other_way, measure)
  local a, b, ratios = {}, {}, {}
  for i = 1, rounds do
    if i % 2 == 0 then
      a[i], b[i] = measure(one_way), measure(other_way)
    else
      b[i], a[i] = measure(other_way), measure(one_way)
    end
    ratios[i] = b[i] / a[i]
  end
  return median(a), median(b), median(ratios)
end

for _, o in ipairs(steps) do
  local by_modules, by_values, difference = both_ways(o)
  by_modules()
  by_values()
  local apart = difference()
  local name = ('%dx%d, batch %d, base %d'):format(o.size, o.size, o.batch, o.base)
  local key = ('%d_b%d_base%d'):format(o.size, o.batch, o.base)
  local modules, values, ratio = by_turns(by_modules, by_values, seconds)
  print(('an update, %s: modules %.2f ms, values %.2f ms; gradients of the first one differ by %.2g'):format(name, modules * 1e3,
    values * 1e3, apart))
  print(('ratio step%s_values_vs_modules %.3f'):format(key, ratio))
  native.C.gt_set_threads(1)
  modules, values, ratio = by_turns(by_modules, by_values, own_seconds)
  native.C.gt_set_threads(threads)
  print(("one thread's time: modules %.2f ms, values %.2f ms"):format(modules * 1e3, values * 1e3))
  print(('ratio step%s_values_vs_modules_one_thread %.3f'):format(key, ratio))
end
