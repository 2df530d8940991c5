--- Writes objects in Torch7's `.t7` format, binary (8-byte longs) and ascii, so that Torch7 reads them.
-- @module gantry.torch.t7_writer
local ffi = require 'ffi'
local native = require 'gantry.native'
local dtypes = require 'gantry.torch.dtypes'
local class = require 'gantry.torch.class'
local storage = require 'gantry.torch.storage'
local tensor = require 'gantry.torch.tensor'

local C, fail = native.C, native.fail

local Writer = {}
Writer.__index = Writer

local NIL, NUMBER, STRING, TABLE, TORCH, BOOLEAN, RECURSIVE = 0, 1, 2, 3, 4, 5, 8
local MAX_DEPTH = 1000

--- A writer.
-- @tparam function put takes the pieces of the file, strings, in order
-- @tparam[opt='binary'] string format 'binary' or 'ascii'
-- @treturn table writer with writeObject, writeInt ...
function Writer.new(put, format)
  if format ~= nil and format ~= 'binary' and format ~= 'ascii' then
    fail("save: the format is %s, wanted 'binary' or 'ascii'", type(format) == 'string' and format or 'a ' .. type(format))
  end
  -- index: number of each object written, by reference or, for cdata, by address; alive: keeps addresses from being reused.
  return setmetatable({put = put, ascii = format == 'ascii', index = {}, count = 0, alive = {}, trail = {}, depth = 0}, Writer)
end

local int_cell, long_cell, double_cell = ffi.new('int32_t[1]'), ffi.new('int64_t[1]'), ffi.new('double[1]')

--- A 32-bit whole number.
-- @tparam number value it
function Writer:writeInt(value)
  if self.ascii then return self.put(('%d\n'):format(value)) end
  int_cell[0] = value
  self.put(ffi.string(int_cell, 4))
end

--- A 64-bit whole number.
-- @tparam number value it
function Writer:writeLong(value)
  if self.ascii then return self.put(('%d\n'):format(value)) end
  long_cell[0] = value
  self.put(ffi.string(long_cell, 8))
end

--- A number.
-- @tparam number value it
function Writer:writeDouble(value)
  if self.ascii then return self.put(('%.17g\n'):format(value)) end
  double_cell[0] = value
  self.put(ffi.string(double_cell, 8))
end

--- A truth value.
-- @tparam boolean value it
function Writer:writeBool(value) self:writeInt(value and 1 or 0) end

