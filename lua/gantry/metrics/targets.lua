--- What a feature net learns to tell: the classes of a labelled set, the attributes of built-in scenes (numbers), or the columns of a
-- table of labels (each one value out of a few). And how well it tells them.
--
-- A kind of target is a table: `outputs` (of the net), `loss(out, wanted)`, `of(indices)` (what is wanted of pictures), `measure`
-- ('accuracy' or 'explained'), `judge(out, wanted)` (the score of unseen pictures), and, but for classes, `attributes`: a list of
-- {name, values} or {name, mean, deviation}, in the order of the outputs.
-- @module gantry.metrics.targets
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local ops = require 'gantry.autograd.ops'
local torch = require 'gantry.torch'
local tables = require 'gantry.data.labels'
local losses = require 'gantry.gan.losses'
local nearest = require 'gantry.gan.nearest'

local targets = {}

local MOST_VALUES = 32 -- of a column: more are numbers or names, not kinds

local function chosen(all, wanted, where)
  if not wanted then return all end
  local there = {}
  for _, name in ipairs(all) do there[name] = true end
  for _, name in ipairs(wanted) do
    if not there[name] then
      local near = nearest(name, all)
      native.fail('features: %s has no attribute %s%s; there are %s', where, name, near and (' (did you mean %s?)'):format(near) or '',
        table.concat(all, ', '))
    end
  end
  return wanted
end

-- ---- classes ------------------------------------------------------------------------------------------------------------------------

