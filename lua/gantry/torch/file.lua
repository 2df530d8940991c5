--- Torch7's files: torch.DiskFile(name, mode) and torch.MemoryFile(). Numbers, strings and objects, in ascii (at first) or binary.
-- A DiskFile is read into memory whole when it is opened for reading; torch.load does not do that.
-- @module gantry.torch.file
local ffi = require 'ffi'
local native = require 'gantry.native'
local class = require 'gantry.torch.class'
local dtypes = require 'gantry.torch.dtypes'
local storage = require 'gantry.torch.storage'
local Reader = require 'gantry.torch.t7_reader'
local Writer = require 'gantry.torch.t7_writer'

local C, fail = native.C, native.fail

--- What both kinds share.
-- @type File
local File = class.create 'torch.File'

-- text: what there is to read; at: the next byte; put: writes at it.
local function start(self, name, text, put)
  self.name, self.at, self.is_ascii, self.is_quiet, self.failed = name, 1, true, false, false
  self.text, self.put = text, put
end

-- A MemoryFile collects what is written in pieces until somebody reads.
local function settle(self)
  if self.pieces and #self.pieces > 0 then
    self.text = self.text .. table.concat(self.pieces)
    self.pieces = {}
  end
end

local function want_readable(self, what)
  if self.closed then fail('%s: the file %s is closed', what, self.name) end
  settle(self)
  if not self.text then fail('%s: the file %s was opened for writing', what, self.name) end
end

local function want_writable(self, what)
  if self.closed then fail('%s: the file %s is closed', what, self.name) end
  if not self.put then fail('%s: the file %s was opened for reading', what, self.name) end
end

--- Calls fn(reader) at the current position. In a quiet file trouble is noted, and nil is the result.
local function reading(self, what, fn)
  want_readable(self, what)
  if not self.reader then self.reader = Reader.new(self.text, self.name, 'binary') end
  local reader = self.reader
  reader.text, reader.at, reader.ascii = self.text, self.at, self.is_ascii
  local ok, result = pcall(fn, reader)
  if not ok then
    self.failed = true
    if self.is_quiet then return nil end
    error(result, 0)
  end
  self.at = reader.at
  return result
end

local function writer_of(self, what)
  want_writable(self, what)
  if not self.writer then self.writer = Writer.new(function(piece) self:put(piece) end, 'binary') end
  self.writer.ascii = self.is_ascii
  return self.writer
end

--- The next object.
function File:readObject() return reading(self, 'readObject', function(reader) return reader:readObject() end) end

--- Writes an object, as torch.save does.
function File:writeObject(object) writer_of(self, 'writeObject'):writeObject(object) end

