--- What containers share whose modules all get the same input: nn.Concat and nn.ConcatTable. Such a class says what is made of
-- the outputs (`combine`, `combine_values`) and which part of gradOutput belongs to module i (`part`).
-- @module gantry.nn.branches
local torch = require 'gantry.torch'
local nested = require 'gantry.nn.nested'
require 'gantry.nn.container'

local Branches = torch.class('nn.Branches', 'nn.Container')

local function run_all(self, method, input)
  local outputs = {}
  for i = 1, #self.modules do outputs[i] = self:run_module(i, method, input) end
  return outputs
end

function Branches:call(input)
  return self:combine_values(run_all(self, 'forward', input))
end

function Branches:updateOutput(input)
  self.output = self:combine(run_all(self, 'updateOutput', input))
  return self.output
end

--- Runs a method that gives gradients in every module, and adds them up.
local function sum_gradients(self, method, input, gradOutput, scale)
  for i = 1, #self.modules do
    local g = self:run_module(i, method, input, self:part(i, gradOutput), scale)
    if i == 1 then
      self.gradInput = nested.copy(self.gradInput, g)
    else
      nested.add(self.gradInput, g)
    end
  end
  return self.gradInput
end

function Branches:updateGradInput(input, gradOutput)
  return sum_gradients(self, 'updateGradInput', input, gradOutput)
end

function Branches:backward(input, gradOutput, scale)
  return sum_gradients(self, 'backward', input, gradOutput, scale or 1)
end

function Branches:accGradParameters(input, gradOutput, scale)
  for i = 1, #self.modules do self:run_module(i, 'accGradParameters', input, self:part(i, gradOutput), scale or 1) end
end

function Branches:accUpdateGradParameters(input, gradOutput, lr)
  for i = 1, #self.modules do self:run_module(i, 'accUpdateGradParameters', input, self:part(i, gradOutput), lr) end
end

function Branches:__tostring__()
  local lines = {torch.type(self) .. ' {', '  input'}
  for i, m in ipairs(self.modules) do
    local last = i == #self.modules
    local text = tostring(m):gsub('\n', last and '\n        ' or '\n    |   ')
    lines[#lines + 1] = ('    %s-> (%d): %s'):format(last and '`' or '|', i, text)
  end
  lines[#lines + 1] = '     ... -> output'
  lines[#lines + 1] = '}'
  return table.concat(lines, '\n')
end

return Branches
