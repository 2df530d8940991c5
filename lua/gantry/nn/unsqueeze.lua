--- nn.Unsqueeze: adds a dimension of size 1.
-- @module gantry.nn.unsqueeze
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local Unsqueeze, parent = torch.class('nn.Unsqueeze', 'nn.Module')

--- @function nn.Unsqueeze
-- @int pos where, from 1
-- @int[opt] numInputDims how many dimensions one input has; with one more, the first is a batch and pos counts after it
function Unsqueeze:__init(pos, numInputDims)
  parent.__init(self)
  if type(pos) ~= 'number' then native.fail('Unsqueeze: the position is a %s, wanted a number', torch.type(pos)) end
  kernel.numbers(self, {numInputDims = numInputDims})
  self.pos, self.numInputDims = pos, numInputDims
end

--- How many dimensions one input has; with one more, the first is a batch.
-- @treturn table self
function Unsqueeze:setNumInputDims(n)
  self.numInputDims = n
  return self
end

function Unsqueeze:call(input)
  local batch = self.numInputDims and input:dim() == self.numInputDims + 1
  return ops.unsqueeze(input, self.pos + (batch and 1 or 0))
end

return Unsqueeze
