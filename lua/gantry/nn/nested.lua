--- Nested lists of tensors (or recorded values): what layers take and give where it is not a single one.
local autograd = require 'gantry.autograd'
local native = require 'gantry.native'
local torch = require 'gantry.torch'

local is_value = autograd.is_value

local nested = {}

local function is_list(x) return type(x) == 'table' and not is_value(x) end

--- Raises an error unless a layer's input is a list with something in it.
function nested.want_list(layer, input)
  if not is_list(input) or #input == 0 then
    if is_value(input) then input = input.data end
    native.fail('%s: the input is %s, wanted a list of tensors', torch.type(layer),
      is_list(input) and 'an empty list' or input == nil and 'nil' or 'a ' .. torch.type(input))
  end
end

--- The same nested list with f applied to what is not a list.
function nested.map(x, f)
  if not is_list(x) then return f(x) end
  local r = {}
  for i = 1, #x do r[i] = nested.map(x[i], f) end
  return r
end

--- Calls f(a, b) for corresponding parts of two nested lists.
function nested.each(a, b, f)
  if not is_list(a) then return f(a, b) end
  for i = 1, #a do nested.each(a[i], b[i], f) end
end

--- The same nested list with every tensor a value, so that modules run on it record. Values stay what they are.
function nested.values(x)
  return nested.map(x, function(t) return torch.isTensor(t) and autograd.value(t) or t end)
end

--- Copies x's tensors into those of `buffer`, of which a part that does not fit x is replaced.
-- @return the buffer
function nested.copy(buffer, x)
  if torch.isTensor(x) then
    if not torch.isTensor(buffer) or buffer.dtype ~= x.dtype then buffer = native.new_tensor(x.dtype) end
    return buffer:resizeAs(x):copy(x)
  end
  if torch.isTensor(buffer) or type(buffer) ~= 'table' then buffer = {} end
  for i = 1, #x do buffer[i] = nested.copy(buffer[i], x[i]) end
  for i = #x + 1, #buffer do buffer[i] = nil end
  return buffer
end

--- Adds x's tensors to those of `buffer`.
function nested.add(buffer, x)
  nested.each(buffer, x, function(a, b) a:add(b) end)
  return buffer
end

return nested
