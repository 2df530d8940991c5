--- A small built-in font for numbers on sheets and words on plots: 5 x 7 pixels, rows from the top, the left pixel the
-- highest of 5 bits.
-- @module gantry.gan.glyphs

local rows = {
  ['0'] = '0e 11 13 15 19 11 0e', ['1'] = '04 0c 04 04 04 04 0e', ['2'] = '0e 11 01 02 04 08 1f', ['3'] = '1f 02 04 02 01 11 0e',
  ['4'] = '02 06 0a 12 1f 02 02', ['5'] = '1f 10 1e 01 01 11 0e', ['6'] = '06 08 10 1e 11 11 0e', ['7'] = '1f 01 02 04 08 08 08',
  ['8'] = '0e 11 11 0e 11 11 0e', ['9'] = '0e 11 11 0f 01 02 0c', ['.'] = '00 00 00 00 00 0c 0c', [','] = '00 00 00 00 0c 04 08',
  ['-'] = '00 00 00 1f 00 00 00', ['+'] = '00 04 04 1f 04 04 00', ['='] = '00 00 1f 00 1f 00 00', ['('] = '02 04 08 08 08 04 02',
  [')'] = '08 04 02 02 02 04 08', ['/'] = '01 01 02 04 08 10 10', [':'] = '00 0c 0c 00 0c 0c 00', _ = '00 00 00 00 00 00 1f',
  a = '00 00 0e 01 0f 11 0f', b = '10 10 16 19 11 11 1e', c = '00 00 0e 10 10 11 0e', d = '01 01 0d 13 11 11 0f',
  e = '00 00 0e 11 1f 10 0e', f = '06 09 08 1c 08 08 08', g = '00 0f 11 11 0f 01 0e', h = '10 10 16 19 11 11 11',
  i = '04 00 0c 04 04 04 0e', j = '02 00 06 02 02 12 0c', k = '10 10 12 14 18 14 12', l = '0c 04 04 04 04 04 0e',
  m = '00 00 1a 15 15 11 11', n = '00 00 16 19 11 11 11', o = '00 00 0e 11 11 11 0e', p = '00 00 1e 11 1e 10 10',
  q = '00 00 0d 13 0f 01 01', r = '00 00 16 19 10 10 10', s = '00 00 0e 10 0e 01 1e', t = '08 08 1c 08 08 09 06',
  u = '00 00 11 11 11 13 0d', v = '00 00 11 11 11 0a 04', w = '00 00 11 11 15 15 0a', x = '00 00 11 0a 04 0a 11',
  y = '00 00 11 11 0f 01 0e', z = '00 00 1f 02 04 08 1f', D = '1c 12 11 11 11 12 1c', G = '0e 11 10 17 11 11 0f',
  L = '10 10 10 10 10 10 1f',
}

local glyphs = {width = 5, height = 7, advance = 6}

local decoded = {}

--- The pixels of a character: a list of {column, row} counted from 0. What the font does not have is blank; capital letters
-- other than D, G and L look like small ones.
-- @string character
-- @treturn {{int,int},...}
function glyphs.pixels(character)
  local pixels = decoded[character]
  if pixels then return pixels end
  pixels = {}
  local y = 0
  for row in (rows[character] or rows[character:lower()] or ''):gmatch '%x%x' do
    local bits = tonumber(row, 16)
    for x = 0, 4 do
      if bit.band(bits, bit.lshift(1, 4 - x)) ~= 0 then pixels[#pixels + 1] = {x, y} end
    end
    y = y + 1
  end
  decoded[character] = pixels
  return pixels
end

--- The width of a text in pixels, at scale 1.
function glyphs.measure(text) return #text * glyphs.advance - 1 end

return glyphs
