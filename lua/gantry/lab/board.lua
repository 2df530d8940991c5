--- Sheets of images side by side or below each other, each under a line of words: the pictures of experiments.
-- @module gantry.lab.board
local Canvas = require 'gantry.gan.canvas'
local glyphs = require 'gantry.gan.glyphs'
local sheet = require 'gantry.gan.sheet'

local board = {}

local GAP, LINE, SCALE = 16, 22, 2
local ink = {0.12, 0.12, 0.14}

-- Gray as RGB, so that all parts have three channels.
local function coloured(pixels)
  if pixels:size(1) >= 3 then return pixels:narrow(1, 1, 3) end
  return pixels:expand(3, pixels:size(2), pixels:size(3))
end

--- Lays sheets out in rows.
-- @tparam {{table,...},...} rows of parts {text, pixels}: words ('' for none) and channels x height x width, 0..1
-- @treturn tensor 3 x height x width, 0..1
-- @usage r:picture(board.make {{{'random', a}, {'trained', b}}})
function board.make(rows)
  local places, width, y = {}, 0, 0
  for _, row in ipairs(rows) do
    local x, tall = 0, 0
    for _, part in ipairs(row) do
      local pixels = coloured(part[2])
      places[#places + 1] = {text = part[1], pixels = pixels, x = x, y = y}
      x = x + math.max(pixels:size(3), SCALE * glyphs.measure(part[1])) + GAP
      tall = math.max(tall, pixels:size(2))
    end
    width, y = math.max(width, x - GAP), y + LINE + tall + GAP
  end
  local canvas = Canvas.new {3, y - GAP, width}
  for _, place in ipairs(places) do
    canvas:text(place.x + 2, place.y + 4, place.text, ink, SCALE)
    canvas:put(place.x, place.y + LINE, place.pixels)
  end
  return canvas.pixels
end

--- Images of numbers of any size and sign, each brought to -1..1 by its own largest magnitude: 0 is mid-gray. For filters and gradients.
-- @param x n x channels x height x width
-- @treturn tensor n x channels x height x width
function board.signed(x)
  local shown = x:clone()
  for i = 1, x:size(1) do
    local most = math.max(math.abs(x[i]:min()), math.abs(x[i]:max()))
    if most > 0 then shown[i]:div(most) end
  end
  return shown
end

--- A sheet of a layer's filters; those that see other numbers of channels than pictures have are shown channel by channel, in gray.
-- @param weight outputs x inputs x height x width
-- @int[opt=64] most how many
-- @treturn tensor channels x height x width, 0..1
function board.filters(weight, most)
  local w = weight:contiguous()
  if w:size(2) ~= 1 and w:size(2) ~= 3 then w = w:view(-1, 1, w:size(3), w:size(4)) end
  local n = math.min(w:size(1), most or 64)
  return sheet.make(board.signed(w:narrow(1, 1, n)), {scale = math.max(1, math.floor(32 / w:size(3)))})
end

return board
