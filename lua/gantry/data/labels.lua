--- Labels in a table beside a folder of images: a TSV file whose first line names the columns and whose first column is the image's file.
--
--     image      gender  smile
--     00000.png  male    0
--
-- @module gantry.data.labels
local native = require 'gantry.native'

local labels = {}

local function cells(line)
  local list = {}
  for cell in (line .. '\t'):gmatch '([^\t]*)\t' do list[#list + 1] = cell end
  return list
end

--- Reads a table of labels.
-- @string path of the TSV
-- @treturn table columns (names, without the first), rows (by the image's file: a table of texts by column), path
-- @raise where a line has not as many cells as there are columns, or an image stands there twice
-- @usage local t = labels.read 'faces/labels.tsv'; print(t.rows['00000.png'].smile)
function labels.read(path)
  local file, problem = io.open(path, 'rb')
  if not file then native.fail('labels: %s', problem) end
  local text = file:read '*a'
  file:close()
  if not text then native.fail('labels: %s cannot be read', path) end
  local names, rows, number = nil, {}, 0
  for line in text:gsub('\r\n', '\n'):gmatch '[^\n]*' do
    if line ~= '' then
      local row = cells(line)
      number = number + 1
      names = names or row
      if #names < 2 then native.fail('labels: %s: the first line has one column, wanted the image and its labels, tabs between', path) end
      if #row ~= #names then native.fail('labels: %s: row %d has %d columns, wanted %d', path, number, #row, #names) end
      if row ~= names then
        if rows[row[1]] then native.fail('labels: %s: %s stands there twice', path, row[1]) end
        local by_name = {}
        for k = 2, #names do by_name[names[k]] = row[k] end
        rows[row[1]] = by_name
      end
    end
  end
  if number < 2 then native.fail('labels: %s has no rows', path) end
  return {path = path, columns = {unpack(names, 2)}, rows = rows}
end

--- The row of a picture of a folder: by its path within the folder, or by its file's name alone.
-- @tparam table t from labels.read
-- @string path of the picture
-- @treturn table texts by column
-- @raise where the table knows nothing of it
function labels.row(t, path)
  local rest = path
  while rest do
    if t.rows[rest] then return t.rows[rest] end
    rest = rest:match '^[^/]*/(.*)$'
  end
  native.fail('labels: %s has no row for %s', t.path, path)
end

return labels
