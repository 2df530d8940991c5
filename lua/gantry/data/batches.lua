--- Batches one after another, the next one always under way.
-- @module gantry.data.batches
local ffi = require 'ffi'
local native = require 'gantry.native'
local tensor = require 'gantry.torch.tensor'

local C, check, fail = native.C, native.check, native.fail

local Batches = {}
Batches.__index = Batches

local function whole(o, name, default, least)
  local value = o[name]
  if value == nil then value = default end
  if type(value) ~= 'number' or value ~= math.floor(value) or value < least or value > 2 ^ 53 then
    fail('batches: %s is %s, wanted a whole number from %d', name, tostring(value), least)
  end
  return value
end

--- See Dataset:batches.
function Batches.new(dataset, o)
  o = o or {}
  if o.labels and not dataset.label_of then fail('batches: %s has no labels', dataset.name) end
  local n = whole(o, 'batch', 128, 1)
  if n > 2 ^ 20 then fail('batches: batch is %d, wanted at most %d', n, 2 ^ 20) end
  local batch = C.gt_batch_new(dataset.loader)
  if batch == nil then check(9) end
  local self = setmetatable({
    dataset = dataset, size = n, seed = whole(o, 'seed', 1, 0), shuffle = o.shuffle ~= false,
    --- The position of the first picture of the batch that next() will give.
    position = whole(o, 'start', 0, 0),
    pending = ffi.gc(batch, C.gt_batch_free),
    indices = ffi.new('int64_t[?]', n), positions = ffi.new('int64_t[?]', n),
    out = tensor.new(o.kind == 'double' and C.GT_DOUBLE or C.GT_FLOAT),
    labels = o.labels and tensor.empty(C.GT_LONG, {n}) or nil,
  }, Batches)
  self:start()
  return self
end

-- Sets the jobs of the batch at self.position going.
function Batches:start()
  local at, n, count = self.position, self.size, self.dataset.count
  if self.shuffle then
    check(C.gt_epoch_indices(self.indices, self.seed, at, n, count))
  else
    for k = 0, n - 1 do self.indices[k] = (at + k) % count end
  end
  for k = 0, n - 1 do
    self.indices[k] = self.indices[k] + self.dataset.skipped
    self.positions[k] = at + k
  end
  check(C.gt_batch_start(self.pending, self.indices, self.positions, n))
  self.under_way = at
end

-- The classes of the pictures that were just waited for: a picture that could not be read has given its place to another by now.
function Batches:read_labels()
  local set = self.dataset
  for k = 1, self.size do
    local i = tonumber(self.indices[k - 1])
    self.labels[k] = set.label_of(i) or fail('batches: picture %d of %s has no label', i + 1, set.name)
  end
end

--- The batch at `position`, which then moves on by its size.
-- @treturn tensor batch x channels x height x width, -1..1; its memory is used again at the next call
-- @treturn tensor where labels were asked for: LongTensor of the pictures' classes, from 1; likewise
function Batches:next()
  if self.under_way ~= self.position then -- it was set by hand
    whole(self, 'position', nil, 0)
    if self.under_way then
      self.under_way = nil
      check(C.gt_batch_wait(self.out, self.pending))
    end
    self:start()
  end
  self.under_way = nil
  check(C.gt_batch_wait(self.out, self.pending))
  if self.labels then self:read_labels() end
  self.position = self.position + self.size
  self:start()
  self.dataset:tell()
  return self.out, self.labels
end

return Batches
