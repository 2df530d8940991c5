--- Vector arithmetic on z: means of chosen samples, added and subtracted, as in section 6.3.2 and figure 7 of the DCGAN paper
-- (Radford, Metz, Chintala 2015): single samples are unstable, means of three are not; the result is shown with 8 neighbours, and
-- beside it what the same arithmetic makes of pixels.
-- @module gantry.gan.arithmetic
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local Canvas = require 'gantry.gan.canvas'
local sheet = require 'gantry.gan.sheet'

local arithmetic = {}

local NOISE = 0.25 -- the neighbours are up to so far from the result, in each number of z

--- Reads '3,5,9 - 1,2,4 + 7,8,11'.
-- @string text
-- @treturn {{sign=1 or -1, numbers={int,...}},...}
function arithmetic.parse(text)
  local terms, rest = {}, '+' .. text:gsub('%s', '')
  while rest ~= '' do
    local sign, list, after = rest:match '^([+-])([%d,]+)(.*)$'
    local numbers = {}
    for digits in (list or ''):gmatch '%d+' do numbers[#numbers + 1] = tonumber(digits) end
    if not sign or #numbers == 0 or list:find ',,' or list:match '^,' or list:match ',$' then
      native.fail("arith: '%s' is not understood, wanted numbers of samples as in 3,5,9 - 1,2,4 + 7,8,11", text)
    end
    terms[#terms + 1] = {sign = sign == '+' and 1 or -1, numbers = numbers}
    rest = after
  end
  return terms
end

--- Does the arithmetic.
-- @tparam Run run
-- @tparam table|string terms from arithmetic.parse, or its text
-- @tparam[opt] table how seed, truncation
-- @treturn tensor z of the result: 1 x z_size
-- @treturn table for each term: z (of its samples) and mean (1 x z_size)
-- @usage local z = arithmetic.compute(gantry.open 'runs/faces', '3,5,9 - 1,2,4 + 7,8,11')
function arithmetic.compute(run, terms, how)
  how = how or {}
  if type(terms) == 'string' then terms = arithmetic.parse(terms) end
  local result, parts
  parts = {}
  for i, term in ipairs(terms) do
    local z = run:z(term.numbers, how.seed, how.truncation)
    local mean = z:mean(1)
    parts[i] = {z = z, mean = mean, sign = term.sign, numbers = term.numbers}
    result = result and result + mean * term.sign or mean * term.sign
  end
  return result, parts
end

--- The result and its neighbours: 9 x z_size, the result in the middle. The noise is always the same.
function arithmetic.neighbours(z)
  local all = torch.FloatTensor(9, z:size(2)):uniform(torch.Generator(63), -NOISE, NOISE)
  all[5]:zero()
  return all + z:expandAs(all)
end

-- The same arithmetic on the images of the terms' samples.
local function of_pixels(parts, images, from)
  local sum
  for _, part in ipairs(parts) do
    local mean = images:narrow(1, from + 1, #part.numbers):mean(1) * part.sign
    sum = sum and sum + mean or mean
    from = from + 1 + #part.numbers
  end
  return sum
end

--- The arithmetic as one picture: the samples of each term with their mean below, then the result among its neighbours, and on the right
-- the arithmetic of pixels.
-- @tparam Run run
-- @tparam table|string terms
-- @tparam[opt] table how seed, truncation, scale, class (wanted where the run has classes)
-- @treturn tensor channels x height x width, 0..1
function arithmetic.picture(run, terms, how)
  how = how or {}
  if run.makes_pairs then native.fail('arith: %s turns images into images; there is no z to add', run.path) end
  if run.classes and not how.class then native.fail('arith: %s has %d classes; say of which one with --class', run.path, run.classes) end
  local result, parts = arithmetic.compute(run, terms, how)
  local z, most = {arithmetic.neighbours(result)}, 0
  for _, part in ipairs(parts) do
    z[#z + 1], z[#z + 2] = part.mean, part.z
    most = math.max(most, #part.numbers)
  end
  local images = run:images(torch.cat(z, 1), how.class)
  local channels, h, w = images:size(2), images:size(3), images:size(4)
  images = torch.cat(images, of_pixels(parts, images, 10), 1)
  local times = how.scale or sheet.scale(h, w, #parts + 5, math.max(most + 1, 3))
  images = (sheet.enlarge(images, times) + 1) / 2
  images:clamp(0, 1)
  local cell_h, cell_w, gap, between = h * times, w * times, 2, 26
  local rows = math.max(most + 1, 3)
  local height = 10 + rows * (cell_h + gap) + 10
  local width = 10 + #parts * (cell_w + between) + between + 3 * (cell_w + gap) + between + cell_w + 10
  local canvas = Canvas.new {channels, height, width}
  local bottom = height - 10 - cell_h
  local size, dark = cell_h >= 96 and 2 or 1, {0.1, 0.1, 0.1}
  local at, x = 10, between
  for i, part in ipairs(parts) do
    local sign = part.sign < 0 and '-' or i > 1 and '+' or ''
    canvas:text(x - 18, bottom + math.floor(cell_h / 2) - 7, sign, dark, 2)
    canvas:put(x, bottom, images[at])
    canvas:label(x, bottom, 'mean', size)
    for k, number in ipairs(part.numbers) do
      local y = bottom - 6 - (#part.numbers - k + 1) * (cell_h + gap)
      canvas:put(x, y, images[at + k])
      canvas:label(x, y, tostring(number), size)
    end
    at, x = at + 1 + #part.numbers, x + cell_w + between
  end
  canvas:text(x - 18, bottom + math.floor(cell_h / 2) - 7, '=', dark, 2)
  for i = 0, 8 do
    local column, row = i % 3, math.floor(i / 3)
    canvas:put(x + 6 + column * (cell_w + gap), bottom - (2 - row) * (cell_h + gap), images[i + 1])
  end
  x = x + 6 + 3 * (cell_w + gap) + between - 10
  canvas:put(x, bottom, images[images:size(1)])
  canvas:label(x, bottom, 'pixels', size)
  return canvas.pixels
end

return arithmetic
