--- The safetensors format: 8 bytes with the header's length, a JSON header, then the tensors' bytes. Nothing in such a file
-- is executed. A damaged or lying file gives one clear line.
-- @module gantry.gan.safetensors
local ffi = require 'ffi'
local cjson = require 'cjson'
local native = require 'gantry.native'
local tensor = require 'gantry.torch.tensor'

local C = native.C
local safetensors = {}

local code_of = {U8 = C.GT_BYTE, I8 = C.GT_CHAR, I16 = C.GT_SHORT, I32 = C.GT_INT, I64 = C.GT_LONG, F32 = C.GT_FLOAT, F64 = C.GT_DOUBLE}
local name_of = {}
for name, code in pairs(code_of) do name_of[code] = name end

local MAX_HEADER = 100e6 -- bytes, as the reference implementation has it
local decoder = cjson.new()
decoder.decode_max_depth(32)

local function bytes_of(t) return tensor.count(t) * tonumber(C.gt_dtype_size(t.dtype)) end

-- ---- writing ------------------------------------------------------------------------------------------------------------

local function shape_json(t)
  local sizes = {t.rank == 0 and '0' or nil}
  for d = 1, t.rank do sizes[d] = ('%d'):format(tonumber(t.shape[d - 1])) end
  return '[' .. table.concat(sizes, ',') .. ']'
end

