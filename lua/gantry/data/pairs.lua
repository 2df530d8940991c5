--- Pairs of pictures side by side, for image-to-image translation: on the left a built-in scene as a map of its parts, each part in a
-- colour of its own that is always the same; on the right the scene as it is.
-- @module gantry.data.pairs
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local program = require 'gantry.data.program'
local scenes = require 'gantry.data.scenes'
local settings = require 'gantry.data.settings'

local pairs_of = {}

-- The colours of the parts on the left.
local parts = {
  faces = {
    skin_rgb = {1, 0.8, 0.2}, hair_rgb = {0.8, 0, 0.2}, background_rgb = {0, 0.2, 0.8}, clothes_rgb = {0.2, 0.8, 0.2},
    eyes_rgb = {0, 0, 0}, glasses_rgb = {0.9, 0.2, 0.9},
  },
  rooms = {
    wall_rgb = {0.2, 0.4, 0.9}, floor_rgb = {0.2, 0.8, 0.3}, blanket_rgb = {0.9, 0.1, 0.1}, wood_rgb = {0.5, 0.3, 0},
    lamp_rgb = {1, 1, 0}, rug_rgb = {0.8, 0.2, 0.8},
  },
}

--- Opens pairs of scenes.
-- @string kind 'faces' or 'rooms'
-- @tparam table o as for data.open; the width is that of both pictures together
-- @treturn a data set
function pairs_of.open(kind, o)
  if not parts[kind] then native.fail("data: there are no pairs '%s'; there are pairs:faces and pairs:rooms", kind) end
  local _, fields = settings.read(o, 'pairs:' .. kind, {})
  for _, name in ipairs {'flip', 'crop', 'scale'} do
    if o[name] and o[name] ~= 0 then native.fail('data: pairs:%s: %s would change the two pictures of a pair differently', kind, name) end
  end
  local h, w, channels = fields.height, fields.width, fields.channels
  if w % 2 ~= 0 then native.fail('data: pairs:%s: the width is %d, wanted that of two pictures', kind, w) end
  local function get(i)
    local how = {size = {h, w / 2}, channels = channels, seed = fields.seed, index = i - 1}
    local picture = scenes.draw(kind, how)
    for name, colour in pairs(parts[kind]) do how[name] = colour end
    return torch.cat(scenes.draw(kind, how), picture, 3)
  end
  return program.made(fields, {size = o.count or scenes.count, get = get}, 'pairs of pictures: a map of the parts, and the scene')
end

return pairs_of
