--- nn.Transpose: exchanges dimensions, pair after pair.
-- @module gantry.nn.transpose
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local Transpose, parent = torch.class('nn.Transpose', 'nn.Module')

--- @function nn.Transpose
-- @tparam table ... pairs of dimensions
-- @usage nn.Transpose({2, 3}, {3, 4})   -- N x C x H x W -> N x H x W x C
function Transpose:__init(...)
  parent.__init(self)
  self.permutations = {...}
  for i, pair in ipairs(self.permutations) do
    if type(pair) ~= 'table' or type(pair[1]) ~= 'number' or type(pair[2]) ~= 'number' then
      native.fail('Transpose: argument %d is not a pair of dimensions', i)
    end
  end
end

--- How many dimensions one input has; with one more, the first is a batch and dimensions count after it.
-- @treturn table self
function Transpose:setNumInputDims(n)
  self.numInputDims = n
  return self
end

function Transpose:call(input)
  for _, pair in ipairs(self.permutations) do
    local first = kernel.dimension(self, input.data, pair[1], self.numInputDims)
    input = ops.transpose(input, first, kernel.dimension(self, input.data, pair[2], self.numInputDims))
  end
  return input
end

return Transpose
