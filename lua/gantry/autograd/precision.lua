--- How exact the operands of Float convolutions are, by name:
--
-- - `float32`, the default: significands of 24 bits; errors at most 16 times those of plain float loops.
-- - `bf16x3`: significands of 16 bits, a high and a low part of 8 each.
-- - `bfloat16`: significands of 8 bits.
-- - `reference`: float32 in plain loops, one term after the other.
--
-- Sums are float32 in all, and so is everything else: weights, what the optimizer keeps, statistics, losses. Double is Double.
-- The choice belongs to the Lua state; a convolution that was recorded keeps its own for its gradients.
-- @module gantry.autograd.precision
local native = require 'gantry.native'

local C = native.C

local precision = {
  --- The C library's numbers of the names.
  codes = {float32 = C.GT_FLOAT32, bf16x3 = C.GT_BF16X3, bfloat16 = C.GT_BFLOAT16, reference = C.GT_REFERENCE},
  --- The names, coarsest last.
  names = {'float32', 'reference', 'bf16x3', 'bfloat16'},
  --- What convolutions are computed in now: a number of `codes`.
  code = C.GT_FLOAT32,
}

local current = 'float32'

--- Tells, or says, in which precision convolutions are computed from here on.
-- @string[opt] name float32, bf16x3, bfloat16 or reference
-- @treturn string the name in force
-- @raise where there is no such precision
-- @usage gantry.precision 'bfloat16'
function precision.use(name)
  if name ~= nil then
    local code = precision.codes[name]
    if not code then native.fail('precision: got %s, wanted %s', tostring(name), table.concat(precision.names, ', ')) end
    precision.code, current = code, name
  end
  return current
end

--- Calls a function in a precision, and has the one before in force again after it, errors included.
-- @string name
-- @func fn
-- @param ... its arguments
-- @return what it returns
-- @usage local images = precision.within('bfloat16', samples.images, G, z)
function precision.within(name, fn, ...)
  local before = current
  precision.use(name)
  local ok, result = pcall(fn, ...)
  precision.use(before)
  if not ok then error(result, 0) end
  return result
end

return precision