local function of_classes(set)
  return {outputs = #set.classes, loss = losses.classification, measure = 'accuracy', judge = losses.accuracy, of = function(indices)
    local labels = torch.LongTensor(#indices)
    for k, i in ipairs(indices) do
      labels[k] = set:label(i) or native.fail('features: picture %d of %s has no label', i, set.name)
    end
    return labels
  end}
end

-- ---- attributes of built-in scenes, as numbers of mean 0 and deviation 1 --------------------------------------------------------------

local function scene_row(attributes, names)
  local row = {}
  for k, name in ipairs(names) do
    local x = attributes[name]
    if type(x) == 'boolean' then x = x and 1 or 0 end
    if type(x) == 'table' then x = x.x0 and 1 or 0 end -- a box: there or not
    row[k] = x
  end
  return row
end

local function of_scenes(set, wanted)
  local names = {}
  for name, x in pairs(set:attributes(1)) do
    local colour = type(x) == 'table' and not x.x0
    if not colour then names[#names + 1] = name end
  end
  table.sort(names)
  names = chosen(names, wanted, set.name)
  local sample = torch.DoubleTensor(math.min(set:size(), 1000), #names)
  for i = 1, sample:size(1) do sample[i]:copy(torch.DoubleTensor(scene_row(set:attributes(i), names))) end
  local mean, deviation = sample:mean(1), sample:std(1):clamp(1e-6, math.huge)
  local attributes = {}
  for k, name in ipairs(names) do attributes[k] = {name = name, mean = mean[1][k], deviation = deviation[1][k]} end
  return {
    outputs = #names, measure = 'explained', attributes = attributes,
    loss = function(out, rows) return (out - autograd.value(rows)):pow(2):mean() end,
    of = function(indices)
      local rows = torch.DoubleTensor(#indices, #names)
      for k, i in ipairs(indices) do rows[k]:copy(torch.DoubleTensor(scene_row(set:attributes(i), names))) end
      return (rows - mean:expandAs(rows)):cdiv(deviation:expandAs(rows)):float()
    end,
    judge = function(out, rows)
      for k, a in ipairs(attributes) do
        local x, y = out:select(2, k), rows:select(2, k)
        a.explained, a.judges = 1 - (x - y):pow(2):mean() / math.max(y:var(), 1e-12), x:nElement()
      end
      return 1 - (out - rows):pow(2):mean() / rows:var()
    end,
  }
end

-- ---- columns of a table of labels -------------------------------------------------------------------------------------------------------

local function values_of(t, name)
  local seen, values = {}, {}
  for _, row in pairs(t.rows) do
    if not seen[row[name]] then
      seen[row[name]] = true
      values[#values + 1] = row[name]
    end
  end
  table.sort(values)
  if #values < 2 or #values > MOST_VALUES then
    native.fail('features: %s of %s has %d values, wanted 2 to %d; --attributes names the columns to learn', name, t.path, #values,
      MOST_VALUES)
  end
  return values
end

-- Columns of the outputs that are an attribute's.
local function columns(attributes)
  local at, from = {}, 1
  for k, a in ipairs(attributes) do
    at[k] = {from = from, n = a.values and #a.values or 1}
    from = from + at[k].n
  end
  return at, from - 1
end

local function of_table(set, path, wanted)
  if not set.path_of then native.fail('features: --labels are for a folder of images; %s is none', set.name) end
  local t = tables.read(path)
  local attributes, numbers = {}, {}
  for k, name in ipairs(chosen(t.columns, wanted, path)) do
    attributes[k] = {name = name, values = values_of(t, name)}
    numbers[k] = {}
    for v, value in ipairs(attributes[k].values) do numbers[k][value] = v end
  end
  local at, outputs = columns(attributes)
  return {
    outputs = outputs, measure = 'accuracy', attributes = attributes,
    of = function(indices)
      local rows = torch.LongTensor(#indices, #attributes)
      for i, index in ipairs(indices) do
        local row = tables.row(t, set:path(index))
        for k, a in ipairs(attributes) do rows[i][k] = numbers[k][row[a.name]] end
      end
      return rows
    end,
    loss = function(out, rows)
      local sum
      for k, c in ipairs(at) do
        local loss = losses.classification(out:narrow(2, c.from, c.n), rows:select(2, k):contiguous())
        sum = sum and sum + loss or loss
      end
      return sum
    end,
    judge = function(out, rows)
      local sum = 0
      for k, c in ipairs(at) do
        local a = attributes[k]
        a.accuracy, a.judges = losses.accuracy(out:narrow(2, c.from, c.n), rows:select(2, k):contiguous()), out:size(1)
        sum = sum + a.accuracy
      end
      return sum / #attributes
    end,
  }
end

-- ---- use --------------------------------------------------------------------------------------------------------------------------------

--- What there is to learn of a data set.
-- @param set from gantry.data
-- @tparam table o labels (path of a table of labels, for a folder), attributes (names of those to learn; default: all)
-- @treturn table
function targets.of(set, o)
  if o.labels then return of_table(set, o.labels, o.attributes) end
  if set.attributes_of then return of_scenes(set, o.attributes) end
  if o.attributes then native.fail('features: %s has no attributes; --labels FILE.tsv names those of the images of a folder', set.name) end
  if set.classes then return of_classes(set) end
  native.fail('features: %s has no labels: a folder with a sub-folder for each class has, mnist:DIR, cifar10:DIR, scenes:faces, and ' ..
    'any folder with a table (--labels FILE.tsv)', set.name)
end

--- Raises an error unless a list of attributes that stood in a file is one.
-- @string path of the file, for the message
function targets.check(path, attributes)
  local function wrong() native.fail('%s: what it says of its attributes cannot be read', path) end
  if type(attributes) ~= 'table' then wrong() end
  for _, a in ipairs(attributes) do
    if type(a) ~= 'table' or type(a.name) ~= 'string' then wrong() end
    if type(a.values) == 'table' then
      for _, value in ipairs(a.values) do
        if type(value) ~= 'string' then wrong() end
      end
    elseif type(a.mean) ~= 'number' or type(a.deviation) ~= 'number' then
      wrong()
    end
  end
end

--- What a net's outputs say of each attribute.
-- @param out FloatTensor n x outputs
-- @tparam table attributes as targets.of gave them
-- @treturn table by name: {values = texts, probabilities = DoubleTensor n x #values}, or {numbers = DoubleTensor n} in the attribute's unit
-- @raise where the net has other outputs
function targets.read(out, attributes)
  local at, outputs = columns(attributes)
  if out:size(2) ~= outputs then native.fail('features: the net has %d outputs, its attributes %d', out:size(2), outputs) end
  local found = {}
  for k, a in ipairs(attributes) do
    local part = out:narrow(2, at[k].from, at[k].n):double()
    if a.values then
      found[a.name] = {values = a.values, probabilities = ops.softmax(part, 2)}
    else
      found[a.name] = {numbers = part:select(2, 1):clone():mul(a.deviation):add(a.mean)}
    end
  end
  return found
end

return targets
