--- Random numbers: Torch7's Mersenne Twister, drawn in program order. Every function takes a torch.Generator as its optional
-- first argument; without one the state's own generator is used.
-- @module gantry.torch.random
local ffi = require 'ffi'
local native = require 'gantry.native'
local dtypes = require 'gantry.torch.dtypes'
local tensor = require 'gantry.torch.tensor'
local class = require 'gantry.torch.class'

local C, fail, check, new = native.C, native.fail, native.check, native.new_tensor
local is, want, number, integer = tensor.is, tensor.want, dtypes.number, dtypes.integer
local generator_t = ffi.typeof('gt_generator')
local istype = ffi.istype

local methods, functions = {}, {}

local function is_generator(x) return istype(generator_t, x) and x ~= nil end

ffi.metatype(generator_t, {__tostring = function() return 'torch.Generator' end})
class.register_namer(function(x) return is_generator(x) and 'torch.Generator' or nil end)

-- A seed nobody chose: from the system, or from the clock where the system has none.
local function fresh_seed()
  local file = io.open('/dev/urandom', 'rb')
  if file then
    local a, b, c, d = file:read(4):byte(1, 4)
    file:close()
    return ((a * 256 + b) * 256 + c) * 256 + d
  end
  return math.floor(os.time() * 1000 + os.clock() * 1e6) % 2 ^ 32
end

local default = ffi.new(generator_t)
C.gt_generator_seed(default, fresh_seed())

--- The generator that functions use when none is given.
-- @treturn cdata gt_generator
function functions.defaultGenerator() return default end

--- A generator of its own, seeded anew.
-- @tparam[opt] number seed its seed
-- @treturn cdata a torch.Generator
function functions.Generator(seed)
  local g = ffi.new(generator_t)
  C.gt_generator_seed(g, seed == nil and fresh_seed() or integer(seed, 'Generator', 'the seed'))
  return g
end

--- Starts the stream that belongs to a seed.
-- @tparam[opt] cdata generator torch.Generator
-- @tparam number seed a whole number; negative ones count from 2^64 down, as in Torch7
function functions.manualSeed(generator, seed)
  if not is_generator(generator) then generator, seed = default, generator end
  C.gt_generator_seed(generator, ffi.cast('uint64_t', ffi.cast('int64_t', integer(seed, 'manualSeed', 'the seed'))))
end

--- Seeds with a number that nobody chose.
-- @tparam[opt] cdata generator torch.Generator
-- @treturn number that number
function functions.seed(generator)
  local seed = fresh_seed()
  C.gt_generator_seed(is_generator(generator) and generator or default, seed)
  return seed
end

--- The seed that the stream started from.
-- @tparam[opt] cdata generator torch.Generator
-- @treturn number
function functions.initialSeed(generator)
  return tonumber((is_generator(generator) and generator or default).initial_seed)
end

local STATE = ffi.sizeof(generator_t)

--- The generator's state, to be put back later; Torch7's layout.
-- @tparam[opt] cdata generator torch.Generator
-- @treturn tensor ByteTensor
function functions.getRNGState(generator)
  local state = tensor.empty(C.GT_BYTE, STATE)
  ffi.copy(tensor.pointer(state, 'getRNGState'), is_generator(generator) and generator or default, STATE)
  return state
end

