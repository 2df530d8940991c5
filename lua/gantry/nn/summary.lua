--- The table that net:summary(...) gives, and that the prompt prints of a network: every module with its output's sizes and its
-- number of parameters.
-- @module gantry.nn.summary
local ffi = require 'ffi'
local autograd = require 'gantry.autograd'
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local bridge = require 'gantry.nn.bridge'
local kernel = require 'gantry.nn.kernel'
local nested = require 'gantry.nn.nested'

local fail = native.fail
local summary = {}

-- What is known of inputs: network -> {make, guard}.
local expected = setmetatable({}, {__mode = 'k'})

--- 1234567 -> "1,234,567"
local function grouped(n)
  local text = ('%d'):format(n):reverse():gsub('(%d%d%d)', '%1,'):reverse()
  return (text:gsub('^,', ''))
end

--- "1x64x32x32", or "{1x3, 1x4}" for a list.
local function sizes(x)
  if autograd.is_value(x) then return kernel.sizes(x.data) end
  if torch.isTensor(x) then return kernel.sizes(x) end
  if type(x) ~= 'table' then return torch.type(x) end
  local parts = {}
  for i = 1, #x do parts[i] = sizes(x[i]) end
  return '{' .. table.concat(parts, ', ') .. '}'
end

--- The input that the arguments of summary stand for, as values.
local function input_of(net, first, ...)
  if first == nil then fail('summary: got nil, wanted an input or its sizes, such as net:summary(1, 3, 64, 64)') end
  if torch.isTensor(first) or (type(first) == 'table' and type(first[1]) ~= 'number') then return nested.values(first) end
  local list = type(first) == 'table' and first or torch.isStorage(first) and first:totable() or {first, ...}
  local made = kernel.buffer(net):resize(torch.LongStorage(list)):zero()
  return autograd.value(made)
end

--- Runs the network on the input, and gives the output of each of its modules that was run.
local function outputs_of(net, input)
  local outputs, modes, state = {}, {}, torch.getRNGState()
  net:apply(function(m)
    modes[m] = {rawget(m, 'train')}
    m.train = false
  end)
  local function note(m, output) outputs[m] = sizes(output) end
  local ok, problem = pcall(bridge.observe, note, autograd.scope, autograd.no_grad, net.forward, net, input)
  for m, mode in pairs(modes) do m.train = mode[1] end
  torch.setRNGState(state)
  if not ok then error(problem, 0) end
  return outputs
end

--- The outputs that the modules have from a forward on tensors.
local function outputs_there(net)
  local outputs = {}
  net:apply(function(m)
    local y = rawget(m, 'output')
    local some = y
    while type(some) == 'table' do some = some[1] end
    if torch.isTensor(some) and some:nElement() > 0 then outputs[m] = sizes(y) end
  end)
  return outputs
end

--- The elements of a list of tensors; each one that `counted` does not have yet.
local function count(tensors, counted)
  local n = 0
  for _, t in ipairs(tensors or {}) do
    local key = ('%s %s'):format(tostring(ffi.cast('void *', t.store)), tostring(t.offset))
    if not counted[key] then n = n + t:nElement() end
    counted[key] = true
  end
  return n
end

local Summary = {}
Summary.__index = Summary

function Summary:__tostring()
  local lines = {{'layer', 'output', 'parameters'}}
  for _, row in ipairs(self) do
    local name = ('%s%s%s'):format(('  '):rep(row.depth), row.index and row.index .. ': ' or '', row.name)
    lines[#lines + 1] = {name, row.output, row.parameters and grouped(row.parameters) or ''}
  end
  local wide = {0, 0, 0}
  for _, line in ipairs(lines) do
    for i = 1, 3 do wide[i] = math.max(wide[i], #line[i]) end
  end
  local text = {}
  for i, line in ipairs(lines) do
    text[i] = ('%-' .. wide[1] .. 's  %' .. wide[2] .. 's  %' .. wide[3] .. 's'):format(line[1], line[2], line[3]):gsub('%s+$', '')
  end
  text[#text + 1] = ('%s parameters in all%s'):format(grouped(self.parameters),
    self[1].output == '-' and '; summary(1, 3, 64, 64), with the sizes of an input, tells those of the outputs' or '')
  return table.concat(text, '\n')
end

--- Notes what inputs a network takes, for summaries that are asked for without one. Where that is found not to fit, they tell of the last
-- forward.
-- @param net
-- @tparam function make gives an input, a tensor or a list of them
-- @tparam function guard calls the function that it is given, which runs the network
function summary.expect(net, make, guard) expected[net] = {make, guard} end

--- The outputs that the modules have of an input that is expected.
local function outputs_expected(net)
  local make, guard = unpack(expected[net])
  local outputs
  local ok, problem = pcall(guard, function() outputs = outputs_of(net, nested.values(make())) end)
  if native.is_interrupt(problem) then error(problem, 0) end
  return ok and outputs or outputs_there(net)
end

--- See nn.Module:summary.
function summary.of(net, ...)
  local outputs
  if select('#', ...) > 0 then
    outputs = outputs_of(net, input_of(net, ...))
  elseif expected[net] then
    outputs = outputs_expected(net)
  else
    outputs = outputs_there(net)
  end
  local rows = setmetatable({parameters = count((net:parameters()), {})}, Summary)
  local function visit(m, depth, index)
    local name = m.modules and torch.type(m) or tostring(m):match '[^\n]*'
    rows[#rows + 1] = {
      depth = depth, index = index, name = name, output = outputs[m] or '-',
      parameters = not m.modules and count((m:parameters()), {}) or nil,
    }
    for i, child in ipairs(m.modules or {}) do visit(child, depth + 1, i) end
  end
  visit(net, 0)
  return rows
end

return summary
