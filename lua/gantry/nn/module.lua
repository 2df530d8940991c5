--- nn.Module: what all layers share. Torch7's protocol on tensors; on recorded values a module is an op.
--
-- A layer of your own defines either Torch7's `updateOutput`, `updateGradInput` and `accGradParameters`, or one `call(x)` written
-- with ops, from which the three follow:
--
--     local Scale, parent = torch.class('nn.Scale', 'nn.Module')
--     function Scale:__init(n) parent.__init(self); self.weight = torch.Tensor(n):fill(1) end
--     function Scale:call(x) return x * self:param 'weight' end
--
-- @module gantry.nn.module
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local autograd = require 'gantry.autograd'
local bridge = require 'gantry.nn.bridge'
local duplicate = require 'gantry.nn.duplicate'
local flatten = require 'gantry.nn.flatten'
local kernel = require 'gantry.nn.kernel'
local nested = require 'gantry.nn.nested'
local summary = require 'gantry.nn.summary'
require 'gantry.nn.namespace'

local fail = native.fail
local rawget, rawequal, getmetatable = rawget, rawequal, getmetatable

local Module = torch.class('nn.Module')

-- What belongs to a module but is neither saved nor cloned with it.
local weak = {__mode = 'k'}
local leaves = setmetatable({}, weak)          -- module -> {name -> leaf}
local frozen = setmetatable({}, weak)          -- module -> true
local untracked = setmetatable({}, weak)       -- module -> true: its running statistics stand still
local stand_ins = setmetatable({}, weak)       -- module -> {parameter's name -> value used in its place}

function Module:__init()
  self.gradInput = torch.Tensor()
  self.output = torch.Tensor()
  self._type = self.output:type()
end

-- ---- forward and backward ---------------------------------------------------------------------------------------------

--- Whether the class (or the object) that defines `updateOutput` is below the one that defines `call`: then `call` is that
-- of an ancestor which knows nothing of the changed layer.
local function call_is_older(self)
  if rawget(self, 'call') then return false end
  if rawget(self, 'updateOutput') then return true end
  local class = getmetatable(self)
  while class do
    if rawget(class, 'call') then return false end
    if rawget(class, 'updateOutput') then return true end
    local above = getmetatable(class)
    class = above and above.__index
  end
  return true
end

local function record(self, input)
  if not autograd.is_value(input) then input = nested.values(input) end
  local watcher = bridge.watcher
  if watcher then watcher(self) end
  local output
  if call_is_older(self) then output = bridge.apply(self, input, frozen[self]) else output = self:call(input) end
  if watcher then watcher(self, true) end
  if bridge.observer then bridge.observer(self, output) end
  return output
end

--- Runs the module.
-- @param input a tensor (or list of tensors): the result is self.output, overwritten by the next call; or a recorded value (or
-- a list with one in it): the result is a new value and self is left as it is
-- @return output
-- @usage local y = nn.Linear(3, 2):forward(torch.randn(5, 3))   -- 5 x 2
function Module:forward(input)
  if bridge.is_recorded(input) then return record(self, input) end
  return self:updateOutput(input)
end

--- m(x) is m:forward(x); on tensors m(x, gradOutput) runs backward too.
function Module:__call__(input, gradOutput)
  if bridge.is_recorded(input) then return record(self, input) end
  self:forward(input)
  if gradOutput ~= nil then
    self:backward(input, gradOutput)
    return self.output, self.gradInput
  end
  return self.output
end

--- The module on recorded values, written with ops. Layers define it; here it wraps Torch7's three methods.
-- @param input a value or a list of values
-- @return a value
function Module:call(input)
  return bridge.apply(self, input, frozen[self])
end

--- Whether Torch7's methods follow from `call`: it is defined, and updateOutput is not.
local function follows(self) return self.call ~= Module.call and self.updateOutput == Module.updateOutput end

--- Computes self.output from a tensor.
function Module:updateOutput(input)
  if follows(self) then return bridge.update_output(self, input) end
  return self.output
end

--- Computes self.gradInput; forward was called with the same input.
function Module:updateGradInput(_, gradOutput)
  if follows(self) then return bridge.update_grad_input(self, gradOutput) end
  return self.gradInput
end

--- Adds scale times the parameters' gradients to gradWeight, gradBias ...
function Module:accGradParameters(_, gradOutput, scale)
  if follows(self) then bridge.acc_grad_parameters(self, gradOutput, scale or 1) end
end

local function refuse(self, what, x)
  fail('%s: the %s is %s, wanted a tensor', torch.type(self), what, x == nil and 'nil' or 'a ' .. torch.type(x))
end

--- Raises an error unless a backward has tensors (or lists of them) to work on. A layer with only Torch7's methods decides itself
-- what it takes.
function Module:expectTensors(input, gradOutput)
  if self.call == Module.call then return end
  if not torch.isTensor(input) and type(input) ~= 'table' then refuse(self, 'input', input) end
  if not torch.isTensor(gradOutput) and (type(gradOutput) ~= 'table' or torch.isTensor(self.output)) then
    refuse(self, 'gradient', gradOutput)
  end
end

--- Gradients of a forward on tensors: self.gradInput, and scale times the parameters' gradients added to theirs.
-- @param input what forward was called with
-- @param gradOutput the gradient with respect to self.output
-- @number[opt=1] scale
-- @return self.gradInput
function Module:backward(input, gradOutput, scale)
  scale = scale or 1
  self:expectTensors(input, gradOutput)
  if follows(self) then return bridge.backward(self, gradOutput, scale) end
  self:updateGradInput(input, gradOutput)
  self:accGradParameters(input, gradOutput, scale)
  return self.gradInput
end

--- backward with a step of gradient descent of rate lr in place of accumulating gradients.
function Module:backwardUpdate(input, gradOutput, lr)
  self:updateGradInput(input, gradOutput)
  self:accUpdateGradParameters(input, gradOutput, lr)
  return self.gradInput
end

--- Moves the parameters by -lr times their gradients.
function Module:accUpdateGradParameters(input, gradOutput, lr)
  local gradWeight, gradBias = self.gradWeight, self.gradBias
  if self.shared_parameters or follows(self) then
    -- Others use the same memory, or the tape holds the gradients: they are needed before any parameter is moved.
    self:zeroGradParameters()
    self:accGradParameters(input, gradOutput, 1)
    self:updateParameters(lr)
    return
  end
  self.gradWeight, self.gradBias = self.weight, self.bias
  self:accGradParameters(input, gradOutput, -lr)
  self.gradWeight, self.gradBias = gradWeight, gradBias
end

-- ---- parameters -----------------------------------------------------------------------------------------------------------

--- The gradient's field for a parameter's: weight -> gradWeight.
local function gradient_name(name) return 'grad' .. name:sub(1, 1):upper() .. name:sub(2) end

local function gradient_of(self, name)
  local field = gradient_name(name)
  if self[field] == nil then self[field] = self[name]:clone():zero() end
  return self[field]
end

--- Lists of the parameters and of their gradients; nothing where there are none.
-- @treturn[opt] table parameters
-- @treturn[opt] table gradients
function Module:parameters()
  local parameters, gradients = {}, {}
  for _, name in ipairs {'weight', 'bias'} do
    if self[name] then
      parameters[#parameters + 1] = self[name]
      gradients[#gradients + 1] = gradient_of(self, name)
    end
  end
  if #parameters > 0 then return parameters, gradients end
end

--- A parameter as a recorded value: a leaf whose gradients are added to the field named after it (gradWeight for weight),
-- or a constant while the module is frozen.
-- @string name of the field that holds the tensor
-- @return a value, or nil where the field is nil
function Module:param(name)
  local instead = stand_ins[self]
  if instead and instead[name] then return instead[name] end
  local tensor = self[name]
  if tensor == nil then return nil end
  if frozen[self] then return autograd.value(tensor) end
  local mine = leaves[self]
  if not mine then
    mine = {}
    leaves[self] = mine
  end
  local gradient, leaf = gradient_of(self, name), mine[name]
  if not leaf or not rawequal(leaf.data, tensor) or not rawequal(leaf.grad, gradient) then
    leaf = autograd.leaf(tensor, gradient)
    mine[name] = leaf
  end
  return leaf
end

--- Whether the module is written with ops, so that it takes its parameters from `param` when it is called on recorded values.
function Module:has_call() return not call_is_older(self) and self.call ~= Module.call end

--- Calls fn(...) while `param` gives other values in place of this module's parameters: a weight that was computed, say. For layers
-- around this one.
-- @tparam table values name -> value
-- @func fn
-- @return what fn returns
-- @usage layer:with_values({weight = layer:param 'weight' * 0.5}, layer.forward, layer, x)
function Module:with_values(values, fn, ...)
  local before = stand_ins[self]
  stand_ins[self] = before and setmetatable(values, {__index = before}) or values
  local function finish(ok, ...)
    stand_ins[self] = before
    if not ok then error((...), 0) end
    return ...
  end
  return finish(xpcall(fn, native.keep_trace, ...))
end

--- Moves all parameters into one vector, and all gradients into another, of which they are views from then on. Called again
-- on an unchanged network it returns the same memory.
-- @return parameters, a vector
-- @return gradients, a vector
-- @usage local x, g = net:getParameters()
function Module:getParameters()
  local parameters, gradients = self:parameters()
  local p, g = flatten(parameters or {}), flatten(gradients or {})
  if p:nElement() ~= g:nElement() then
    fail('getParameters: %d parameters but %d gradients; what shares weights has to share their gradients', p:nElement(), g:nElement())
  end
  return p, g
end

--- Sets all gradients to zero.
function Module:zeroGradParameters()
  local _, gradients = self:parameters()
  for _, g in ipairs(gradients or {}) do g:zero() end
end

--- Moves all parameters by -lr times their gradients.
function Module:updateParameters(lr)
  local parameters, gradients = self:parameters()
  for i, p in ipairs(parameters or {}) do p:add(-lr, gradients[i]) end
end

--- From now on recorded calls of this module, and of those in it, treat its parameters as constants: gradients pass through
-- to the input, and those of the parameters are not computed. (Calls on tensors do not change.)
-- @treturn table self
-- @usage D:freeze(); loss(D(G(z))):backward(); D:unfreeze()   -- G's update
function Module:freeze()
  return self:apply(function(m) frozen[m] = true end)
end

--- Undoes freeze.
function Module:unfreeze()
  return self:apply(function(m) frozen[m] = nil end)
end

--- Whether batch normalisation in this module moves its running statistics when it is run in training mode.
-- It does until track(false); batches are normalised by their own statistics either way.
-- @bool on
-- @treturn table self
-- @usage D:track(false); local score = D(samples); D:track(true)
function Module:track(on)
  return self:apply(function(m) untracked[m] = not on or nil end)
end

--- For layers with running statistics: whether to move them now.
function Module:is_tracking() return not untracked[self] end

--- Makes tensors of these fields those of another module: share(other, 'weight', 'bias', 'gradWeight', 'gradBias').
function Module:share(other, ...)
  for i = 1, select('#', ...) do
    local name = select(i, ...)
    if self[name] ~= nil then
      self[name]:set(other[name])
      self.shared_parameters = true
    end
  end
  return self
end

--- A deep copy; fields named are shared with it: clone('weight', 'bias').
function Module:clone(...)
  local copy = duplicate.copy(self, {})
  if select('#', ...) > 0 then copy:share(self, ...) end
  return copy
end

-- ---- modes and types ------------------------------------------------------------------------------------------------------

--- Training mode: dropout drops, batch normalisation uses the batch's statistics. Modules start in it.
function Module:training()
  self.train = true
  return self
end

--- Evaluation mode.
function Module:evaluate()
  self.train = false
  return self
end

--- The type of the module's tensors, or converts it (Float and Double tensors in it), keeping what shares memory shared.
-- @string[opt] name 'torch.DoubleTensor'
-- @tparam[opt] table memo give the same table to convert several modules that share tensors
-- @return the type's name, or self
function Module:type(name, memo)
  if name == nil then return self._type end
  if name ~= 'torch.FloatTensor' and name ~= 'torch.DoubleTensor' then
    fail("type: got '%s', wanted 'torch.FloatTensor' or 'torch.DoubleTensor'", tostring(name))
  end
  memo = memo or {}
  duplicate.convert(self, name, memo)
  return self:apply(function(m) m._type = name end)
end

--- Converts to Float.
function Module:float(memo) return self:type('torch.FloatTensor', memo) end
--- Converts to Double.
function Module:double(memo) return self:type('torch.DoubleTensor', memo) end

--- Draws the parameters again. Layers define it.
function Module.reset() end

--- Lets go of what the last forward and backward left: before saving.
function Module:clearState()
  kernel.clear(self, 'output', 'gradInput')
  bridge.forget(self)
  return self
end

-- ---- walking a network ------------------------------------------------------------------------------------------------------

--- Calls f on this module and on all in it, this one first.
function Module:apply(f)
  f(self)
  for _, m in ipairs(self.modules or {}) do m:apply(f) end
  return self
end

--- Replaces each module in this one, and this one, by what f returns for it.
-- @return f(self)
-- @usage net:replace(function(m) return torch.type(m) == 'nn.Dropout' and nn.Identity() or m end)
function Module:replace(f)
  local new = f(self)
  for i, m in ipairs(self.modules or {}) do self.modules[i] = m:replace(f) end
  return new
end

--- All modules of a class, and the containers they are in.
-- @string name 'nn.SpatialConvolution'
-- @treturn table modules
-- @treturn table their containers, in the same order
function Module:findModules(name)
  local found, containers = {}, {}
  local function visit(m, container)
    if torch.typename(m) == name then
      found[#found + 1], containers[#containers + 1] = m, container
    end
    for _, child in ipairs(m.modules or {}) do visit(child, m) end
  end
  visit(self, self)
  return found, containers
end

--- This module and all in it, as a list.
function Module:listModules()
  local list = {}
  self:apply(function(m) list[#list + 1] = m end)
  return list
end

-- ---- saving and printing ------------------------------------------------------------------------------------------------------

--- What torch.save writes of a module: its fields.
function Module:write(file)
  local fields = {}
  for k, v in pairs(self) do fields[k] = v end
  file:writeObject(fields)
end

--- And reads.
function Module:read(file)
  for k, v in pairs(file:readObject()) do self[k] = v end
end

function Module:__tostring__() return torch.type(self) end

--- What each module in this one makes of an input, and how many parameters it has: printed, a table; the rows are its list part.
-- Runs the network once, in evaluation mode, and leaves it, its statistics and the random numbers as they were. Without an input the
-- sizes are those of the last forward on tensors.
-- @param ... an input (a tensor or a list of them), or its sizes, the batch included
-- @treturn table rows {depth =, index =, name =, output = sizes as text, parameters =}; `parameters`: of all
-- @usage print(net:summary(1, 3, 64, 64))
function Module:summary(...) return summary.of(self, ...) end

return Module
