--- Pairs of modules that a chain runs as one: a layer whose last act is to scale or shift its channels, and the ReLU or LeakyReLU that
-- follows it. One pass over memory does both, and the gradient needs nothing that lay between them.
--
-- Layers and activations announce themselves. A module of which a program changed a method, or a class made of one with a method of its
-- own, is no longer what was announced, and is run on its own. What lies between two modules that announced themselves is nobody else's: a
-- chain passes it on (autograd.pass_on), and its memory goes when no gradient needs it any more.
local bridge = require 'gantry.nn.bridge'

local fused = {}

local methods = {'call', 'forward', 'backward', 'updateOutput', 'updateGradInput', 'accGradParameters'}

local layers, activations, others = {}, {}, {} -- by `call`

local function announce(list, class, fields)
  for _, name in ipairs(methods) do fields[name] = class[name] end
  list[class.call] = fields
end

--- Whether a module's methods are those that were announced; then what was announced with them.
local function announced(list, module)
  local fields = list[module.call]
  if not fields then return nil end
  for i = 1, #methods do
    local name = methods[i]
    if module[name] ~= fields[name] then return nil end
  end
  return fields
end

--- Announces a layer.
-- @tparam table class has `activated(input, slope)`: call(input) and the activation, on a value; and
-- `updateActivated(input, slope)`: updateOutput and the activation, on a tensor
-- @func[opt] can tells whether a module of the class can: can(module, slope)
function fused.layer(class, can) announce(layers, class, {can = can}) end

--- Announces a class of modules that hold on to nothing of what they are given and give on recorded values.
function fused.other(class) announce(others, class, {}) end

--- Whether a module holds on to neither what it is given nor what it gives, and nobody watches.
function fused.lets_go(module)
  return not bridge.observer and (announced(layers, module) or announced(activations, module) or announced(others, module)) ~= nil
end

--- updateOutput of an activation in place whose layer did the work.
local function update_done(self, input) return self.output:set(input) end

--- Announces an activation: x where x > 0, else x times a slope.
-- @tparam table class gets the method `updateDone(input)`
-- @func slope gives a module's
function fused.activation(class, slope)
  class.updateDone = update_done
  announce(activations, class, {slope = slope})
end

--- The slope of an activation that a layer can apply itself; nil where the two run one after the other, as all do while somebody
-- watches each module's output.
-- @param layer a module
-- @param activation the one behind it, or nil
-- @treturn[opt] number
function fused.slope(layer, activation)
  if not activation or bridge.observer then return nil end
  local second = announced(activations, activation)
  local first = second and announced(layers, layer)
  local slope = first and second.slope(activation)
  if slope and (not first.can or first.can(layer, slope)) then return slope end
end

return fused
