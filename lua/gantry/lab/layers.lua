--- The layers of a network as experiments count them: each convolution with the nonlinearity behind it, whose outputs are its features.
-- They are found in any network by watching it run.
-- @module gantry.lab.layers
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local torch = require 'gantry.torch'
local bridge = require 'gantry.nn.bridge'

local layers = {}

local function is_one_of(names)
  return function(m)
    for _, name in ipairs(names) do
      if torch.isTypeOf(m, 'nn.' .. name) then return true end
    end
    return false
  end
end

--- True for a convolution.
layers.is_convolution = is_one_of {'SpatialConvolution', 'SpatialFullConvolution', 'SpatialModulatedConvolution'}

--- True for a nonlinearity.
layers.is_nonlinear = is_one_of {
  'ReLU', 'LeakyReLU', 'PReLU', 'ELU', 'Threshold', 'Tanh', 'HardTanh', 'Sigmoid', 'LogSigmoid', 'SoftPlus', 'SoftSign', 'Abs', 'Square',
}

local is_reshape = is_one_of {'View', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose', 'Contiguous', 'Identity'}

--- Runs a network and shows the output of every module, in the order they run in. While somebody looks each module runs on its own
-- (gantry.nn.fused); afterwards the network is what it was.
-- @param net
-- @param input a recorded value, or a list with one in it
-- @func visit visit(module, output); outputs are values
-- @return the network's output
function layers.watch(net, input, visit) return bridge.observe(visit, net.forward, net, input) end

local function images_of(output) return autograd.is_value(output) and output.data:dim() == 4 and output.data or nil end

--- Runs a network in its mode, without recording, and finds its layers: its convolutions in the order they run in, each with the first
-- nonlinearity behind it that gives images. One that is followed by another convolution first stands alone. One whose maps are single
-- numbers is none where it stands alone or gives what the network gives (D's last in dcgan.torch's networks).
-- @param net
-- @param input tensor, or a list with one in it: a batch that the network takes
-- @func[opt] each called with every module that is run and its output
-- @treturn {table,...} module (whose output the features are), convolution, nonlinear (whether one is behind it), final (whether the
-- network gives them in the end), output (a tensor n x channels x height x width), channels, height, width, name ('convolution 3')
function layers.run(net, input, each)
  local all, open, last = {}, nil, nil
  autograd.no_grad(layers.watch, net, (layers.input(input)), function(m, output)
    if each then each(m, output) end
    if not m.modules and not is_reshape(m) then last = m end
    local images = images_of(output)
    if layers.is_convolution(m) then
      open = images and {module = m, convolution = m, nonlinear = false, output = images}
      all[#all + 1] = open
    elseif open and images and layers.is_nonlinear(m) then
      open.module, open.nonlinear, open.output = m, true, images
      open = nil
    end
  end)
  local found = {}
  for _, layer in ipairs(all) do
    local x = layer.output
    layer.channels, layer.height, layer.width = x:size(2), x:size(3), x:size(4)
    layer.final = layer.module == last
    if layer.height * layer.width > 1 or layer.nonlinear and not layer.final then
      found[#found + 1] = layer
      layer.name = ('convolution %d'):format(#found)
    end
  end
  return found
end

--- The layers of a network, without their outputs.
-- @param net
-- @param input as for layers.run
-- @treturn {table,...} as from layers.run
function layers.of(net, input)
  local found
  autograd.scope(function() found = layers.run(net, input) end)
  for _, layer in ipairs(found) do layer.output = nil end
  return found
end

--- The convolutional activations of a network: what nonlinearities made of what convolutions gave, but not what the network gives in the
-- end. Runs it as layers.run does.
-- @param net
-- @param input as for layers.run
-- @func[opt] each as for layers.run
-- @treturn {table,...} those of layers.run
function layers.activations(net, input, each)
  local some = {}
  for _, layer in ipairs(layers.run(net, input, each)) do
    if layer.nonlinear and not layer.final then some[#some + 1] = layer end
  end
  return some
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
