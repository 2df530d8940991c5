--- Images as an animated PNG that runs for ever.
-- @module gantry.gan.animation
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local sheet = require 'gantry.gan.sheet'

local animation = {}

local SEEN = 256 -- sides that small images are enlarged towards

--- Writes frames.
-- @string path ends in .png or .apng
-- @param images frames x channels x height x width, -1..1
-- @tparam[opt] table how fps (12), scale (whole; default: up to 256 pixels)
function animation.save(path, images, how)
  how = how or {}
  local times = how.scale or math.max(1, math.floor(SEEN / math.max(images:size(3), images:size(4))))
  local bytes = torch.ByteTensor()
  native.check(native.C.gt_image_quantize(bytes, sheet.enlarge(images, times), -1, 1))
  native.check(native.C.gt_image_save_animation(path, bytes, math.max(1, math.floor(1000 / (how.fps or 12) + 0.5))))
end

return animation
