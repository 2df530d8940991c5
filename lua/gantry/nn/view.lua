--- nn.View: the same elements in other sizes. A batch dimension in front is kept: nn.View(-1) flattens each input of as many
-- dimensions as setNumInputDims says.
-- @module gantry.nn.view
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local fused = require 'gantry.nn.fused'
local kernel = require 'gantry.nn.kernel'
local layout = require 'gantry.nn.layout'
require 'gantry.nn.module'

local fail = native.fail

local View, parent = torch.class('nn.View', 'nn.Module')

--- @function nn.View
-- @param ... sizes, or a LongStorage of them; one may be -1
function View:__init(...)
  parent.__init(self)
  self:resetSize(...)
end

--- Other sizes.
function View:resetSize(...)
  local first = ...
  local sizes = type(first) == 'table' and first or torch.isStorage(first) and first:totable() or {...}
  self.size = torch.LongStorage(sizes)
  self.numElements = 1
  local open = 0
  for _, n in ipairs(sizes) do
    if n == -1 then open = open + 1 else self.numElements = self.numElements * n end
  end
  if #sizes == 0 or open > 1 then fail('View: got %d sizes of which %d are -1, wanted at least one, and one -1 at most', #sizes, open) end
  return self
end

--- How many dimensions one input has; those in front of them are the batch.
-- @treturn table self
-- @usage nn.View(1):setNumInputDims(3)   -- N x 1 x 1 x 1 -> N x 1
function View:setNumInputDims(n)
  self.numInputDims = n
  return self
end

--- The sizes of the result for a tensor, as a list.
local function result_sizes(self, t)
  local rank = t.rank
  local inner = self.numInputDims or rank
  local elements, batch, open = 1, 1, false
  for d = rank, 1, -1 do
    local n = tonumber(t.shape[d - 1])
    if d > rank - inner then elements = elements * n else batch = batch * n end
  end
  if elements % self.numElements ~= 0 then
    fail('%s: the input is %s, which is not made of parts of %d elements', torch.type(self), kernel.sizes(t), self.numElements)
  end
  local sizes = {}
  for i = 1, #self.size do
    sizes[i] = self.size[i]
    open = open or sizes[i] == -1
  end
  -- What is more than one part goes into the open dimension, or else into the batch.
  if not open then batch = batch * (elements / self.numElements) end
  if batch ~= 1 or (self.numInputDims and rank > self.numInputDims) then table.insert(sizes, 1, batch) end
  return sizes
end

function View:call(input)
  return ops.view(input, result_sizes(self, input.data))
end

function View:updateOutput(input)
  kernel.want(input, self)
  -- Images in the convolutions' layout are no view of anything contiguous; other strides are the caller's to mend, as in Torch7.
  local plain = input
  if layout.is_inner(input) then
    self._input = self._input or kernel.buffer(self)
    plain = kernel.contiguous(input, self._input)
  end
  self.output = kernel.view(plain, result_sizes(self, input))
  return self.output
end

function View:clearState()
  kernel.clear(self, '_input', '_gradOutput')
  return parent.clearState(self)
end

function View:updateGradInput(input, gradOutput)
  if not gradOutput:isContiguous() then
    self._gradOutput = self._gradOutput or kernel.buffer(self)
    gradOutput = kernel.contiguous(gradOutput, self._gradOutput)
  end
  self.gradInput = gradOutput:viewAs(input)
  return self.gradInput
end

function View:__tostring__()
  return ('%s(%s)'):format(torch.type(self), table.concat(self.size:totable(), ', '))
end

fused.other(View)

return View
