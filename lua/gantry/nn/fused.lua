--- Pairs of modules that a chain runs as one: a layer whose last act is to scale or shift its channels, and the ReLU or LeakyReLU that
-- follows it. One pass over memory does both, and the gradient needs nothing that lay between them.
--
-- Layers and activations announce themselves. A module of which a program changed a method, or a class made of one with a method of its
-- own, is no longer what was announced, and is run on its own.
local bridge = require 'gantry.nn.bridge'

local fused = {}

local methods = {'call', 'forward', 'backward', 'updateOutput', 'updateGradInput', 'accGradParameters'}

local layers, activations = {}, {} -- by `call`

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
-- @func[opt] can tells whether a module of the class can
function fused.layer(class, can) announce(layers, class, {can = can}) end

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
  if first and (not first.can or first.can(layer)) then return second.slope(activation) end
end

return fused
