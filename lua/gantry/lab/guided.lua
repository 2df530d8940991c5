--- Guided backpropagation: which pixels excite a feature. Springenberg, Dosovitskiy, Brox and Riedmiller 2014, "Striving for Simplicity:
-- The All Convolutional Net", arXiv 1412.6806, section 3.4. On the way back a gradient passes a rectifier where the unit was on (as in
-- backpropagation) and where the gradient itself is positive (as in a deconvnet), so that only what speaks for the feature is seen.
--
-- A leaky rectifier lets x * slope through below 0. Two readings: 'off' (default), the rule as it was written: nothing goes back
-- through a unit that was below 0; 'leak': times the slope, as it went forward.
-- @module gantry.lab.guided
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local ops = require 'gantry.autograd.ops'
local torch = require 'gantry.torch'
local sheet = require 'gantry.gan.sheet'
local board = require 'gantry.lab.board'
local discriminator = require 'gantry.lab.discriminator'
local layers = require 'gantry.lab.layers'
local pointing = require 'gantry.lab.pointing'
local record = require 'gantry.lab.record'
local statistics = require 'gantry.lab.statistics'

local guided = {}

local rectifiers = {['nn.ReLU'] = true, ['nn.LeakyReLU'] = true, ['nn.PReLU'] = true}

--- Has the gradient that comes back to a rectifier's output obey the rule.
local function guide(output, leaky)
  output:register_hook(function(g)
    local positive = ops.relu(g.data)
    if leaky == 'leak' then return positive end
    return ops.leaky_relu_grad(positive, output.data, 0)
  end)
end

--- The guided gradient of single features with respect to the images: of each image one feature at one position.
-- @param net in evaluation mode; it behaves afterwards as it did before
-- @tparam table layer from layers.of
-- @param input n x channels x height x width, or {images, classes}
-- @tparam {table,...} units n times {channel, row, column}, from 1
-- @tparam[opt] table o leaky = 'off' or 'leak'; plain = true: the gradient without the rule, to compare with
-- @treturn tensor n x channels x height x width
-- @usage local g = guided.gradient(D, layers.pick(layers.of(D, x), -1, 'me'), x, {{1, 2, 2}})
function guided.gradient(net, layer, input, units, o)
  o = o or {}
  local leaky = o.leaky or 'off'
  if leaky ~= 'off' and leaky ~= 'leak' then native.fail("guided: leaky is '%s', wanted 'off' or 'leak'", tostring(leaky)) end
  return autograd.scope(function()
    local recorded, image = layers.input(input, true)
    if #units ~= image:size(1) then native.fail('guided: got %d units for %d images', #units, image:size(1)) end
    local features
    layers.watch(net, recorded, function(m, output)
      if not o.plain and rectifiers[torch.type(m)] then guide(output, leaky) end
      if m == layer.module then features = output end
    end)
    local seed = features.data:clone():zero()
    for i, unit in ipairs(units) do seed[i][unit[1]][unit[2]][unit[3]] = 1 end
    return autograd.grad(features, image, {grad_outputs = seed}).data:clone()
  end)
end

