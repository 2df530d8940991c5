--- gantry walk RUN: the images on lines between points of the latent space, as a sheet or as an animation.
-- @module gantry.cli.walk
local argparse = require 'argparse'
local native = require 'gantry.native'
local cli = require 'gantry.cli'
local look = require 'gantry.cli.look'
local show = require 'gantry.cli.show'

local LARGE = 512 -- side that one larger picture is enlarged towards

local function parser()
  local p = argparse('gantry walk', 'Draws walks through the latent space: each row goes from one sample to the next.')
    :epilog('Examples:\n   gantry walk runs/faces --frames 9 --rows 8\n' ..
      '   gantry walk runs/faces --from 3,17,42 --spherical    # numbers as on gantry sample --numbered\n' ..
      '   gantry walk runs/faces --from 3,17,42 --animate --out walk.png\n' ..
      '   gantry walk runs/faces --noise linefull --cells 6\n' ..
      '   gantry lab walk runs/faces    # into runs/faces/lab, or the directory that --out names: walk.png, and walk.json with the figures')
  p:argument('run', 'directory of the run'):argname 'RUN'
  p:option('--from', 'the samples to walk between, by number (default: the first ones)'):argname 'N,N,...'
  p:option('--frames', 'images from one sample to the next, both included (default: 9; 24 with --animate)'):argname 'N'
  p:option('--rows', 'rows, where --from does not say it', '8'):argname 'N'
  p:flag('--spherical', 'along great circles instead of straight lines')
  p:flag('--animate', 'an animated PNG that walks through all points and back to the first, for ever')
  p:option('--fps', 'frames a second of the animation', '12'):argname 'N'
  p:option('--noise', "dcgan.torch's noise modes: line; or one larger picture of z with a height and a width:\nrandom (every cell a " ..
    'sample), linefull1d (columns on a line), linefull (the diagonal on a line)', 'line'):argname 'MODE'
  p:option('--cells', 'of the larger picture: z of N x N (linefull1d: 1 x N)', '4'):argname 'N'
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

-- One larger image of z with a height and a width.
local function large(run, given, how, cells)
  local spatial = require 'gantry.gan.spatial'
  local torch = require 'gantry.torch'
  local ends = given.from and show.wholes('walk', '--from', given.from, 1, 1e6) or {1, 2}
  if #ends ~= 2 then cli.usage('walk: --noise %s goes from one sample to another, --from 3,17', given.noise) end
  local points, filling = run:z(ends, how.seed, how.truncation), run:z(cells * cells, how.seed, how.truncation)
  local labels = run.classes and torch.LongTensor(1):fill(how.class or 1)
  return run:images(spatial.z(given.noise, cells, points, filling), labels)
end

-- What every way of walking ends with: the picture, and in the lab, where the time counts, the record.
local function leave(run, given, o, timer)
  local walk = require 'gantry.lab.walk'
  if timer then
    o.out = given.out
    o.seed = given.seed and tonumber(given.seed)
    o.timer = timer
    walk.record(run, o)
    return 0
  end
  local out = given.out or run.path .. '/walk.png'
  require('gantry.image').save(out, o.pixels)
  io.stdout:write(('%s: %s\n'):format(o.caption, out))
  local figure = o.ratios and walk.figure(o.ratios)
  if figure then
    io.stdout:write(('largest over mean distance of neighbouring frames: %s\n'):format(require('gantry.lab.record').text(figure)))
  end
  return 0
end

local modes = {random = true, line = true, linefull1d = true, linefull = true}

return function(arguments, in_lab)
  local given = cli.parse(parser(), arguments)
  local frames = given.frames and show.whole('walk', '--frames', given.frames, 2, 1000)
  local rows = show.whole('walk', '--rows', given.rows, 1, 1000)
  local fps = show.whole('walk', '--fps', given.fps, 1, 100)
  local cells = show.whole('walk', '--cells', given.cells, 2, 64)
  if not modes[given.noise] then cli.usage('walk: --noise is %s, wanted random, line, linefull1d or linefull', given.noise) end
  local from = given.from and show.wholes('walk', '--from', given.from, 1, 1e6) or rows + 1
  if type(from) == 'table' and #from < 2 then cli.usage 'walk: --from wants at least two samples, as 3,17' end
  if given.animate and (in_lab or given.noise ~= 'line') then
    cli.usage('walk: --animate is for gantry walk%s', in_lab and '; gantry lab walk draws a sheet' or ' with --noise line')
  end
  local timer = in_lab and require('gantry.torch').Timer()
  local run, how = look.open('walk', given)
  local samples = require 'gantry.gan.samples'
  local sheet = require 'gantry.gan.sheet'

  if run.makes_pairs then native.fail('walk: %s turns images into images; there is no z to walk in', run.path) end
  if given.noise ~= 'line' then
    local made = large(run, given, how, cells)
    local caption = ('%s: %d x %d pixels at step %d'):format(given.noise, made:size(4), made:size(3), run.step)
    local scale = how.scale or math.max(1, math.floor(LARGE / math.max(made:size(3), made:size(4))))
    return leave(run, given, {
      pixels = sheet.make(made, {scale = scale}), made = made, caption = caption, about = {noise = given.noise, cells = cells},
    }, timer)
  end
  local points = run:z(from, how.seed, how.truncation)
  if given.animate then
    local out = given.out or run.path .. '/walk-animated.png'
    if run.classes then how.class = how.class or 1 end
    local images = run:images(closed(samples, points, frames or 24, given.spherical), how.class)
    require('gantry.gan.animation').save(out, images, {scale = how.scale, fps = fps})
    io.stdout:write(('a walk of %d frames through %d points at step %d: %s\n'):format(images:size(1), points:size(1), run.step, out))
    return 0
  end
  frames = frames or 9
  local z = samples.path(points, frames, given.spherical)
  local images = run:images(z, run.classes and rows_of_classes(run, z:size(1), frames, how.class))
  return leave(run, given, {
    pixels = sheet.make(images, {columns = frames, scale = how.scale}), about = {frames = frames, spherical = given.spherical or false},
    ratios = frames > 2 and require('gantry.lab.walk').smoothness(images, frames) or {},
    made = images, caption = ('%d walks of %d frames at step %d'):format(points:size(1) - 1, frames, run.step),
  }, timer)
end
