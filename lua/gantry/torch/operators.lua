--- What + - * / ^ and the sign do to tensors: Torch7's operators. `a * b` of two matrices is their product.
-- @module gantry.torch.operators
local native = require 'gantry.native'
local class = require 'gantry.torch.class'
local elementwise = require 'gantry.torch.elementwise'
local tensor = require 'gantry.torch.tensor'

local C, fail, new = native.C, native.fail, native.new_tensor
local type = type
local is = tensor.is
local functions, unary = elementwise.functions, elementwise.unary
local ADD_NUMBER, RDIV = C.gt_unary_code('add'), C.gt_unary_code('rdiv')

local operators = {}

-- A tensor with something that is neither tensor nor number: that one's own operator decides, if it has one.
local function other_operator(a, b, event, symbol)
  local x = a
  if is(a) then x = b end
  local metatable = type(x) == 'table' and getmetatable(x)
  local f = type(metatable) == 'table' and metatable[event]
  if f then return f(a, b) end
  fail('%s: got %s, wanted a tensor or a number', symbol, x == nil and 'nil' or 'a ' .. class.type(x))
end

function operators.add(a, b)
  if type(a) == 'number' then a, b = b, a end
  if not (is(a) and (type(b) == 'number' or is(b))) then return other_operator(a, b, '__add', '+') end
  return functions.add(a, b)
end

function operators.sub(a, b)
  if type(a) == 'number' and is(b) then
    local r = functions.neg(b)
    return unary(ADD_NUMBER, 'add', r, r, a, 0)
  end
  if not (is(a) and (type(b) == 'number' or is(b))) then return other_operator(a, b, '__sub', '-') end
  return functions.csub(a, b)
end

--- Product with a number; of two vectors, a matrix and a vector, two matrices: dot, mv, mm.
function operators.mul(a, b)
  if type(a) == 'number' then a, b = b, a end
  if not (is(a) and (type(b) == 'number' or is(b))) then return other_operator(a, b, '__mul', '*') end
  if type(b) == 'number' then return functions.mul(a, b) end
  if a.rank == 1 and b.rank == 1 then return a:dot(b) end
  if a.rank == 2 and b.rank == 1 then return a.new():mv(a, b) end
  if a.rank == 2 and b.rank == 2 then return a.new():mm(a, b) end
  fail('*: got %d and %d dimensions, wanted vectors or matrices; cmul is the product of elements', a.rank, b.rank)
end

function operators.div(a, b)
  if type(a) == 'number' and is(b) then
    return unary(RDIV, 'rdiv', new(b.dtype), b, a, 0)
  end
  if not (is(a) and (type(b) == 'number' or is(b))) then return other_operator(a, b, '__div', '/') end
  return functions.div(a, b)
end

function operators.unm(a) return functions.neg(a) end

function operators.pow(a, b)
  if not (is(a) and (type(b) == 'number' or is(b))) and not (type(a) == 'number' and is(b)) then
    return other_operator(a, b, '__pow', '^')
  end
  return functions.pow(a, b)
end

return {operators = operators}
