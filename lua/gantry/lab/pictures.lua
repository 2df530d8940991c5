--- Pictures for experiments: the data of a run or another set, as the run's networks see them, and pictures as rows of numbers.
-- @module gantry.lab.pictures
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local score = require 'gantry.metrics.score'

local pictures = {}

local PART = 512 -- pictures that are read at once

--- Opens pictures as a run wants them, none of them mirrored, cut or enlarged (gantry.metrics.score.data).
-- @tparam Run run
-- @string[opt] spec default: what the run was trained on, where that is no program (which would be executed)
-- @string who asks, for messages
-- @treturn a data set that has an end
-- @treturn string its spec
function pictures.open(run, spec, who)
  local set
  set, spec = score.data(run, spec, who)
  if set:size() == 0 then native.fail('%s: %s has no end; wanted a set of pictures', who, spec) end
  return set, spec
end

--- Pictures as rows: n x (channels height width), a view of theirs.
function pictures.rows(x) return x:view(x:size(1), -1) end

--- Numbers of pictures, evenly from all of a set: one that is sorted by class does not give a single class.
-- @int size of the set
-- @int n how many; of a smaller set all
-- @treturn {int,...} ascending
function pictures.evenly(size, n)
  local numbers = {}
  n = math.min(n, size)
  for k = 1, n do numbers[k] = 1 + math.floor((k - 1) * size / n) end
  return numbers
end

--- Reads pictures from .. from + n - 1 of a data set.
-- @param set a data set
-- @int[opt=1] from
-- @int[opt] n default: all from there on
-- @treturn tensor FloatTensor n x channels x height x width, -1..1
function pictures.read(set, from, n)
  from = from or 1
  n = n or set:size() - from + 1
  local all = torch.FloatTensor(n, set.channels, set.height, set.width)
  for first = 1, n, PART do
    local list = {}
    for i = first, math.min(first + PART - 1, n) do list[#list + 1] = from + i - 1 end
    all:narrow(1, first, #list):copy(set:batch(list))
  end
  return all
end

--- The classes of pictures of a data set.
-- @param set a data set
-- @tparam[opt] {int,...} numbers of the pictures; default: all
-- @treturn {int,...}
function pictures.labels(set, numbers)
  local labels = {}
  for k, i in ipairs(numbers or pictures.evenly(set:size(), set:size())) do
    labels[k] = set:label(i) or native.fail('data: picture %d of %s has no class', i, set.name)
  end
  return labels
end

return pictures
