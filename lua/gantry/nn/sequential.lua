--- nn.Sequential: each module's output is the next one's input.
-- @module gantry.nn.sequential
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local container = require 'gantry.nn.container'

local fail = native.fail

local Sequential = torch.class('nn.Sequential', 'nn.Container')

-- Torch7 programs look at a network's output and gradInput: they are those of its last and first module.
local function refresh(self)
  local n = #self.modules
  self.output = n > 0 and self.modules[n].output or torch.Tensor()
  self.gradInput = n > 0 and self.modules[1].gradInput or torch.Tensor()
end

--- Adds a module at the end.
-- @treturn table self
-- @usage local net = nn.Sequential():add(nn.Linear(10, 5)):add(nn.Tanh())
function Sequential:add(module)
  container.add(self, module)
  refresh(self)
  return self
end

--- Puts a module at position index (default: the end).
function Sequential:insert(module, index)
  index = index or #self.modules + 1
  if index < 1 or index > #self.modules + 1 then fail('insert: position %d is outside 1..%d', index, #self.modules + 1) end
  table.insert(self.modules, index, module)
  refresh(self)
  return self
end

--- Takes the module at position index (default: the last) out, and returns it.
function Sequential:remove(index)
  index = index or #self.modules
  if index < 1 or index > #self.modules then fail('remove: position %d is outside 1..%d', index, #self.modules) end
  local module = table.remove(self.modules, index)
  refresh(self)
  return module
end

function Sequential:call(input)
  local x = input
  for i = 1, #self.modules do x = self:run_module(i, 'forward', x) end
  return x
end

function Sequential:updateOutput(input)
  local x = input
  for i = 1, #self.modules do x = self:run_module(i, 'updateOutput', x) end
  self.output = x
  return x
end

--- The input that module number i was given.
local function input_of(self, i, input)
  if i == 1 then return input end
  return self.modules[i - 1].output
end

function Sequential:updateGradInput(input, gradOutput)
  local g = gradOutput
  for i = #self.modules, 1, -1 do g = self:run_module(i, 'updateGradInput', input_of(self, i, input), g) end
  self.gradInput = g
  return g
end

--- The gradient with respect to module number i's output.
local function gradient_at(self, i, gradOutput)
  if i == #self.modules then return gradOutput end
  return self.modules[i + 1].gradInput
end

function Sequential:accGradParameters(input, gradOutput, scale)
  for i = #self.modules, 1, -1 do
    self:run_module(i, 'accGradParameters', input_of(self, i, input), gradient_at(self, i, gradOutput), scale or 1)
  end
end

function Sequential:backward(input, gradOutput, scale)
  local g = gradOutput
  for i = #self.modules, 1, -1 do
    g = self:run_module(i, 'backward', input_of(self, i, input), g, scale or 1)
    self.modules[i].gradInput = g
  end
  self.gradInput = g
  return g
end

function Sequential:accUpdateGradParameters(input, gradOutput, lr)
  for i = #self.modules, 1, -1 do
    self:run_module(i, 'accUpdateGradParameters', input_of(self, i, input), gradient_at(self, i, gradOutput), lr)
  end
end

function Sequential:__tostring__()
  local lines = {torch.type(self) .. ' {', '  [input'}
  for i, m in ipairs(self.modules) do
    lines[2] = ('%s -> (%d)'):format(lines[2], i)
    lines[#lines + 1] = ('  (%d): %s'):format(i, (tostring(m):gsub('\n', '\n  ')))
  end
  lines[2] = lines[2] .. ' -> output]'
  lines[#lines + 1] = '}'
  return table.concat(lines, '\n')
end

return Sequential
