-- Tables of labels beside folders of images.
local labels = require 'gantry.data.labels'
local command = require 'tests.support.command'

describe('data.labels', function()
  teardown(command.clean)
  local function table_of(text) return command.write(command.folder() .. '/labels.tsv', text) end

  it('reads rows by the name of the image, or by its path in the folder', function()
    local t = labels.read(table_of 'image\tgender\tsmile\r\na.png\tmale\t0\r\n\r\nsub/b.png\tfemale\t1\r\n')
    assert.same({'gender', 'smile'}, t.columns)
    assert.same({gender = 'male', smile = '0'}, labels.row(t, '/home/me/faces/a.png'))
    assert.same({gender = 'female', smile = '1'}, labels.row(t, 'faces/sub/b.png'))
    assert.error_matches(function() labels.row(t, 'faces/b.png') end, 'has no row for faces/b.png')
  end)

  it('says what is wrong', function()
    local function refused(text, pattern)
      local path = table_of(text)
      assert.error_matches(function() labels.read(path) end, pattern)
    end
    refused('image\tsmile\na.png\t0\t1\n', 'row 2 has 3 columns, wanted 2')
    refused('image\tsmile\na.png\t0\na.png\t1\n', 'a.png stands there twice')
    refused('image\na.png\n', 'the first line has one column')
    refused('image\tsmile\n', 'has no rows')
    assert.error_matches(function() labels.read '/nonexistent.tsv' end, 'labels: /nonexistent.tsv')
  end)
end)
