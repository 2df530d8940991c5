--- Reads objects from Torch7's `.t7` format, binary and ascii. Nothing that a file holds is executed: functions become inert
-- objects of class torch.DumpedFunction. A file that is cut short or lies about its sizes gives one error, before memory is asked for.
-- @module gantry.torch.t7_reader
local ffi = require 'ffi'
local native = require 'gantry.native'
local dtypes = require 'gantry.torch.dtypes'
local class = require 'gantry.torch.class'
local storage = require 'gantry.torch.storage'
local tensor = require 'gantry.torch.tensor'

local C, fail = native.C, native.fail

local Reader = {}
Reader.__index = Reader

local NIL, NUMBER, STRING, TABLE, TORCH, BOOLEAN, FUNCTION, OLD_RECURSIVE, RECURSIVE = 0, 1, 2, 3, 4, 5, 6, 7, 8

local CHUNK = 65536
local MAX_DEPTH = 1000

-- Tensors of a GPU hold what their plain counterparts do.
local cuda = {Cuda = 'Float', CudaDouble = 'Double', CudaInt = 'Int', CudaLong = 'Long', CudaByte = 'Byte', CudaChar = 'Char',
  CudaShort = 'Short'}
local tensor_codes, storage_codes = {}, {}
for name, code in pairs(dtypes.codes) do
  tensor_codes['torch.' .. name .. 'Tensor'], storage_codes['torch.' .. name .. 'Storage'] = code, code
end
for name, plain in pairs(cuda) do
  tensor_codes['torch.' .. name .. 'Tensor'] = dtypes.codes[plain]
  storage_codes['torch.' .. name .. 'Storage'] = dtypes.codes[plain]
end

--- A reader.
-- @param source an open file (binary mode), or a string
-- @tparam string name what to call it in messages
-- @tparam[opt] string format 'binary', 'ascii', 'b32' or 'b64'; without it, the first bytes tell
-- @tparam[opt] table options {unknown = 'table'} reads objects of unknown classes as plain tables
-- @treturn table reader with readObject, readInt ...
function Reader.new(source, name, format, options)
  local self = setmetatable({name = name, objects = {}, depth = 0, options = options or {}}, Reader)
  if type(source) == 'string' then
    self.text, self.left = source, 0
  else
    self.file, self.text = source, ''
    local size = source:seek('end')
    if not size then fail("load: '%s' is not a plain file", name) end
    source:seek('set', 0)
    self.left = size                             -- bytes still in the file, after those in text
  end
  self.at = 1                                    -- the next byte of text
  self:need(2, true)
  if format == nil then format = self.text:find('^[0-8]\n') and 'ascii' or 'binary' end
  if format ~= 'binary' and format ~= 'ascii' and format ~= 'b32' and format ~= 'b64' then
    fail("load: the format is %s, wanted 'binary' or 'ascii'", type(format) == 'string' and format or 'a ' .. type(format))
  end
  self.ascii = format == 'ascii'
  self.long_size = format == 'b32' and 4 or 8
  return self
end

function Reader:broken(message, ...)
  fail("load: '%s' is not a good .t7 file: " .. message, self.name, ...)
end

-- A file's words in a message: one line, not too long.
local function printable(text) return (text:sub(1, 60):gsub('[^%w_.%-]', '?')) end

local function remaining(self) return self.left + #self.text - self.at + 1 end

-- Makes n bytes available at self.at in self.text. lenient: as many as there are.
function Reader:need(n, lenient)
  local have = #self.text - self.at + 1
  if have >= n then return end
  if have + self.left < n and not lenient then
    self:broken('it ends after %d more bytes where %d are wanted', have + self.left, n)
  end
  if self.left > 0 then
    local more = self.file:read(math.min(self.left, math.max(n - have, CHUNK))) or ''
    self.left = #more > 0 and self.left - #more or 0
    self.text = self.text:sub(self.at) .. more
    self.at = 1
    return self:need(n, lenient)
  end
end

-- Takes n bytes as a string.
local function take(self, n)
  self:need(n)
  local at = self.at
  self.at = at + n
  return self.text:sub(at, at + n - 1)
end

