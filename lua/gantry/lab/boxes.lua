--- Boxes drawn by hand on samples, as a text file.
-- @module gantry.lab.boxes
local native = require 'gantry.native'

local boxes = {}

--- Reads boxes drawn by hand: a line for each, `sample x0 y0 x1 y1` with tabs or spaces between: the number of a sample, and the box's
-- edges in pixels of the picture (not of an enlarged sheet) from its top left. Lines that begin with # are remarks.
-- @string path
-- @int h height of the pictures
-- @int w width
-- @treturn {table,...} sample, x0, y0, x1, y1 in 0..1
function boxes.read(path, h, w)
  local file, problem = io.open(path, 'rb')
  if not file then native.fail('%s', problem) end
  local list, number = {}, 0
  for line in file:lines() do
    number = number + 1
    local text = line:gsub('%s+$', '')
    if text ~= '' and text:sub(1, 1) ~= '#' then
      local fields = {}
      for field in text:gmatch '%S+' do fields[#fields + 1] = tonumber(field) or math.huge end
      local s, x0, y0, x1, y1 = unpack(fields)
      local good = #fields == 5 and s >= 1 and s <= 1e6 and s % 1 == 0
        and x0 >= 0 and y0 >= 0 and x1 > x0 and y1 > y0 and x1 <= w and y1 <= h
      if not good then
        file:close()
        native.fail("%s, line %d: got '%s', wanted the number of a sample and x0 y0 x1 y1 inside %d x %d pixels", path, number,
          text:sub(1, 60), w, h)
      end
      list[#list + 1] = {sample = s, x0 = x0 / w, y0 = y0 / h, x1 = x1 / w, y1 = y1 / h}
    end
  end
  file:close()
  if #list == 0 then native.fail('%s: holds no boxes', path) end
  return list
end

--- Boxes as that file has them.
-- @tparam {table,...} list
-- @int h
-- @int w
-- @treturn string
function boxes.lines(list, h, w)
  local lines = {'# sample\tx0\ty0\tx1\ty1'}
  for i, b in ipairs(list) do lines[i + 1] = ('%d\t%g\t%g\t%g\t%g'):format(b.sample, b.x0 * w, b.y0 * h, b.x1 * w, b.y1 * h) end
  return table.concat(lines, '\n') .. '\n'
end

return boxes
