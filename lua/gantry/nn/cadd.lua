--- nn.CAdd: adds learned numbers, element by element.
-- @module gantry.nn.cadd
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local CAdd, parent = torch.class('nn.CAdd', 'nn.Module')

--- @function nn.CAdd
-- @param ... sizes of the bias, or a LongStorage of them; it broadcasts against inputs, a batch in front included
function CAdd:__init(...)
  parent.__init(self)
  local first = ...
  self.size = torch.isStorage(first) and first or torch.LongStorage {...}
  self.bias, self.gradBias = torch.Tensor(self.size), torch.Tensor(self.size):zero()
  self:reset()
end

--- Draws the bias uniformly; stdv is the standard deviation, by default the bound is 1/sqrt(elements).
function CAdd:reset(stdv)
  stdv = stdv and stdv * math.sqrt(3) or 1 / math.sqrt(self.bias:nElement())
  self.bias:uniform(-stdv, stdv)
end

function CAdd:call(input)
  kernel.want(input.data, self)
  return kernel.pair(ops.add, input, self:param 'bias')
end

return CAdd
