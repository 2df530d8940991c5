--- Pictures as terminals take them: kitty's graphics protocol, sixel, or half blocks in 24-bit colour.
-- Each function takes a contiguous ByteTensor 3 x height x width and returns a string.
-- @module gantry.repl.graphics
local ffi = require 'ffi'
local bit = require 'bit'
local image = require 'gantry.image'
local tensor = require 'gantry.torch.tensor'

local graphics = {}

local function pixels(x) return tensor.pointer(x, 'show'), x:size(2), x:size(3) end

--- Two pixels in each character, one above the other.
function graphics.blocks(x)
  local p, h, w = pixels(x)
  local plane, out = h * w, {}
  for y = 0, h - 1, 2 do
    local line, last = {}, nil
    for column = 0, w - 1 do
      local a, b = y * w + column, (y + 1) * w + column
      local colours = ('\27[38;2;%d;%d;%d'):format(p[a], p[plane + a], p[2 * plane + a])
      if y + 1 < h then
        colours = ('%s;48;2;%d;%d;%dm'):format(colours, p[b], p[plane + b], p[2 * plane + b])
      else
        colours = colours .. ';49m'
      end
      line[column + 1] = (colours ~= last and colours or '') .. '▀'
      last = colours
    end
    out[#out + 1] = table.concat(line) .. '\27[0m\n'
  end
  return table.concat(out)
end

-- ---- sixel ------------------------------------------------------------------------------------------------------------------

local LEVELS = 6 -- of each of red, green and blue
local bayer = ffi.new('double[16]', {0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5})

-- One colour's dots in a band of six rows, repeated characters counted.
local function sixel_row(dots, w)
  local out, column = {}, 0
  while column < w do
    local value, run = dots[column], 1
    while column + run < w and dots[column + run] == value do run = run + 1 end
    local character = string.char(63 + value)
    out[#out + 1] = run > 3 and ('!%d%s'):format(run, character) or character:rep(run)
    column = column + run
  end
  return table.concat(out)
end

--- Sixel, in 216 colours with ordered dithering.
function graphics.sixel(x)
  local p, h, w = pixels(x)
  local plane, most = h * w, LEVELS ^ 3
  local out = {('\27P0;1q"1;1;%d;%d'):format(w, h)}
  for colour = 0, most - 1 do
    local function percent(digit) return math.floor(digit % LEVELS * 100 / (LEVELS - 1) + 0.5) end
    out[#out + 1] = ('#%d;2;%d;%d;%d'):format(colour, percent(math.floor(colour / 36)), percent(math.floor(colour / 6)), percent(colour))
  end
  local dots = ffi.new('uint8_t[?]', most * w)
  local function level(value, threshold) return math.floor(value * (LEVELS - 1) / 255 + threshold) end
  for top = 0, h - 1, 6 do
    ffi.fill(dots, most * w)
    local used = {}
    for y = top, math.min(top + 5, h - 1) do
      local mask = bit.lshift(1, y - top)
      for column = 0, w - 1 do
        local at, threshold = y * w + column, (bayer[y % 4 * 4 + column % 4] + 0.5) / 16
        local colour = level(p[at], threshold) * 36 + level(p[plane + at], threshold) * 6 + level(p[2 * plane + at], threshold)
        used[colour] = true
        dots[colour * w + column] = bit.bor(dots[colour * w + column], mask)
      end
    end
    local rows = {}
    for colour = 0, most - 1 do
      if used[colour] then rows[#rows + 1] = ('#%d%s'):format(colour, sixel_row(dots + colour * w, w)) end
    end
    out[#out + 1] = table.concat(rows, '$') .. '-'
  end
  return table.concat(out) .. '\27\\'
end

-- ---- kitty ------------------------------------------------------------------------------------------------------------------

local digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

--- The base64 of a string.
function graphics.base64(text)
  local out = {}
  for at = 1, #text, 3 do
    local a, b, c = text:byte(at, at + 2)
    local n = a * 65536 + (b or 0) * 256 + (c or 0)
    local four = {}
    for k = 0, 3 do
      local d = math.floor(n / 64 ^ (3 - k)) % 64 + 1
      four[k + 1] = digits:sub(d, d)
    end
    if not b then four[3] = '=' end
    if not c then four[4] = '=' end
    out[#out + 1] = table.concat(four)
  end
  return table.concat(out)
end

local CHUNK = 4096

--- Kitty's protocol: a PNG in pieces.
function graphics.kitty(x)
  local path = os.tmpname()
  os.remove(path)
  path = path .. '.png'
  image.save(path, x)
  local file = assert(io.open(path, 'rb'))
  local text = graphics.base64(file:read '*a')
  file:close()
  os.remove(path)
  local out = {}
  for from = 1, #text, CHUNK do
    local more = from + CHUNK <= #text and 1 or 0
    out[#out + 1] = ('\27_G%sm=%d;%s\27\\'):format(from == 1 and 'a=T,f=100,' or '', more, text:sub(from, from + CHUNK - 1))
  end
  return table.concat(out) .. '\n'
end

return graphics
