--- A run's discriminator and, to compare it with, one that has learned nothing; and the real images that both look at.
-- @module gantry.lab.discriminator
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local torch = require 'gantry.torch'
local network = require 'gantry.gan.network'
local samples = require 'gantry.gan.samples'
local statistics = require 'gantry.gan.statistics'
local layers = require 'gantry.lab.layers'
local pictures = require 'gantry.lab.pictures'

local discriminator = {}

local PART = 64             -- images that go through at once
local STATISTICS = 1024     -- images that batch norm's statistics are estimated from

--- The two networks of a looker and what they are called, in the order in which figure 5 of the DCGAN paper has them, from the left.
discriminator.sides = {{'random', 'an untrained D'}, {'trained', 'the trained D'}}

local Looker = {}
Looker.__index = Looker

--- The input of D for pictures: the images, with their classes where it takes those.
-- @tparam {int,...} numbers of the pictures
-- @return tensor, or {tensor, classes}
function Looker:input(numbers)
  local x = self.set:batch(numbers)
  if not self.conditional then return x end
  local labels = torch.LongTensor(#numbers)
  for k, i in ipairs(numbers) do
    labels[k] = self.set:label(i) or native.fail('%s: picture %d of %s has no label, which D takes', self.who, i, self.set.name)
  end
  return {x, labels}
end

--- Calls visit(input, numbers, at) for parts of the pictures: `at` is how many came before.
function Looker:each(numbers, visit)
  for from = 1, #numbers, PART do
    local part = {unpack(numbers, from, math.min(#numbers, from + PART - 1))}
    autograd.scope(visit, self:input(part), part, from - 1)
  end
end

-- Moves the statistics of batch norm to the means over parts of real images, and freezes them (as in the authors' SVHN analysis).
local function estimate(self, net)
  local n = math.min(STATISTICS, #self.numbers)
  statistics.average(net, math.floor((n + PART - 2) / PART), function(k) -- a single image in the end is left out
    local input = self:input {unpack(self.numbers, (k - 1) * PART + 1, math.min(n, k * PART))}
    net:forward((layers.input(input)))
  end)
  return net
end

--- Whether a D takes the classes of images besides them: where it does not say so, it is tried.
-- @param D
-- @param x n x channels x height x width
-- @param labels LongTensor of n classes
-- @treturn boolean
function discriminator.takes_classes(D, x, labels)
  if D.conditional then return true end
  return (pcall(autograd.scope, autograd.no_grad, D.forward, D, (layers.input {x, labels})))
end

--- Opens what is needed to compare a run's D with an untrained one.
-- @tparam Run run; its own D is left as it is
-- @tparam table o who (asks), data (a spec; default: the run's), images (how many to look at), seed (of which they are, and of the
-- untrained weights)
-- @treturn table trained and random (networks), set, data, numbers (of the pictures), conditional (whether D takes classes),
-- input(numbers), each(numbers, visit)
function discriminator.open(run, o)
  if run.makes_pairs then native.fail('%s: %s turns images into images; its D looks at pairs', o.who, run.path) end
  local set, spec = pictures.open(run, o.data, o.who)
  local order, numbers = torch.randperm(torch.Generator(o.seed), set:size()), {}
  for k = 1, math.min(o.images, set:size()) do numbers[k] = order[k] end
  local self = setmetatable({who = o.who, set = set, data = spec, numbers = numbers}, Looker)
  local few = set:batch {unpack(numbers, 1, 4)}
  self.conditional = run.classes ~= nil and discriminator.takes_classes(run.D, few, samples.labels(few:size(1), run.classes))
  self.trained = estimate(self, run.D:clone():evaluate())
  self.random = estimate(self, network.untrained(run.D, o.seed))
  return self
end

return discriminator
