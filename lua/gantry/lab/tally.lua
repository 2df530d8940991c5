--- Pictures of shares: bars beside each other, and which class was taken for which.
-- @module gantry.lab.tally
local Canvas = require 'gantry.gan.canvas'
local glyphs = require 'gantry.gan.glyphs'

local tally = {}

local ink, light, grey = {0.1, 0.1, 0.1}, {0.92, 0.92, 0.92}, {0.5, 0.5, 0.5}
local colours = {{0.12, 0.42, 0.75}, {0.88, 0.45, 0.1}, {0.3, 0.6, 0.35}}
local TEXT = 2 -- pixels for each pixel of the font

local function width_of(text) return glyphs.measure(text) * TEXT end

--- Bars of shares with their intervals.
-- @tparam {table,...} rows name, and a list of {share =, low =, high =} or false for each series
-- @tparam {string,...} series their names
-- @number[opt] chance a share that nothing has to be known for: a line
-- @treturn tensor 3 x height x width, 0..1
-- @usage tally.bars({{'pixels', {share = 0.38, low = 0.37, high = 0.39}}}, {'all labels'}, 0.1)
function tally.bars(rows, series, chance)
  local left, bar, gap, long = 0, 18, 10, 480
  for _, row in ipairs(rows) do left = math.max(left, width_of(row[1]) + 24) end
  local top, each = 40, #series * (bar + 2) + gap
  local canvas = Canvas.new {3, top + #rows * each + 30, left + long + 90}
  local x = left
  for k, name in ipairs(series) do
    canvas:fill(x, 12, 14, 14, colours[k])
    x = canvas:text(x + 20, 12, name, ink, TEXT) + 24
  end
  local bottom = top + #rows * each
  for percent = 0, 100, 20 do
    local at = left + math.floor(long * percent / 100)
    canvas:fill(at, top, 1, bottom - top, light)
    local text = ('%d'):format(percent)
    canvas:text(at - width_of(text) / 2, bottom + 6, text, grey, TEXT)
  end
  for r, row in ipairs(rows) do
    local y = top + (r - 1) * each
    canvas:text(8, y + (each - gap) / 2 - 7, row[1], ink, TEXT)
    for k in ipairs(series) do
      local s = row[k + 1]
      if s then
        local from = y + (k - 1) * (bar + 2)
        canvas:fill(left, from, math.max(1, math.floor(long * s.share)), bar, colours[k])
        local low, high = left + long * s.low, left + long * s.high
        canvas:fill(low, from + bar / 2, math.max(1, math.ceil(high - low)), 1, ink)
        canvas:text(math.max(high, left + long * s.share) + 6, from + 2, ('%.1f'):format(100 * s.share), ink, TEXT)
      end
    end
  end
  if chance then
    for y = top, bottom, 4 do canvas:fill(left + long * chance, y, 1, 2, ink) end
  end
  return canvas.pixels
end

--- Which class was taken for which, in per cent of the true class's images.
-- @param counts classes x classes: row the true class, column what it was taken for
-- @tparam {string,...} names of the classes
-- @treturn tensor 3 x height x width, 0..1
function tally.confusion(counts, names)
  local n, cell, left = #names, 44, 0
  for _, name in ipairs(names) do left = math.max(left, width_of(name) + 16) end
  local top = 44
  local canvas = Canvas.new {3, top + n * cell + 8, left + n * cell + 8}
  for column = 1, n do
    local short = names[column]:sub(1, 3)
    canvas:text(left + (column - 1) * cell + (cell - width_of(short)) / 2, 20, short, ink, TEXT)
  end
  for row = 1, n do
    local y, total = top + (row - 1) * cell, math.max(1, counts[row]:sum())
    canvas:text(8, y + cell / 2 - 7, names[row], ink, TEXT)
    for column = 1, n do
      local share = counts[row][column] / total
      local hue = row == column and colours[1] or colours[2]
      local strength = math.sqrt(share)
      local colour = {}
      for c = 1, 3 do colour[c] = 1 - strength * (1 - hue[c]) end
      canvas:fill(left + (column - 1) * cell, y, cell - 2, cell - 2, colour)
      local text = ('%.0f'):format(100 * share)
      if text ~= '0' then
        local dark = strength > 0.75 and {1, 1, 1} or ink
        canvas:text(left + (column - 1) * cell + (cell - 2 - width_of(text)) / 2, y + cell / 2 - 8, text, dark, TEXT)
      end
    end
  end
  return canvas.pixels
end

return tally
