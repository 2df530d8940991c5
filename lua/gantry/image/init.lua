--- Images: files in and out, scaling, cropping, mirroring, sheets of many. Torch7's `image` by name and behaviour.
-- An image is a tensor C x H x W (or H x W) with values in 0..1, or a ByteTensor with values in 0..255; C is 1 gray, 3 RGB,
-- 4 RGB and alpha. Functions return new tensors and leave their arguments alone.
-- @module gantry.image
-- @usage local image = require 'gantry.image'
--   local x = image.load('cat.jpg', 3)
--   image.save('small.png', image.scale(x, 64, 64))
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local tensor = require 'gantry.torch.tensor'
local grid = require 'gantry.image.grid'
local want = require 'gantry.image.want'

local C, check, fail = native.C, native.check, native.fail
local whole = want.whole

local image = {grid = grid.grid, toDisplayTensor = grid.to_display_tensor, minmax = grid.minmax}

local kinds = {byte = C.GT_BYTE, float = C.GT_FLOAT, double = C.GT_DOUBLE}

--- Reads a PNG or JPEG file: 16 bits, palettes, CMYK and photographs held sideways included.
-- @string path the file
-- @int[opt] channels 1, 3 or 4; default: what the file has (gray 1, RGB 3, with alpha 4)
-- @string[opt='float'] kind 'float' or 'double' (0..1), or 'byte' (0..255)
-- @int[opt=0xffffff] background the colour 0xRRGGBB that alpha is laid over where channels is 1 or 3
-- @treturn tensor C x H x W
-- @raise where there is no such file or it is not a whole image; the message begins with its name
-- @usage local x = image.load('face.png', 3)
function image.load(path, channels, kind, background)
  if type(path) ~= 'string' then fail('image.load: argument 1 is a %s, wanted a file name', torch.type(path)) end
  local dtype = kinds[kind or 'float']
  if not dtype then fail("image.load: kind is '%s', wanted byte, float or double", tostring(kind)) end
  local bytes = tensor.new(C.GT_BYTE)
  channels, background = whole(channels or 0, 'image.load', 'channels'), whole(background or 0xffffff, 'image.load', 'background')
  check(C.gt_image_load(bytes, path, channels, background))
  if dtype == C.GT_BYTE then return bytes end
  local r = tensor.new(dtype)
  check(C.gt_image_dequantize(r, bytes, 0, 1))
  return r
end

--- Writes a PNG or JPEG file, by its name's ending; whole or not at all.
-- @string path the file, ending in .png, .jpg or .jpeg
-- @tparam tensor x H x W or C x H x W, 0..1 (what lies outside is cut off) or a ByteTensor
-- @int[opt=92] quality of a JPEG, 1..100
-- @usage image.save('out.png', x)
function image.save(path, x, quality)
  if type(path) ~= 'string' then fail('image.save: argument 1 is a %s, wanted a file name', torch.type(path)) end
  want.picture(x, 'image.save')
  local bytes = x
  if x.dtype ~= C.GT_BYTE then
    bytes = tensor.new(C.GT_BYTE)
    check(C.gt_image_quantize(bytes, x, 0, 1))
  end
  check(C.gt_image_save(path, bytes, whole(quality or 92, 'image.save', 'quality')))
end

-- Width and height out of Torch7's ways to say them: (width, height), a longest side, 'WxH', '^N' (shortest side), '*N', '*N/D'.
local function target_size(h, w, size, height)
  if height ~= nil then return whole(height, 'image.scale', 'height'), whole(size, 'image.scale', 'width') end
  if type(size) == 'number' then
    local ratio = size / math.max(h, w)
    return math.max(1, math.floor(h * ratio + 0.5)), math.max(1, math.floor(w * ratio + 0.5))
  end
  local text = tostring(size)
  local to_w, to_h = text:match '^(%d+)x(%d+)$'
  if to_w then return tonumber(to_h), tonumber(to_w) end
  local ratio
  local shortest, factor = text:match '^%^(%d+)$', text:match '^%*([%d.]+)$'
  local over, under = text:match '^%*(%d+)/(%d+)$'
  if shortest then ratio = tonumber(shortest) / math.min(h, w)
  elseif factor then ratio = tonumber(factor)
  elseif over then ratio = tonumber(over) / tonumber(under) end
  if not ratio then fail("image.scale: size is '%s', wanted width and height, a longest side, 'WxH', '^SHORTEST' or '*FACTOR'", text) end
  return math.max(1, math.floor(h * ratio + 0.5)), math.max(1, math.floor(w * ratio + 0.5))
end

