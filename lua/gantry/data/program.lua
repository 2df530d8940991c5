--- A user's own data: a Lua file that makes the pictures. It is called with a table {height, width, channels, seed} and returns
-- either a table
--
--     size      how many pictures there are
--     get(i)    picture i, 1..size: channels x height x width, a ByteTensor of 0..255 or a Float or Double one of -1..1
--     label(i)  and classes = {'name', ...}: optional
--
-- whose pictures are then shown once in each epoch, in an order that depends on the seed alone; or a function
--
--     batch(first, n)   pictures first .. first + n - 1 of an endless sequence, counted from 1: n x channels x height x width
--
-- (a table may have `batch` instead of `get`, to say a size). A picture has to depend on its number alone, so that a run that was
-- stopped goes on as if it had not been: torch's random numbers are seeded with the run's seed and the number before each call, and
-- put back as they were after it.
-- @module gantry.data.program
local ffi = require 'ffi'
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local tensor = require 'gantry.torch.tensor'
local settings = require 'gantry.data.settings'

local C, check, fail = native.C, native.check, native.fail
local program = {}

local Program = {}
Program.__index = Program

local STREAM = 0xda7a -- of the seeds that calls are given

-- Calls the user's function with torch's generator seeded by the number, and puts the generator back.
local function call(self, fn, number, ...)
  local state = torch.getRNGState()
  torch.manualSeed(C.gt_counter_word(self.seed, STREAM, number))
  local ok, result = pcall(fn, ...)
  torch.setRNGState(state)
  if not ok then fail('data: %s', (tostring(result):gsub('%s*\n%s*', '; '))) end
  return result
end

local usable = {[C.GT_BYTE] = true, [C.GT_FLOAT] = true, [C.GT_DOUBLE] = true}

-- Puts what a user's function returned into `out`, a Float or Double tensor of the sizes that were wanted.
local function take(self, out, x, what)
  if not tensor.is(x) then fail('data: %s: %s gave a %s, wanted a tensor', self.name, what, torch.type(x)) end
  if not usable[x.dtype] then
    fail('data: %s: %s gave a %s, wanted a ByteTensor, FloatTensor or DoubleTensor', self.name, what, torch.type(x))
  end
  if x.rank == out.rank - 1 and self.channels == 1 then
    x = out.rank == 3 and x:contiguous():view(1, x:size(1), x:size(2)) or x:contiguous():view(x:size(1), 1, x:size(2), x:size(3))
  end
  if C.gt_same_shape(x, out) == 0 then
    fail('data: %s: %s gave %s numbers, wanted %s', self.name, what, tensor.shape_text(x), tensor.shape_text(out))
  end
  if x.dtype == C.GT_BYTE then
    check(C.gt_image_dequantize(out, x, -1, 1))
    return
  end
  local lo, hi = x:min(), x:max()
  if not (lo >= -1.01 and hi <= 1.01) then
    fail('data: %s: %s gave values from %g to %g, wanted -1 to 1, or a ByteTensor of 0 to 255', self.name, what, lo, hi)
  end
  out:copy(x)
end

--- Opens a program's data.
-- @string path the Lua file
-- @tparam table o size, channels, seed, warn as for data.open
-- @treturn Program with the methods of gantry.data.dataset
-- @raise where the file does not load or does not return what it should
function program.open(path, o)
  local _, fields = settings.read(o, path, {})
  for _, name in ipairs {'flip', 'crop', 'scale'} do
    if o[name] and o[name] ~= 0 then fail('data: %s: %s is not for a program; it can do that itself', path, name) end
  end
  local chunk, problem = loadfile(path)
  if not chunk then fail('data: %s', problem) end
  local asked = {height = fields.height, width = fields.width, channels = fields.channels, seed = fields.seed}
  local given = call(fields, chunk, 0, asked)
  if type(given) == 'function' then given = {batch = given} end
  if type(given) ~= 'table' then fail('data: %s returns a %s, wanted a table or a function', path, type(given)) end
  local size = given.size
  if type(given.get) == 'function' and size == nil then fail('data: %s: size is missing: how many pictures get(i) has', path) end
  if size ~= nil and (type(size) ~= 'number' or size < 1 or size % 1 ~= 0 or size > 2 ^ 53) then
    fail('data: %s: size is %s, wanted a whole number from 1', path, tostring(size))
  end
  if type(given.get) ~= 'function' and type(given.batch) ~= 'function' then
    fail('data: %s: wanted get(i) with a size, or batch(first, n)', path)
  end
  return program.made(fields, given, size and ('%d pictures made by a program'):format(size) or 'pictures without end, made by a program')
end

