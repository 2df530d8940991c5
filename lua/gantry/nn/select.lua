--- nn.Select: one slice of a dimension, which disappears.
-- @module gantry.nn.select
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local Select, parent = torch.class('nn.Select', 'nn.Module')

--- @function nn.Select
-- @int dimension counts from the end if negative
-- @int index of the slice; counts from the end if negative
function Select:__init(dimension, index)
  parent.__init(self)
  if type(dimension) ~= 'number' or type(index) ~= 'number' then native.fail('Select: wanted a dimension and an index') end
  self.dimension, self.index = dimension, index
end

function Select:call(input)
  local d = kernel.dimension(self, input.data, self.dimension)
  local n = input:size(d)
  local index = self.index < 0 and n + self.index + 1 or self.index
  if index < 1 or index > n then native.fail('%s: index %d is outside 1..%d of dimension %d', torch.type(self), index, n, d) end
  return ops.select(input, d, index)
end

return Select
