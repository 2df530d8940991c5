--- nn.Sequential: each module's output is the next one's input. Images go through it in the inner layout of the convolutions from
-- the first one of these on (gantry.nn.layout), and leave it as they came. A layer and its activation run as one (gantry.nn.fused).
-- @module gantry.nn.sequential
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local torch = require 'gantry.torch'
local bridge = require 'gantry.nn.bridge'
local container = require 'gantry.nn.container'
local fused = require 'gantry.nn.fused'
local layout = require 'gantry.nn.layout'

local fail = native.fail

local Sequential, parent = torch.class('nn.Sequential', 'nn.Container')

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

local is_value = autograd.is_value

function Sequential:call(input)
  local x, i, modules = input, 1, self.modules
  local mine = false -- whether nobody else has x
  while i <= #modules do
    -- What two modules do as one was announced by both.
    local slope = fused.slope(modules[i], modules[i + 1])
    local lets_go = slope ~= nil or fused.lets_go(modules[i])
    local entered = layout.enter(modules[i], x)
    if not rawequal(entered, x) then
      if mine then autograd.pass_on(x, entered) end
      x, mine = entered, true
    end
    local given, last = x, i
    if slope and is_value(x) then
      local watcher = bridge.watcher
      if watcher then watcher(modules[i], false, modules[i + 1]) end
      x, last = self:run_module(i, 'activated', x, slope), i + 1
      if watcher then watcher(modules[i], true) end
    else
      x = self:run_module(i, 'forward', x)
    end
    if mine and lets_go and not rawequal(given, x) then autograd.pass_on(given, x) end
    mine, i = lets_go, last + 1
  end
  if layout.is_inner(input) then return x end
  local left = layout.leave(x)
  if mine and not rawequal(left, x) then autograd.pass_on(x, left) end
  return left
end

-- What modules were given in another layout than the one before them gave it in (by number), and what leaves the chain ('output',
-- 'gradInput') or enters it from behind ('gradOutput').
local buffers = setmetatable({}, {__mode = 'k'})

local function buffers_of(self)
  local mine = buffers[self]
  if not mine then
    mine = {entered = {}}
    buffers[self] = mine
  end
  return mine
end

--- The slope of the activation that is to change module number i's output in place; nil where none is.
local function slope_in_place(self, i)
  local activation = self.modules[i + 1]
  return activation and activation.inplace and fused.slope(self.modules[i], activation) or nil
end

function Sequential:updateOutput(input)
  local x, mine, inner, slope = input, buffers_of(self), layout.is_inner(input), nil
  for i = 1, #self.modules do
    mine.entered[i] = layout.pays(self.modules[i], x)
    if mine.entered[i] then x = layout.copy(mine, i, x, true) end
    if slope then
      x, slope = self:run_module(i, 'updateDone', x), nil
    else
      slope = torch.isTensor(x) and slope_in_place(self, i)
      x = self:run_module(i, slope and 'updateActivated' or 'updateOutput', x, slope)
    end
  end
  mine.leaves = not inner and layout.is_inner(x)
  self.output = mine.leaves and layout.copy(mine, 'output', x, false) or x
  return self.output
end

--- The input that module number i was given.
local function input_of(self, i, input)
  local mine = buffers_of(self)
  if mine.entered[i] then return mine[i] end
  if i == 1 then return input end
  return self.modules[i - 1].output
end

--- The gradient with respect to the last module's output, as that lies in memory.
local function gradient_behind(self, gradOutput)
  local mine = buffers_of(self)
  return mine.leaves and layout.copy(mine, 'gradOutput', gradOutput, true) or gradOutput
end

--- A module's gradInput for the module before it, whose output had another layout if this one was given a copy.
local function gradient_before(self, i, g)
  local mine = buffers_of(self)
  if not mine.entered[i] then return g end
  return layout.copy(mine, -i, g, false)
end

local function backward(self, method, input, gradOutput, scale)
  local g = gradient_behind(self, gradOutput)
  for i = #self.modules, 1, -1 do
    g = gradient_before(self, i, self:run_module(i, method, input_of(self, i, input), g, scale))
    self.modules[i].gradInput = g
  end
  self.gradInput = g
  return g
end

function Sequential:updateGradInput(input, gradOutput) return backward(self, 'updateGradInput', input, gradOutput) end

function Sequential:backward(input, gradOutput, scale) return backward(self, 'backward', input, gradOutput, scale or 1) end

--- The gradient with respect to module number i's output.
local function gradient_at(self, i, gradOutput)
  if i == #self.modules then return gradient_behind(self, gradOutput) end
  return self.modules[i + 1].gradInput
end

function Sequential:accGradParameters(input, gradOutput, scale)
  for i = #self.modules, 1, -1 do
    self:run_module(i, 'accGradParameters', input_of(self, i, input), gradient_at(self, i, gradOutput), scale or 1)
  end
end

function Sequential:accUpdateGradParameters(input, gradOutput, lr)
  for i = #self.modules, 1, -1 do
    self:run_module(i, 'accUpdateGradParameters', input_of(self, i, input), gradient_at(self, i, gradOutput), lr)
  end
end

function Sequential:clearState()
  buffers[self] = nil
  return parent.clearState(self)
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
