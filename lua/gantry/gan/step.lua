--- One step of training, as losses and recipes see it: `s` in d_loss(s), g_loss(s) and step(s).
--
-- The standard alternation is `s:draw(); s:update_d(d_loss); s:update_g(g_loss)`. A recipe's own step(s) uses the same three.
-- Real and generated images are separate batches for batch norm. D's running statistics move in D's update, once for each
-- batch, and never in G's update or for inputs that gradients are asked for (penalties).
--
-- Where a recipe has labels, s.labels are the classes of s.real, s.fake_labels those that s.fake was generated for; G takes
-- {z, classes}, and s.G(z, classes) and s.D(x, classes) give a network both. Where the data are pairs of pictures, s.input is the left
-- one, s.real the right one, and G makes s.fake from s.input; s.z is the same as s.input.
--
-- With the option reuse_fake, what D says of s.fake in its own update serves G's too (gantry.gan.reuse).
-- @module gantry.gan.step
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local torch = require 'gantry.torch'
local diagnose = require 'gantry.gan.diagnose'
local Player = require 'gantry.gan.player'
local reuse = require 'gantry.gan.reuse'

local value = autograd.value

local Step = {}
Step.__index = Step

--- A step for some networks and a source of images; made once, used for every step.
-- @tparam table nets by name: G, D where there is one, and a recipe's others
-- @tparam table o the run's options
-- @func next_images returns the next minibatch, N x C x H x W, and its classes where the recipe has labels
-- @tparam table how is_logit: whether D's outputs are logits; labels, pairs: the recipe's
-- @treturn Step
function Step.new(nets, o, next_images, how)
  local self = setmetatable({
    options = o, number = 0, next_images = next_images, notes = {}, kept = {}, players = {}, takes_labels = {}, takes_images = {},
    learning = {}, said = {},
  }, Step)
  for name, net in pairs(nets) do
    self.players[name] = Player.new(net, o, name == 'D' and o.lr_d > 0 and o.lr_d or nil)
    self[name] = function(x, labels) return self:apply(name, x, labels) end
  end
  self.noise = not how.pairs and torch.FloatTensor(o.batch, o.z_size) or nil
  self.is_logit, self.has_labels = how.is_logit, how.labels ~= nil
  self.halves = how.pairs and {torch.FloatTensor(), torch.FloatTensor()} or nil
  self.drawn_classes = self.has_labels and torch.LongTensor(o.batch) or nil
  return self
end

--- z for a minibatch, from torch's generator or another.
-- @param noise the tensor to fill
-- @string kind 'uniform' or 'normal'
-- @param[opt] generator
function Step.draw_z(noise, kind, generator)
  generator = generator or torch.defaultGenerator()
  if kind == 'normal' then return noise:normal(generator, 0, 1) end
  return noise:uniform(generator, -1, 1)
end

-- What the step is about to do besides running networks: 'data', 'z', 'zero', 'sums', 'checks', 'optimizer'; nil: none of these.
local function phase(self, name)
  if self.on_phase then self.on_phase(name) end
end

-- The two pictures of each pair, in memory that is used again.
local function split(self, images)
  local n, c, h, w = images:size(1), images:size(2), images:size(3), images:size(4) / 2
  for side, half in ipairs(self.halves) do half:resize(n, c, h, w):copy(images:narrow(4, (side - 1) * w + 1, w)) end
  return self.halves[1], self.halves[2]
end