--- A data set whose pictures are made by Lua functions.
-- @tparam table fields name, channels, height, width, seed, warn: from gantry.data.settings
-- @tparam table given size, and get(i) or batch(first, n); label(i) and classes
-- @string about one line
-- @treturn Program
function program.made(fields, given, about)
  local self = setmetatable(fields, Program)
  self.fit = nil -- the pictures have their size already
  self.given, self.count, self.classes, self.about = given, given.size or 0, given.classes, about
  self.skipped = 0 -- pictures before the first: see gantry.data.part
  return self
end

--- How many pictures there are; 0 for an endless sequence.
function Program:size() return self.count end

local function one(self, i, what)
  if type(i) ~= 'number' or i % 1 ~= 0 or i < 1 or self.count > 0 and i > self.count then
    fail('%s: picture %s of %s, wanted 1..%s', what, tostring(i), self.name, self.count > 0 and ('%d'):format(self.count) or '')
  end
  local x = torch.FloatTensor(self.channels, self.height, self.width)
  if self.given.get then
    local number = i + self.skipped
    take(self, x, call(self, self.given.get, number, number), ('get(%d)'):format(number))
  else
    take(self, x:view(1, self.channels, self.height, self.width), call(self, self.given.batch, i, i, 1), ('batch(%d, 1)'):format(i))
  end
  return x
end

--- One picture. See gantry.data.dataset.
function Program:get(i, kind)
  local x = one(self, i, 'get')
  if kind == 'double' then return x:double() end
  if kind ~= 'byte' then return x end
  local bytes = tensor.new(C.GT_BYTE)
  check(C.gt_image_quantize(bytes, x, -1, 1))
  return bytes
end

--- The class of picture i and its name, where the program says it.
function Program:label(i)
  local class = self.given.label and self.given.label(i + self.skipped)
  if class then return class, self.classes and self.classes[class] end
end

--- A program's pictures have no files and no known attributes, and can all be read.
function Program.attributes() end
function Program.path() end
function Program.unreadable() return {} end
function Program.tell() end

--- Given pictures as one tensor. See gantry.data.dataset.
function Program:batch(indices, out)
  local n = type(indices) == 'table' and #indices or indices:nElement()
  if n == 0 then fail('batch: got no numbers of pictures') end
  out = out or tensor.new(C.GT_FLOAT)
  out:resize(n, self.channels, self.height, self.width)
  for k = 1, n do
    local i = tonumber(indices[k])
    out:select(1, k):copy(out.dtype == C.GT_BYTE and self:get(i, 'byte') or one(self, i, 'batch'))
  end
  return out
end

-- ---- batches --------------------------------------------------------------------------------------------------------------

local Batches = {}
Batches.__index = Batches

--- An endless sequence of batches. See gantry.data.dataset.
function Program:batches(o)
  o = o or {}
  if o.labels and not self.given.label then fail('batches: %s has no labels', self.name) end
  return setmetatable({
    labels = o.labels and tensor.empty(C.GT_LONG, {o.batch or 128}) or nil,
    set = self, size = o.batch or 128, seed = o.seed or 1, shuffle = o.shuffle ~= false, position = o.start or 0,
    out = tensor.new(o.kind == 'double' and C.GT_DOUBLE or C.GT_FLOAT), indices = ffi.new('int64_t[?]', o.batch or 128),
  }, Batches)
end

-- The classes of the pictures at self.indices, counted from 0.
local function read_labels(self)
  for k = 1, self.size do
    local i = tonumber(self.indices[k - 1]) + 1 + self.set.skipped
    local class = self.set.given.label(i)
    if type(class) ~= 'number' or class < 1 or class % 1 ~= 0 then
      fail('batches: label(%d) of %s is %s, wanted a class from 1', i, self.set.name, tostring(class))
    end
    self.labels[k] = class
  end
end

function Batches:next()
  local set, n, at = self.set, self.size, self.position
  self.out:resize(n, set.channels, set.height, set.width)
  if set.given.batch then
    take(set, self.out, call(set, set.given.batch, at + 1, at + 1, n), ('batch(%d, %d)'):format(at + 1, n))
    for k = 0, n - 1 do self.indices[k] = at + k end
  else
    if self.shuffle then
      check(C.gt_epoch_indices(self.indices, self.seed, at, n, set.count))
    else
      for k = 0, n - 1 do self.indices[k] = (at + k) % set.count end
    end
    for k = 1, n do
      local i = tonumber(self.indices[k - 1]) + 1 + set.skipped
      take(set, self.out:select(1, k), call(set, set.given.get, i, i), ('get(%d)'):format(i))
    end
  end
  if self.labels then read_labels(self) end
  self.position = at + n
  return self.out, self.labels
end

return program
