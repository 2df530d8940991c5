--- nn.Squeeze: drops dimensions of size 1.
-- @module gantry.nn.squeeze
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local Squeeze, parent = torch.class('nn.Squeeze', 'nn.Module')

--- @function nn.Squeeze
-- @int[opt] dim which; all of size 1 if none is named
-- @int[opt] numInputDims how many dimensions one input has; with one more, the first is a batch: it stays, and dim counts after it
function Squeeze:__init(dim, numInputDims)
  parent.__init(self)
  kernel.numbers(self, {dim = dim, numInputDims = numInputDims})
  self.dim, self.numInputDims = dim, numInputDims
end

--- How many dimensions one input has; with one more, the first is a batch.
-- @treturn table self
function Squeeze:setNumInputDims(n)
  self.numInputDims = n
  return self
end

function Squeeze:call(input)
  if self.dim then return ops.squeeze(input, kernel.dimension(self, input.data, self.dim, self.numInputDims)) end
  local t, sizes = input.data, {}
  local batch = self.numInputDims and t.rank == self.numInputDims + 1
  for d = 1, t.rank do
    local n = tonumber(t.shape[d - 1])
    if n ~= 1 or (batch and d == 1) then sizes[#sizes + 1] = n end
  end
  if #sizes == 0 then sizes[1] = 1 end
  return ops.view(input, sizes)
end

return Squeeze
