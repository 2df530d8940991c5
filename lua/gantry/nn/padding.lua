--- nn.Padding: widens a dimension with a constant.
-- @module gantry.nn.padding
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local Padding, parent = torch.class('nn.Padding', 'nn.Module')

--- @function nn.Padding
-- @int dim the dimension
-- @int pad how many: negative in front, positive behind
-- @int[opt] nInputDim how many dimensions one input has; with more, the first is a batch and dim counts after it
-- @number[opt=0] value the constant
-- @int[opt=1] index where the padding goes: before element `index`, counted from the end (which is 1) if pad is positive
function Padding:__init(dim, pad, nInputDim, value, index)
  parent.__init(self)
  if type(dim) ~= 'number' or type(pad) ~= 'number' then native.fail('Padding: wanted a dimension and how much to pad') end
  kernel.numbers(self, {nInputDim = nInputDim, value = value, index = index})
  self.dim, self.pad, self.nInputDim, self.value, self.index = dim, pad, nInputDim, value or 0, index or 1
end

function Padding:call(input)
  local d = kernel.dimension(self, input.data, self.dim, self.nInputDim)
  local n, count = input:size(d), math.abs(self.pad)
  local before = (self.pad > 0 and n - self.index + 2 or self.index) - 1
  if before < 0 or before > n then native.fail('%s: index %d is outside 1..%d', torch.type(self), self.index, n + 1) end
  if count == 0 then return input end
  local sizes = input:size():totable()
  sizes[d] = count
  local list = {input.data.new(torch.LongStorage(sizes)):fill(self.value)}
  if before > 0 then table.insert(list, 1, ops.narrow(input, d, 1, before)) end
  if before < n then list[#list + 1] = ops.narrow(input, d, before + 1, n - before) end
  return ops.cat(list, d)
end

return Padding