--- A string, its length before it.
-- @tparam string text it
function Writer:writeString(text)
  self:writeInt(#text)
  self.put(text)
  if self.ascii and #text > 0 then self.put '\n' end
end

-- A list of long numbers: in ascii, on one line.
local function put_longs(self, list, n)
  if not self.ascii then
    for d = 0, n - 1 do self:writeLong(tonumber(list[d])) end
  elseif n > 0 then
    local words = {}
    for d = 0, n - 1 do words[d + 1] = ('%d'):format(tonumber(list[d])) end
    self.put(table.concat(words, ' ') .. '\n')
  end
end

local function put_storage(self, s)
  local n, size = tonumber(s.count), dtypes.sizes[s.dtype]
  self:writeLong(n)
  if n == 0 then return end
  local p = storage.elements(s)
  if not self.ascii or size == 1 then
    local bytes, done = ffi.cast('const uint8_t *', p), 0
    while done < n * size do
      local part = math.min(n * size - done, 2 ^ 20)
      self.put(ffi.string(bytes + done, part))
      done = done + part
    end
    if self.ascii then self.put '\n' end
    return
  end
  local format = s.dtype == C.GT_FLOAT and '%.9g' or s.dtype == C.GT_DOUBLE and '%.17g' or '%d'
  local words = {}
  for i = 0, n - 1 do
    words[#words + 1] = format:format(tonumber(p[i]))
    if #words == 4096 or i == n - 1 then
      self.put(table.concat(words, ' ') .. (i == n - 1 and '\n' or ' '))
      words = {}
    end
  end
end

-- What tells an object from others while it is alive.
local function identity(object)
  if type(object) == 'cdata' then return tonumber(ffi.cast('intptr_t', ffi.cast('void *', object))) end
  return object
end

-- Writes the object's number. True: it was written before, and that is all.
local function put_index(self, object)
  local key = identity(object)
  local known = self.index[key]
  if not known then
    self.count = self.count + 1
    self.index[key] = self.count
    self.alive[self.count] = object
  end
  self:writeInt(known or self.count)
  return known ~= nil
end

local function put_class(self, name)
  self:writeString 'V 1'
  self:writeString(name)
end

local function put_tensor(self, t)
  if t.store ~= nil and bit.band(t.store.flags, C.GT_RELEASED) ~= 0 then tensor.pointer(t, 'save') end
  put_class(self, dtypes.tensor_names[t.dtype])
  self:writeInt(t.rank)
  put_longs(self, t.shape, t.rank)
  put_longs(self, t.step, t.rank)
  self:writeLong(tonumber(t.offset) + 1)
  if t.store == nil then self:writeInt(NIL) else self:writeObject(storage.share(t.store)) end
end

local function put_table(self, list)
  local n = 0
  for _ in pairs(list) do n = n + 1 end
  self:writeInt(n)
  for key, value in pairs(list) do
    self.trail[#self.trail + 1] = key
    self:writeObject(key)
    self:writeObject(value)
    self.trail[#self.trail] = nil
  end
end

local function upvalues_of(f)
  local list = {}
  for i = 1, 255 do
    local name, value = debug.getupvalue(f, i)
    if not name then break end
    list[i] = {name = name, value = value}
  end
  return list
end

local function refuse(self, object)
  local path = {}
  for i, key in ipairs(self.trail) do path[i] = tostring(key) end
  fail('save: a %s cannot be saved%s', class.type(object), #path > 0 and ' (at ' .. table.concat(path, '.') .. ')' or '')
end

local function put_function(self, object, kind)
  if kind == 'table' then                        -- read from a file, never run
    self:writeString(object.dumped)
    return self:writeObject(object.upvalues)
  end
  local ok, dumped = pcall(string.dump, object)
  if not ok then refuse(self, object) end
  self:writeString(dumped)
  self:writeObject(upvalues_of(object))
end

local function put_object(self, object)
  if tensor.is(object) then
    put_tensor(self, object)
  elseif storage.is(object) then
    put_class(self, dtypes.storage_names[object.dtype])
    put_storage(self, object)
  else
    put_class(self, class.typename(object))
    if object.write then
      object:write(self)
    else
      local fields = {}
      for key, value in pairs(object) do fields[key] = value end
      self:writeObject(fields)
    end
  end
end

--- An object: nil, a number, string, boolean, table, function, tensor, storage, or an object of a class. What is referred to
-- twice is written once.
-- @param object it
function Writer:writeObject(object)
  local kind = type(object)
  if kind == 'nil' then return self:writeInt(NIL) end
  if kind == 'number' then
    self:writeInt(NUMBER)
    return self:writeDouble(object)
  elseif kind == 'string' then
    self:writeInt(STRING)
    return self:writeString(object)
  elseif kind == 'boolean' then
    self:writeInt(BOOLEAN)
    return self:writeBool(object)
  end
  self.depth = self.depth + 1
  if self.depth > MAX_DEPTH then fail('save: objects nested more than %d deep', MAX_DEPTH) end
  local name = class.typename(object)
  if kind == 'function' or name == 'torch.DumpedFunction' then
    self:writeInt(RECURSIVE)
    if not put_index(self, object) then put_function(self, object, kind) end
  elseif kind == 'table' and not name then
    self:writeInt(TABLE)
    if not put_index(self, object) then put_table(self, object) end
  elseif name and class.factory(name) and (kind == 'table' or tensor.is(object) or storage.is(object)) then
    self:writeInt(TORCH)
    if not put_index(self, object) then put_object(self, object) end
  else
    refuse(self, object)
  end
  self.depth = self.depth - 1
end

return Writer
