--- Logistic regression with L2, as LIBLINEAR and scikit-learn state it: the least of |w|^2 / 2 + C sum log(1 + exp(-y (w x + b))), y = -1
-- or 1, the intercept b not penalised. Newton's method with halved steps; the matrix is as wide as there are features.
-- @module gantry.lab.logistic
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local tensor = require 'gantry.torch.tensor'

local logistic = {}

--- Values of C that a sweep tries unless it is given others: .01 to 100, as the authors' cv_reg_lr.
logistic.values = {0.01, 0.1, 1, 10, 100}

--- Solves A x = b for a symmetric positive definite A, by Cholesky's factorisation; A and b are used up.
-- @param A DoubleTensor d x d
-- @param b DoubleTensor d
-- @treturn tensor x, in b's memory
local function solve(A, b)
  local d = b:size(1)
  local a, x = tensor.pointer(A, 'logistic'), tensor.pointer(b, 'logistic')
  for j = 0, d - 1 do
    for k = 0, j - 1 do
      local f = a[j * d + k]
      for i = j, d - 1 do a[i * d + j] = a[i * d + j] - a[i * d + k] * f end
    end
    local pivot = math.sqrt(math.max(a[j * d + j], 1e-300))
    for i = j, d - 1 do a[i * d + j] = a[i * d + j] / pivot end
  end
  for i = 0, d - 1 do
    for k = 0, i - 1 do x[i] = x[i] - a[i * d + k] * x[k] end
    x[i] = x[i] / a[i * d + i]
  end
  for i = d - 1, 0, -1 do
    for k = i + 1, d - 1 do x[i] = x[i] - a[k * d + i] * x[k] end
    x[i] = x[i] / a[i * d + i]
  end
  tensor.touch(b)
  return b
end

-- The objective, and per row y f(x): sums of log(1 + exp(-m)) that never overflow.
local function objective(X, y, w, C)
  local d = w:size(1)
  local margin = torch.mv(X, w):cmul(y)
  local loss = torch.abs(margin):mul(-1):exp():log1p() - torch.cmin(margin, 0)
  local weights = w:narrow(1, 1, d - 1)
  return 0.5 * weights:dot(weights) + C * loss:sum(), margin
end

--- Fits a model.
-- @param x n x d, Float or Double: a row for each example
-- @param y n numbers, 0 or 1
-- @number C above 0: the smaller, the shorter the weights
-- @treturn table weight (DoubleTensor of d), bias, iterations
-- @usage local m = logistic.fit(x, y, 1)
function logistic.fit(x, y, C)
  if not torch.isTensor(x) or x:dim() ~= 2 or not torch.isTensor(y) or y:nElement() ~= x:size(1) then
    native.fail('logistic: wanted examples n x d and n numbers 0 or 1')
  end
  if type(C) ~= 'number' or C ~= C or C <= 0 then native.fail('logistic: C is %s, wanted a number above 0', tostring(C)) end
  local n, d = x:size(1), x:size(2)
  local X = torch.DoubleTensor(n, d + 1):fill(1)
  X:narrow(2, 1, d):copy(x)
  local sign = torch.DoubleTensor(n):copy(y):mul(2):add(-1)
  local w = torch.DoubleTensor(d + 1):zero()
  local value, margin = objective(X, sign, w, C)
  local iterations = 0
  for _ = 1, 100 do
    iterations = iterations + 1
    local p = margin:clone():exp():add(1):pow(-1) -- how wrong each is: 1 / (1 + e^margin)
    local gradient = torch.mv(X:t(), torch.cmul(p, sign)):mul(-C)
    gradient:narrow(1, 1, d):add(w:narrow(1, 1, d))
    local slopes = torch.cmul(p, p:clone():mul(-1):add(1)):mul(C):view(n, 1)
    local H = torch.mm(X:t(), torch.cmul(X, slopes:expandAs(X)))
    for i = 1, d + 1 do H[i][i] = H[i][i] + (i <= d and 1 or 1e-9) end
    local step = solve(H:contiguous(), gradient:clone())
    local decrease, t = gradient:dot(step), 1
    local next_w, next_value, next_margin
    repeat
      next_w = w - step * t
      next_value, next_margin = objective(X, sign, next_w, C)
      t = t / 2
    until next_value <= value - 1e-4 * t * decrease or t < 1e-9
    if next_value > value then break end
    w, value, margin = next_w, next_value, next_margin
    if decrease < 1e-12 * math.max(1, value) then break end
  end
  return {weight = w:narrow(1, 1, d):clone(), bias = w[d + 1], iterations = iterations}
end

--- The model's outputs, above 0 for class 1.
-- @treturn tensor DoubleTensor of n
function logistic.outputs(model, x) return torch.mv(x:double(), model.weight):add(model.bias) end

--- How often a model is right.
-- @treturn number 0..1
function logistic.accuracy(model, x, y)
  return logistic.outputs(model, x):gt(0):double():eq(y:double()):double():mean()
end

local function rows(x, list) return x:index(1, torch.LongTensor(list)) end

--- Chooses C by cross-validation in which groups of rows (positions of one image) stay together, and fits all rows with it.
-- @param x n x d
-- @param y n numbers, 0 or 1
-- @tparam {int,...} groups n whole numbers
-- @tparam[opt] table o values (of C, smallest first), folds (5)
-- @treturn table the model, with C and accuracy: its mean over the folds' rows
function logistic.sweep(x, y, groups, o)
  o = o or {}
  local folds, order, of = o.folds or 5, {}, {}
  for _, group in ipairs(groups) do
    if not of[group] then
      order[#order + 1] = group
      of[group] = (#order - 1) % folds
    end
  end
  if #order < folds then native.fail('logistic: got %d groups of rows, wanted at least %d', #order, folds) end
  local best
  for _, C in ipairs(o.values or logistic.values) do
    local right = 0
    for fold = 0, folds - 1 do
      local inside, outside = {}, {}
      for i, group in ipairs(groups) do
        local list = of[group] == fold and outside or inside
        list[#list + 1] = i
      end
      local model = logistic.fit(rows(x, inside), rows(y, inside), C)
      right = right + logistic.accuracy(model, rows(x, outside), rows(y, outside)) * #outside
    end
    local accuracy = right / #groups
    if not best or accuracy > best.accuracy then best = {C = C, accuracy = accuracy} end
  end
  local model = logistic.fit(x, y, best.C)
  model.C, model.accuracy = best.C, best.accuracy
  return model
end

return logistic
