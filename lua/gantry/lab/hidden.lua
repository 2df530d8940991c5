--- What a discriminator makes of images before its verdict: the activations of its last hidden layer.
-- @module gantry.lab.hidden
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local samples = require 'gantry.gan.samples'
local layers = require 'gantry.lab.layers'
local takes_classes = require 'gantry.lab.discriminator'.takes_classes

local PART = 256 -- images that go through at once

-- The output of the last nonlinearity that gives more than one number an image.
local function last_of(net, input, n)
  local found
  layers.watch(net, input, function(m, output)
    if layers.is_nonlinear(m) and autograd.is_value(output) and output.data:nElement() > n then found = output.data end
  end)
  return found
end

--- The features of images by a run's discriminator.
-- @tparam Run run
-- @param x FloatTensor n x channels x height x width, -1..1
-- @param[opt] labels LongTensor of n classes, where the run has them
-- @treturn tensor FloatTensor n x features
return function(run, x, labels)
  local first = math.min(PART, x:size(1))
  if labels and not takes_classes(run.D, x:narrow(1, 1, first), labels:narrow(1, 1, first)) then labels = nil end
  return samples.in_parts(x:size(1), PART, function(from, n)
    local part = x:narrow(1, from, n):contiguous()
    local found = last_of(run.D, (layers.input(labels and {part, labels:narrow(1, from, n)} or part)), n)
    if not found then native.fail('%s: its discriminator has no hidden layer with a nonlinearity', run.path) end
    return found:contiguous():view(n, -1)
  end)
end
