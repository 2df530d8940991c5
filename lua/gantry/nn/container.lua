--- nn.Container: a module made of modules, in the list `modules`.
-- @module gantry.nn.container
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local fail = native.fail

local Container, parent = torch.class('nn.Container', 'nn.Module')

function Container:__init()
  parent.__init(self)
  self.modules = {}
end

--- Adds a module at the end.
-- @treturn table self
function Container:add(module)
  if type(module) ~= 'table' or not torch.isTypeOf(module, 'nn.Module') then
    fail('add: got a %s, wanted a module', torch.type(module))
  end
  table.insert(self.modules, module)
  return self
end

--- Module number i.
function Container:get(i) return self.modules[i] end

--- How many modules it has.
function Container:size() return #self.modules end

-- "...: message (in nn.Linear, 2 of nn.Sequential)"; containers further out add ", 3 of nn.Sequential".
local function with_place(problem, index, module, container)
  if type(problem) ~= 'string' then return problem end
  local place = ('%d of %s'):format(index, torch.type(container))
  local inner = problem:match '^(.* %(in [%w_.]+, %d+ of [^()]*)%)$'
  local message = inner and ('%s, %s)'):format(inner, place) or ('%s (in %s, %s)'):format(problem, torch.type(module), place)
  if native.traced == problem then native.traced = message end
  return message
end

local takes_gradient = {updateGradInput = true, accGradParameters = true, accUpdateGradParameters = true, backward = true}

local function run(module, method, a, b, c)
  if takes_gradient[method] then module:expectTensors(a, b) end
  return module[method](module, a, b, c)
end

--- Calls a method of module number i; an error gets told where in the network it arose.
function Container:run_module(i, method, a, b, c)
  local module = self.modules[i]
  local ok, result = xpcall(run, native.keep_trace, module, method, a, b, c)
  if ok then return result end
  error(with_place(result, i, module, self), 0)
end

--- Calls f on each module.
function Container:applyToModules(f)
  for _, m in ipairs(self.modules) do f(m) end
end

function Container:zeroGradParameters()
  self:applyToModules(function(m) m:zeroGradParameters() end)
end

function Container:updateParameters(lr)
  self:applyToModules(function(m) m:updateParameters(lr) end)
end

function Container:training()
  self:applyToModules(function(m) m:training() end)
  return parent.training(self)
end

function Container:evaluate()
  self:applyToModules(function(m) m:evaluate() end)
  return parent.evaluate(self)
end

function Container:share(other, ...)
  for i, m in ipairs(self.modules) do m:share(other.modules[i], ...) end
  return self
end

function Container:reset(stdv)
  self:applyToModules(function(m) m:reset(stdv) end)
end

function Container:parameters()
  local parameters, gradients = {}, {}
  for _, m in ipairs(self.modules) do
    local p, g = m:parameters()
    for i = 1, p and #p or 0 do
      parameters[#parameters + 1], gradients[#gradients + 1] = p[i], g[i]
    end
  end
  return parameters, gradients
end

function Container:clearState()
  kernel.clear(self, 'output', 'gradInput')
  self:applyToModules(function(m) m:clearState() end)
  return self
end

return Container