local filters = {simple = true, bilinear = true, bicubic = true, lanczos = true}

--- An image in another size. Filters widen where the image shrinks, so fine patterns do not alias.
-- @tparam tensor x H x W, C x H x W or N x C x H x W
-- @param size width (with height after it), or the longest side, or 'WIDTHxHEIGHT', '^SHORTEST SIDE', '*FACTOR'
-- @int[opt] height where size is the width
-- @string[opt='bilinear'] filter 'simple' (nearest pixel), 'bilinear', 'bicubic' or 'lanczos'
-- @treturn tensor of x's type
-- @usage image.scale(x, 64, 48)   image.scale(x, '^64')   image.scale(x, 32, 32, 'lanczos')
function image.scale(x, size, height, filter)
  want.picture(x, 'image.scale', 4)
  if filters[height] then height, filter = nil, height end
  local h, w = target_size(x:size(x.rank - 1), x:size(x.rank), size, height)
  filter = filter or 'bilinear'
  if not filters[filter] then fail('image.scale: the filter is %s, wanted simple, bilinear, bicubic or lanczos', tostring(filter)) end
  local r = tensor.new(x.dtype)
  check(C.gt_image_scale(r, x, h, w, filter))
  return r
end

--- A part of an image.
-- @tparam tensor x H x W or C x H x W
-- @param x1 the first column, counted from 0; or 'c', 'tl', 'tr', 'bl', 'br': centre or a corner
-- @int y1 the first row, counted from 0; or the width
-- @int[opt] x2 one past the last column (default: the image's width); or the height
-- @int[opt] y2 one past the last row (default: the image's height)
-- @treturn tensor
-- @usage image.crop(x, 0, 0, 32, 32)   image.crop(x, 'c', 32, 32)
function image.crop(x, x1, y1, x2, y2)
  want.picture(x, 'image.crop')
  local h, w = x:size(x.rank - 1), x:size(x.rank)
  if type(x1) == 'string' then
    local cw, ch = whole(y1, 'image.crop', 'width'), whole(x2, 'image.crop', 'height')
    local places = {c = {(w - cw) / 2, (h - ch) / 2}, tl = {0, 0}, tr = {w - cw, 0}, bl = {0, h - ch}, br = {w - cw, h - ch}}
    local place = places[x1]
    if not place then fail("image.crop: place is '%s', wanted c, tl, tr, bl or br", x1) end
    x1, y1 = math.floor(place[1]), math.floor(place[2])
    x2, y2 = x1 + cw, y1 + ch
  end
  x1, y1 = whole(x1, 'image.crop', 'x1'), whole(y1, 'image.crop', 'y1')
  x2, y2 = x2 and whole(x2, 'image.crop', 'x2') or w, y2 and whole(y2, 'image.crop', 'y2') or h
  if x1 < 0 or y1 < 0 or x2 > w or y2 > h or x1 >= x2 or y1 >= y2 then
    fail('image.crop: columns %d..%d and rows %d..%d, wanted them inside %d x %d pixels', x1, x2, y1, y2, w, h)
  end
  return x:narrow(x.rank, x1 + 1, x2 - x1):narrow(x.rank - 1, y1 + 1, y2 - y1):clone()
end

local function reversed(x, dim)
  local n = x:size(dim)
  local order = torch.LongTensor(n)
  for i = 1, n do order[i] = n + 1 - i end
  return x:index(dim, order)
end

--- An image mirrored left to right.
-- @tparam tensor x H x W, C x H x W or N x C x H x W
-- @treturn tensor
function image.hflip(x)
  want.picture(x, 'image.hflip', 4)
  return reversed(x, x.rank)
end

--- An image mirrored top to bottom.
-- @tparam tensor x H x W, C x H x W or N x C x H x W
-- @treturn tensor
function image.vflip(x)
  want.picture(x, 'image.vflip', 4)
  return reversed(x, x.rank - 1)
end

--- The brightness of an RGB image: 0.299 R + 0.587 G + 0.114 B.
-- @tparam tensor x 3 x H x W, Float or Double
-- @treturn tensor 1 x H x W
function image.rgb2y(x)
  want.picture(x, 'image.rgb2y')
  if x.rank ~= 3 or x:size(1) ~= 3 or x.dtype == C.GT_BYTE then
    fail('image.rgb2y: got a %s of %s, wanted a FloatTensor or DoubleTensor 3 x H x W', torch.type(x), tensor.shape_text(x))
  end
  local r = x:narrow(1, 1, 1) * 0.299
  return r:add(0.587, x:narrow(1, 2, 1)):add(0.114, x:narrow(1, 3, 1))
end

return image
