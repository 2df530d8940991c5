-- The safetensors reader and writer: round trips, and files that are damaged or lie.
local ffi = require 'ffi'
local torch = require 'gantry.torch'
local safetensors = require 'gantry.gan.safetensors'
local command = require 'tests.support.command'

local function bytes_of(n)
  return ffi.string(ffi.new('uint64_t[1]', n), 8)
end

local function file_with(header, data)
  local path = command.folder() .. '/x.safetensors'
  return command.write(path, bytes_of(#header) .. header .. (data or ''))
end

describe('safetensors', function()
  teardown(command.clean)

  it('reads back what it wrote: types, shapes, views, metadata', function()
    torch.manualSeed(3)
    local path = command.folder() .. '/a.safetensors'
    local matrix = torch.FloatTensor(3, 4):uniform()
    local tensors = {
      {'float', matrix:t()}, {'double', torch.DoubleTensor(5):normal()}, {'byte', torch.ByteTensor {1, 2, 255}},
      {'long', torch.LongTensor {-1, 2 ^ 40}}, {'empty', torch.FloatTensor()}, {'int', torch.IntTensor(2, 1, 2):fill(-7)},
    }
    safetensors.write(path, tensors, {note = 'a "quoted" word', other = '{}'})
    local file = safetensors.open(path)
    assert.equal('a "quoted" word', file.metadata.note)
    for _, entry in ipairs(tensors) do
      local t = file:read(entry[1])
      assert.equal(entry[2]:type(), t:type())
      assert.equal(entry[2]:nElement(), t:nElement())
      if t:nElement() > 0 then
        assert.equal(0, (entry[2]:double() - t:double()):abs():max())
      end
    end
    local turned = torch.FloatTensor(3, 4):zero()
    file:read_into('float', turned:t())
    assert.equal(0, (turned - matrix):abs():max())
    assert.is_true(file:has 'byte')
    assert.is_false(file:has 'bytes')
  end)
  it('begins its tensors at a multiple of 8', function()
    local path = command.folder() .. '/a.safetensors'
    safetensors.write(path, {{'x', torch.DoubleTensor {1}}}, {k = 'abc'})
    assert.equal(0, safetensors.open(path).data % 8)
    assert.equal(0, #command.read(path) % 8)
  end)
  it('names the tensor and both shapes where they differ', function()
    local path = command.folder() .. '/a.safetensors'
    safetensors.write(path, {{'x', torch.FloatTensor(2, 3)}})
    local file = safetensors.open(path)
    assert.error_matches(function() file:read_into('x', torch.FloatTensor(3, 2)) end, 'x is F32 2x3, wanted F32 3x2')
    assert.error_matches(function() file:read 'y' end, 'there is no tensor y in it')
  end)
  it('refuses damaged files with one line', function()
    local function refused(path, pattern)
      local ok, message = pcall(safetensors.open, path)
      assert.is_false(ok)
      assert.matches(pattern, message)
      assert.is_nil(message:find '\n')
    end
    local folder = command.folder()
    refused(folder .. '/none', 'there is no such file')
    refused(folder, 'there is no such file')
    refused(command.write(folder .. '/short', 'abc'), 'only 3 bytes long')
    refused(command.write(folder .. '/lying', bytes_of(1e12) .. '{}'), 'its header would take')
    refused(command.write(folder .. '/huge', ('\255'):rep(8) .. '{}'), 'its header would take')
    refused(file_with 'not json', 'is not JSON')
    refused(file_with '[]x', 'is not JSON')
    refused(file_with(('['):rep(2000)), 'is not JSON')
    refused(file_with('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', '1234'), 'a lies outside the file')
    refused(file_with('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}', '12345678'), 'that its bytes do not fill')
    refused(file_with('{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}', '1234'), 'element type F99')
    refused(file_with('{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', '1234'), 'no usable shape')
    refused(file_with('{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}', '1234'), 'outside the file')
    refused(file_with('{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}', '1234'),
      'overlap or leave gaps')
    refused(file_with('{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}', '1234'), 'fill 2 of 4 bytes')
    refused(file_with '{"a":5}', 'a is not an object')
    refused(file_with '{"__metadata__":{"x":5}}', 'metadata is not text')
  end)
  it('keeps the old file where the new one cannot be written', function()
    local path = command.folder() .. '/a.safetensors'
    safetensors.write(path, {{'x', torch.FloatTensor {1}}})
    assert.has_error(function() safetensors.write(path .. '/below', {}) end)
    assert.equal(1, safetensors.open(path):read 'x'[1])
  end)
end)
