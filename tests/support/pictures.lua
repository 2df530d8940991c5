--- A folder of pictures as people have them: PNG in every mode, JPEG of several kinds, broken files, things that are no pictures.
local bit = require 'bit'
local lfs = require 'lfs'
local gantry = require 'gantry'
local scenes = require 'gantry.data.scenes'
local command = require 'tests.support.command'

local pictures = {}

-- ---- PNG in every mode: written here, since Gantry writes 8 bits only -------------------------------------------------------

local crc_table = {}
for n = 0, 255 do
  local c = n
  for _ = 1, 8 do c = bit.band(c, 1) == 1 and bit.bxor(bit.rshift(c, 1), 0xedb88320) or bit.rshift(c, 1) end
  crc_table[n] = c
end

local function big_endian(v)
  return string.char(bit.band(bit.rshift(v, 24), 255), bit.band(bit.rshift(v, 16), 255), bit.band(bit.rshift(v, 8), 255), bit.band(v, 255))
end

local function chunk(name, body)
  local crc = -1
  local bytes = name .. body
  for i = 1, #bytes do crc = bit.bxor(crc_table[bit.band(bit.bxor(crc, bytes:byte(i)), 255)], bit.rshift(crc, 8)) end
  return big_endian(#body) .. bytes .. big_endian(bit.bnot(crc))
end

-- A zlib stream that compresses nothing.
local function stored(bytes)
  local parts, a, b = {'\120\1'}, 1, 0
  for from = 1, #bytes, 65535 do
    local part = bytes:sub(from, from + 65534)
    local n = #part
    local last = from + n > #bytes and 1 or 0
    parts[#parts + 1] = string.char(last, n % 256, math.floor(n / 256), 255 - n % 256, 255 - math.floor(n / 256)) .. part
  end
  for i = 1, #bytes do
    a = (a + bytes:byte(i)) % 65521
    b = (b + a) % 65521
  end
  parts[#parts + 1] = big_endian(b * 65536 + a)
  return table.concat(parts)
end

-- The rows of an image whose pixel (y, x) is `samples` numbers of `depth` bits.
local function rows(h, w, depth, pixel, y0, dy, x0, dx)
  local lines = {}
  for y = y0, h - 1, dy do
    local bytes, held, have = {'\0'}, 0, 0
    for x = x0, w - 1, dx do
      for _, v in ipairs(pixel(y, x)) do
        if depth == 16 then
          bytes[#bytes + 1] = string.char(math.floor(v / 256), v % 256)
        else
          held, have = held * 2 ^ depth + v, have + depth
          if have == 8 then
            bytes[#bytes + 1] = string.char(held)
            held, have = 0, 0
          end
        end
      end
    end
    if have > 0 then bytes[#bytes + 1] = string.char(held * 2 ^ (8 - have)) end
    if #bytes > 1 then lines[#lines + 1] = table.concat(bytes) end
  end
  return table.concat(lines)
end

local adam7 = {{0, 8, 0, 8}, {0, 8, 4, 8}, {4, 8, 0, 4}, {0, 4, 2, 4}, {2, 4, 0, 2}, {0, 2, 1, 2}, {1, 2, 0, 1}}

local function png(o)
  local data = {}
  for _, pass in ipairs(o.interlaced and adam7 or {{0, 1, 0, 1}}) do data[#data + 1] = rows(o.h, o.w, o.depth, o.pixel, unpack(pass)) end
  local kind = string.char(o.depth, o.colour, 0, 0, o.interlaced and 1 or 0)
  return '\137PNG\r\n\26\n' .. chunk('IHDR', big_endian(o.w) .. big_endian(o.h) .. kind)
    .. (o.palette and chunk('PLTE', o.palette) or '') .. (o.clear and chunk('tRNS', o.clear) or '')
    .. chunk('IDAT', stored(table.concat(data))) .. chunk('IEND', '')
end

-- Each mode: from a picture's RGB bytes at (y, x) to samples.
local function luma(r, g, b) return math.floor(0.299 * r + 0.587 * g + 0.114 * b) end
local ramp, cube = {}, {}
for n = 0, 15 do ramp[n + 1] = string.char(n * 17, 255 - n * 17, 128) end
for n = 0, 255 do
  cube[n + 1] = string.char(bit.band(bit.rshift(n, 5), 7) * 36, bit.band(bit.rshift(n, 2), 7) * 36, bit.band(n, 3) * 85)
end
local function index_of(r, g, b) return bit.lshift(bit.rshift(r, 5), 5) + bit.lshift(bit.rshift(g, 5), 2) + bit.rshift(b, 6) end

local modes = {
  {'gray-1', 0, 1, function(r, g, b) return {luma(r, g, b) > 127 and 1 or 0} end},
  {'gray-2', 0, 2, function(r, g, b) return {math.floor(luma(r, g, b) / 64)} end},
  {'gray-4', 0, 4, function(r, g, b) return {math.floor(luma(r, g, b) / 16)} end},
  {'gray-8', 0, 8, function(r, g, b) return {luma(r, g, b)} end},
  {'gray-16', 0, 16, function(r, g, b) return {luma(r, g, b) * 257} end},
  {'gray-clear', 0, 8, function(r, g, b) return {luma(r, g, b)} end, clear = '\0\200'},
  {'rgb-8', 2, 8, function(r, g, b) return {r, g, b} end},
  {'rgb-16', 2, 16, function(r, g, b) return {r * 257, g * 257, b * 257} end},
  {'rgb-laced', 2, 8, function(r, g, b) return {r, g, b} end, interlaced = true},
  {'palette-1', 3, 1, function(r) return {r > 127 and 1 or 0} end, palette = ramp[1] .. ramp[16]},
  {'palette-4', 3, 4, function(r) return {math.floor(r / 16)} end, palette = table.concat(ramp)},
  {'palette-8', 3, 8, function(r, g, b) return {index_of(r, g, b)} end, palette = table.concat(cube)},
  {'palette-clear', 3, 8, function(r, g, b) return {index_of(r, g, b)} end, palette = table.concat(cube), clear = ('\0\128'):rep(100)},
  {'gray-alpha-8', 4, 8, function(r, g, b, a) return {luma(r, g, b), a} end},
  {'gray-alpha-16', 4, 16, function(r, g, b, a) return {luma(r, g, b) * 257, a * 257} end},
  {'rgba-8', 6, 8, function(r, g, b, a) return {r, g, b, a} end},
  {'rgba-16', 6, 16, function(r, g, b, a) return {r * 257, g * 257, b * 257, a * 257} end},
}
pictures.modes = modes

local function face(number, h, w) return scenes.draw('faces', {index = number, size = {h, w}}):add(1):mul(127.5):byte() end

local function write_mode(path, mode, number, h, w)
  local x = face(number, h, w)
  local convert = mode[4]
  command.write(path, png {
    h = h, w = w, colour = mode[2], depth = mode[3], palette = mode.palette, clear = mode.clear, interlaced = mode.interlaced,
    pixel = function(y, x0)
      local at = x[{{}, y + 1, x0 + 1}]
      return convert(at[1], at[2], at[3], (y * 5 + x0 * 3) % 256)
    end,
  })
end

-- ---- the folder -------------------------------------------------------------------------------------------------------------

--- An Exif block that says how the camera was held.
local function turned(jpeg, orientation)
  local exif = 'Exif\0\0MM\0\42\0\0\0\8\0\1\1\18\0\3\0\0\0\1\0' .. string.char(orientation) .. '\0\0\0\0\0\0'
  return jpeg:sub(1, 2) .. '\255\225' .. string.char(0, #exif + 2) .. exif .. jpeg:sub(3)
end

--- Makes the folder: two sub-folders with 200 pictures, and what else lies about.
-- @string folder an empty one
-- @treturn table what is in it: pictures (that can be read), broken, others, duplicates
function pictures.make(folder)
  local image = gantry.image
  local made = {pictures = 0, broken = 0, others = 0}
  for _, sub in ipairs {'a', 'b'} do assert(lfs.mkdir(folder .. '/' .. sub)) end
  local function path(name)
    made.pictures = made.pictures + 1
    return ('%s/%s/%s'):format(folder, made.pictures % 2 == 0 and 'a' or 'b', name)
  end
  local first
  for i = 1, 6 * #modes do
    local mode = modes[(i - 1) % #modes + 1]
    local name = path(('%03d-%s.png'):format(i, mode[1]))
    first = first or name
    write_mode(name, mode, i, 20 + i % 37, 24 + i % 29)
  end
  local one, huge, copy = path 'one.png', path 'huge.jpg', path 'copy.png'
  image.save(one, gantry.torch.ByteTensor(3, 1, 1):fill(200))
  image.save(huge, gantry.torch.ByteTensor(3, 5000, 8000):fill(90), 50)
  command.write(copy, command.read(first))
  for i, name in ipairs {'cmyk.jpg', 'progressive.jpg'} do
    command.write(path(('%d-%s'):format(i, name)), command.read('tests/data/fixtures/' .. name))
  end
  local number, good_jpeg = 0, nil
  while made.pictures < 200 do
    number = number + 1
    local name = path(('%03d.%s'):format(number, ({'jpg', 'jpeg', 'JPG'})[number % 3 + 1]))
    local plain = name:gsub('%.%w+$', '.jpg')
    local x = face(1000 + number, 30 + number, 90 - number % 40)
    image.save(plain, number % 4 == 0 and x[1] or x, 60 + number % 40)
    local bytes = command.read(plain)
    good_jpeg = good_jpeg or bytes
    if plain ~= name then os.remove(plain) end
    command.write(name, number % 7 == 0 and turned(bytes, number % 8 + 1) or bytes)
  end
  local good_png = command.read(first)
  local function broken(name, bytes)
    made.broken = made.broken + 1
    command.write(folder .. '/a/' .. name, bytes)
  end
  broken('cut.png', good_png:sub(1, -40))
  broken('cut.jpg', good_jpeg:sub(1, math.floor(#good_jpeg / 2)))
  broken('checksum.png', good_png:sub(1, 60) .. string.char((good_png:byte(61) + 1) % 256) .. good_png:sub(62))
  broken('empty.png', '')
  broken('text.png', 'this is no picture\n')
  broken('page.jpg', '<!DOCTYPE html><html>404</html>')
  broken('header.png', good_png:sub(1, 20))
  broken('gif.png', 'GIF89a\1\0\1\0\0\0\0;')
  for _, name in ipairs {'readme.txt', 'Thumbs.db', 'film.gif', 'list'} do
    made.others = made.others + 1
    command.write(folder .. '/b/' .. name, 'x')
  end
  return made
end

return pictures
