--- NumPy's .npy files: one tensor each, read and written.
-- @module gantry.data.npy
local ffi = require 'ffi'
local native = require 'gantry.native'
local tensor = require 'gantry.torch.tensor'

local C = native.C
local npy = {}

local code_of = {
  u1 = C.GT_BYTE, i1 = C.GT_CHAR, i2 = C.GT_SHORT, i4 = C.GT_INT, i8 = C.GT_LONG, f4 = C.GT_FLOAT, f8 = C.GT_DOUBLE, b1 = C.GT_BYTE,
}
local name_of = {
  [C.GT_BYTE] = '|u1', [C.GT_CHAR] = '|i1', [C.GT_SHORT] = '<i2', [C.GT_INT] = '<i4', [C.GT_LONG] = '<i8',
  [C.GT_FLOAT] = '<f4', [C.GT_DOUBLE] = '<f8',
}

--- Header bytes of versions 1 to 3: where the dictionary starts and how long it is.
local function locate(path, size)
  local start = ffi.new 'uint8_t[12]'
  if size < 12 then native.fail('npy: %s is %.0f bytes long, too short to be a .npy file', path, size) end
  native.check(C.gt_file_read(start, path, 0, 12))
  if ffi.string(start, 6) ~= '\147NUMPY' then native.fail('npy: %s does not begin as a .npy file does', path) end
  if start[6] == 1 then return 10, start[8] + 256 * start[9] end
  if start[6] == 2 or start[6] == 3 then return 12, start[8] + 256 * start[9] + 65536 * start[10] + 16777216 * start[11] end
  native.fail('npy: %s is of version %d, wanted 1, 2 or 3', path, start[6])
end

