--- Samples in the order of D's score: what D holds for most and for least real. The DCGAN paper's authors showed 400 samples of their
-- ImageNet model so.
-- @module gantry.lab.sorted
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local torch = require 'gantry.torch'
local sheet = require 'gantry.gan.sheet'
local discriminator = require 'gantry.lab.discriminator'
local record = require 'gantry.lab.record'
local statistics = require 'gantry.lab.statistics'

local sorted = {}

local PART = 64 -- images that D looks at together

--- D's score of each image, in evaluation mode: logits where D ends in logits, a critic's numbers where it is a critic.
-- @tparam Run run
-- @param images n x channels x height x width, -1..1
-- @tparam[opt] tensor labels LongTensor of n classes, where D takes them
-- @treturn {number,...}
function sorted.scores(run, images, labels)
  local D, list = run.D, {}
  local few = math.min(4, images:size(1))
  local both = labels and discriminator.takes_classes(D, images:narrow(1, 1, few), labels:narrow(1, 1, few))
  for from = 1, images:size(1), PART do
    local n = math.min(PART, images:size(1) - from + 1)
    autograd.scope(function()
      local x = autograd.value(images:narrow(1, from, n))
      local out = autograd.no_grad(function() return D:forward(both and {x, labels:narrow(1, from, n)} or x) end)
      if type(out) == 'table' and not autograd.is_value(out) then out = out[1] end -- the score comes before what else D tells
      if not autograd.is_value(out) or out.data:nElement() ~= n then
        native.fail('sorted: the D of %s gives no single number for each image', run.path)
      end
      local flat = out.data:contiguous():view(-1)
      for i = 1, n do list[#list + 1] = flat[i] end
    end)
  end
  return list
end

--- Samples from the highest score to the lowest.
-- @tparam Run run
-- @int[opt=400] n how many: the authors' number
-- @tparam[opt] table o seed (the run's), class
-- @treturn {int,...} numbers of the samples, best first
-- @treturn {number,...} their scores, in that order
-- @treturn tensor their images, in that order
-- @usage local numbers, scores = sorted.order(gantry.open 'runs/faces', 400)
function sorted.order(run, n, o)
  o, n = o or {}, n or 400
  if run.makes_pairs then native.fail('sorted: %s turns images into images; its D judges pairs', run.path) end
  if not run.checkpoint.networks.D then native.fail('sorted: %s has no D', run.path) end
  local labels = run:labels(n, o.class)
  local images = run:images(run:z(n, o.seed), labels)
  local scores, order = sorted.scores(run, images, labels), {}
  for i = 1, n do order[i] = i end
  table.sort(order, function(i, j) return scores[i] > scores[j] or scores[i] == scores[j] and i < j end)
  local in_order, list = torch.FloatTensor(images:size()), {}
  for k, i in ipairs(order) do
    in_order[k]:copy(images[i])
    list[k] = scores[i]
  end
  return order, list, in_order
end

--- The experiment: OUT/sorted.png and OUT/sorted.json.
-- @tparam Run run
-- @tparam table o out (directory; default: RUN/lab), n (400), seed, class, scale
-- @treturn table the record
function sorted.experiment(run, o)
  local r = record.new('sorted', {out = o.out, seed = o.seed or run.options.seed, run = run, about = {n = o.n or 400}})
  local order, scores, images = sorted.order(run, o.n, o)
  local n = #order
  local is_critic = run.state.score == 'critic'
  local tenth, real = math.max(1, math.floor(n / 10)), 0
  local function part(from, to)
    return record.number(statistics.mean {unpack(scores, from, to)})
  end
  local what = is_critic and "the critic's number" or "D's logit"
  r:figure(what .. ', mean', part(1, n))
  r:figure(what .. ', mean of the highest tenth', part(1, tenth))
  r:figure(what .. ', mean of the lowest tenth', part(n - tenth + 1, n))
  if not is_critic then
    for _, x in ipairs(scores) do real = real + (x > 0 and 1 or 0) end
    r:figure('samples that D calls real, %', record.percent(statistics.wilson(real, n)))
  end
  r:picture(sheet.make(images, {scale = o.scale}), nil,
    ('samples row by row, from the highest score (number %d) to the lowest (number %d)'):format(order[1], order[n]))
  return r:finish()
end

return sorted