--- The rest of the file ('*a'), or the rest of the line without its end ('*l', the default).
function File:readString(format)
  return reading(self, 'readString', function(reader)
    local last = #reader.text
    if format ~= '*a' then last = (reader.text:find('\n', reader.at, true) or last + 1) - 1 end
    local text = reader.text:sub(reader.at, last)
    reader.at = math.min(last + (format == '*a' and 1 or 2), #reader.text + 1)
    return text
  end)
end

--- Writes the characters of a string and nothing else.
-- @treturn number how many
function File:writeString(text)
  want_writable(self, 'writeString')
  if type(text) ~= 'string' then fail('writeString: got a %s, wanted a string', type(text)) end
  self:put(text)
  return #text
end

-- Numbers of each type. Reading, file:NAME() gives one and file:NAME(n) a storage of n; writing, file:NAME(v) takes a number or a
-- storage.
for code, name in pairs(dtypes.names) do
  local pointer, size, integer = dtypes.pointers[code], dtypes.sizes[code], code < C.GT_FLOAT
  local cell = ffi.new(dtypes.ctypes[code] .. '[1]')

  local function read(reader)
    if reader.ascii then return reader:readDouble() end
    reader:need(size)
    ffi.copy(cell, ffi.cast('const char *', reader.text) + reader.at - 1, size)
    reader.at = reader.at + size
    return dtypes.number_at(code, cell)
  end

  local function text_of(value, ascii)
    if ascii then return (integer and '%d' or '%.17g'):format(value) end
    cell[0] = value
    return ffi.string(cell, size)
  end

  File['read' .. name] = function(self, n)
    if n == nil then return reading(self, 'read' .. name, read) end
    n = dtypes.integer(n, 'read' .. name, 'the number of elements')
    return reading(self, 'read' .. name, function(reader)
      if n < 0 or n > #reader.text then reader:broken('%.0f numbers are wanted', n) end
      local s = storage.new(code, n)
      local p = ffi.cast(pointer, s.ptr)
      for i = 0, n - 1 do p[i] = read(reader) end
      return s
    end)
  end

  File['write' .. name] = function(self, value)
    want_writable(self, 'write' .. name)
    local ascii = self.is_ascii
    if type(value) == 'number' then
      self:put(text_of(value, ascii) .. (ascii and '\n' or ''))
      return 1
    end
    if not storage.is(value) then fail('write%s: got a %s, wanted a number or a storage', name, class.type(value)) end
    local parts, n = {}, tonumber(value.count)
    for i = 1, n do parts[i] = text_of(value[i], ascii) end
    self:put(table.concat(parts, ascii and ' ' or '') .. (ascii and '\n' or ''))
    return n
  end
end

--- Reads a truth value, written as a whole number.
function File:readBool() return self:readInt() ~= 0 end
--- Writes a truth value as a whole number.
function File:writeBool(value) return self:writeInt(value and 1 or 0) end

--- From now on numbers are text.
function File:ascii()
  self.is_ascii = true
  return self
end

--- From now on numbers are bytes.
function File:binary()
  self.is_ascii = false
  return self
end

--- From now on trouble in reading gives nil, and hasError tells of it.
function File:quiet()
  self.is_quiet = true
  return self
end

--- From now on trouble is an error.
function File:pedantic()
  self.is_quiet = false
  return self
end

--- Whether trouble in reading gives nil.
function File:isQuiet() return self.is_quiet end
--- Whether numbers are bytes.
function File:isBinary() return not self.is_ascii end
--- Whether there was trouble since clearError().
function File:hasError() return self.failed end
--- Forgets about trouble.
function File:clearError() self.failed = false end
--- Whether it may be read.
function File:isReadable() return self.text ~= nil and not self.closed end
--- Whether it may be written.
function File:isWritable() return self.put ~= nil and not self.closed end
--- Whether it was not closed.
function File:isOpened() return not self.closed end

--- Where the next byte is read or written, from 1.
function File:position() return self.at end

--- Reading (in a MemoryFile writing too) goes on at byte number `position`, from 1.
function File:seek(position)
  want_readable(self, 'seek')
  if position < 1 or position > #self.text + 1 then fail('seek: position %d is outside 1..%d', position, #self.text + 1) end
  self.at = position
end

--- It goes on at the end.
function File:seekEnd()
  want_readable(self, 'seekEnd')
  self.at = #self.text + 1
end

--- Hands what was written to the system.
function File.synchronize() end

--- Ends its use.
function File:close() self.closed = true end

--- @section end

local DiskFile = class.create('torch.DiskFile', 'torch.File')

--- @function torch.DiskFile
-- @string name of the file
-- @string[opt='r'] mode 'r' or 'w'
-- @bool[opt=false] quiet
function DiskFile:__init(name, mode, quiet)
  mode = mode or 'r'
  if mode ~= 'r' and mode ~= 'w' then fail("DiskFile: the mode is '%s', wanted 'r' or 'w'", tostring(mode)) end
  local handle, message = io.open(name, mode .. 'b')
  if not handle then fail('DiskFile: %s', message) end
  if mode == 'r' then
    start(self, name, handle:read '*a')
    handle:close()
  else
    self.handle = handle
    start(self, name, nil, function(file, piece)
      file.at = file.at + #piece
      local ok, trouble = handle:write(piece)
      if not ok then fail('DiskFile: %s: %s', name, trouble) end
    end)
  end
  self.is_quiet = quiet or false
end

function DiskFile:synchronize()
  if self.handle then self.handle:flush() end
end

function DiskFile:close()
  if self.handle and not self.closed then
    local ok, message = self.handle:close()
    if not ok then fail('DiskFile: %s: %s', self.name, message) end
  end
  self.closed = true
end

local MemoryFile = class.create('torch.MemoryFile', 'torch.File')

local function put_in_memory(self, piece)
  if self.at > self.size then
    table.insert(self.pieces, piece)
  else
    settle(self)
    self.text = self.text:sub(1, self.at - 1) .. piece .. self.text:sub(self.at + #piece)
  end
  self.at = self.at + #piece
  self.size = math.max(self.size, self.at - 1)
end

--- @function torch.MemoryFile
-- @param[opt] content a CharStorage, or a string, to begin with
-- @string[opt='rw'] mode accepted as in Torch7
function MemoryFile:__init(content, mode)
  if mode == nil and (content == 'r' or content == 'w' or content == 'rw') then content = nil end
  local text = content or ''
  if storage.is(content) then
    text = tonumber(content.count) > 0 and ffi.string(content.ptr, tonumber(content.count) * dtypes.sizes[content.dtype]) or ''
    text = text:gsub('%z$', '')
  elseif type(text) ~= 'string' then
    fail('MemoryFile: got a %s, wanted a CharStorage or a string', class.type(content))
  end
  start(self, 'memory', text, put_in_memory)
  self.pieces, self.size = {}, #text
end

--- What was written, as a CharStorage with a 0 at its end.
function MemoryFile:storage()
  settle(self)
  local s = storage.new(C.GT_CHAR, #self.text + 1)
  ffi.copy(s.ptr, self.text)
  return s
end

return {}
