--- What gantry.image's functions ask of their arguments.
-- @module gantry.image.want
local native = require 'gantry.native'
local class = require 'gantry.torch.class'
local tensor = require 'gantry.torch.tensor'
local dtypes = require 'gantry.torch.dtypes'

local C, fail = native.C, native.fail
local want = {}

local usable = {[C.GT_BYTE] = true, [C.GT_FLOAT] = true, [C.GT_DOUBLE] = true}

--- Raises an error unless x is an image: a Byte, Float or Double tensor of 2 to `most` dimensions that is not empty.
-- @param x the argument
-- @string what the function's name
-- @int[opt=3] most dimensions
function want.picture(x, what, most)
  tensor.want(x, what, 'the image')
  if not usable[x.dtype] then
    fail('%s: the image is a %s, wanted a ByteTensor, FloatTensor or DoubleTensor', what, dtypes.tensor_names[x.dtype])
  end
  if x.rank < 2 or x.rank > (most or 3) or tensor.count(x) == 0 then
    fail('%s: the image is %s, wanted H x W or C x H x W%s', what, tensor.shape_text(x), most and ' or N x C x H x W' or '')
  end
end

--- Raises an error unless a value is a whole number; returns it.
-- @param value the argument
-- @string what the function's name
-- @string argument the argument's name
-- @treturn number
function want.whole(value, what, argument)
  if type(value) ~= 'number' or value ~= math.floor(value) or math.abs(value) > 2 ^ 31 - 1 then
    fail('%s: %s is %s, wanted a whole number', what, argument, class.shown(value))
  end
  return value
end

--- Raises an error unless a value is a table of options or nil; returns a table.
-- @param value the argument
-- @string what the function's name
-- @treturn table
function want.options(value, what)
  if value == nil then return {} end
  if type(value) ~= 'table' then fail('%s: the options are %s, wanted a table', what, class.shown(value)) end
  return value
end

return want