local function header_json(entries, metadata)
  local parts, keys, offset = {}, {}, 0
  for key in pairs(metadata) do keys[#keys + 1] = key end
  table.sort(keys)
  for i, key in ipairs(keys) do keys[i] = cjson.encode(key) .. ':' .. cjson.encode(metadata[key]) end
  if #keys > 0 then parts[1] = '"__metadata__":{' .. table.concat(keys, ',') .. '}' end
  for _, entry in ipairs(entries) do
    local name, t = entry[1], entry[2]
    local size = bytes_of(t)
    parts[#parts + 1] = ('%s:{"dtype":"%s","shape":%s,"data_offsets":[%.0f,%.0f]}'):format(
      cjson.encode(name), name_of[t.dtype], shape_json(t), offset, offset + size)
    offset = offset + size
  end
  local text = '{' .. table.concat(parts, ',') .. '}'
  return text .. (' '):rep(-#text % 8) -- the tensors begin at a multiple of 8
end

--- Writes tensors to a file: the old file or the whole new one is there at any moment.
-- @string path
-- @tparam table entries list of {name, tensor}, in the order they are to stand in the file
-- @tparam[opt] table metadata text by name
-- @usage safetensors.write('w.safetensors', {{'weight', net.weight}}, {made_by = 'me'})
function safetensors.write(path, entries, metadata)
  local whole = {}
  for i, entry in ipairs(entries) do whole[i] = {entry[1], tensor.contiguous(entry[2])} end
  local header = header_json(whole, metadata or {})
  local length = ffi.new('uint64_t[1]', #header)
  local n = #entries + 2
  local parts, sizes = ffi.new('const void *[?]', n), ffi.new('double[?]', n)
  parts[0], sizes[0] = length, 8
  parts[1], sizes[1] = ffi.cast('const char *', header), #header
  for i, entry in ipairs(whole) do
    local t = entry[2]
    sizes[i + 1] = bytes_of(t)
    if sizes[i + 1] > 0 then parts[i + 1] = tensor.pointer(t, 'safetensors') end
  end
  native.check(C.gt_file_replace(path, n, parts, sizes))
end

-- ---- reading ------------------------------------------------------------------------------------------------------------

local File = {}
File.__index = File

local function is_count(x) return type(x) == 'number' and x >= 0 and x < 2 ^ 53 and x % 1 == 0 end

-- Checks one entry of the header; returns what is wrong with it, or nil.
local function entry_problem(e, room)
  if type(e) ~= 'table' then return 'is not an object' end
  if not code_of[e.dtype] then return ('has the element type %s, which is not known here'):format(tostring(e.dtype)) end
  if type(e.shape) ~= 'table' or #e.shape > 8 then return 'has no usable shape' end
  local count = 1
  for _, size in ipairs(e.shape) do
    if not is_count(size) then return 'has no usable shape' end
    count = count * size
  end
  local offsets = e.data_offsets
  if type(offsets) ~= 'table' or #offsets ~= 2 or not (is_count(offsets[1]) and is_count(offsets[2])) then
    return 'has no usable offsets'
  end
  if offsets[1] > offsets[2] or offsets[2] > room then return 'lies outside the file' end
  if count * tonumber(C.gt_dtype_size(code_of[e.dtype])) ~= offsets[2] - offsets[1] then return 'has a shape that its bytes do not fill' end
end

--- Opens a file and checks its header against its size. Tensors are read when asked for.
-- @string path
-- @treturn File with metadata (text by name) and entries (dtype, shape by name)
function safetensors.open(path)
  local size = C.gt_file_size(path)
  if size < 0 then native.fail('%s: there is no such file', path) end
  local function damaged(why, ...) native.fail('%s: not a usable safetensors file: ' .. why, path, ...) end
  if size < 8 then damaged('it is only %d bytes long', size) end
  local length = ffi.new 'uint64_t[1]'
  native.check(C.gt_file_read(length, path, 0, 8))
  local header_bytes = tonumber(length[0])
  if header_bytes > MAX_HEADER or header_bytes > size - 8 then
    damaged('its header would take %.0f bytes of the %.0f there are', header_bytes, size - 8)
  end
  local buffer = ffi.new('char[?]', header_bytes + 1)
  native.check(C.gt_file_read(buffer, path, 8, header_bytes))
  local ok, header = pcall(decoder.decode, ffi.string(buffer, header_bytes))
  if not ok or type(header) ~= 'table' then damaged 'its header is not JSON' end

  local room = size - 8 - header_bytes
  local self = setmetatable({path = path, data = 8 + header_bytes, metadata = {}, entries = {}}, File)
  local spans = {}
  for name, e in pairs(header) do
    if name == '__metadata__' then
      if type(e) ~= 'table' then damaged 'its metadata is not an object' end
      for key, text in pairs(e) do
        if type(key) ~= 'string' or type(text) ~= 'string' then damaged 'its metadata is not text' end
        self.metadata[key] = text
      end
    else
      local problem = type(name) == 'string' and entry_problem(e, room) or type(name) ~= 'string' and 'has no name'
      if problem then damaged('the tensor %s %s', tostring(name):sub(1, 60), problem) end
      self.entries[name] = {dtype = e.dtype, shape = e.shape, offset = e.data_offsets[1], bytes = e.data_offsets[2] - e.data_offsets[1]}
      spans[#spans + 1] = e.data_offsets
    end
  end
  table.sort(spans, function(a, b) return a[1] < b[1] or a[1] == b[1] and a[2] < b[2] end)
  local reached = 0
  for _, span in ipairs(spans) do
    if span[1] ~= reached then damaged('its tensors overlap or leave gaps at byte %.0f', reached) end
    reached = span[2]
  end
  if reached ~= room then damaged('its tensors fill %.0f of %.0f bytes', reached, room) end
  return self
end

local function entry(self, name)
  local e = self.entries[name]
  if not e then native.fail('%s: there is no tensor %s in it', self.path, name) end
  return e
end

--- Reads a tensor.
-- @string name
-- @treturn tensor a new one of the stored type and sizes
function File:read(name)
  local e = entry(self, name)
  local t = #e.shape > 0 and tensor.empty(code_of[e.dtype], e.shape) or tensor.empty(code_of[e.dtype], 1)
  if e.bytes > 0 then
    native.check(C.gt_file_read(tensor.pointer(t, 'safetensors'), self.path, self.data + e.offset, e.bytes))
    tensor.received(t)
  end
  return t
end

--- Reads a tensor into one that is there, of the same type and sizes.
-- @string name
-- @param t the tensor that receives it
function File:read_into(name, t)
  local e = entry(self, name)
  local same = code_of[e.dtype] == t.dtype and #e.shape == t.rank
  for d = 1, t.rank do same = same and e.shape[d] == tonumber(t.shape[d - 1]) end
  if not same then
    native.fail('%s: %s is %s %s, wanted %s %s', self.path, name, e.dtype, table.concat(e.shape, 'x'), name_of[t.dtype],
      tensor.shape_text(t))
  end
  if e.bytes == 0 then return end
  if C.gt_is_contiguous(t) ~= 0 then
    native.check(C.gt_file_read(tensor.pointer(t, 'safetensors'), self.path, self.data + e.offset, e.bytes))
    tensor.received(t)
  else
    native.check(C.gt_copy(t, self:read(name)))
  end
end

--- True if there is a tensor of that name.
function File:has(name) return self.entries[name] ~= nil end

return safetensors
