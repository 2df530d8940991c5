--- A picture to draw on: rectangles, lines, pictures and words, for sheets and plots. Columns and rows count from 0, colours
-- are {red, green, blue} in 0..1, and what falls outside is left out.
-- @module gantry.gan.canvas
local image = require 'gantry.image'
local torch = require 'gantry.torch'
local tensor = require 'gantry.torch.tensor'
local glyphs = require 'gantry.gan.glyphs'

local Canvas = {}
Canvas.__index = Canvas

--- Wraps a picture, or makes one of a colour.
-- @param size a FloatTensor channels x height x width (1, 3 or 4 channels), drawn on in place; or {channels, height, width}
-- @tparam[opt] table ground its colour; white
-- @treturn Canvas with `pixels`, the tensor
function Canvas.new(size, ground)
  local pixels = size
  if type(size) == 'table' then pixels = torch.FloatTensor(size[1], size[2], size[3]):fill(1) end
  local self = setmetatable({pixels = pixels, channels = pixels:size(1), height = pixels:size(2), width = pixels:size(3)}, Canvas)
  if ground then self:fill(0, 0, self.width, self.height, ground) end
  return self
end

-- The colour in the picture's channels.
local function components(self, colour)
  if self.channels == 1 then return {0.299 * colour[1] + 0.587 * colour[2] + 0.114 * colour[3]} end
  return {colour[1], colour[2], colour[3], 1}
end

--- Fills a rectangle.
function Canvas:fill(x, y, width, height, colour)
  local x1, y1 = math.max(0, math.floor(x)), math.max(0, math.floor(y))
  local x2, y2 = math.min(self.width, math.floor(x) + width), math.min(self.height, math.floor(y) + height)
  if x2 <= x1 or y2 <= y1 then return end
  local part = self.pixels:narrow(2, y1 + 1, y2 - y1):narrow(3, x1 + 1, x2 - x1)
  for c, v in ipairs(components(self, colour)) do
    if c <= self.channels then part[c]:fill(v) end
  end
end

--- Draws a line of one pixel's width.
function Canvas:line(x1, y1, x2, y2, colour)
  local p = tensor.pointer(self.pixels, 'canvas')
  local plane, v = self.width * self.height, components(self, colour)
  local n = math.max(1, math.ceil(math.max(math.abs(x2 - x1), math.abs(y2 - y1))))
  for i = 0, n do
    local x, y = math.floor(x1 + (x2 - x1) * i / n + 0.5), math.floor(y1 + (y2 - y1) * i / n + 0.5)
    if x >= 0 and y >= 0 and x < self.width and y < self.height then
      for c = 1, self.channels do p[(c - 1) * plane + y * self.width + x] = v[c] end
    end
  end
  tensor.touch(self.pixels)
end

--- Writes words.
-- @int x the left edge
-- @int y the top edge
-- @string text
-- @tparam table colour
-- @int[opt=1] scale pixels for each pixel of the font
-- @treturn int the right edge
function Canvas:text(x, y, text, colour, scale)
  scale = scale or 1
  for i = 1, #text do
    for _, at in ipairs(glyphs.pixels(text:sub(i, i))) do
      self:fill(x + at[1] * scale, y + at[2] * scale, scale, scale, colour)
    end
    x = x + glyphs.advance * scale
  end
  return x - scale
end

local black, white = {0, 0, 0}, {1, 1, 1}

--- Writes words in white on a black ground, readable on any picture.
function Canvas:label(x, y, text, scale)
  scale = scale or 1
  self:fill(x, y, (glyphs.measure(text) + 2) * scale, (glyphs.height + 2) * scale, black)
  self:text(x + scale, y + scale, text, white, scale)
end

--- Puts a picture of as many channels down with its corner at (x, y).
-- @param picture channels x height x width, 0..1
function Canvas:put(x, y, picture)
  self.pixels:narrow(2, y + 1, picture:size(2)):narrow(3, x + 1, picture:size(3)):copy(picture)
end

--- Writes the picture to a PNG, whole or not at all.
function Canvas:save(path) image.save(path, self.pixels) end

return Canvas
