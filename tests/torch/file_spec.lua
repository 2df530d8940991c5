-- torch.DiskFile and torch.MemoryFile.
local torch = require 'gantry.torch'
local command = require 'tests.support.command'

describe('torch.DiskFile', function()
  teardown(command.clean)

  for _, mode in ipairs {'ascii', 'binary'} do
    it('gives back what was written: ' .. mode, function()
      local path = command.folder() .. '/f'
      local f = torch.DiskFile(path, 'w')
      f[mode](f)
      f:writeInt(-5)
      f:writeDouble(0.1)
      f:writeByte(200)
      f:writeLong(torch.LongStorage {1, 2 ^ 40})
      f:writeBool(true)
      f:writeObject {1, 'two', torch.FloatTensor {3, 4}}
      f:writeObject(torch.IntTensor {7})
      assert.equal(12, f:writeString 'one\ntwo\nlast')
      assert.is_false(f:isReadable())
      assert.error_matches(function() f:readInt() end, 'readInt: the file .* was opened for writing')
      f:close()
      f = torch.DiskFile(path)
      f[mode](f)
      assert.equal(-5, f:readInt())
      assert.equal(0.1, f:readDouble())
      assert.equal(200, f:readByte())
      assert.same({1, 2 ^ 40}, f:readLong(2):totable())
      assert.is_true(f:readBool())
      local t = f:readObject()
      assert.same({1, 'two'}, {t[1], t[2]})
      assert.same({3, 4}, t[3]:totable())
      assert.equal('torch.IntTensor', f:readObject():type())
      assert.equal('one', f:readString '*l')
      local here = f:position()
      assert.equal('two\nlast', f:readString '*a')
      f:seek(here)
      assert.equal('two', f:readString())
      f:seekEnd()
      assert.error_matches(function() f:readInt() end, 'is not a good .t7 file')
      f:quiet()
      assert.is_nil(f:readInt())
      assert.is_true(f:hasError())
      f:close()
      assert.error_matches(function() f:readInt() end, 'readInt: the file .* is closed')
    end)
  end

  it('is what torch.save and torch.load use', function()
    local path = command.folder() .. '/f'
    local f = torch.DiskFile(path, 'w'):binary()
    f:writeObject {answer = 42}
    f:close()
    assert.equal(42, torch.load(path).answer)
    torch.save(path, {answer = 43})
    assert.equal(43, torch.DiskFile(path, 'r'):binary():readObject().answer)
  end)

  it('that is not there, and modes that are none, are errors', function()
    assert.error_matches(function() torch.DiskFile '/nonexistent/file' end, 'DiskFile: /nonexistent/file')
    assert.error_matches(function() torch.DiskFile('/tmp', 'x') end, "DiskFile: the mode is 'x'")
  end)
end)

describe('torch.MemoryFile', function()
  it('is written and read in one', function()
    local f = torch.MemoryFile()
    f:writeObject {x = torch.FloatTensor {1, 2}}
    f:writeString 'tail'
    f:seek(1)
    assert.same({1, 2}, f:readObject().x:totable())
    assert.equal('tail', f:readString '*a')
    local again = torch.MemoryFile(f:storage(), 'r')
    assert.same({1, 2}, again:readObject().x:totable())
  end)

  it('is overwritten where it was sought to', function()
    local f = torch.MemoryFile 'hello world'
    f:seek(7)
    f:writeString 'W'
    assert.equal('orld', f:readString())
    f:writeString '!'
    f:seek(1)
    assert.equal('hello World!', f:readString '*a')
    assert.equal(13, f:storage():size())
  end)
end)
