--- Pictures for experiments: the data of a run or another set, as the run's networks see them, and pictures as rows of numbers.
-- @module gantry.lab.pictures
local native = require 'gantry.native'
local data = require 'gantry.data'
local torch = require 'gantry.torch'
local options = require 'gantry.gan.options'

local pictures = {}

local PART = 512 -- pictures that are read at once

--- Opens a data set at a run's size and channels, without augmentation.
-- @tparam Run run
-- @string[opt] spec default: what the run was trained on, where that is no program (which would be executed)
-- @treturn a data set that has an end
-- @treturn string its spec
function pictures.open(run, spec)
  local trained_on = run.state.data
  if not spec and (type(trained_on) ~= 'string' or trained_on:match '%.lua$') then
    native.fail('%s: does not say which files it was trained on; name the data', run.path)
  end
  spec = spec or trained_on
  local ok, wanted = pcall(options.for_data, run.options, run.makes_pairs)
  if not ok then native.fail('%s: its options do not say what its images are', run.path) end
  wanted.flip, wanted.crop, wanted.scale = nil, nil, nil
  local set = data.open(spec, wanted)
  if set:size() == 0 then native.fail('data: %s has no end; wanted a set of pictures', spec) end
  return set, spec
end

--- Pictures as rows: n x (channels height width), a view of theirs.
function pictures.rows(x) return x:view(x:size(1), -1) end

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

--- The classes of pictures from .. from + n - 1 of a data set.
-- @param set a data set
-- @int[opt] n default: all from there on
-- @int[opt=1] from
-- @treturn {int,...}
function pictures.labels(set, n, from)
  from = from or 1
  local labels = {}
  for k = 1, n or set:size() - from + 1 do
    local i = from + k - 1
    labels[k] = set:label(i) or native.fail('data: picture %d of %s has no class', i, set.name)
  end
  return labels
end

return pictures
