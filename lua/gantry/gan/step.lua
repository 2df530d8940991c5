--- One step of training, as losses and recipes see it: `s` in d_loss(s), g_loss(s) and step(s).
--
-- The standard alternation is `s:draw(); s:update_d(d_loss); s:update_g(g_loss)`. A recipe's own step(s) uses the same three.
-- Real and generated images are separate batches for batch norm. D's running statistics move in D's update, once for each
-- batch, and never in G's update or for inputs that gradients are asked for (penalties).
-- @module gantry.gan.step
local ffi = require 'ffi'
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local optim = require 'gantry.optim'
local torch = require 'gantry.torch'
local diagnose = require 'gantry.gan.diagnose'

local value = autograd.value

local Step = {}
Step.__index = Step

--- How a network takes part in what is recorded next.
-- @param net its module
-- @bool learns whether its weights get gradients
-- @bool moves whether batch norm's running statistics move
local function take_part(net, learns, moves)
  if learns then net:unfreeze() else net:freeze() end
  net:track(moves)
end

--- One network with its flattened weights and its optimizer.
local function player(net, o)
  local parameters, gradients = net:getParameters()
  local p = {net = net, parameters = parameters, gradients = gradients, state = {},
    config = {learningRate = o.lr, beta1 = o.beta1, beta2 = o.beta2}}
  p.evaluate = function() return p.loss, p.gradients end
  return p
end

--- A step for two networks and a source of images; made once, used for every step.
-- @param G generator
-- @param D discriminator
-- @tparam table o the run's options
-- @func next_images returns the next minibatch, N x C x H x W
-- @bool is_logit whether D's outputs are logits
function Step.new(G, D, o, next_images, is_logit)
  local self = setmetatable({options = o, number = 0, next_images = next_images, notes = {}}, Step)
  self.players = {G = player(G, o), D = player(D, o)}
  self.noise = torch.FloatTensor(o.batch, o.z_size)
  self.G = function(z) return self:generate(z) end
  self.D = function(x) return self:discriminate(x) end
  self.is_logit = is_logit
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

--- Takes the next real images, draws z and generates images from it: s.real, s.z, s.fake.
function Step:draw()
  phase(self, 'data')
  self.real = value(self.next_images())
  phase(self, 'z')
  self.z = value(Step.draw_z(self.noise, self.options.z))
  phase(self)
  take_part(self.players.G.net, true, true)
  self.generated = self.players.G.net:forward(self.z)
  self.fake = self.generated:detach()
end

function Step:generate(z)
  take_part(self.players.G.net, self.turn == 'G', false)
  return self.players.G.net:forward(z)
end

function Step:discriminate(x)
  local learns = self.turn == 'D'
  take_part(self.players.D.net, learns, learns and not (autograd.is_value(x) and x.requires_grad))
  local out = self.players.D.net:forward(x)
  if learns and (x == self.real or x == self.fake) then
    local scores = out.data
    local mean = (self.is_logit and torch.sigmoid(scores) or scores):mean()
    if x == self.real then self.d_real = mean else self.d_fake = mean end
  end
  return out
end

local names = {D = "D's loss", G = "G's loss"}
local bad = ffi.new 'double[1]'

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

function Step:update(turn, loss_function)
  local p = self.players[turn]
  self.turn = turn
  phase(self, 'zero')
  p.gradients:zero()
  phase(self)
  local loss = evaluate(loss_function, self)
  if not autograd.is_value(loss) or loss:nElement() ~= 1 then
    local got = autograd.is_value(loss) and ('value of %d elements'):format(loss:nElement()) or torch.type(loss)
    native.fail('%s: %s is a %s, wanted a value of one element', home(loss_function), names[turn], got)
  end
  if not loss.requires_grad then
    native.fail("%s: %s does not depend on %s's weights: nothing in it requires a gradient", home(loss_function), names[turn], turn)
  end
  p.loss = loss:item()
  if p.loss ~= p.loss then diverged(self, turn, names[turn], 'is not a number') end
  if p.loss == math.huge or p.loss == -math.huge then diverged(self, turn, names[turn], 'is infinite') end
  phase(self, 'sums')
  loss:backward()
  phase(self, 'checks')
  native.check(native.C.gt_count_nonfinite(bad, p.gradients))
  if bad[0] > 0 then diverged(self, turn, ('%d of %s\'s %d gradients'):format(bad[0], turn, p.gradients:nElement()), 'are not finite') end
  phase(self, 'optimizer')
  optim.adam(p.evaluate, p.parameters, p.config, p.state)
  phase(self)
  self.turn = nil
  return p.loss
end

--- Updates D once by a loss, on s.real and on s.fake without the history that leads to G.
-- @func loss_function d_loss(s): a value of one element
-- @treturn number the loss
function Step:update_d(loss_function)
  self.fake = self.generated:detach()
  self.d_loss = self:update('D', loss_function)
  return self.d_loss
end

--- Updates G once by a loss; D's weights get no gradients.
-- @func loss_function g_loss(s): a value of one element
-- @treturn number the loss
function Step:update_g(loss_function)
  self.fake = self.generated
  self.g_loss = self:update('G', loss_function)
  return self.g_loss
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
  take_part(self.players.G.net, true, true)
  take_part(self.players.D.net, true, true)
  self.real, self.fake, self.z, self.generated, self.turn = nil, nil, nil, nil, nil
end

return Step