--- For each feature of a layer and each picture, the largest response and where it is.
-- @tparam table looker from discriminator.open
-- @param net
-- @tparam table layer
-- @treturn tensor responses: pictures x channels
-- @treturn tensor places: LongTensor pictures x channels, (row - 1) * width + column
function guided.responses(looker, net, layer)
  local n = #looker.numbers
  local best, places = torch.FloatTensor(n, layer.channels), torch.LongTensor(n, layer.channels)
  looker:each(looker.numbers, function(input, part, at)
    local features = autograd.no_grad(function() return layers.features(net, layer, (layers.input(input))).data end)
    local values, where = features:contiguous():view(#part, layer.channels, -1):max(3)
    best:narrow(1, at + 1, #part):copy(values)
    places:narrow(1, at + 1, #part):copy(where)
  end)
  return best, places
end

--- The pictures to which a feature answers most, and the guided gradient of each one's largest response: the maximal axis-aligned
-- responses of the DCGAN paper (figure 5): an axis is one feature.
-- @tparam table looker
-- @param net
-- @tparam table layer
-- @tparam table o features (how many, from the first), top (pictures of each), leaky
-- @treturn {table,...} one for each feature: numbers (of the pictures, best first), gradients (top x channels x height x width),
-- above (how many deviations the top's mean lies above that of all pictures)
function guided.maximal(looker, net, layer, o)
  local best, places = guided.responses(looker, net, layer)
  local found = {}
  local top = math.min(o.top, #looker.numbers)
  for c = 1, math.min(o.features, layer.channels) do
    local column = best:select(2, c):clone()
    local values, order = column:sort(1, true)
    local numbers, units = {}, {}
    for k = 1, top do
      local row = order[k]
      local place = tonumber(places[row][c]) - 1
      numbers[k], units[k] = looker.numbers[tonumber(row)], {c, math.floor(place / layer.width) + 1, place % layer.width + 1}
    end
    found[c] = {
      numbers = numbers, gradients = guided.gradient(net, layer, looker:input(numbers), units, o),
      above = (values:narrow(1, 1, top):mean() - column:mean()) / math.max(column:std(), 1e-12),
    }
  end
  return found
end

-- ---- the experiment ------------------------------------------------------------------------------------------------------------------

local sides = discriminator.sides

local function draw(r, looker, found, o)
  local gradients, pictures = {}, {}
  for k, side in ipairs(sides) do
    local all, real = {}, {}
    for c = 1, math.min(o.shown, #found[side[1]]) do
      local f = found[side[1]][c]
      all[c], real[c] = f.gradients, looker.set:batch(f.numbers)
    end
    local how = {columns = all[1]:size(1)}
    gradients[k] = {side[2], sheet.make(board.signed(torch.cat(all, 1)), how)}
    pictures[k] = {side[2], sheet.make(torch.cat(real, 1), how)}
  end
  r:picture(board.make {gradients}, nil, ('guided gradients of the first %d features, a row each, the best picture first')
    :format(math.min(o.shown, #found.trained)))
  r:picture(board.make {pictures}, 'pictures', 'the real pictures that these are gradients of')
end

local function draw_filters(r, looker)
  local parts, input = {}, looker:input {looker.numbers[1]}
  for k, side in ipairs(sides) do
    local first = layers.pick(layers.of(looker[side[1]], input), 1, 'guided').convolution
    parts[k] = {side[2], board.filters(first.weight)}
  end
  r:picture(board.make {parts}, 'filters', 'the filters of the first convolution')
end

local PAPER = 'by eye: a significant minority of features responds to beds'

-- The figures of what gradients point at, where boxes are known.
local function point(r, looker, found)
  local kinds = pointing.kinds(looker.set)
  if #kinds == 0 then return end
  local masks = pointing.masks(looker.set, kinds, looker.numbers)
  for _, kind in ipairs {'any', unpack(kinds)} do
    for k = #sides, 1, -1 do
      local side, what = sides[k], kind == 'any' and 'boxes of objects' or ('boxes of a %s'):format(kind)
      local m = pointing.measure(found[side[1]], masks, kind)
      if m then
        local function mean(name, x)
          r:figure(('%s, %s, %%'):format(name, side[2]), record.percent(x))
        end
        if kind == 'any' then
          mean('energy of guided gradients in ' .. what, m.energy)
          mean(("the same gradients beside other pictures' %s"):format(what), m.energy_chance)
          mean('largest guided gradient in ' .. what, m.hit)
          mean(("the same beside other pictures' %s"):format(what), m.hit_chance)
        else
          mean(("energy of guided gradients in %s above that in other pictures'"):format(what), m.above)
        end
        local w = statistics.wilson(m.responding, m.n)
        r:figure(('features with more energy in %s than chance, %s, %%'):format(what, side[2]),
          record.percent(w, {paper = kind == 'bed' and k == 2 and PAPER or nil}))
      end
    end
  end
end

local function mean_over(features, number)
  local list = {}
  for _, f in ipairs(features) do list[#list + 1] = number(f) end
  return #list > 0 and statistics.mean(list) or nil
end

-- The figures that need no boxes.
local function measure(r, found)
  for k = #sides, 1, -1 do
    local side = sides[k]
    local above = mean_over(found[side[1]], function(f) return f.above end)
    r:figure(('response to the best pictures above the mean, %s, deviations'):format(side[2]), record.number(above))
    local dense = mean_over(found[side[1]], function(f)
      local energy, list = pointing.energy(f.gradients), {}
      for i = 1, energy:size(1) do list[#list + 1] = pointing.concentration(energy[i]) end
      return #list > 0 and statistics.mean(list).mean or nil
    end)
    if dense then
      r:figure(('energy of guided gradients in their strongest tenth of pixels, %s, %%'):format(side[2]), record.percent(dense))
    end
  end
end

--- The experiment of figure 5: guided gradients of the last convolution's first features at their largest responses to real images, of
-- D and of one that was never trained; first-layer filters; and where the boxes of objects are known, what the gradients point at.
-- @tparam Run run
-- @tparam[opt] table o out (a directory; default: RUN/lab), data (a spec; default: the run's), images (2000: real ones to look at),
-- features (64: measured), shown (6: drawn), top (8: pictures of each feature), layer (-1: the last), leaky ('off'), seed (1)
-- @treturn table the record
-- @usage gantry.lab.guided.run(gantry.open 'runs/rooms')
function guided.run(run, o)
  o = o or {}
  local full = {
    images = o.images or 2000, features = o.features or 64, shown = o.shown or 6, top = o.top or 8, layer = o.layer or -1,
    leaky = o.leaky or 'off',
  }
  local seed = o.seed or 1
  local r = record.new('guided', {out = o.out, seed = seed, run = run, data = o.data or run.state.data, about = full})
  local looker = discriminator.open(run, {who = 'guided', data = o.data, images = full.images, seed = seed})
  if #looker.numbers < 2 then native.fail('guided: %s has %d pictures, wanted at least 2', looker.data, #looker.numbers) end
  local found = {}
  for _, side in ipairs(sides) do
    local net = looker[side[1]]
    local layer = layers.pick(layers.of(net, looker:input {looker.numbers[1]}), full.layer, 'guided')
    found[side[1]] = guided.maximal(looker, net, layer, {
      features = math.max(full.features, full.shown), top = full.top, leaky = full.leaky,
    })
  end
  draw(r, looker, found, full)
  draw_filters(r, looker)
  point(r, looker, found)
  measure(r, found)
  return r:finish()
end

return guided
