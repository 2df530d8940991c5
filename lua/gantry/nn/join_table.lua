--- nn.JoinTable: joins a list of tensors along a dimension.
-- @module gantry.nn.join_table
local ffi = require 'ffi'
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local autograd = require 'gantry.autograd'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
local nested = require 'gantry.nn.nested'
require 'gantry.nn.module'

local C, check, fail = native.C, native.check, native.fail
local parts_t = ffi.typeof 'const gt_tensor *[?]'

local JoinTable, parent = torch.class('nn.JoinTable', 'nn.Module')

--- @function nn.JoinTable
-- @int dimension along which to join; counts from the end if negative
-- @int[opt] nInputDims how many dimensions one input has; with one more, the first is a batch and `dimension` counts after it
function JoinTable:__init(dimension, nInputDims)
  parent.__init(self)
  if type(dimension) ~= 'number' then fail('JoinTable: the dimension is a %s, wanted a number', torch.type(dimension)) end
  kernel.numbers(self, {nInputDims = nInputDims})
  self.dimension, self.nInputDims = dimension, nInputDims
  self.gradInput = {}
end

local function dimension(self, first)
  return kernel.dimension(self, autograd.is_value(first) and first.data or first, self.dimension, self.nInputDims)
end

function JoinTable:call(input)
  nested.want_list(self, input)
  return ops.cat(input, dimension(self, input[1]))
end

function JoinTable:updateOutput(input)
  nested.want_list(self, input)
  local parts = parts_t(#input)
  for i = 1, #input do parts[i - 1] = input[i] end
  check(C.gt_cat(self.output, #input, parts, dimension(self, input[1]) - 1))
  return self.output
end

function JoinTable:updateGradInput(input, gradOutput)
  local d, start = dimension(self, input[1]), 1
  for i = 1, #input do
    local n = input[i]:size(d)
    self.gradInput[i] = self.gradInput[i] or kernel.buffer(self)
    self.gradInput[i]:resizeAs(input[i]):copy(gradOutput:narrow(d, start, n))
    start = start + n
  end
  for i = #input + 1, #self.gradInput do self.gradInput[i] = nil end
  return self.gradInput
end

return JoinTable
