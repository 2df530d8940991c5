--- Torch7's `torch`: tensors of seven types, storages, random numbers, classes, files.
-- The module table holds what Torch7's did: `torch.FloatTensor(2, 3)`, `torch.zeros(4)`, `torch.add(x, y)`, `torch.class`,
-- `torch.save` ... The default type, what `torch.Tensor` and `torch.zeros` make, is Float.
-- @module gantry.torch
local ffi = require 'ffi'
local native = require 'gantry.native'
local dtypes = require 'gantry.torch.dtypes'
local class = require 'gantry.torch.class'
local storage = require 'gantry.torch.storage'
local tensor = require 'gantry.torch.tensor'
local access = require 'gantry.torch.access'
local printer = require 'gantry.torch.print'

local C, fail = native.C, native.fail

local torch = {}
class.modules.torch = torch

-- ---- types: constructors, metatypes, methods ------------------------------------------------------------------------

for dtype, name in pairs(dtypes.names) do
  torch[name .. 'Tensor'] = tensor.constructors[dtype]
  torch[name .. 'Storage'] = storage.constructors[dtype]
end

local parts = {
  require 'gantry.torch.view', require 'gantry.torch.content', require 'gantry.torch.create', require 'gantry.torch.elementwise',
  require 'gantry.torch.operators', require 'gantry.torch.compare',
  require 'gantry.torch.linear', require 'gantry.torch.reduce', require 'gantry.torch.index', require 'gantry.torch.random',
  require 'gantry.torch.timer', require 'gantry.torch.sort', require 'gantry.torch.serialize',
  require 'gantry.torch.file',
}
local operators = {}
for _, part in ipairs(parts) do
  for name, f in pairs(part.functions or {}) do torch[name] = f end
  for name, f in pairs(part.methods or {}) do
    for _, methods in pairs(tensor.methods) do methods[name] = f end
  end
  for name, f in pairs(part.operators or {}) do operators[name] = f end
end

ffi.metatype('gt_tensor', {
  __index = access.index, __newindex = access.newindex, __len = tensor.sizes, __tostring = printer.tensor,
  __add = operators.add, __sub = operators.sub, __mul = operators.mul, __div = operators.div, __unm = operators.unm,
  __pow = operators.pow,
})
ffi.metatype('gt_storage', {
  __index = storage.index, __newindex = storage.newindex, __len = function(s) return tonumber(s.count) end,
  __tostring = printer.storage,
})

--- Sets the type that torch.Tensor, torch.zeros ... make.
-- @tparam string name 'torch.FloatTensor' or 'torch.DoubleTensor' (any type is accepted)
function torch.setdefaulttensortype(name)
  local dtype = dtypes.code_of(dtypes.tensor_codes, name, 'setdefaulttensortype')
  tensor.default = dtype
  torch.Tensor = tensor.constructors[dtype]
  torch.Storage = storage.constructors[dtype]
end
torch.setdefaulttensortype('torch.FloatTensor')

--- The default type's name.
-- @treturn string
function torch.getdefaulttensortype() return dtypes.tensor_names[tensor.default] end

-- ---- questions ------------------------------------------------------------------------------------------------------

torch.class, torch.typename, torch.type, torch.isTypeOf = class.create, class.typename, class.type, class.is_type_of
torch.factory, torch.getmetatable, torch.setmetatable = class.factory, class.metatable, class.set_metatable
torch.getconstructortable = class.metatable

--- Whether x is a tensor.
-- @param x any value
-- @treturn boolean
torch.isTensor = tensor.is

--- Whether x is a storage.
-- @param x any value
-- @treturn boolean
torch.isStorage = storage.is

--- A number that tells objects apart: the address of a tensor, storage, table, function ...
-- @param object not a number, string, boolean or nil
-- @treturn number
function torch.pointer(object)
  if type(object) == 'cdata' then
    return tonumber(ffi.cast('intptr_t', ffi.cast('void *', object)))
  end
  local address = ('%p'):format(object)
  local number = tonumber(address)
  if type(object) == 'string' or not number then fail('pointer: a %s has no address', type(object)) end
  return number
end

--- Threads in use.
-- @treturn number
function torch.getnumthreads() return C.gt_threads() end

--- How many threads to use; results do not depend on it.
-- @tparam number n 1 to 256
function torch.setnumthreads(n) native.check(C.gt_set_threads(dtypes.integer(n, 'setnumthreads', 'the number of threads'))) end

return torch
