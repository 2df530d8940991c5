--- nn.LookupTable: a learned vector for each of n things, an embedding.
-- @module gantry.nn.lookup_table
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local Value = require 'gantry.autograd.value'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local LookupTable, parent = torch.class('nn.LookupTable', 'nn.Module')

--- @function nn.LookupTable
-- Input a LongTensor of numbers in 1..nIndex, of any sizes; output those sizes x nOutput. To have the gradient of a recorded loss, call
-- it on autograd.value(labels), or in a container that is given a list with a value in it.
-- @int nIndex
-- @int nOutput
-- @usage nn.LookupTable(10, 64):forward(torch.LongTensor {3, 1, 10})   -- 3 x 64
function LookupTable:__init(nIndex, nOutput)
  parent.__init(self)
  kernel.whole(self, 1, 'nIndex', nIndex, 'nOutput', nOutput)
  self.weight, self.gradWeight = torch.Tensor(nIndex, nOutput), torch.Tensor(nIndex, nOutput):zero()
  self:reset()
end

--- Draws the vectors from a normal distribution (standard deviation 1).
function LookupTable:reset(stdv) self.weight:normal(0, stdv or 1) end

function LookupTable:call(input)
  local t = Value.unwrap(input)
  if not torch.isTensor(t) or t.rank == 0 then
    native.fail('%s: the input is %s, wanted a torch.LongTensor', torch.type(self), torch.isTensor(t) and 'empty' or 'a ' .. torch.type(t))
  end
  local weight, sizes = self:param 'weight', {}
  local y = ops.index_select(weight, 1, kernel.labels(self, t, t:nElement(), self.weight:size(1)))
  if t.rank == 1 then return y end
  for d = 1, t.rank do sizes[d] = t:size(d) end
  sizes[t.rank + 1] = self.weight:size(2)
  return ops.view(y, sizes)
end

function LookupTable:__tostring__()
  return ('%s(%d -> %d)'):format(torch.type(self), self.weight:size(1), self.weight:size(2))
end

return LookupTable
