--- nn.Narrow: a stretch of a dimension.
-- @module gantry.nn.narrow
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local Narrow, parent = torch.class('nn.Narrow', 'nn.Module')

--- @function nn.Narrow
-- @int dimension counts from the end if negative
-- @int offset where the stretch begins, from 1
-- @int[opt=1] length its length; -1: to the end, -2: to the last but one ...
function Narrow:__init(dimension, offset, length)
  parent.__init(self)
  if type(dimension) ~= 'number' or type(offset) ~= 'number' then native.fail('Narrow: wanted a dimension and an offset') end
  kernel.numbers(self, {length = length})
  self.dimension, self.index, self.length = dimension, offset, length or 1
end

function Narrow:call(input)
  local d = kernel.dimension(self, input.data, self.dimension)
  local length = self.length
  if length < 0 then length = input:size(d) - self.index + length + 2 end
  return ops.narrow(input, d, self.index, length)
end

return Narrow
