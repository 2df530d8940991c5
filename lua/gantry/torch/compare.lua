--- Comparisons of all types of tensors, element by element, with Torch7's calling conventions.
-- @module gantry.torch.compare
local native = require 'gantry.native'
local tensor = require 'gantry.torch.tensor'

local C, check, new = native.C, native.check, native.new_tensor
local type = type
local want = tensor.want

local methods, functions = {}, {}

-- torch.NAME(a, b), a:NAME(b) make a ByteTensor of 0 and 1; torch.NAME(r, a, b) fills r, a ByteTensor or one of a's type. b may be
-- a number.
local function define_comparison(name)
  local op = C.gt_compare_code(name)
  local function compare(r, a, b)
    if type(b) == 'number' then
      check(C.gt_compare(op, r, a, nil, b))
    else
      want(b, name, 'the second operand')
      check(C.gt_compare(op, r, a, b, 0))
    end
    return r
  end
  functions[name] = function(r, a, b)
    want(r, name)
    if b == nil then return compare(new(C.GT_BYTE), r, a) end
    want(a, name, 'argument 2')
    return compare(r, a, b)
  end
  methods[name] = functions[name]
end
--- Where a < b, element by element.
-- @function lt

--- Where a <= b, element by element.
-- @function le

--- Where a > b, element by element.
-- @function gt

--- Where a >= b, element by element.
-- @function ge

--- Where a == b, element by element.
-- @function eq

--- Where a ~= b, element by element.
-- @function ne

for _, name in ipairs {'lt', 'le', 'gt', 'ge', 'eq', 'ne'} do define_comparison(name) end

return {methods = methods, functions = functions}
