--- One network in training: its weights and gradients as two vectors, its optimizer, and what happens to gradients before they are used.
-- @module gantry.gan.player
local ffi = require 'ffi'
local native = require 'gantry.native'
local optim = require 'gantry.optim'
local torch = require 'gantry.torch'

local C = native.C

local Player = {}
Player.__index = Player

--- @param net the network
-- @tparam table o the run's options: optimizer, lr, beta1, beta2, momentum, weight_decay, clip_gradients, schedule ...
-- @number[opt=o.lr] lr its step size
function Player.new(net, o, lr)
  local parameters, gradients = net:getParameters()
  local self = setmetatable({net = net, parameters = parameters, gradients = gradients, options = o, lr = lr or o.lr, state = {}}, Player)
  self.config = {
    beta1 = o.beta1, beta2 = o.beta2, alpha = o.beta2, momentum = o.momentum, dampening = 0, weightDecay = o.weight_decay,
  }
  self.evaluate = function() return self.loss, self.gradients end
  return self
end

--- What the step size is multiplied by at a step.
-- `constant`: 1. `linear`: 1 until the part decay_from of the steps is done, then in a straight line to 0 after the last one.
-- `exponential`: 1 until there, then by equal factors to lr_final.
-- @tparam table o schedule, decay_from, lr_final, steps
-- @int number of the step, from 1
-- @treturn number
function Player.rate(o, number)
  if o.schedule == 'constant' then return 1 end
  local from = o.decay_from * o.steps
  local done = math.min(1, math.max(0, (number - 1 - from) / math.max(1, o.steps - from)))
  if o.schedule == 'linear' then return 1 - done end
  return o.lr_final ^ done
end

--- How a network takes part in what is recorded next.
-- @bool learns whether its weights get gradients
-- @bool moves whether batch norm's running statistics move
function Player:take_part(learns, moves)
  if learns then self.net:unfreeze() else self.net:freeze() end
  self.net:track(moves)
end

local bad = ffi.new 'double[1]'

--- How many numbers of a vector are not finite.
function Player.count_bad(vector)
  native.check(C.gt_count_nonfinite(bad, vector))
  return bad[0]
end

-- Gradients longer than the option allows are shortened: Pascanu et al. 2013 (arXiv 1211.5063), algorithm 1.
local function clip(self, longest)
  if longest == 0 then return end
  self.unclipped = self.gradients:norm()
  if self.unclipped > longest then self.gradients:mul(longest / self.unclipped) end
end

--- The length of the gradient of the last update, before it was shortened.
function Player:length() return self.unclipped or self.gradients:norm() end

--- Moves the weights by the gradients that have been gathered.
-- @int number of the step, for the schedule
function Player:move(number)
  local o = self.options
  clip(self, o.clip_gradients)
  self.config.learningRate = self.lr * Player.rate(o, number)
  optim[o.optimizer](self.evaluate, self.parameters, self.config, self.state)
end

--- Calls visit(name, tensor) for what the optimizer remembers, by name: 'm', 'v' ...
function Player:tensors(visit)
  local keys = {}
  for key, entry in pairs(self.state) do
    if torch.isTensor(entry) then keys[#keys + 1] = key end
  end
  table.sort(keys)
  for _, key in ipairs(keys) do visit(key, self.state[key]) end
end

--- What the optimizer remembers besides tensors: numbers by name.
function Player:counters()
  local counters = {}
  for key, entry in pairs(self.state) do
    if type(entry) == 'number' then counters[key] = entry end
  end
  return counters
end

return Player
