--- Exemplars by rule: samples of a run whose image a judge is sure of, in the order of their numbers, each used once.
-- @module gantry.lab.exemplars
local native = require 'gantry.native'
local rules = require 'gantry.lab.rules'
local statistics = require 'gantry.lab.statistics'

local exemplars = {}

local PART = 512      -- samples looked at between two looks at whether there are enough
local PATIENCE = 4096 -- samples looked at before it is asked whether there will be enough
local PER_ONE = 64    -- samples for each that is wanted: rarer ones are given up

-- The first of the lists that is short and whose rule holds: the one that lacks most.
local function place(lists, told, i, number, sure)
  local best
  for _, list in ipairs(lists) do
    local lack = list.want - #list
    if lack > 0 and (not best or lack > best.want - #best) and rules.holds(told, list.conditions, i, sure) then best = list end
  end
  if best then best[#best + 1] = number end
end

--- Samples for each of several rules; none stands in two lists.
-- @tparam Run run
-- @tparam Features judge
-- @tparam {{conditions=,want=,name=},...} wanted rules, and how many samples of each
-- @tparam[opt] table o seed (the run's), sure (0.95: the least probability of each value), class
-- @treturn {{int,...},...} numbers of samples, as on `gantry sample --numbered`, for each rule
-- @treturn int how many samples were looked at
-- @raise where there are too few among a great many
function exemplars.find(run, judge, wanted, o)
  o = o or {}
  local lists, most, names = {}, 0, {}
  for k, w in ipairs(wanted) do
    rules.check(judge, w.conditions)
    lists[k] = {conditions = w.conditions, want = w.want, name = w.name}
    most = most + w.want * PER_ONE
  end
  -- The first list that lacks samples, and whether it will lack them for too long.
  local function lacking(seen)
    local found
    for _, list in ipairs(lists) do
      if #list < list.want then
        if seen >= PATIENCE and seen * list.want > most * #list then return list, true end
        found = found or list
      end
    end
    return found
  end
  local seen = 0
  while true do
    local short, hopeless = lacking(seen)
    if not short then break end
    if hopeless then
      native.fail('exemplars: of %d samples %s is sure of %d that are %s, wanted %d', seen, judge.name, #short, short.name, short.want)
    end
    for k = 1, PART do names[k] = seen + k end
    local told = judge:attributes(run:images(run:z(names, o.seed), o.class))
    for k = 1, PART do place(lists, told, k, names[k], o.sure or 0.95) end
    seen = seen + PART
  end
  return lists, seen
end

--- Of which images a judge says that a rule holds.
-- @tparam Features judge
-- @param images n x channels x height x width, -1..1
-- @tparam table conditions
-- @treturn {boolean,...}
function exemplars.verdicts(judge, images, conditions)
  local told, list = judge:attributes(images), {}
  for i = 1, images:size(1) do list[i] = rules.holds(told, conditions, i) end
  return list
end

--- Adds figures to a record: how well the judge tells each attribute of real images that it was not trained on. A figure that it judges is
-- worth no more than these.
-- @tparam Record r
-- @tparam Features judge
function exemplars.tell_judge(r, judge)
  for _, a in ipairs(judge.about.attributes or {}) do
    local n = a.judges
    if a.accuracy and n then
      local w = statistics.wilson(math.floor(a.accuracy * n + 0.5), n)
      r:figure(('the judge on real images it has not seen: %s, %% right'):format(a.name),
        {value = 100 * w.share, low = 100 * w.low, high = 100 * w.high, n = n, expected = 'at least 98'})
    elseif a.explained and n then
      r:figure(('the judge on scenes it has not seen: variance of %s explained, %%'):format(a.name), {value = 100 * a.explained, n = n})
    end
  end
end

--- How many are true.
function exemplars.count(list)
  local n = 0
  for _, x in ipairs(list) do n = n + (x and 1 or 0) end
  return n
end

return exemplars
