--- gantry data SPEC: what would be trained on, a sheet of it, and what is wrong with it; or all of it packed into one file.
local argparse = require 'argparse'
local native = require 'gantry.native'
local cli = require 'gantry.cli'
local show = require 'gantry.cli.show'

local C = native.C

local LISTED = 10 -- names that are listed of one kind of trouble

local function parser()
  local p = argparse('gantry data', 'Tells what a data set is made of and what is wrong with it, and draws a sheet of it as it would be ' ..
    'trained on; or packs it into one .npy file.')
    :epilog('SPEC is a folder of PNG and JPEG images, FILE.npy, FILE.lua, mnist:DIR, idx:FILE, cifar10:DIR, cifar100:DIR, ' ..
      'scenes:faces or scenes:rooms; or a part of one, SPEC@FIRST..LAST.\n\nExample: gantry data ~/photos --size 48x80 --channels 1\n' ..
      '         gantry data ~/photos --size 64 --pack photos.npy\n' ..
      '         gantry data ~/photos --size 64 --dedup --pack photos.npy')
  p:argument('spec', 'the data, as for gantry train --data'):argname 'SPEC'
  p:option('--size', "side, or HEIGHTxWIDTH (default: 64, or a file's own)"):argname 'HxW'
  p:option('--channels', '1 gray, 3 RGB, 4 RGBA (default: 3, or a file\'s own)'):argname 'N'
  p:option('--fit', 'crop (the default), stretch or pad'):argname 'FIT'
  p:option('--background', "colour under transparent pixels and around padded images, '#rrggbb'"):argname 'COLOUR'
  p:option('--n', 'pictures on the sheet', '64'):argname 'N'
  p:option('--out', 'the sheet', 'data.png'):argname 'PNG'
  p:option('--pack', 'write all pictures, as bytes, into this file instead'):argname 'FILE.npy'
  p:flag('--dedup', 'leave near duplicates out, and draw pairs of them; trains a network on the pictures for that, which tells them')
  p:option('--dedup-net', 'the network, which gantry lab dedup trained, in place of a new one'):argname 'FILE'
  p:option('--reading', 'what is a duplicate: near (near codes, moved pictures too, that are alike) or paper (equal codes)', 'near')
    :argname 'NAME'
  p:option('--threads', 'threads to use; results do not depend on it'):argname 'N'
  return p
end

local function line(name, format, ...) io.stdout:write(('%-11s %s\n'):format(name, format:format(...))) end

local function plural(n, one, many) return ('%d %s'):format(n, n == 1 and one or many or one .. 's') end

