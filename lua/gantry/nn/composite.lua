--- nn.Composite: what layers share that are made of others and, some of them, have parameters of their own besides: a module that
-- contains modules and is written with `call`. Its own parameters (fields `weight` and `bias`) come first.
-- @module gantry.nn.composite
local autograd = require 'gantry.autograd'
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local kernel = require 'gantry.nn.kernel'
local module = require 'gantry.nn.module'
require 'gantry.nn.container'

local Composite, parent = torch.class('nn.Composite', 'nn.Container')

--- Raises an error unless what a constructor was given is a layer that can be called on recorded values.
-- @param layer the composite, for the message
-- @param inner what it was given
-- @treturn table inner
function Composite.want_layer(layer, inner)
  if type(inner) ~= 'table' or not torch.isTypeOf(inner, 'nn.Module') then
    native.fail('%s: got a %s, wanted a module', torch.type(layer), torch.type(inner))
  end
  return inner
end

--- Splits the input of a layer that takes a list {x, y}.
-- @param layer the layer, for the message
-- @param input what it was given
-- @string what y is
-- @return x, a value or tensor
-- @return y
function Composite.pair(layer, input, what)
  if type(input) ~= 'table' or autograd.is_value(input) or #input ~= 2 then
    if autograd.is_value(input) then input = input.data end
    local got = torch.isTensor(input) and kernel.sizes(input) or type(input) == 'table' and 'a list of ' .. #input or torch.type(input)
    native.fail('%s: the input is %s, wanted {x, %s}', torch.type(layer), got, what)
  end
  return input[1], input[2]
end

--- Takes over what others ask of a layer before they run it: whether it takes a condition, and in which layout it prefers images.
-- @param ... the layers this one runs on its input
function Composite:be_like(...)
  for i = 1, select('#', ...) do
    local layer = select(i, ...)
    self.conditional = self.conditional or layer.conditional
    for _, m in ipairs(layer:listModules()) do self.prefers_inner = self.prefers_inner or m.prefers_inner end
  end
end

--- Runs module number i on values; an error gets told where it arose.
-- @int i
-- @param x its input
-- @param[opt] y the condition, for a module that takes one: it is given {x, y} then
function Composite:run(i, x, y)
  if y ~= nil and self.modules[i].conditional then x = {x, y} end
  return self:run_module(i, 'forward', x)
end

function Composite:parameters()
  local parameters, gradients = module.parameters(self)
  parameters, gradients = parameters or {}, gradients or {}
  local inner, inner_gradients = parent.parameters(self)
  for i = 1, #inner do
    parameters[#parameters + 1], gradients[#gradients + 1] = inner[i], inner_gradients[i]
  end
  return parameters, gradients
end

function Composite:zeroGradParameters() module.zeroGradParameters(self) end

function Composite:updateParameters(lr) module.updateParameters(self, lr) end

function Composite:share(other, ...)
  module.share(self, other, ...)
  return parent.share(self, other, ...)
end

function Composite:__tostring__()
  local lines = {}
  for i, m in ipairs(self.modules) do
    lines[i] = ('  (%d): %s'):format(i, (tostring(m):gsub('\n', '\n  ')))
  end
  if #lines == 0 then return torch.type(self) end
  return ('%s {\n%s\n}'):format(torch.type(self), table.concat(lines, '\n'))
end

return Composite