--- Takes the next real images, draws z (and classes) and generates images from it: s.real, s.labels, s.z, s.fake_labels, s.fake. Of
-- pairs: s.input, s.real, s.fake.
function Step:draw()
  self.said = {}
  phase(self, 'data')
  local images, labels = self.next_images()
  local noise, classes = self.noise, self.drawn_classes
  local input
  if self.halves then input, images = split(self, images) end
  if self.options.accumulate > 1 then -- several minibatches are there at once
    images, labels, noise, classes = images:clone(), labels and labels:clone(), noise and noise:clone(), classes and classes:clone()
    input = input and input:clone()
  end
  phase(self, 'z')
  self.real, self.labels = value(images), labels
  self.input = input and value(input)
  self.z = self.input or value(Step.draw_z(noise, self.options.z))
  if self.has_labels then self.fake_labels = classes:random(1, self.options.classes) end
  phase(self)
  self.players.G:take_part(true, true)
  local net = self.players.G.net -- D's update comes before what G's layers gave is needed
  self.generated = autograd.lean(net.forward, net, self.fake_labels and {self.z, self.fake_labels} or self.z)
  self.real.origin, self.generated.origin = 'real', 'fake'
  self:use_generated(false)
end

-- s.fake with the history that leads to G, or without it.
function Step:use_generated(with_history)
  self.fake = with_history and self.generated or self.generated:detach()
  self.fake.origin = 'fake'
end

local function scores_of(out)
  if autograd.is_value(out) then return out.data end
  return type(out) == 'table' and autograd.is_value(out[1]) and out[1].data or nil
end

-- The mean of what D says of a batch of real or generated images, as a probability where it is one; of a list, the first.
local function note_scores(self, x, out)
  local scores = scores_of(out)
  if not scores then return end
  self.probabilities = self.probabilities or scores.new()
  local mean = (self.is_logit and torch.sigmoid(self.probabilities, scores) or scores):mean()
  if x.origin == 'real' then self.d_real = mean elseif x.origin == 'fake' then self.d_fake = mean end
end

-- A network's weights get gradients in its own update; batch norm's statistics move there too, but for G's, which move when s:draw()
-- generates.
local function take_part(self, name, x)
  local learns = self.learning[name] or false
  self.players[name]:take_part(learns, learns and name ~= 'G' and not (autograd.is_value(x) and x.requires_grad))
  return learns
end

--- Runs a network on values: s.G(x), s.D(x) ... are short for it.
-- @string name 'G', 'D' or one of the recipe's other networks
-- @param x a value (or a list with values in it)
-- @param[opt] labels LongTensor of classes
function Step:apply(name, x, labels)
  local learns = take_part(self, name, x)
  self.takes_labels[name], self.takes_images[name] = labels ~= nil, autograd.is_value(x)
  local reused = name == 'D' and self.options.reuse_fake
  if reused and reuse.is_due(self) then return reuse.take(self, x, labels) end
  local input = reused and reuse.with_history(self, x) or x
  local net, given, out = self.players[name].net, labels and {input, labels} or input
  if rawequal(input, x) then
    out = net:forward(given)
  else
    out = autograd.moving(net.forward, net, given)
    reuse.keep(self, x, labels, out)
  end
  if name == 'D' and learns and autograd.is_value(x) then note_scores(self, x, out) end
  return out
end

--- Runs a part of a network on values: a module in it.
-- @string name 'G', 'D' or one of the recipe's other networks
-- @tparam {int,...} path {2, 1}: the first module of the second
-- @param x a value (or a list with values in it)
-- @usage local finer = s:part('G', {2, 1}, {coarse, noise})
function Step:part(name, path, x)
  if not self.players[name] then native.fail('part: the recipe has no network %s', tostring(name)) end
  local module = self.players[name].net
  for _, i in ipairs(path) do
    module = module.modules and module.modules[i] or
      native.fail('part: there is no module %s in %s', table.concat(path, '.'), name)
  end
  take_part(self, name, x)
  if name == 'D' and self.options.reuse_fake and reuse.is_due(self) then reuse.refuse(self, "G's loss looks at a part of D") end
  return module:forward(x)
end

-- Ends the step and says where the numbers went wrong. Nothing was updated with them.
local function diverged(self, turn, what, how)
  self.diverged = true
  local ok, place = pcall(diagnose, self, turn)
  native.fail('step %d: %s %s%s', self.number, what, how, ok and '; first in ' .. place or '')
