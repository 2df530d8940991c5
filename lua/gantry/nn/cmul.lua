--- nn.CMul: element-wise product with learned numbers.
-- @module gantry.nn.cmul
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local CMul, parent = torch.class('nn.CMul', 'nn.Module')

--- @function nn.CMul
-- @param ... sizes of the weight, or a LongStorage of them; it broadcasts against inputs, a batch in front included
function CMul:__init(...)
  parent.__init(self)
  local first = ...
  self.size = torch.isStorage(first) and first or torch.LongStorage {...}
  self.weight, self.gradWeight = torch.Tensor(self.size), torch.Tensor(self.size):zero()
  self:reset()
end

--- Draws the weight uniformly; stdv is the standard deviation, by default the bound is 1/sqrt(elements).
function CMul:reset(stdv)
  stdv = stdv and stdv * math.sqrt(3) or 1 / math.sqrt(self.weight:nElement())
  self.weight:uniform(-stdv, stdv)
end

function CMul:call(input)
  kernel.want(input.data, self)
  return kernel.pair(ops.mul, input, self:param 'weight')
end

return CMul
