--- gantry walk RUN: the images on lines between points of the latent space, as a sheet or as an animation.
-- @module gantry.cli.walk
local argparse = require 'argparse'
local native = require 'gantry.native'
local cli = require 'gantry.cli'
local look = require 'gantry.cli.look'
local show = require 'gantry.cli.show'

local function parser()
  local p = argparse('gantry walk', 'Draws walks through the latent space: each row goes from one sample to the next.')
    :epilog('Examples:\n   gantry walk runs/faces --frames 9 --rows 8\n' ..
      '   gantry walk runs/faces --from 3,17,42 --spherical    # numbers as on gantry sample --numbered\n' ..
      '   gantry walk runs/faces --from 3,17,42 --animate --out walk.png')
  p:argument('run', 'directory of the run'):argname 'RUN'
  p:option('--from', 'the samples to walk between, by number (default: the first ones)'):argname 'N,N,...'
  p:option('--frames', 'images from one sample to the next, both included (default: 9; 24 with --animate)'):argname 'N'
  p:option('--rows', 'rows, where --from does not say it', '8'):argname 'N'
  p:flag('--spherical', 'along great circles instead of straight lines')
  p:flag('--animate', 'an animated PNG that walks through all points and back to the first, for ever')
  p:option('--fps', 'frames a second of the animation', '12'):argname 'N'
  look.options(p)
  return p
end

-- The points of a closed walk, each once.
local function closed(samples, points, frames, spherical)
  local torch = require 'gantry.torch'
  local n = points:size(1)
  local path = samples.path(torch.cat(points, points:narrow(1, 1, 1), 1), frames, spherical)
  local z = torch.FloatTensor(n * (frames - 1), points:size(2))
  for leg = 1, n do z:narrow(1, (leg - 1) * (frames - 1) + 1, frames - 1):copy(path:narrow(1, (leg - 1) * frames + 1, frames - 1)) end
  return z
end

-- Where there are classes, each row is of one: that of --class, or 1, 2 ... in turn.
local function rows_of_classes(run, n, frames, class)
  local labels = run:labels(n, class)
  if not class then
    for i = 1, n do labels[i] = math.floor((i - 1) / frames) % run.classes + 1 end
  end
  return labels
end

local function save_animation(out, images, scale, fps)
  local torch = require 'gantry.torch'
  local sheet = require 'gantry.gan.sheet'
  local times = scale or math.max(1, math.floor(256 / math.max(images:size(3), images:size(4))))
  local bytes = torch.ByteTensor()
  native.check(native.C.gt_image_quantize(bytes, sheet.enlarge(images, times), -1, 1))
  native.check(native.C.gt_image_save_animation(out, bytes, math.max(1, math.floor(1000 / fps + 0.5))))
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  local frames = given.frames and show.whole('walk', '--frames', given.frames, 2, 1000)
  local rows = show.whole('walk', '--rows', given.rows, 1, 1000)
  local fps = show.whole('walk', '--fps', given.fps, 1, 100)
  local from = given.from and look.numbers('walk', '--from', given.from) or rows + 1
  if type(from) == 'table' and #from < 2 then cli.usage 'walk: --from wants at least two samples, as 3,17' end
  local run, how = look.open('walk', given)
  local samples = require 'gantry.gan.samples'

  if run.makes_pairs then native.fail('walk: %s turns images into images; there is no z to walk in', run.path) end
  local points = run:z(from, how.seed, how.truncation)
  if given.animate then
    local out = given.out or run.path .. '/walk-animated.png'
    if run.classes then how.class = how.class or 1 end
    local images = run:images(closed(samples, points, frames or 24, given.spherical), how.class)
    save_animation(out, images, how.scale, fps)
    io.stdout:write(('a walk of %d frames through %d points at step %d: %s\n'):format(images:size(1), points:size(1), run.step, out))
    return 0
  end
  local out = given.out or run.path .. '/walk.png'
  frames = frames or 9
  local z = samples.path(points, frames, given.spherical)
  local images = run:images(z, run.classes and rows_of_classes(run, z:size(1), frames, how.class))
  local sheet = require 'gantry.gan.sheet'
  require('gantry.image').save(out, sheet.make(images, {columns = frames, scale = how.scale}))
  io.stdout:write(('%d walks of %d frames at step %d: %s\n'):format(points:size(1) - 1, frames, run.step, out))
  return 0
end