--- Puts a saved state back.
-- @tparam[opt] cdata generator torch.Generator
-- @tparam tensor state ByteTensor, from getRNGState (Torch7's will do)
function functions.setRNGState(generator, state)
  if not is_generator(generator) then generator, state = default, generator end
  tensor.want_type(state, C.GT_BYTE, 'setRNGState', 'the state')
  if tensor.count(state) ~= STATE then fail('setRNGState: got %d bytes, wanted %d', tensor.count(state), STATE) end
  local incoming = ffi.new(generator_t)
  ffi.copy(incoming, tensor.pointer(tensor.contiguous(state), 'setRNGState'), STATE)
  if incoming.left < 0 or incoming.left > 624 or incoming.next > 624ULL then
    fail('setRNGState: these bytes are not the state of a generator')
  end
  ffi.copy(generator, incoming, STATE)
end

-- ---- distributions ------------------------------------------------------------------------------------------------
-- As a function: a number. As a method: every element in place, in the order of the elements.

local function fill(generator, kind, t, a, b)
  check(C.gt_random_fill(generator, kind, t, a, b))
  return t
end

-- kind: C's name; draw: C's function for one number; parameters: {name, default} for each; verify looks at
-- their values and gives those that C wants.
-- torch.NAME([generator,] ...) is a number; x:NAME([generator,] ...) fills x, in the order of its elements.
local function distribution(name, kind, parameters, draw, verify)
  local first, second = parameters[1], parameters[2]
  local function arguments(a, b)
    if a == nil then a = first[2] end
    if a == nil then fail('%s: %s is missing', name, first[1]) end
    a = number(a, name, first[1])
    if second then b = number(b == nil and second[2] or b, name, second[1]) else b = 0 end
    if verify then return verify(a, b) end
    return a, b
  end
  functions[name] = function(generator, a, b)
    if not is_generator(generator) then
      if is(generator) then return methods[name](generator, a, b) end
      generator, a, b = default, generator, a
    end
    a, b = arguments(a, b)
    return draw(generator, a, b)
  end
  methods[name] = function(t, generator, a, b)
    want(t, name)
    if not is_generator(generator) then generator, a, b = default, generator, a end
    a, b = arguments(a, b)
    return fill(generator, kind, t, a, b)
  end
end

local function want_positive(name, what, v)
  if v ~= v or v <= 0 then fail('%s: %s is %g, wanted above 0', name, what, v) end
end

--- Uniform numbers in [a, b).
-- @function uniform
-- @tparam[opt=0] number a lower bound
-- @tparam[opt=1] number b upper bound
-- @usage x:uniform(-1, 1)

--- Normal numbers.
-- @function normal
-- @tparam[opt=0] number mean their mean
-- @tparam[opt=1] number sd their standard deviation

--- Exponential numbers.
-- @function exponential
-- @tparam[opt=1] number rate 1 over their mean

--- Cauchy numbers.
-- @function cauchy
-- @tparam[opt=0] number median their median
-- @tparam[opt=1] number scale half the distance between their quartiles

--- Log-normal numbers.
-- @function logNormal
-- @tparam[opt=1] number mean mean of the numbers themselves
-- @tparam[opt=2] number sd standard deviation of the numbers themselves

--- Whole numbers i from 1 with probabilities (1 - p) p^(i - 1), as Torch7's.
-- @function geometric
-- @tparam number p between 0 and 1

--- 1 with a probability, else 0.
-- @function bernoulli
-- @tparam[opt=0.5] number p the probability; as a method also a tensor of one for each element

distribution('uniform', 'uniform', {{'the lower bound', 0}, {'the upper bound', 1}},
  function(g, a, b) return C.gt_random_uniform(g, a, b) end)
distribution('normal', 'normal', {{'the mean', 0}, {'the standard deviation', 1}},
  function(g, a, b) return C.gt_random_normal(g, a, b) end,
  function(mean, sd)
    if sd ~= sd or sd < 0 then fail('normal: the standard deviation is %g, wanted at least 0', sd) end
    return mean, sd
  end)
distribution('exponential', 'exponential', {{'the rate', 1}}, function(g, a) return C.gt_random_exponential(g, a) end,
  function(rate)
    want_positive('exponential', 'the rate', rate)
    return rate, 0
  end)
distribution('cauchy', 'cauchy', {{'the median', 0}, {'the scale', 1}}, function(g, a, b) return C.gt_random_cauchy(g, a, b) end)
-- Torch7's logNormal takes the mean and standard deviation of the numbers themselves; C's those of their logarithms.
distribution('logNormal', 'log_normal', {{'the mean', 1}, {'the standard deviation', 2}},
  function(g, a, b) return C.gt_random_log_normal(g, a, b) end,
  function(mean, sd)
    want_positive('logNormal', 'the mean', mean)
    want_positive('logNormal', 'the standard deviation', sd)
    local ratio = 1 + (sd / mean) ^ 2
    return math.log(mean / math.sqrt(ratio)), math.sqrt(math.log(ratio))
  end)
distribution('geometric', 'geometric', {{'the probability'}}, function(g, a) return C.gt_random_geometric(g, a) end,
  function(p)
    if not (p > 0 and p < 1) then fail('geometric: the probability is %g, wanted between 0 and 1', p) end
    return p, 0
  end)
distribution('bernoulli', 'bernoulli', {{'the probability', 0.5}}, function(g, a) return C.gt_random_bernoulli(g, a) end,
  function(p)
    if not (p >= 0 and p <= 1) then fail('bernoulli: the probability is %g, wanted 0 to 1', p) end
    return p, 0
  end)

-- x:bernoulli(p) with a tensor of probabilities: one uniform number for each element, as with a single probability.
local bernoulli = methods.bernoulli
function methods.bernoulli(t, generator, p)
  local g = generator
  if not is_generator(g) then g, p = default, generator end
  if not is(p) then return bernoulli(t, g, p) end
  want(t, 'bernoulli')
  if tensor.count(p) ~= tensor.count(t) then
    fail('bernoulli: probabilities of size %s for a tensor of size %s', tensor.shape_text(p), tensor.shape_text(t))
  end
  if tensor.count(t) == 0 then return t end
  local drawn, below = tensor.empty(C.GT_DOUBLE, tensor.count(t)), new(C.GT_BYTE)
  fill(g, 'uniform', drawn, 0, 1)
  local flat = tensor.empty(C.GT_DOUBLE, tensor.count(t))
  check(C.gt_copy(flat, p))
  check(C.gt_compare(C.gt_compare_code('le'), below, drawn, flat, 0))
  check(C.gt_copy(t, below))
  return t
end

-- random(): a 32-bit word; random(b): 1..b; random(a, b): a..b.
local function random_bounds(a, b)
  if b == nil then a, b = 1, a end
  a, b = integer(a, 'random', 'the lower bound'), integer(b, 'random', 'the upper bound')
  if b < a then fail('random: the upper bound %d is below the lower bound %d', b, a) end
  return a, b
end

--- A whole number: of 32 bits, in 1..b, or in a..b.
-- @tparam[opt] cdata generator torch.Generator
-- @tparam[opt] number a lower bound (upper, if it is alone)
-- @tparam[opt] number b upper bound
-- @treturn number
function functions.random(generator, a, b)
  if not is_generator(generator) then
    if is(generator) then return methods.random(generator, a, b) end
    generator, a, b = default, generator, a
  end
  local word = C.gt_random_word(generator)
  if a == nil then return word end
  a, b = random_bounds(a, b)
  return word % (b - a + 1) + a
end

-- The largest whole number that Torch7's random() put into each type.
local LARGEST = {
  [C.GT_BYTE] = 255, [C.GT_CHAR] = 127, [C.GT_SHORT] = 32767, [C.GT_INT] = 2 ^ 31 - 1, [C.GT_LONG] = 2 ^ 32 - 1,
  [C.GT_FLOAT] = 2 ^ 24, [C.GT_DOUBLE] = 2 ^ 32 - 1,
}

--- Whole numbers in every element: in 1..b, in a..b, or of as many bits as the type has room for.
-- @tparam[opt] cdata generator torch.Generator
-- @tparam[opt] number a lower bound (upper, if it is alone)
-- @tparam[opt] number b upper bound
-- @treturn tensor itself
function methods.random(t, generator, a, b)
  want(t, 'random')
  if not is_generator(generator) then generator, a, b = default, generator, a end
  if a == nil then a, b = 0, LARGEST[t.dtype] else a, b = random_bounds(a, b) end
  return fill(generator, 'random', t, a, b)
end

-- ---- tensors of random numbers --------------------------------------------------------------------------------------

-- ([result,] [generator,] sizes)
local function sized(name, kind, b)
  return function(x, ...)
    local generator = default
    if is(x) then
      local r, g = x, ...
      if is_generator(g) then
        native.resize(r, tensor.read_shape(name, select(2, ...)), tensor.shape_buffer)
        return fill(g, kind, r, 0, b)
      end
      native.resize(r, tensor.read_shape(name, ...), tensor.shape_buffer)
      return fill(generator, kind, r, 0, b)
    end
    if is_generator(x) then return fill(x, kind, tensor.empty(tensor.default, ...), 0, b) end
    if x == nil then fail('%s: sizes are missing', name) end
    return fill(generator, kind, tensor.empty(tensor.default, x, ...), 0, b)
  end
end

--- Uniform in [0, 1).
-- @param ... [result tensor,] [generator,] sizes
-- @treturn tensor
functions.rand = sized('rand', 'uniform', 1)

--- Normal with mean 0 and standard deviation 1.
-- @param ... [result tensor,] [generator,] sizes
-- @treturn tensor
functions.randn = sized('randn', 'normal', 1)

--- The numbers 1 to n in random order.
-- @param ... [result tensor,] [generator,] n
-- @treturn tensor n numbers
function functions.randperm(r, generator, n)
  if not is(r) then r, generator, n = nil, r, generator end
  if not is_generator(generator) then generator, n = default, generator end
  n = integer(n, 'randperm', 'n')
  if n < 1 then fail('randperm: n is %d, wanted at least 1', n) end
  r = r or new(tensor.default)
  check(C.gt_random_permutation(generator, r, n))
  return r
end

-- Draws into out (LongTensor row, as a pointer with a step) from the weights p[0], p[step], ...; Torch7's order of draws:
-- the cumulated weights are searched for one uniform number per draw.
local function draw_row(generator, out, out_step, p, step, n, draws, replace)
  local cumulated, total = ffi.new('double[?]', n), 0
  for i = 0, n - 1 do
    local weight = tonumber(p[i * step])
    if not (weight >= 0 and weight < math.huge) then fail('multinomial: weight %d is %g, wanted at least 0', i + 1, weight) end
    total = total + weight
    cumulated[i] = total
  end
  if total <= 0 then fail('multinomial: the weights are all 0') end
  local possible = 0
  for i = 0, n - 1 do
    if p[i * step] > 0 then possible = possible + 1 end
    cumulated[i] = cumulated[i] / total
  end
  if not replace and draws > possible then fail('multinomial: %d draws without replacement from %d weights above 0', draws, possible) end
  cumulated[n - 1] = 1
  for k = 0, draws - 1 do
    local u = C.gt_random_uniform(generator, 0, 1)
    local low, high = 0, n - 1
    while low < high do
      local middle = math.floor((low + high) / 2)
      if cumulated[middle] < u then low = middle + 1 else high = middle end
    end
    out[k * out_step] = low + 1
    if not replace then
      local before = low > 0 and cumulated[low - 1] or 0
      local weight = cumulated[low] - before
      for i = 0, n - 1 do
        local v = cumulated[i]
        if i >= low then v = v - weight end
        cumulated[i] = v / (1 - weight)
      end
    end
  end
end

--- Draws 1-based indices with probabilities in proportion to weights.
-- @param ... [result LongTensor,] [generator,] weights (n, or rows x n), number of draws [, with replacement (false)]
-- @treturn tensor LongTensor: draws, or rows x draws
-- @usage torch.multinomial(torch.Tensor{1, 2, 3, 4}, 6, true)
function functions.multinomial(...)
  local list, at, r, generator = {...}, 1, nil, default
  if is(list[1]) and (is(list[2]) or is_generator(list[2])) then r, at = list[1], 2 end
  if is_generator(list[at]) then generator, at = list[at], at + 1 end
  local weights, draws, replace = list[at], list[at + 1], list[at + 2]
  want(weights, 'multinomial', 'the weights')
  draws = integer(draws, 'multinomial', 'the number of draws')
  if draws < 1 then fail('multinomial: %d draws, wanted at least 1', draws) end
  if weights.rank ~= 1 and weights.rank ~= 2 or tensor.count(weights) == 0 then
    fail('multinomial: weights of size %s, wanted a vector or a matrix', tensor.shape_text(weights))
  end
  if r then tensor.want_type(r, C.GT_LONG, 'multinomial', 'the result') else r = new(C.GT_LONG) end
  local matrix = weights.rank == 2
  local rows = matrix and tonumber(weights.shape[0]) or 1
  local n, step = tonumber(weights.shape[weights.rank - 1]), tonumber(weights.step[weights.rank - 1])
  if matrix then
    native.resize(r, tensor.read_shape('multinomial', rows, draws), tensor.shape_buffer)
  else
    native.resize(r, tensor.read_shape('multinomial', draws), tensor.shape_buffer)
  end
  local p, out = tensor.pointer(weights, 'multinomial'), tensor.pointer(r, 'multinomial')
  for i = 0, rows - 1 do
    local row, from = out, p
    if matrix then row, from = out + i * r.step[0], p + i * weights.step[0] end
    draw_row(generator, row, tonumber(r.step[r.rank - 1]), from, step, n, draws, replace)
  end
  tensor.touch(r)
  return r
end

--- Draws 1-based indices with probabilities in proportion to the tensor's elements; of a LongTensor with weights first: fills it.
-- @param ... number of draws [, with replacement (false)]
-- @treturn tensor LongTensor: draws, or rows x draws
function methods.multinomial(t, ...)
  want(t, 'multinomial')
  return functions.multinomial(t, ...)
end

return {methods = methods, functions = functions, is_generator = is_generator}
