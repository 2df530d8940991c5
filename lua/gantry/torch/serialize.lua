--- torch.save and torch.load: `.t7` files as Torch7 wrote and reads them; torch.serialize and torch.deserialize: the same in strings.
-- @module gantry.torch.serialize
local native = require 'gantry.native'
local class = require 'gantry.torch.class'
local Reader = require 'gantry.torch.t7_reader'
local Writer = require 'gantry.torch.t7_writer'

local C, fail = native.C, native.fail

local functions = {}

--- A function that was read from a file, kept as the bytes it was: it is not run.
-- @type DumpedFunction
local Dumped = class.create('torch.DumpedFunction')

function Dumped:__call__()
  fail('this function was read from a .t7 file (%d bytes of bytecode) and is not run; f:restore() makes it one, if you trust the file',
    #self.dumped)
end

function Dumped:__tostring__() return ('torch.DumpedFunction of %d bytes'):format(#self.dumped) end

--- The function itself, with its upvalues. Only for files that you trust: bytecode can do anything.
-- @treturn function
function Dumped:restore()
  local f, message = loadstring(self.dumped)
  if not f then fail('restore: %s', message) end
  for i, upvalue in ipairs(self.upvalues or {}) do
    if type(upvalue) == 'table' then debug.setupvalue(f, i, upvalue.value) end
  end
  return f
end

--- @section end

-- torch.load(name, format, true) and torch.save(name, object, format, true) are Torch7's: references are always kept here.
local function read_options(options)
  if options == nil or type(options) == 'boolean' then return nil end
  if type(options) ~= 'table' then fail('load: argument 3 is a %s, wanted a table of options', type(options)) end
  return options
end

--- Writes an object to a file. The file appears whole and is on the disk when save returns, or the old one stays as it was.
-- @tparam string filename where to
-- @param object nil, number, string, boolean, table, tensor, storage, or an object of a class
-- @tparam[opt='binary'] string format 'binary' or 'ascii'
-- @usage torch.save('net.t7', net)
function functions.save(filename, object, format)
  if type(filename) ~= 'string' then fail('save: argument 1 is a %s, wanted a file name', type(filename)) end
  local temporary = filename .. '.writing'
  local file, message = io.open(temporary, 'wb')
  if not file then fail('save: %s', message) end
  file:setvbuf('full', 2 ^ 16)
  local function put(piece)
    local ok, trouble = file:write(piece)
    if not ok then fail('save: %s: %s', filename, trouble) end
  end
  local ok, trouble = pcall(function() Writer.new(put, format):writeObject(object) end)
  local closed, reason = file:close()
  if ok and not closed then ok, trouble = false, ('save: %s: %s'):format(filename, reason) end
  if ok then
    local code = C.gt_file_commit(temporary, filename)
    if code ~= 0 then os.remove(temporary) end
    return native.check(code)
  end
  os.remove(temporary)
  error(trouble, 0)
end

--- Reads an object from a file.
-- @tparam string filename where from
-- @tparam[opt] string format 'binary' or 'ascii' (found out from the file), 'b32' for files with 4-byte longs
-- @tparam[opt] table options {unknown = 'table'}: objects of unknown classes become plain tables with a field __typename
-- @return the object
-- @usage local net = torch.load 'net.t7'
function functions.load(filename, format, options)
  if type(filename) ~= 'string' then fail('load: argument 1 is a %s, wanted a file name', type(filename)) end
  local file, message = io.open(filename, 'rb')
  if not file then fail('load: %s', message) end
  local ok, result = pcall(function() return Reader.new(file, filename, format, read_options(options)):readObject() end)
  file:close()
  if not ok then error(result, 0) end
  return result
end

--- An object as a string.
-- @param object as for save
-- @tparam[opt='binary'] string format 'binary' or 'ascii'
-- @treturn string
function functions.serialize(object, format)
  local pieces = {}
  Writer.new(function(piece) pieces[#pieces + 1] = piece end, format):writeObject(object)
  return table.concat(pieces)
end

--- The object in a string that torch.serialize made.
-- @tparam string text the string
-- @tparam[opt] string format 'binary' or 'ascii'
-- @tparam[opt] table options as for load
-- @return the object
function functions.deserialize(text, format, options)
  if type(text) ~= 'string' then fail('deserialize: argument 1 is a %s, wanted a string', type(text)) end
  return Reader.new(text, 'string', format, read_options(options)):readObject()
end

return {functions = functions}