-- In ascii: a token, and one newline after it.
local function token(self)
  local size = 64
  while true do
    self:need(size, true)
    local _, last, word = self.text:find('^%s*(%S+)', self.at)
    if last and (last < #self.text or self.left == 0) then
      self.at = last + 1
      if self.text:byte(self.at) == 10 then self.at = self.at + 1 end
      return word
    end
    if self.left == 0 then self:broken 'it ends where a number is wanted' end
    size = size * 2
    if size > 4096 then self:broken 'a number of more than 2,000 characters' end
  end
end

local function ascii_number(self)
  local word = token(self)
  local value = tonumber(word)
  if not value and word:find('^[-+]?nan') then value = 0 / 0 end
  if not value then self:broken("'%s' where a number is wanted", printable(word)) end
  return value
end

local word_buffer = ffi.new('uint8_t[8]')

local function binary_number(self, code)
  local n = dtypes.sizes[code]
  self:need(n)
  ffi.copy(word_buffer, ffi.cast('const uint8_t *', self.text) + self.at - 1, n)
  self.at = self.at + n
  return dtypes.number_at(code, word_buffer)
end

--- A 32-bit whole number.
-- @treturn number
function Reader:readInt()
  if self.ascii then return ascii_number(self) end
  return binary_number(self, C.GT_INT)
end

--- A whole number of 64 bits (32 in a 'b32' file).
-- @treturn number
function Reader:readLong()
  if self.ascii then return ascii_number(self) end
  if self.long_size == 4 then return binary_number(self, C.GT_INT) end
  return binary_number(self, C.GT_LONG)
end

--- A number.
-- @treturn number
function Reader:readDouble()
  if self.ascii then return ascii_number(self) end
  return binary_number(self, C.GT_DOUBLE)
end

--- A truth value.
-- @treturn boolean
function Reader:readBool() return self:readInt() ~= 0 end

-- A string of n bytes, and in ascii the newline after it.
local function characters(self, n, what)
  if n < 0 or n > remaining(self) then self:broken('%s of %.0f bytes where %.0f are left', what, n, remaining(self)) end
  local text = take(self, n)
  if self.ascii and n > 0 then
    self:need(1, true)
    if self.text:byte(self.at) == 10 then self.at = self.at + 1 end
  end
  return text
end

--- A string with its length before it.
-- @treturn string
function Reader:readString() return characters(self, self:readInt(), 'a string') end

-- ---- storages and tensors ---------------------------------------------------------------------------------------------

local function read_bytes(self, s, bytes)
  local to, done = ffi.cast('uint8_t *', s.ptr), 0
  while done < bytes do
    local part = math.min(bytes - done, 2 ^ 20)
    self:need(part)
    part = math.min(bytes - done, #self.text - self.at + 1)
    ffi.copy(to + done, ffi.cast('const uint8_t *', self.text) + self.at - 1, part)
    self.at = self.at + part
    done = done + part
  end
end

local function read_storage(self, dtype, index)
  local n = self:readLong()
  local size = dtypes.sizes[dtype]
  local raw = not self.ascii or size == 1        -- bytes and characters are themselves in ascii files too
  local least = not raw and n * 2 - 1 or n * (dtype == C.GT_LONG and self.long_size or size)
  if n < 0 or n ~= math.floor(n) or least > remaining(self) then
    self:broken('a storage of %.0f elements where %.0f bytes are left', n, remaining(self))
  end
  local s = storage.new(dtype, n)
  self.objects[index] = s
  if n == 0 then return s end
  if raw and (dtype ~= C.GT_LONG or self.long_size == 8) then
    read_bytes(self, s, n * size)
    if self.ascii then
      self:need(1, true)
      if self.text:byte(self.at) == 10 then self.at = self.at + 1 end
    end
  else
    local p = storage.elements(s)
    for i = 0, n - 1 do p[i] = raw and self:readLong() or ascii_number(self) end
  end
  C.gt_storage_received(s)
  return s
end

local shape, step = ffi.new('int64_t[8]'), ffi.new('int64_t[8]')

local function read_tensor(self, dtype, index)
  local t = tensor.new(dtype)
  self.objects[index] = t
  local rank = self:readInt()
  if rank < 0 or rank > 8 or rank ~= math.floor(rank) then self:broken('a tensor of %.0f dimensions', rank) end
  local sizes, steps, count, reach = {}, {}, 1, 0
  for d = 1, rank do sizes[d] = self:readLong() end
  for d = 1, rank do steps[d] = self:readLong() end
  local offset = self:readLong()
  for d = 1, rank do
    if sizes[d] < 0 or sizes[d] > 2 ^ 46 or steps[d] < 0 and sizes[d] > 1 or steps[d] > 2 ^ 46 then
      self:broken('a tensor with size %.0f and stride %.0f', sizes[d], steps[d])
    end
    count = count * sizes[d]
    reach = reach + (sizes[d] - 1) * steps[d]
  end
  local s = self:readObject()
  if s ~= nil and not (storage.is(s) and s.dtype == dtype) then
    self:broken('a %s on a %s', dtypes.tensor_names[dtype], class.type(s))
  end
  if rank == 0 or count == 0 then
    offset = 1
  elseif s == nil or offset < 1 or offset + reach > tonumber(s.count) then
    self:broken('a tensor that reaches beyond its storage of %.0f elements', s and tonumber(s.count) or 0)
  end
  for d = 1, rank do
    shape[d - 1], step[d - 1] = sizes[d], math.max(steps[d], 0)
  end
  tensor.set(t, s, offset - 1, rank, shape, step)
  return t
end

-- ---- tables, functions, objects of classes ------------------------------------------------------------------------------

local function read_table(self, index)
  local size = self:readInt()
  if size < 0 or size > remaining(self) then self:broken('a table of %.0f entries where %.0f bytes are left', size, remaining(self)) end
  local result = {}
  self.objects[index] = result
  for _ = 1, size do
    local key = self:readObject()
    local value = self:readObject()
    if key == nil or key ~= key then self:broken 'a table with a key that is nil or not a number' end
    result[key] = value
  end
  return result
end

local function read_function(self, index)
  local f = class.factory('torch.DumpedFunction')()
  if index then self.objects[index] = f end
  f.dumped = characters(self, self:readInt(), 'a function')
  f.upvalues = self:readObject()
  return f
end

local function read_torch(self, index)
  local version, name = 0, self:readString()
  local number = name:match('^V (%d+)$')
  if number then version, name = tonumber(number), self:readString() end
  if tensor_codes[name] then return read_tensor(self, tensor_codes[name], index) end
  if storage_codes[name] then return read_storage(self, storage_codes[name], index) end
  local factory = class.constructor(name) and class.factory(name)
  local object
  if factory then
    object = factory()
  elseif self.options.unknown == 'table' then
    object = {}
  else
    fail("load: '%s' holds an object of class '%s', which is not known here; require what defines it, or load with {unknown = 'table'}",
      self.name, printable(name))
  end
  self.objects[index] = object
  if factory and object.read then
    object:read(self, version)
    return object
  end
  local fields = self:readObject()
  if type(fields) ~= 'table' then self:broken("an object of class '%s' that is not a table", printable(name)) end
  for key, value in pairs(fields) do rawset(object, key, value) end
  if not factory then object.__typename = name end
  return object
end

--- The next object: nil, a number, string, boolean, table, tensor, storage, or an object of a class.
-- @return it
function Reader:readObject()
  local kind = self:readInt()
  if kind == NIL then return nil end
  if kind == NUMBER then return self:readDouble() end
  if kind == STRING then return self:readString() end
  if kind == BOOLEAN then return self:readBool() end
  local index
  if kind ~= FUNCTION then
    if kind ~= TABLE and kind ~= TORCH and kind ~= OLD_RECURSIVE and kind ~= RECURSIVE then
      self:broken('an object of kind %.0f', kind)
    end
    index = self:readInt()
    local known = self.objects[index]
    if known ~= nil then return known end
  end
  self.depth = self.depth + 1
  if self.depth > MAX_DEPTH then self:broken('objects nested more than %d deep', MAX_DEPTH) end
  local result
  if kind == TABLE then
    result = read_table(self, index)
  elseif kind == TORCH then
    result = read_torch(self, index)
  else
    result = read_function(self, index)
  end
  self.depth = self.depth - 1
  return result
end

return Reader
