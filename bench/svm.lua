-- The linear SVM beside scikit-learn's LinearSVC (LIBLINEAR) on the same rows, in turn: what both minimised, their accuracy, seconds.
-- Prints `ratio NAME VALUE` lines, our median time over the other's.
--
--   gantry bench/svm.lua X.npy [--n 4000] [--test 1000] [--rounds 3] [--cases 3] [--tolerance 1e-4] [--python /usr/bin/python3]
--
-- X.npy: rows of features as `gantry lab features` writes them, with X.labels.npy beside it. --cases: how many of the losses and values of
-- C, from the first on.
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local npy = require 'gantry.data.npy'
local arrays = require 'gantry.data.arrays'
local svm = require 'gantry.lab.svm'

local here = debug.getinfo(1, 'S').source:match '^@(.*)svm%.lua$'
package.path = here .. '?.lua;' .. package.path
local live = require 'live'

local given = {n = 4000, test = 1000, rounds = 3, cases = 3, tolerance = 1e-4, python = '/usr/bin/python3'}
local path
do
  local arguments, i = {...}, 1
  while arguments[i] do
    local key = arguments[i]:match '^%-%-(%a+)$'
    if key then
      given[key] = type(given[key]) == 'number' and tonumber(arguments[i + 1]) or arguments[i + 1]
      i = i + 2
    else
      path, i = arguments[i], i + 1
    end
  end
end
if not path then
  io.stderr:write 'usage: gantry bench/svm.lua X.npy [--n N] [--test N] [--rounds N] [--cases N] [--tolerance T] [--python PATH]\n'
  os.exit(2)
end

local all, all_labels = npy.map(path), npy.load(arrays.labels_path(path)) + 1
local total = given.n + given.test
local chosen, train, test = torch.LongTensor(total), {}, {}
for k = 0, total - 1 do
  chosen[k + 1] = math.floor(k * all:size(1) / total) + 1
  table.insert(k % math.floor(total / given.test) == 0 and test or train, k + 1)
end
local x, labels = all:index(1, chosen), all_labels:index(1, chosen)
train, test = torch.LongTensor(train), torch.LongTensor(test)

local function ours(c, loss, threads)
  native.check(native.C.gt_set_threads(threads))
  local timer = torch.Timer()
  local model = svm.train(x, labels, {C = c, loss = loss, tolerance = given.tolerance, rows = train, passes = 100000})
  local seconds = timer:time().real
  return seconds, model:objective(x, labels), model:accuracy(x, labels, test), math.max(unpack(model.passes))
end

local function theirs(c, loss)
  local process = io.popen(('OPENBLAS_NUM_THREADS=1 %s %speers/svm.py %s %s %d %d %g %s %g'):format(given.python, here, path,
    arrays.labels_path(path), given.n, given.test, c, loss, given.tolerance))
  local line = process:read '*l'
  process:close()
  if not line then error('bench: scikit-learn did not answer', 0) end
  local seconds, objective, accuracy = line:match '(%S+) (%S+) (%S+)'
  return tonumber(seconds), tonumber(objective), tonumber(accuracy)
end

for i, case in ipairs {{'squared_hinge', 1e-3}, {'squared_hinge', 1e-2}, {'hinge', 1e-3}} do
  if i > given.cases then break end
  local loss, c = case[1], case[2]
  local times = {{}, {}, {}}
  local a, b, right_a, right_b, passes
  for k = 1, given.rounds do
    times[1][k], a, right_a, passes = ours(c, loss, 1)
    times[2][k] = ours(c, loss, 2)
    times[3][k], b, right_b = theirs(c, loss)
  end
  local mine, two, other = live.median(times[1]), live.median(times[2]), live.median(times[3])
  print(('%s C %g: objective %.6g, theirs %.6g (%.2g apart); accuracy %.2f%%, theirs %.2f%%'):format(loss, c, a, b, math.abs(a - b) / b,
    100 * right_a, 100 * right_b))
  print(('  %.2f s (2 threads %.2f s, %d passes), theirs %.2f s'):format(mine, two, passes, other))
  print(('ratio svm/%s/%g %.3f'):format(loss, c, mine / other))
end
