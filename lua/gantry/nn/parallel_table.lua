--- nn.ParallelTable: gives entry i of a list to module i, and a list of their outputs.
-- @module gantry.nn.parallel_table
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local nested = require 'gantry.nn.nested'
require 'gantry.nn.container'

local ParallelTable, parent = torch.class('nn.ParallelTable', 'nn.Container')

function ParallelTable:__init()
  parent.__init(self)
  self.output, self.gradInput = {}, {}
end

local function each_module(self, method, input, gradOutput, scale)
  nested.want_list(self, input)
  if #input < #self.modules then
    native.fail('%s: the input is a list of %d, wanted one for each of %d modules', torch.type(self), #input, #self.modules)
  end
  local results = {}
  for i = 1, #self.modules do
    local argument
    if gradOutput then argument = gradOutput[i] end
    results[i] = self:run_module(i, method, input[i], argument, scale)
  end
  return results
end

function ParallelTable:call(input) return each_module(self, 'forward', input) end

function ParallelTable:updateOutput(input)
  self.output = each_module(self, 'updateOutput', input)
  return self.output
end

function ParallelTable:updateGradInput(input, gradOutput)
  self.gradInput = each_module(self, 'updateGradInput', input, gradOutput)
  return self.gradInput
end

function ParallelTable:backward(input, gradOutput, scale)
  self.gradInput = each_module(self, 'backward', input, gradOutput, scale or 1)
  return self.gradInput
end

function ParallelTable:accGradParameters(input, gradOutput, scale)
  each_module(self, 'accGradParameters', input, gradOutput, scale or 1)
end

function ParallelTable:accUpdateGradParameters(input, gradOutput, lr)
  each_module(self, 'accUpdateGradParameters', input, gradOutput, lr)
end

function ParallelTable:__tostring__()
  local lines = {torch.type(self) .. ' {', '  input'}
  for i, m in ipairs(self.modules) do
    lines[#lines + 1] = ('    |-> (%d): %s'):format(i, (tostring(m):gsub('\n', '\n    |   ')))
  end
  lines[#lines + 1] = '     ... -> output'
  lines[#lines + 1] = '}'
  return table.concat(lines, '\n')
end

return ParallelTable
