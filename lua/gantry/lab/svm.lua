--- Linear support vector machines, one class against the rest, by LIBLINEAR's dual coordinate descent with shrinking: Hsieh, Chang, Lin,
-- Keerthi and Sundararajan 2008, "A Dual Coordinate Descent Method for Large-scale Linear SVM". For each class
--
--     minimise over w, b:  (|w|^2 + b^2) / 2  +  C sum over i of  max(0, 1 - y_i (w x_i + b))^p,      y_i = 1 for the class, -1 else
--
-- with p = 2 (squared hinge, the paper's L2-SVM) or p = 1 (hinge). As in scikit-learn's LinearSVC the intercept is the weight of a column
-- of ones, and regularised with the others. C multiplies a sum, not a mean: it is LIBLINEAR's, and with twice as many examples
-- the same C regularises half as much. Features are taken as they are; features.standardiser makes columns of deviation 1.
--
-- Rows may be a file's (npy.map). The same bits at any number of threads.
-- @module gantry.lab.svm
-- @usage local model = svm.train(rows, labels, {C = 1e-3}); print(model:accuracy(test_rows, test_labels))
local native = require 'gantry.native'
local torch = require 'gantry.torch'

local C, check, fail = native.C, native.check, native.fail

local svm = {}

local INTERCEPT = 1     -- what stands in the column of the intercept
local PART = 512        -- rows that are multiplied by the weights at once
local STRETCH = 2 ^ 26  -- numbers that one call of the library goes through: Ctrl-C is heard in between
local UPPER_BEFORE, LOWER_BEFORE, UPPER, LOWER, RUNNING = 0, 1, 2, 3, 4 -- columns of bounds
local BOUNDS = 5

local Model = {}
Model.__index = Model

-- ---- what is asked for ----------------------------------------------------------------------------------------------------------

local function want_rows(what, x)
  if torch.type(x) ~= 'torch.FloatTensor' or x:dim() ~= 2 or x:size(1) == 0 then
    local got = torch.isTensor(x) and x:nElement() > 0 and table.concat(x:size():totable(), 'x') or ''
    fail('svm: %s is a %s %s, wanted a FloatTensor n x features', what, torch.type(x), got)
  end
end

local function positive(o, name, default)
  local value = o[name] or default
  if type(value) ~= 'number' or not (value > 0 and value < math.huge) then
    fail('svm: %s is %s, wanted a number above 0', name, tostring(value))
  end
  return value
end

-- The labels of some rows (all, where rows is nil), and their numbers.
local function picked(x, labels, rows)
  if torch.type(labels) ~= 'torch.LongTensor' or labels:nElement() ~= x:size(1) then
    fail('svm: labels are a %s of %d, wanted a LongTensor of %d', torch.type(labels), torch.isTensor(labels) and labels:nElement() or 0,
      x:size(1))
  end
  if not rows then
    rows = torch.LongTensor(x:size(1))
    for i = 1, x:size(1) do rows[i] = i end
    return rows, labels:contiguous()
  end
  if torch.type(rows) ~= 'torch.LongTensor' or rows:dim() ~= 1 then fail('svm: rows are a %s, wanted a LongTensor', torch.type(rows)) end
  return rows:contiguous(), labels:index(1, rows)
end

-- ---- training -------------------------------------------------------------------------------------------------------------------

-- The squared lengths of some rows, the intercept's column included.
local function squares_of(x, rows)
  local m = rows:size(1)
  local squares = torch.DoubleTensor(m)
  for first = 1, m, PART do
    local n = math.min(PART, m - first + 1)
    squares:narrow(1, first, n):copy(x:index(1, rows:narrow(1, first, n)):double():pow(2):sum(2))
  end
  return squares:add(INTERCEPT * INTERCEPT)
end

-- One pass over all examples, in stretches. Not compiled: LuaJIT looks for Ctrl-C between calls only where it interprets.
local function pass(s, x, model, stretch)
  local m = s.order:size(1)
  torch.randperm(s.order, s.generator, m)
  for from = 0, m - 1, stretch do
    check(C.gt_svm_visit(model.w, model.alpha, s.active, s.bounds, x, s.squares, model.rows, s.labels, s.order, from,
      math.min(stretch, m - from), model.C, model.loss == 'squared_hinge' and 1 or 0, INTERCEPT))
  end
end
jit.off(pass)

-- At a pass's end: whether class k is done, or sees all examples again, or goes on with new bounds.
local function close_pass(s, k, tolerance)
  local b, active = s.bounds:data() + (k - 1) * BOUNDS, s.active[k]
  local upper, lower = b[UPPER], b[LOWER]
  if upper < lower then upper, lower = 0, 0 end -- nobody was active
  b[UPPER], b[LOWER] = -math.huge, math.huge
  if upper - lower <= tolerance then
    if active:min() == 1 then
      b[RUNNING] = 0
      return
    end
    active:fill(1)
    b[UPPER_BEFORE], b[LOWER_BEFORE] = math.huge, -math.huge
    return
  end
  b[UPPER_BEFORE] = upper > 0 and upper or math.huge
  b[LOWER_BEFORE] = lower < 0 and lower or -math.huge
end

local function begin(classes, features, m, from)
  local w, alpha = torch.DoubleTensor(classes, features + 1):zero(), torch.DoubleTensor(classes, m):zero()
  if from then
    w:copy(from.w)
    alpha:copy(from.alpha)
  end
  return w, alpha
end

--- Trains a classifier.
-- @param x FloatTensor n x features, its rows contiguous
-- @param labels LongTensor n, classes from 1
-- @tparam[opt] table o C (1), loss = 'squared_hinge' (default; the paper's) or 'hinge', tolerance (0.1, LIBLINEAR's: a class is done when
-- the largest and the smallest projected gradient of a pass over all examples differ by no more), passes (1000, the most), seed (1, of the
-- order of the examples), rows (LongTensor: the rows to train on; default: all), classes (the largest label), from = a model of the same
-- rows and loss with a smaller C, to begin with its solution
-- @treturn Model w (DoubleTensor classes x (features + 1), the last column the intercepts), alpha, C, loss, passes (of each class),
-- converged (whether all classes were done)
-- @usage local model = svm.train(rows, labels, {C = 1e-3, tolerance = 0.01})
function svm.train(x, labels, o)
  o = o or {}
  want_rows('x', x)
  if x:size(2) > 1 and x:stride(2) ~= 1 then fail 'svm: the rows of x are not contiguous' end
  local loss = o.loss or 'squared_hinge'
  if loss ~= 'squared_hinge' and loss ~= 'hinge' then fail("svm: loss is '%s', wanted squared_hinge or hinge", tostring(loss)) end
  local rows, own = picked(x, labels, o.rows)
  local classes = o.classes or own:max()
  if own:min() < 1 or own:max() > classes then fail('svm: labels from %d to %d, wanted 1 to %d', own:min(), own:max(), classes) end
  local m, from = rows:size(1), o.from
  local model = setmetatable({C = positive(o, 'C', 1), loss = loss, rows = rows, passes = {}, converged = false}, Model)
  if from and (from.loss ~= loss or from.C > model.C or from.rows:size(1) ~= m or from.w:size(1) ~= classes) then
    fail 'svm: from is a model of another loss, other rows or a larger C'
  end
  model.w, model.alpha = begin(classes, x:size(2), m, from)
  local tolerance = positive(o, 'tolerance', 0.1)
  local s = {
    order = torch.LongTensor(m), generator = torch.Generator(o.seed or 1), labels = own, squares = squares_of(x, rows),
    active = torch.ByteTensor(classes, m):fill(1), bounds = torch.DoubleTensor(classes, BOUNDS),
  }
  for k = 1, classes do s.bounds[k]:copy(torch.DoubleTensor {math.huge, -math.huge, -math.huge, math.huge, 1}) end
  local stretch = math.max(16, math.floor(STRETCH / (x:size(2) * classes)))
  for n = 1, o.passes or 1000 do
    pass(s, x, model, stretch)
    local running = 0
    for k = 1, classes do
      if s.bounds[k][RUNNING + 1] == 1 then
        close_pass(s, k, tolerance)
        model.passes[k] = n
        running = running + s.bounds[k][RUNNING + 1]
      end
    end
    if running == 0 then
      model.converged = true
      break
    end
  end
  return model
end

-- ---- use ------------------------------------------------------------------------------------------------------------------------

--- Calls visit(first, part, scores) for the rows of x (or those given), so many at a time.
local function each_part(self, x, rows, visit)
  want_rows('x', x)
  local classes, features = self.w:size(1), self.w:size(2) - 1
  if x:size(2) ~= features then fail('svm: rows of %d features, wanted %d', x:size(2), features) end
  local w = self.w:narrow(2, 1, features):float():t()
  local b = self.w:narrow(2, features + 1, 1):float():view(1, classes):mul(INTERCEPT)
  local n = rows and rows:size(1) or x:size(1)
  for first = 1, n, PART do
    local count = math.min(PART, n - first + 1)
    local part = rows and x:index(1, rows:narrow(1, first, count)) or x:narrow(1, first, count)
    local scores = torch.mm(part, w)
    visit(first, count, scores:add(b:expandAs(scores)))
  end
  return n
end

--- The classes' scores w x + b.
-- @param x FloatTensor n x features
-- @param[opt] rows LongTensor of the rows wanted
-- @treturn tensor FloatTensor n x classes
function Model:scores(x, rows)
  local all
  each_part(self, x, rows, function(first, count, scores)
    all = all or torch.FloatTensor(rows and rows:size(1) or x:size(1), scores:size(2))
    all:narrow(1, first, count):copy(scores)
  end)
  return all
end

--- The class with the highest score.
-- @param x FloatTensor n x features
-- @param[opt] rows LongTensor of the rows wanted
-- @treturn tensor LongTensor n
function Model:predict(x, rows)
  local _, best = self:scores(x, rows):max(2)
  return best:view(-1)
end

--- The share of examples whose class has the highest score.
-- @param x FloatTensor n x features
-- @param labels LongTensor n
-- @param[opt] rows LongTensor: of those only
-- @treturn number 0..1
function Model:accuracy(x, labels, rows)
  local which, own = picked(x, labels, rows)
  return self:predict(x, rows):eq(own):double():sum() / which:size(1)
end

--- What was minimised, the sum over the classes.
-- @param x what it was trained on
-- @param labels
-- @treturn number
function Model:objective(x, labels)
  local _, own = picked(x, labels, self.rows)
  local sum, power = torch.pow(self.w, 2):sum() / 2, self.loss == 'hinge' and 1 or 2
  each_part(self, x, self.rows, function(first, count, scores)
    local signs = scores:clone():fill(-1)
    signs:scatter(2, own:narrow(1, first, count):view(count, 1), 1)
    local losses = scores:double():cmul(signs:double()):mul(-1):add(1):clamp(0, math.huge)
    sum = sum + self.C * losses:pow(power):sum()
  end)
  return sum
end

return svm
