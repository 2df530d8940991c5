--- nn.Add: adds a learned bias.
-- @module gantry.nn.add
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local Add, parent = torch.class('nn.Add', 'nn.Module')

--- @function nn.Add
-- @int inputSize how many numbers the bias, and each input, has
-- @bool[opt=false] scalar one number for all elements
function Add:__init(inputSize, scalar)
  parent.__init(self)
  self.scalar = scalar or false
  local n = self.scalar and 1 or inputSize
  kernel.whole(self, 1, 'inputSize', n)
  self.bias, self.gradBias = torch.Tensor(n), torch.Tensor(n):zero()
  self:reset()
end

--- Draws the bias uniformly; stdv is the standard deviation, by default the bound is 1/sqrt(inputSize).
function Add:reset(stdv)
  stdv = stdv and stdv * math.sqrt(3) or 1 / math.sqrt(self.bias:size(1))
  self.bias:uniform(-stdv, stdv)
end

function Add:call(input)
  kernel.want(input.data, self)
  local n = self.bias:size(1)
  if self.scalar then return ops.add(input, self:param 'bias') end
  if input:nElement() % n ~= 0 then
    native.fail('%s: the input is %s, wanted %d numbers in each', torch.type(self), kernel.sizes(input.data), n)
  end
  return ops.reshape_as(ops.add(ops.view(input, -1, n), self:param 'bias'), input)
end

return Add