end

-- Where a loss is written, for errors that do not say it: `return x:narrow(...)` is a tail call, which leaves no line behind.
local function home(loss_function)
  local info = debug.getinfo(loss_function, 'S')
  return ('%s:%d'):format(info.short_src, info.linedefined)
end

local function evaluate(loss_function, s)
  local ok, loss = xpcall(loss_function, native.keep_trace, s)
  if ok then return loss end
  if type(loss) == 'string' and not loss:match '^[^\n]-:%d+: ' then loss = ('%s: %s'):format(home(loss_function), loss) end
  error(loss, 0)
end

-- Computes a loss on the batch at hand and adds its gradients, over `parts`, to those of the networks that learn. Of a list of terms
-- each one's gradients are computed before the next one is recorded: only one's history takes memory. more: whether a term follows.
local function gather(self, names, loss_function, parts, more)
  if type(loss_function) == 'table' then
    local sum = 0
    for i, term in ipairs(loss_function) do sum = sum + gather(self, names, term, parts, more or i < #loss_function) end
    return sum
  end
  local whose = table.concat(names, ' and ') .. "'s"
  local loss = evaluate(loss_function, self)
  if not autograd.is_value(loss) or loss:nElement() ~= 1 then
    local got = autograd.is_value(loss) and ('value of %d elements'):format(loss:nElement()) or torch.type(loss)
    native.fail('%s: %s loss is a %s, wanted a value of one element', home(loss_function), whose, got)
  end
  if not loss.requires_grad then
    native.fail("%s: %s loss does not depend on %s weights: nothing in it requires a gradient", home(loss_function), whose, whose)
  end
  local number = loss:item()
  if number ~= number then diverged(self, names[1], whose .. ' loss', 'is not a number') end
  if number == math.huge or number == -math.huge then diverged(self, names[1], whose .. ' loss', 'is infinite') end
  if parts > 1 then loss = loss / parts end
  phase(self, 'sums')
  loss:backward(nil, self.options.reuse_fake and reuse.pass(self, names, more))
  phase(self)
  return number
end

-- A minibatch besides the one that was drawn, for gradients that are accumulated; what it needs of memory is given back at once.
local function gather_more(self, names, loss_function, parts)
  local batch = {
    real = self.real, labels = self.labels, z = self.z, fake_labels = self.fake_labels, generated = self.generated, fake = self.fake,
    input = self.input,
  }
  local with_history = self.fake == self.generated
  local number = autograd.scope(function()
    self:draw()
    self:use_generated(with_history)
    return gather(self, names, loss_function, parts)
  end)
  for name, x in pairs(batch) do self[name] = x end
  return number
end

--- Updates one network, or several together, once by a loss.
-- With the option `accumulate` above 1 the loss's gradients are the means over so many minibatches: the one that was drawn, and others
-- that are drawn for it.
-- @tparam string|{string,...} names 'G', 'D' or others of the recipe
-- @func loss_function loss(s): a value of one element; or a list of functions, the terms of a sum, of which only one at a time takes
-- memory for its history
-- @treturn number the loss
-- @usage s:update({'G', 'encoder'}, function(s) return ... end)
function Step:update(names, loss_function)
  if type(names) == 'string' then names = {names} end
  phase(self, 'zero')
  for _, name in ipairs(names) do
    if not self.players[name] then native.fail('update: the recipe has no network %s', tostring(name)) end
    self.learning[name] = true
    self.players[name].gradients:zero()
    if name == 'D' then self.said = {} end
  end
  phase(self)
  local parts = self.options.accumulate
  local sum = gather(self, names, loss_function, parts)
  for _ = 2, parts do sum = sum + gather_more(self, names, loss_function, parts) end
  phase(self, 'checks')
  for _, name in ipairs(names) do
    local p = self.players[name]
    local bad = Player.count_bad(p.gradients)
    if bad > 0 then diverged(self, name, ("%d of %s's %d gradients"):format(bad, name, p.gradients:nElement()), 'are not finite') end
  end
  phase(self, 'optimizer')
  for _, name in ipairs(names) do
    self.players[name].loss = sum / parts
    self.players[name]:move(self.number)
  end
  phase(self)
  self.learning = {}
  return sum / parts
end

--- Updates D once by a loss, on s.real and on s.fake without the history that leads to G.
-- @func loss_function d_loss(s): a value of one element
-- @tparam[opt] {string,...} with other networks of the recipe that are updated by it too
-- @treturn number the loss
function Step:update_d(loss_function, with)
  self:use_generated(false)
  self.d_loss = self:update(with and {'D', unpack(with)} or 'D', loss_function)
  return self.d_loss
end

--- Updates G once by a loss; D's weights get no gradients.
-- @func loss_function g_loss(s): a value of one element
-- @tparam[opt] {string,...} with other networks of the recipe that are updated by it too
-- @treturn number the loss
function Step:update_g(loss_function, with)
  self:use_generated(true)
  self.g_loss = self:update(with and {'G', unpack(with)} or 'G', loss_function)
  return self.g_loss
end

--- Holds all weights of a network within -bound..bound. Arjovsky et al. 2017 (arXiv 1701.07875), algorithm 1, line 7.
-- @string name 'D', usually
-- @number bound
-- @usage s:update_d(d_loss); s:clip_weights('D', 0.01)
function Step:clip_weights(name, bound)
  if not self.players[name] then native.fail('clip_weights: the recipe has no network %s', tostring(name)) end
  if type(bound) ~= 'number' or bound ~= bound or bound <= 0 then
    native.fail('clip_weights: the bound is %s, wanted a number above 0', tostring(bound))
  end
  self.players[name].parameters:clamp(-bound, bound)
end

--- The weights of a network as one value, a leaf: for terms of a loss that are about the weights themselves.
-- @string name 'D', 'G' ...
-- @treturn value a vector; constant unless the network is being updated
function Step:weights(name)
  local p = self.players[name]
  if not p then native.fail('weights: the recipe has no network %s', tostring(name)) end
  if not self.learning[name] then return value(p.parameters) end
  return autograd.leaf(p.parameters, p.gradients)
end

--- A tensor that lives from step to step and is saved in checkpoints.
-- @string name letters, digits and _
-- @func make makes it the first time
-- @treturn tensor
-- @usage local mean = s:keep('mean', function() return torch.FloatTensor(10):zero() end)
function Step:keep(name, make)
  if type(name) ~= 'string' or not name:match '^[%w_]+$' then
    native.fail('keep: the name is %s, wanted letters, digits and _', tostring(name))
  end
  self.kept[name] = self.kept[name] or make()
  if not torch.isTensor(self.kept[name]) then native.fail('keep: %s is a %s, wanted a tensor', name, torch.type(self.kept[name])) end
  return self.kept[name]
end

--- Adds a number to the step's metrics: it appears in metrics.jsonl under this name, and `keep_best` may name it.
-- @string name
-- @param x a number, or a value or tensor of one element
-- @usage s:note('penalty', gp)
function Step:note(name, x)
  if autograd.is_value(x) then x = x:item() end
  if torch.isTensor(x) and x:nElement() == 1 then x = x:mean() end
  if type(name) ~= 'string' or type(x) ~= 'number' then
    native.fail('note: got a %s named %s, wanted a number and its name', torch.type(x), tostring(name))
  end
  self.notes[name] = x
end

--- Lets go of everything that belongs to one step.
function Step:clear()
  for _, p in pairs(self.players) do p:take_part(true, true) end
  self.real, self.fake, self.z, self.input, self.generated = nil, nil, nil, nil, nil
  self.labels, self.fake_labels, self.learning, self.said = nil, nil, {}, {}
end

return Step
