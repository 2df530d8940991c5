--- The layers of a network as experiments count them: each convolution with the activation behind it, whose outputs are its features.
-- @module gantry.lab.layers
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local torch = require 'gantry.torch'
local bridge = require 'gantry.nn.bridge'

local layers = {}

local convolutions = {
  ['nn.SpatialConvolution'] = true, ['nn.SpatialFullConvolution'] = true, ['nn.SpatialModulatedConvolution'] = true,
}
local activations = {
  ['nn.ReLU'] = true, ['nn.LeakyReLU'] = true, ['nn.PReLU'] = true, ['nn.ELU'] = true, ['nn.Tanh'] = true, ['nn.Sigmoid'] = true,
  ['nn.SoftPlus'] = true,
}

--- Runs a network and shows the output of every module, in the order they run in. While somebody looks each module runs on its own
-- (gantry.nn.fused); afterwards the network is what it was.
-- @param net
-- @param input a recorded value, or a list with one in it
-- @func visit visit(module, output); outputs are values
-- @return the network's output
function layers.watch(net, input, visit)
  local before = bridge.observer
  bridge.observer = function(m, output)
    if before then before(m, output) end
    visit(m, output)
  end
  local ok, result = xpcall(net.forward, native.keep_trace, net, input)
  bridge.observer = before
  if not ok then error(result, 0) end
  return result
end

local function maps_of(output)
  local t = autograd.is_value(output) and output.data
  return t and t:dim() == 4 and t:size(3) * t:size(4) > 1 and t or nil
end

--- The layers of a network: its convolutions in the order they run in, each with the first activation behind it. One that is followed by
-- another convolution first stands alone; one whose maps are single numbers (D's last in dcgan.torch's networks) is none.
-- @param net
-- @param input tensor, or a list with one in it: a batch that the network takes
-- @treturn {table,...} module (whose output the features are), convolution, name ('convolution 3'), channels, height, width
function layers.of(net, input)
  local found, open = {}, nil
  local function close()
    if open then found[#found + 1] = open end
    open = nil
  end
  autograd.scope(autograd.no_grad, function()
    layers.watch(net, layers.input(input), function(m, output)
      local class, maps = torch.type(m), maps_of(output)
      if convolutions[class] then
        close()
        open = maps and {module = m, convolution = m, channels = maps:size(2), height = maps:size(3), width = maps:size(4)}
      elseif open and maps and activations[class] and maps:size(2) == open.channels then
        open.module, open.height, open.width = m, maps:size(3), maps:size(4)
        close()
      end
    end)
  end)
  close()
  for i, layer in ipairs(found) do layer.name = ('convolution %d'):format(i) end
  return found
end

--- What a network takes, recorded: a tensor as a value, of a list the first entry.
-- @param input tensor, or {tensor, classes}
-- @bool[opt] requires_grad whether gradients with respect to it will be asked for
-- @return a value or a list
-- @return the value
function layers.input(input, requires_grad)
  if torch.isTensor(input) then
    local value = autograd.value(input, requires_grad)
    return value, value
  end
  local value = autograd.value(input[1], requires_grad)
  return {value, unpack(input, 2)}, value
end

--- A layer by its number.
-- @tparam {table,...} list from layers.of
-- @int number from 1 at the images' (or z's) side; from -1 at the other
-- @string who asks, for messages
-- @treturn table
function layers.pick(list, number, who)
  if #list == 0 then native.fail('%s: the network has no convolution with maps of features', who) end
  local found = list[number < 0 and #list + 1 + number or number]
  if not found then native.fail('%s: layer is %s; the network has %d layers of features', who, tostring(number), #list) end
  return found
end

--- The features of a layer.
-- @param net
-- @tparam table layer from layers.of
-- @param input recorded: from layers.input
-- @return the value n x channels x height x width
function layers.features(net, layer, input)
  local found
  layers.watch(net, input, function(m, output)
    if m == layer.module then found = output end
  end)
  return found
end

--- Runs fn while a layer's features are changed before they go on.
-- @tparam table layer from layers.of
-- @func change change(features) gives what goes on in place of the value
-- @func fn
-- @return what fn returns
function layers.with_change(layer, change, fn)
  local m = layer.module
  local own = rawget(m, 'forward')
  local forward = m.forward
  -- A module with a method of its own is run on its own, never with the one before it.
  m.forward = function(self, input) return change(forward(self, input)) end
  local ok, result = xpcall(fn, native.keep_trace)
  rawset(m, 'forward', own)
  if not ok then error(result, 0) end
  return result
end

return layers
