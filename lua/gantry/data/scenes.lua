--- The built-in scenes: faces and rooms drawn by the library, with what is in each known exactly.
-- @module gantry.data.scenes
local ffi = require 'ffi'
local native = require 'gantry.native'
local tensor = require 'gantry.torch.tensor'

local C, check, fail = native.C, native.check, native.fail
local scenes = {}

--- Codes by name.
scenes.kinds = {faces = C.GT_FACES, rooms = C.GT_ROOMS}
--- How many pictures a set of scenes has unless it is asked for another number.
scenes.count = 20000

local numbers = {
  faces = {'smile', 'glasses', 'hair_length', 'turn', 'skin', 'hair_tone', 'width', 'height', 'eye_size', 'eye_gap', 'brow', 'brow_tilt',
           'mouth', 'nose', 'fringe', 'parting', 'glasses_round'},
  rooms = {'sky', 'half_width', 'height', 'depth', 'camera_x', 'camera_y', 'bed_kind', 'bed_at', 'window_wall', 'window_at',
           'window_width', 'window_height', 'lamp_kind', 'lamp_at', 'picture', 'rug'},
}
local colours = {
  faces = {'skin_rgb', 'hair_rgb', 'background_rgb', 'clothes_rgb', 'eyes_rgb', 'glasses_rgb'},
  rooms = {'wall_rgb', 'floor_rgb', 'blanket_rgb', 'wood_rgb', 'lamp_rgb', 'rug_rgb'},
}
local boxes = {faces = {}, rooms = {'bed', 'window', 'lamp'}}
local structs = {faces = 'gt_face', rooms = 'gt_room'}

local function describe(kind, seed, n, h, w)
  local it = ffi.new(structs[kind])
  check(kind == 'faces' and C.gt_face_at(it, seed, n) or kind == 'rooms' and C.gt_room_at(it, seed, n, h, w))
  return it
end

--- What picture n is drawn from. gantry.h (gt_face, gt_room) says what each means.
-- @string kind 'faces' or 'rooms'
-- @int seed of the scenes
-- @int n the picture, from 0
-- @int h height of the picture (a room's boxes depend on its shape)
-- @int w width
-- @treturn table numbers and colours {r, g, b} by name; for rooms, bed, window and lamp are boxes {x0=, y0=, x1=, y1=} or false
function scenes.attributes(kind, seed, n, h, w)
  local it, r = describe(kind, seed, n, h, w), {}
  for _, name in ipairs(numbers[kind]) do r[name] = it[name] end
  for _, name in ipairs(colours[kind]) do r[name] = {it[name][0], it[name][1], it[name][2]} end
  for _, name in ipairs(boxes[kind]) do
    local box = it[name]
    r[name] = box.present ~= 0 and {x0 = box.x0, y0 = box.y0, x1 = box.x1, y1 = box.y1} or false
  end
  return r
end

--- Draws a face or a room with some attributes changed: everything else stays as in picture n.
-- @string kind 'faces' or 'rooms'
-- @tparam table o size (64), channels (3), seed (1), index (0), and attributes by name: numbers, colours {r, g, b}, and for
--   rooms bed, window, lamp = true or false
-- @treturn tensor FloatTensor channels x height x width, -1..1
-- @usage scenes.draw('faces', {size = 128, index = 7, smile = 1, turn = -0.5})
function scenes.draw(kind, o)
  if not scenes.kinds[kind] then fail("scenes.draw: kind is '%s', wanted faces or rooms", tostring(kind)) end
  local size = o.size or 64
  local h, w = size, size
  if type(size) == 'table' then h, w = size[1], size[2] end
  local it = describe(kind, o.seed or 1, o.index or 0, h, w)
  local taken = {size = true, channels = true, seed = true, index = true}
  for _, name in ipairs(numbers[kind]) do
    taken[name] = true
    if o[name] ~= nil then it[name] = o[name] end
  end
  for _, name in ipairs(colours[kind]) do
    taken[name] = true
    for c = 0, 2 do
      if o[name] then it[name][c] = o[name][c + 1] end
    end
  end
  for _, name in ipairs(boxes[kind]) do
    taken[name] = true
    if o[name] ~= nil then it[name].present = o[name] and 1 or 0 end
  end
  for name in pairs(o) do
    if not taken[name] then fail("scenes.draw: %s have no attribute '%s'", kind, tostring(name)) end
  end
  local bytes, r = tensor.new(C.GT_BYTE), tensor.new(C.GT_FLOAT)
  local draw = kind == 'faces' and C.gt_face_draw or C.gt_room_draw
  check(draw(bytes, it, o.channels or 3, h, w))
  check(C.gt_image_dequantize(r, bytes, -1, 1))
  return r
end

return scenes
