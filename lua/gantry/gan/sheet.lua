--- Sheets of images as people look at them: small images enlarged by whole pixels, with numbers or words on them.
-- @module gantry.gan.sheet
local native = require 'gantry.native'
local image = require 'gantry.image'
local Canvas = require 'gantry.gan.canvas'

local sheet = {}

local SEEN = 96      -- sides that small images are enlarged towards
local COMFORT = 1400 -- pixels that an enlarged sheet stays within

--- How many times images are enlarged so that a sheet of them is comfortable to look at.
-- @int h height of an image
-- @int w its width
-- @int columns
-- @int rows
-- @treturn int at least 1
function sheet.scale(h, w, columns, rows)
  local times = math.floor(SEEN / math.max(h, w))
  local room = math.floor(COMFORT / math.max(columns * w, rows * h))
  return math.max(1, math.min(times, room))
end

--- Images whose pixels are squares of times x times.
-- @param images n x channels x height x width
-- @int times
function sheet.enlarge(images, times)
  if times == 1 then return images end
  return image.scale(images, images:size(4) * times, images:size(3) * times, 'simple')
end

--- Columns that make a grid of n images nearly square.
function sheet.columns(n) return math.ceil(math.sqrt(n)) end

--- Columns for samples of classes in turn, so that each column is one class; nil where there are too many.
-- @int classes
-- @int n images
function sheet.columns_of_classes(classes, n)
  if classes <= n and classes <= 20 and classes > 3 then return classes end
end

--- Columns for n triples of images so that the sheet is nearly square.
function sheet.columns_of_triples(n) return 3 * math.max(1, math.floor(math.sqrt(n / 3) + 0.5)) end

--- Lays images out.
-- @param images n x channels x height x width, -1..1
-- @tparam[opt] table how columns (default: nearly square); scale (whole; default: so that it is comfortable to look at); labels (a
-- list of what to write on the images; '' for nothing)
-- @treturn tensor channels x height x width, 0..1
function sheet.make(images, how)
  how = how or {}
  local n, h, w = images:size(1), images:size(3), images:size(4)
  local columns = math.min(n, how.columns or sheet.columns(n))
  local times = how.scale or sheet.scale(h, w, columns, math.ceil(n / columns))
  local padding = 2
  local height, width = math.ceil(n / columns) * (h * times + padding) + padding, columns * (w * times + padding) + padding
  if math.max(height, width) > 65500 then
    native.fail('sheet: it would be %d x %d pixels; draw fewer images, enlarge them less, or use --each', width, height)
  end
  local pixels = image.grid(sheet.enlarge(images, times), {columns = columns, range = {-1, 1}, padding = padding})
  if how.labels then
    local canvas = Canvas.new(pixels)
    local size = math.min(h, w) * times >= 96 and 2 or 1
    for i, label in ipairs(how.labels) do
      local column, row = (i - 1) % columns, math.floor((i - 1) / columns)
      if label ~= '' then
        canvas:label(padding + column * (w * times + padding), padding + row * (h * times + padding), tostring(label), size)
      end
    end
  end
  return pixels
end

return sheet
