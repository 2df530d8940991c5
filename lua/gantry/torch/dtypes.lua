--- The seven element types: names, C types and pointers to them.
-- @module gantry.torch.dtypes
local ffi = require 'ffi'
local native = require 'gantry.native'
local class = require 'gantry.torch.class'

local C = native.C
local dtypes = {}

--- 'Float' by code.
dtypes.names = {
  [C.GT_BYTE] = 'Byte', [C.GT_CHAR] = 'Char', [C.GT_SHORT] = 'Short', [C.GT_INT] = 'Int', [C.GT_LONG] = 'Long',
  [C.GT_FLOAT] = 'Float', [C.GT_DOUBLE] = 'Double',
}

--- Codes by name: dtypes.codes.Float.
dtypes.codes = {}
--- Class names by code, 'torch.FloatTensor', and codes by class name; the same for storages.
dtypes.tensor_names, dtypes.tensor_codes = {}, {}
dtypes.storage_names, dtypes.storage_codes = {}, {}
--- C types by code: 'float'; pointer types by code, as ffi.cast takes them.
dtypes.ctypes = {
  [C.GT_BYTE] = 'uint8_t', [C.GT_CHAR] = 'int8_t', [C.GT_SHORT] = 'int16_t', [C.GT_INT] = 'int32_t', [C.GT_LONG] = 'int64_t',
  [C.GT_FLOAT] = 'float', [C.GT_DOUBLE] = 'double',
}
dtypes.pointers, dtypes.sizes = {}, {}

for code, name in pairs(dtypes.names) do
  dtypes.codes[name] = code
  dtypes.tensor_names[code] = 'torch.' .. name .. 'Tensor'
  dtypes.storage_names[code] = 'torch.' .. name .. 'Storage'
  dtypes.tensor_codes['torch.' .. name .. 'Tensor'] = code
  dtypes.storage_codes['torch.' .. name .. 'Storage'] = code
  dtypes.pointers[code] = ffi.typeof(dtypes.ctypes[code] .. ' *')
  dtypes.sizes[code] = ffi.sizeof(dtypes.ctypes[code])
end

--- The type code that a class name stands for; raises an error for other names and other things.
-- @tparam table codes dtypes.tensor_codes or dtypes.storage_codes
-- @param name the argument
-- @tparam string what the function's name
-- @treturn number
function dtypes.code_of(codes, name, what)
  if type(name) ~= 'string' then native.fail('%s: got a %s, wanted the name of a type', what, type(name)) end
  if not codes[name] then native.fail("%s: '%s' is not the name of a type", what, name) end
  return codes[name]
end

local LIMIT = 2 ^ 53

--- A whole number out of an argument, cut toward zero as Torch7 did; raises an error for anything that is not a number.
-- @param value the argument
-- @tparam string what the function's name, for the message
-- @tparam string argument the argument's name, for the message
-- @treturn number
function dtypes.integer(value, what, argument)
  if type(value) ~= 'number' then
    local number = type(value) == 'cdata' and tonumber(value)
    if not number then native.fail('%s: %s is a %s, wanted a number', what, argument, class.type(value)) end
    value = number
  end
  if not (value > -LIMIT and value < LIMIT) then native.fail('%s: %s is %s, wanted a whole number', what, argument, tostring(value)) end
  if value >= 0 then return math.floor(value) end
  return math.ceil(value)
end

--- Raises an error unless the argument is a number.
-- @param value the argument
-- @tparam string what the function's name
-- @tparam string argument the argument's name
-- @treturn number
function dtypes.number(value, what, argument)
  if type(value) ~= 'number' then
    local number = type(value) == 'cdata' and tonumber(value)
    if not number then native.fail('%s: %s is a %s, wanted a number', what, argument, class.type(value)) end
    return number
  end
  return value
end

local words = ffi.typeof 'const uint32_t *'

--- The number at an address. Bits of a NaN that arithmetic does not give are never read as one: LuaJIT would take it for an object.
-- @number code the element type's
-- @param address a pointer
-- @treturn number
function dtypes.number_at(code, address)
  if code == C.GT_FLOAT or code == C.GT_DOUBLE then
    local word = ffi.cast(words, address)
    local high, low = word[code == C.GT_DOUBLE and 1 or 0], code == C.GT_DOUBLE and word[0] or 0
    local infinite = code == C.GT_DOUBLE and 0x7ff00000 or 0x7f800000
    high = bit.band(high, 0x7fffffff)
    if high > infinite or (high == infinite and low ~= 0) then return 0 / 0 end
  end
  return tonumber(ffi.cast(dtypes.pointers[code], address)[0])
end

return dtypes