-- "RGB 8 bit 120, palette 3, and 4 more"
local function histogram(counts, most)
  local ranked, parts = require('gantry.data.survey').ranked(counts), {}
  for k = 1, math.min(#ranked, most) do parts[k] = ('%s %d'):format(ranked[k][1], ranked[k][2]) end
  if #ranked > most then parts[#parts + 1] = ('and %d more'):format(#ranked - most) end
  return table.concat(parts, ', ')
end

-- ---- what is wrong ----------------------------------------------------------------------------------------------------------

local troubles = 0

local function trouble(list, format, ...)
  troubles = troubles + 1
  io.stdout:write('  ', format:format(...), list and ':' or '', '\n')
  for k = 1, math.min(#(list or {}), LISTED) do io.stdout:write('    ', list[k], '\n') end
  if list and #list > LISTED then io.stdout:write(('    and %d more\n'):format(#list - LISTED)) end
end

local function groups(duplicates)
  local list, extra = {}, 0
  for k, group in ipairs(duplicates) do
    list[k] = table.concat(group, ' = ', 1, math.min(#group, 4)) .. (#group > 4 and (' and %d more'):format(#group - 4) or '')
    extra = extra + #group - 1
  end
  return list, extra
end

local function say_troubles(set, s)
  local size = ('%dx%d'):format(set.height, set.width)
  if #s.unreadable > 0 then trouble(s.unreadable, '%s cannot be read and will be skipped', plural(#s.unreadable, 'file')) end
  if next(s.others) then
    local n = 0
    for _, k in pairs(s.others) do n = n + k end
    trouble(nil, '%s left out: not named as PNG or JPEG: %s', plural(n, 'file is', 'files are'), histogram(s.others, 8))
  end
  local list, extra = groups(s.duplicates)
  if extra > 0 then trouble(list, '%s the same as another, pixel by pixel', plural(extra, 'picture is', 'pictures are')) end
  if #s.small > 0 then
    trouble(s.small, '%s smaller than %s and will be enlarged', plural(#s.small, 'picture is', 'pictures are'), size)
  end
  if s.all_small then trouble(nil, 'the pictures are %s and will be enlarged to %s', s.all_small, size) end
  if #s.elongated > 0 then
    trouble(s.elongated, '%s so long that most is cut off at %s (--fit pad or stretch keeps all of it)',
      plural(#s.elongated, 'picture is', 'pictures are'), size)
  end
  if #s.one_colour > 0 then trouble(s.one_colour, '%s of one colour only', plural(#s.one_colour, 'picture is', 'pictures are')) end
  if #s.not_numbers > 0 then
    trouble(s.not_numbers, '%s numbers that are not finite', plural(#s.not_numbers, 'picture has', 'pictures have'))
  end
  if s.see_through > 0 and set.channels ~= 4 then
    trouble(nil, '%s see-through and will be laid over #%06x (--background), or train with channels=4',
      plural(s.see_through, 'picture is', 'pictures are'), set.background)
  end
end

local fit_words = {crop = 'the shorter side is fitted and the middle kept', stretch = 'both sides are fitted', pad = 'padded to fit'}

local function tell(set, s)
  if s.files then
    line('files', '%d: %s, %d that cannot be read, %d of other kinds', s.files, plural(s.pictures, 'picture'), #s.unreadable,
      s.files - s.pictures - #s.unreadable)
    line('kinds', '%s', histogram(s.kinds, 12))
  else
    line('pictures', '%s', set.drawn and ('%d, drawn as they are asked for'):format(set:size()) or set.about)
  end
  if next(s.labels) then line('labels', '%d: %s', #require('gantry.data.survey').ranked(s.labels), histogram(s.labels, 12)) end
  if s.smallest then
    line('sizes', '%s', histogram(s.sizes, 6))
    local small, large = s.smallest, s.largest
    line('', 'smallest %dx%d (%s), largest %dx%d (%s)', small.h, small.w, small.name, large.h, large.w, large.name)
  end
  local n = s.files and s.pictures or set:size()
  local as_is = set.drawn or set.images and set.images:size(3) == set.height and set.images:size(4) == set.width
  line('trained on', '%s of %dx%d (height x width), %s%s', n > 0 and plural(n, 'picture') or 'pictures', set.height, set.width,
    set.channels == 1 and 'gray' or set.channels == 3 and 'RGB' or 'RGBA', set.fit and not as_is and '; ' .. fit_words[set.fit] or '')
  io.stdout:write 'what is wrong\n'
  troubles = 0
  say_troubles(set, s)
  if troubles == 0 then io.stdout:write '  nothing\n' end
end

-- ---- the command ------------------------------------------------------------------------------------------------------------

local function draw_sheet(set, n, out)
  local image = require 'gantry.image'
  local tensor = require 'gantry.torch.tensor'
  local size = set:size() > 0 and set:size() or n
  n = math.min(n, size)
  local numbers = {}
  for k = 1, n do numbers[k] = 1 + math.floor((k - 1) * size / n) end
  image.save(out, image.grid(set:batch(numbers, tensor.new(C.GT_BYTE))))
  local how = set:size() > n and 'evenly from all' or set:size() > 0 and 'all' or 'the first'
  line('sheet', '%s (%s, %s)', out, plural(n, 'picture'), how)
end

local function pack(set, path)
  local update, clear = show.progress 'packing'
  native.check(C.gt_catch_signals(1))
  C.gt_clear_interrupt()
  local ok, done, labels = pcall(require 'gantry.data.pack', set, path, function(n, all)
    update(n, all)
    if C.gt_interrupted() ~= 0 then return false end
  end)
  C.gt_catch_signals(0)
  clear()
  if not ok then error(done, 0) end
  if not done then
    io.stdout:write 'stopped; nothing was written\n'
    return 130
  end
  local bad = #set:unreadable()
  if bad > 0 then line('unreadable', '%s; the next readable one stands in its place', plural(bad, 'file')) end
  line('packed', '%s: %d x %d x %d x %d bytes', path, set:size(), set.channels, set.height, set.width)
  if labels then line('labels', '%s', labels) end
  line('train', 'gantry train dcgan --data %s --set size=%dx%d channels=%d --out RUN', path, set.height, set.width, set.channels)
  return 0
end

-- Says which pictures are near duplicates and draws pairs of them; gives those that are kept.
local function without_duplicates(set, given)
  local lab = require 'gantry.lab'
  local net
  local pictures = lab.dedup.open(given.spec, {fit = given.fit, background = given.background})
  if given.dedup_net then
    net = lab.dedup.load(given.dedup_net)
    line('network', '%s', given.dedup_net)
  else
    local update = show.progress 'learning'
    net = lab.dedup.train(pictures, {progress = function(step) update(step, lab.dedup.defaults.steps) end})
    line('network', 'trained on these pictures for %d steps', net.about.steps)
  end
  local reading = lab.dedup.readings[given.reading]
  local found = net:duplicates(pictures, {
    radius = reading.radius, shifts = reading.shifts, likeness = reading.likeness, progress = show.progress 'comparing',
  })
  line('duplicates', '%s left out, %d kept (%s of duplicates)', plural(#found.left_out, 'picture is', 'pictures are'), #found.kept,
    plural(#found.groups, 'group'))
  local sheet = lab.copies.sheet(pictures, found.groups)
  if sheet then
    require('gantry.image').save(given.out, sheet)
    line('sheet', '%s (pairs, side by side)', given.out)
  end
  return require('gantry.data.part').chosen(set, found.kept)
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  show.set_threads('data', given.threads)
  local n = show.whole('data', '--n', given.n, 1, 4096)
  local channels = given.channels and show.whole('data', '--channels', given.channels, 1, 4)
  if given.reading ~= 'near' and given.reading ~= 'paper' then cli.usage('data: --reading is %s, wanted near or paper', given.reading) end
  if given.dedup_net and not given.dedup then cli.usage 'data: --dedup-net is for --dedup' end
  if (given.dedup or not given.pack) and not given.out:lower():match '%.png$' and not given.out:lower():match '%.jpe?g$' then
    cli.usage("data: --out is '%s', wanted a name that ends in .png or .jpg", given.out)
  end
  local data, survey = require 'gantry.data', require 'gantry.data.survey'
  local set = data.open(given.spec, {
    size = given.size, channels = channels, fit = given.fit, background = given.background, warn = function() end,
    cache = given.pack and 0 or nil,
  })
  if given.dedup then
    local kept = without_duplicates(set, given)
    return given.pack and pack(kept, given.pack) or 0
  end
  if given.pack then return pack(set, given.pack) end
  local update, clear = show.progress 'looking at'
  local ok, s = pcall(survey.look, set, update)
  clear()
  if not ok then error(s, 0) end
  line('data', '%s', given.spec)
  tell(set, s)
  draw_sheet(set, n, given.out)
  return 0
end
