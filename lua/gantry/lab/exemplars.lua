--- Exemplars by rule: samples of a run whose image a judge is sure of, in the order of their numbers, each used once.
-- @module gantry.lab.exemplars
local native = require 'gantry.native'
local rules = require 'gantry.lab.rules'

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

return exemplars
