--- Judges: feature nets that tell attributes of images (gantry.metrics.features), what they say of generated ones, and how far they can be
-- believed.
-- @module gantry.lab.judges
local native = require 'gantry.native'
local rules = require 'gantry.lab.rules'
local record = require 'gantry.lab.record'
local statistics = require 'gantry.lab.statistics'

local judges = {}

--- Of which images a judge says that a rule holds.
-- @tparam Features judge
-- @param images n x channels x height x width, -1..1
-- @tparam table conditions
-- @treturn {boolean,...}
function judges.verdicts(judge, images, conditions)
  local told, list = judge:attributes(images), {}
  for i = 1, images:size(1) do list[i] = rules.holds(told, conditions, i) end
  return list
end

--- Adds figures to a record: how well the judge tells each attribute of real images that it was not trained on. A figure that it judges is
-- worth no more than these.
-- @tparam Record r
-- @tparam Features judge
function judges.tell(r, judge)
  for _, a in ipairs(judge.about.attributes or {}) do
    local n = a.judges
    if a.accuracy and n then
      local w = statistics.wilson(math.floor(a.accuracy * n + 0.5), n)
      r:figure(('the judge on real images it has not seen: %s, %% right'):format(a.name), record.percent(w, {expected = 'at least 98'}))
    elseif a.explained and n then
      r:figure(('the judge on scenes it has not seen: variance of %s explained, %%'):format(a.name), {value = 100 * a.explained, n = n})
    end
  end
end

-- The likeliest value of each image.
local function likeliest(told)
  local _, best = told.probabilities:max(2)
  return best:view(-1)
end

--- Adds figures to a record: how often two judges agree about generated images, which neither was tested on. For attributes of a table of
-- labels.
-- @tparam Record r
-- @tparam Features judge
-- @tparam Features second trained on the same labels from another seed
-- @param images n x channels x height x width, -1..1
function judges.tell_agreement(r, judge, second, images)
  local a, b, any = judge:attributes(images), second:attributes(images), false
  for _, attribute in ipairs(judge.about.attributes) do
    local name = attribute.name
    if a[name].probabilities and b[name] and b[name].probabilities then
      local n = images:size(1)
      local w = statistics.wilson(likeliest(a[name]):eq(likeliest(b[name])):sum(), n)
      r:figure(('%s and %s agree about %s of samples, %%'):format(judge.name, second.name, name), record.percent(w))
      any = true
    end
  end
  if not any then native.fail('judges: %s and %s have no attribute of labels in common', judge.name, second.name) end
end

--- How many are true.
function judges.count(list)
  local n = 0
  for _, x in ipairs(list) do n = n + (x and 1 or 0) end
  return n
end

return judges
