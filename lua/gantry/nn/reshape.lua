--- nn.Reshape: the elements of each input in other sizes; a first dimension that is left over is the batch.
-- @module gantry.nn.reshape
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local fail = native.fail

local Reshape, parent = torch.class('nn.Reshape', 'nn.Module')

--- @function nn.Reshape
-- @param ... sizes, or a LongStorage of them
-- @bool[opt] batchMode true: the first dimension is always a batch, false: never; nil: where the elements are not those of
-- one input, or the first dimension is 1
function Reshape:__init(...)
  parent.__init(self)
  local sizes = {...}
  if type(sizes[#sizes]) == 'boolean' then self.batchMode = table.remove(sizes) end
  if torch.isStorage(sizes[1]) then sizes = sizes[1]:totable() end
  self.size = torch.LongStorage(sizes)
  self.batchsize = torch.LongStorage(#sizes + 1)
  self.nelement = 1
  for i, n in ipairs(sizes) do
    self.nelement = self.nelement * n
    self.batchsize[i + 1] = n
  end
end

local function result_sizes(self, t)
  local elements = t:nElement()
  local single = self.batchMode == false or (self.batchMode == nil and elements == self.nelement and t:size(1) ~= 1)
  local sizes = self.size:totable()
  if not single then table.insert(sizes, 1, t:size(1)) end
  if elements ~= self.nelement * (single and 1 or t:size(1)) then
    local each = single and '' or ' for each of the batch'
    fail('%s: the input is %s, wanted %d elements%s', torch.type(self), kernel.sizes(t), self.nelement, each)
  end
  return sizes
end

function Reshape:call(input)
  return ops.view(input, result_sizes(self, input.data))
end

function Reshape:updateOutput(input)
  kernel.want(input, self)
  if not input:isContiguous() then
    self._input = self._input or kernel.buffer(self)
    input = kernel.contiguous(input, self._input)
  end
  self.output = kernel.view(input, result_sizes(self, input))
  return self.output
end

function Reshape:updateGradInput(input, gradOutput)
  if not gradOutput:isContiguous() then
    self._gradOutput = self._gradOutput or kernel.buffer(self)
    gradOutput = kernel.contiguous(gradOutput, self._gradOutput)
  end
  self.gradInput = gradOutput:viewAs(input)
  return self.gradInput
end

function Reshape:clearState()
  kernel.clear(self, '_input', '_gradOutput')
  return parent.clearState(self)
end

function Reshape:__tostring__()
  return ('%s(%s)'):format(torch.type(self), table.concat(self.size:totable(), 'x'))
end

return Reshape
