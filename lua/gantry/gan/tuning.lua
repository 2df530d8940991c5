--- Finding the fastest way for each convolution of a recipe, by timing all of them in turn.
-- @module gantry.gan.tuning
local native = require 'gantry.native'
local precision = require 'gantry.autograd.precision'
local torch = require 'gantry.torch'
local convolutions = require 'gantry.gan.convolutions'
local folder = require 'gantry.gan.folder'
local options = require 'gantry.gan.options'
local samples = require 'gantry.gan.samples'
local Trainer = require 'gantry.gan.trainer'
local tryout = require 'gantry.gan.tryout'

local C, check = native.C, native.check

local tuning = {}

tuning.MARGIN = 0.95       -- an entry is made where another way takes less than this part of the rule's time
local LEAST = 2e-3         -- seconds of one measurement
local INNER_FROM = 16      -- images from which a chain of layers hands over the inner layout

-- ---- which convolutions ---------------------------------------------------------------------------------------------------------

-- How many images are made at once when somebody looks: whole parts, what is left over of a grid, and one.
local function sampling_sizes(o)
  local sizes = {}
  for _, n in ipairs {math.min(o.samples, samples.PART), o.samples % samples.PART, 1} do
    if n > 0 then sizes[#sizes + 1] = n end
  end
  return sizes
end

--- Every convolution of a step of a recipe, and of drawing samples.
-- @tparam Recipe recipe
-- @tparam table o resolved options
-- @treturn {table,...} case (gt_conv_case), text, count (how often a step computes it), layers ('G 4, D 2'), in the order of a step
function tuning.find(recipe, o)
  local trainer = Trainer.new(recipe, o, tryout.noise(o, recipe.pairs))
  local places = convolutions.places(trainer.nets)
  local found, by_text = {}, {}
  local function visit(per_step)
    return function(module, c)
      local s = c.shape
      if s.groups ~= 1 or s.dil_h ~= 1 or s.dil_w ~= 1 or s.precision == C.GT_REFERENCE then return end -- there is one way
      local text = convolutions.text(c)
      local entry = by_text[text]
      if not entry then
        entry = {case = c, text = text, count = 0, places = {}, layers = ''}
        found[#found + 1], by_text[text] = entry, entry
      end
      entry.count = entry.count + per_step
      local place = places[module] or 'loss'
      if not entry.places[place] then
        entry.places[place] = true
        entry.layers = entry.layers == '' and place or entry.layers .. ', ' .. place
      end
    end
  end
  convolutions.watch(function() trainer:step() end, visit(1))
  for _, n in ipairs(sampling_sizes(o)) do
    local z = recipe.pairs and torch.FloatTensor(n, o.channels, options.sides(o.size)):zero() or samples.z(n, o, o.seed)
    local labels = recipe.labels and samples.labels(n, o.classes)
    convolutions.watch(function() precision.within(o.precision, samples.images, trainer.G, z, labels) end, visit(0))
  end
  return found
end

-- ---- timing ---------------------------------------------------------------------------------------------------------------------

local function median(list)
  table.sort(list)
  local n = #list
  return n % 2 == 1 and list[(n + 1) / 2] or (list[n / 2] + list[n / 2 + 1]) / 2
end
tuning.median = median

local function images(c, channels, h, w)
  local t = torch.FloatTensor(c.n, channels, h, w):uniform(torch.Generator(1), -1, 1)
  if c.dtype == C.GT_DOUBLE then t = t:double() end
  if c.n < INNER_FROM then return t end
  local inner = native.new_tensor(t.dtype)
  check(C.gt_tensor_resize_inner(inner, t.shape))
  check(C.gt_copy(inner, t))
  return inner
end

--- Operands of a convolution, as a chain of layers would hand them over, and what computes it once.
local function prepare(c)
  local oh, ow = convolutions.result_sides(c)
  local x, y = images(c, c.c, c.h, c.w), images(c, c.o, oh, ow)
  local w = torch.FloatTensor(c.o, c.c, c.kh, c.kw):uniform(torch.Generator(2), -1, 1)
  if c.dtype == C.GT_DOUBLE then w = w:double() end
  if c.pass == C.GT_CONV_FORWARD then return w, function() check(C.gt_conv(y, x, w, c.shape)) end end
  if c.pass == C.GT_CONV_INPUT then return w, function() check(C.gt_conv_input(x, y, w, c.shape, c.h, c.w)) end end
  return w, function() check(C.gt_conv_weight(w, x, y, c.shape, c.kh, c.kw, 0, 1)) end
end

-- Seconds of one computation. Weights count as changed each time, as they are in training: their forms are made anew.
local function measure(run, w, times)
  local before = C.gt_seconds()
  for _ = 1, times do
    C.gt_storage_touch(w.store)
    run()
  end
  return (C.gt_seconds() - before) / times
end

--- Times all ways of a convolution in turn.
-- @tparam gt_conv_case c
-- @int rounds how often
-- @treturn[opt] table way -> median of seconds; nothing where a signal came
-- @treturn[opt] table way -> least of seconds
function tuning.time(c, rounds)
  local ways, all = convolutions.ways(c), {}
  local w, run = prepare(c)
  local function with(way)
    check(C.gt_choices_set(c, way))
    return way
  end
  local repeats = {}
  for _, way in ipairs(ways) do
    with(way)
    run() -- the first one finds its memory
    repeats[way] = math.max(1, math.min(100, math.ceil(LEAST / measure(run, w, 1))))
    all[way] = {}
  end
  for round = 1, rounds do
    for i = 1, #ways do
      local way = with(ways[(i + round) % #ways + 1])
      table.insert(all[way], measure(run, w, repeats[way]))
      if C.gt_interrupted() ~= 0 then return nil end
    end
  end
  local medians, least = {}, {}
  for way, list in pairs(all) do medians[way], least[way] = median(list), math.min(unpack(list)) end
  return medians, least
end

--- Times all ways of some convolutions, and says of each which is the fastest and whether it deserves an entry in a table.
-- @tparam {table,...} list from tuning.find
-- @tparam table how base (files of tables that are in force besides the one that is made), rounds, visit(entry, number): called with each
-- when it is done. Entries get: chosen, fastest (ways), times (way -> seconds), wins (bool)
-- @treturn boolean false where a signal stopped it
function tuning.run(list, how)
  local whole = true
  local function base()
    C.gt_choices_clear()
    for _, file in ipairs(how.base) do check(C.gt_choices_load(file)) end
  end
  local ok, problem = xpcall(function()
    for number, entry in ipairs(list) do
      base()
      entry.chosen = C.gt_conv_way(entry.case)
      local least
      entry.times, least = tuning.time(entry.case, how.rounds)
      if not entry.times then
        whole = false
        return
      end
      entry.fastest = entry.chosen
      for way, seconds in pairs(entry.times) do
        if seconds < entry.times[entry.fastest] then entry.fastest = way end
      end
      -- By the medians and by the best of each: a machine that was disturbed does not make an entry.
      entry.wins = entry.times[entry.fastest] < tuning.MARGIN * entry.times[entry.chosen] and
        least[entry.fastest] < tuning.MARGIN * least[entry.chosen]
      how.visit(entry, number)
    end
  end, native.keep_trace)
  C.gt_choices_clear()
  for _, file in ipairs(native.choices.files) do check(C.gt_choices_load(file)) end
  if not ok then error(problem, 0) end
  return whole
end

-- ---- tables ---------------------------------------------------------------------------------------------------------------------

local HEADER = [[
# Convolutions that another way than Gantry's own choice was measured to compute faster. Made by `gantry tune`.
# LEVEL PRECISION PASS N C HxW O KHxKW STRIDE PAD WAY
]]

--- The text of a table after a tuning: lines about other convolutions stay as they were.
-- @string text as it was; nil: there was none
-- @tparam {table,...} list entries with times
-- @treturn string
function tuning.merged(text, list)
  local measured = {}
  for _, entry in ipairs(list) do
    if entry.times then measured[entry.text] = true end
  end
  local lines = {}
  for line in (text or HEADER):gmatch '[^\n]+' do
    local key = line:gsub('#.*', ''):gsub('%s+', ' '):match '^ ?(.-) %S+ ?$'
    if not (key and measured[key]) then lines[#lines + 1] = line end
  end
  for _, entry in ipairs(list) do
    if entry.wins then
      lines[#lines + 1] = ('%s %s # %.2f'):format(entry.text, convolutions.way_name(entry.fastest),
        entry.times[entry.fastest] / entry.times[entry.chosen])
    end
  end
  return table.concat(lines, '\n') .. '\n'
end

--- Reads a table's text, and makes sure that it can be written before anything is timed.
-- @string path
-- @treturn[opt] string its text; nothing where there is no such file yet
function tuning.open(path)
  if path:match '^(.*)/' then folder.make(path:match '^(.*)/') end
  local kind = folder.kind(path)
  if kind and kind ~= 'file' then native.fail('%s: is a %s, wanted a file', path, kind) end
  local text = kind and folder.read(path)
  folder.write(path, text or HEADER)
  return text
end

return tuning