-- What a file's header says: element type, sizes, whether the first index runs fastest, where the data begin, their bytes.
local function read_header(path)
  local size = C.gt_file_size(path)
  if size < 0 then native.fail('npy: %s: there is no such file', path) end
  local start, length = locate(path, size)
  if start + length > size then native.fail('npy: %s ends inside its header', path) end
  local buffer = ffi.new('char[?]', length + 1)
  native.check(C.gt_file_read(buffer, path, start, length))
  local header = ffi.string(buffer, length)
  local order, kind = header:match "'descr'%s*:%s*'([<>|=])(%w+)'"
  local fortran = header:match "'fortran_order'%s*:%s*(%a+)"
  local shape_text = header:match "'shape'%s*:%s*%(([%d,%sL]*)%)"
  if not order or not fortran or not shape_text then native.fail('npy: the header of %s cannot be read', path) end
  local code = code_of[kind]
  if not code or order == '>' then
    native.fail("npy: %s holds '%s%s', wanted u1, i1, i2, i4, i8, f4 or f8, little-endian", path, order, kind)
  end
  local shape, count = {}, 1
  for digits in shape_text:gmatch '%d+' do
    shape[#shape + 1] = tonumber(digits)
    count = count * tonumber(digits)
  end
  if #shape > 8 then native.fail('npy: %s has %d dimensions, wanted at most 8', path, #shape) end
  local bytes = count * tonumber(C.gt_dtype_size(code))
  if start + length + bytes > size then native.fail('npy: %s has %.0f bytes of data, wanted %.0f', path, size - start - length, bytes) end
  if #shape == 0 then shape[1] = 1 end
  local backwards = fortran == 'True' and #shape > 1
  local sizes = shape
  if backwards then
    sizes = {}
    for d = 1, #shape do sizes[d] = shape[#shape + 1 - d] end
  end
  return {code = code, kind = kind, sizes = sizes, backwards = backwards, at = start + length, bytes = bytes}
end

-- A view with the dimensions in the opposite order.
local function turned(t)
  local reversed = ffi.new 'int[8]'
  for d = 0, t.rank - 1 do reversed[d] = t.rank - 1 - d end
  local view = tensor.new(t.dtype)
  native.check(C.gt_permute(view, t, t.rank, reversed))
  return view
end

--- Reads a .npy file (little-endian numbers or bytes, C or Fortran order, up to 8 dimensions).
-- @string path
-- @treturn tensor of the file's element type and shape; a single number gives a tensor of one element
-- @usage local w = npy.load 'gen_04.npy'
function npy.load(path)
  local about = read_header(path)
  local t = tensor.empty(about.code, about.sizes)
  if about.bytes > 0 then
    native.check(C.gt_file_read(tensor.pointer(t, 'npy'), path, about.at, about.bytes))
    tensor.received(t)
  end
  return about.backwards and tensor.contiguous(turned(t)) or t
end

--- Opens a .npy file without reading it: the tensor's memory is the file's pages, read when they are used, so the file may be
-- larger than memory. Writing to the tensor leaves the file alone. The file must not be made shorter meanwhile.
-- @string path
-- @treturn tensor of the file's element type and shape
-- @treturn string the element type as NumPy writes it: 'u1', 'f4' ...
-- @usage local images = npy.map 'images.npy'; print(images[1]:float():mean())
function npy.map(path)
  local about = read_header(path)
  if about.bytes == 0 or about.at % tonumber(C.gt_dtype_size(about.code)) ~= 0 then return npy.load(path), about.kind end
  local t, shape = tensor.new(about.code), ffi.new 'int64_t[8]'
  for d, size in ipairs(about.sizes) do shape[d - 1] = size end
  native.check(C.gt_tensor_map(t, path, about.at, #about.sizes, shape))
  return about.backwards and turned(t) or t, about.kind
end

--- The beginning of a .npy file (version 1, C order), up to where the data begin.
-- @int code element type: C.GT_BYTE ...
-- @tparam {int,...} sizes
-- @treturn string
function npy.header(code, sizes)
  local texts = {}
  for d, size in ipairs(sizes) do texts[d] = ('%d'):format(size) end
  local shape = #texts == 0 and '0,' or table.concat(texts, ', ') .. (#texts == 1 and ',' or '')
  local header = ("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }"):format(name_of[code], shape)
  header = header .. (' '):rep(-(#header + 11) % 64) .. '\n'
  return '\147NUMPY\1\0' .. string.char(#header % 256, math.floor(#header / 256)) .. header
end

-- ---- a file written piece by piece -------------------------------------------------------------------------------------------

local Writer = {}
Writer.__index = Writer

--- Begins a .npy file that is written piece by piece under a temporary name, so that it may be larger than memory.
-- @string path of the file
-- @int code element type: C.GT_FLOAT ...
-- @tparam {int,...} sizes of the whole
-- @treturn Writer `:write(t)` goes on with the elements of a tensor of that type, in order; `:finish()` gives the file its name;
-- `:abandon()` removes it
-- @usage local w = npy.writer('rows.npy', C.GT_FLOAT, {1000, 64}); for k = 1, 1000 do w:write(row(k)) end; w:finish()
function npy.writer(path, code, sizes)
  local temporary = ('%s.tmp-%d'):format(path, C.gt_process())
  local file, problem = io.open(temporary, 'wb')
  if not file then native.fail('%s', (problem:gsub('%.tmp%-%d+', ''))) end
  local count = 1
  for _, size in ipairs(sizes) do count = count * size end
  local self = setmetatable({path = path, temporary = temporary, file = file, code = code, left = count}, Writer)
  self:bytes(npy.header(code, sizes))
  return self
end

function Writer:bytes(text)
  local ok, problem = self.file:write(text)
  if ok then return end
  self:abandon()
  native.fail('%s: %s', self.path, (tostring(problem):gsub('^.*%.tmp%-%d+: ', '')))
end

function Writer:write(t)
  local c = tensor.contiguous(t)
  local n = tensor.count(c)
  if c.dtype ~= self.code or n > self.left then
    native.fail('npy: %s: got %s, wanted at most %.0f numbers of the file\'s type', self.path, tensor.shape_text(t), self.left)
  end
  if n > 0 then self:bytes(ffi.string(tensor.pointer(c, 'npy'), n * tonumber(C.gt_dtype_size(c.dtype)))) end
  self.left = self.left - n
end

function Writer:finish()
  if self.left > 0 then
    self:abandon()
    native.fail('npy: %s: %.0f numbers are missing', self.path, self.left)
  end
  local closed, problem = self.file:close()
  if not closed then
    os.remove(self.temporary)
    native.fail('%s: %s', self.path, tostring(problem))
  end
  native.check(C.gt_file_commit(self.temporary, self.path))
end

function Writer:abandon()
  self.file:close()
  os.remove(self.temporary)
end

--- Writes a tensor as a .npy file (version 1, C order).
-- @string path
-- @param t any tensor
-- @usage npy.save('images.npy', images)
function npy.save(path, t)
  if not tensor.is(t) then native.fail('npy: save: got a %s, wanted a tensor', type(t)) end
  local sizes = {}
  for d = 1, t.rank do sizes[d] = tonumber(t.shape[d - 1]) end
  local head = npy.header(t.dtype, sizes)
  local c = tensor.contiguous(t)
  local bytes = tensor.count(c) * tonumber(C.gt_dtype_size(c.dtype))
  local parts, lengths = ffi.new 'const void *[2]', ffi.new('double[2]', #head, bytes)
  parts[0] = ffi.cast('const char *', head)
  if bytes > 0 then parts[1] = tensor.pointer(c, 'npy') end
  native.check(C.gt_file_replace(path, 2, parts, lengths))
end

return npy
