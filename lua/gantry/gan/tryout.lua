--- Trying a recipe before training it: what shape each layer makes, how many parameters there are, whether gradients reach all
-- of them, and whether one step works.
-- @module gantry.gan.tryout
local ffi = require 'ffi'
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local torch = require 'gantry.torch'
local network = require 'gantry.gan.network'
local options = require 'gantry.gan.options'
local samples = require 'gantry.gan.samples'
local Step = require 'gantry.gan.step'
local Trainer = require 'gantry.gan.trainer'

local C = native.C
local tryout = {}

local IMAGES = 4 -- in the minibatch that is tried
local CLASSES = 10 -- of those, where a recipe has labels and its options do not say how many

-- ---- shapes -----------------------------------------------------------------------------------------------------------------

local function shape_text(x)
  local data = autograd.is_value(x) and x.data or x
  if not torch.isTensor(data) then return ('a list of %d'):format(#data) end
  local sizes = {'N'}
  for d = 2, data:dim() do sizes[d] = ('%d'):format(data:size(d)) end
  return table.concat(sizes, ' x ')
end

local function parameters_of(m)
  local n = 0
  for _, p in ipairs((m:parameters()) or {}) do n = n + p:nElement() end
  return n
end

-- One line for each layer; containers other than Sequential count as one layer.
local function layers(net, input)
  local lines, x = {{place = '', class = 'input', shape = shape_text(input), parameters = 0}}, input
  local function run(module, place)
    if torch.typename(module) == 'nn.Sequential' then
      for i, child in ipairs(module.modules) do run(child, place and place .. '.' .. i or tostring(i)) end
      return
    end
    x = module:forward(x)
    lines[#lines + 1] = {place = place or '1', class = torch.type(module), shape = shape_text(x), parameters = parameters_of(module)}
  end
  net:track(false)
  local ok, problem = pcall(autograd.no_grad, run, net, nil)
  net:track(true)
  if native.is_interrupt(problem) then error(problem, 0) end
  return lines, x, not ok and problem or nil
end

-- ---- gradients --------------------------------------------------------------------------------------------------------------

-- Names of parameters that no gradient reached, and of those whose gradient is not finite.
local function gradient_problems(net, which)
  local none, broken = {}, {}
  local count = ffi.new 'double[1]'
  local function look(m, place)
    if m.modules then
      for i, child in ipairs(m.modules) do look(child, place .. '.' .. i) end
      return
    end
    local _, gradients = m:parameters()
    for i, g in ipairs(gradients or {}) do
      local name = ('%s (%s), parameter %d'):format(place, torch.type(m), i)
      native.check(C.gt_count_nonfinite(count, g))
      if count[0] > 0 then
        broken[#broken + 1] = name
      elseif g:nElement() > 1 and g:max() == 0 and g:min() == 0 then -- of one number it may cancel: D's last bias in a hinge loss
        none[#none + 1] = name
      end
    end
  end
  look(net, which)
  return none, broken
end

--- Data of random pixels, as a data set.
-- @tparam table o resolved options
-- @bool[opt] pairs_of whether they are pairs, side by side
function tryout.noise(o, pairs_of)
  local h, w = options.sides(o.size)
  if pairs_of then w = 2 * w end
  local generator = torch.Generator(1)
  local set = {}
  set.name, set.classes = 'random pixels', {}
  for k = 1, o.classes and o.classes > 0 and o.classes or CLASSES do set.classes[k] = tostring(k) end
  function set.size() return o.batch end
  function set.batches(_, how)
    return {next = function()
      local images = torch.FloatTensor(o.batch, o.channels, h, w):uniform(generator, -1, 1)
      return images, how.labels and torch.LongTensor(o.batch):random(generator, 1, #set.classes) or nil
    end}
  end
  return set
end

--- Tries a recipe on a minibatch of 4 random images.
-- @tparam Recipe recipe
-- @tparam table o resolved options; batch is made small
-- @treturn table networks = {{name, layers = {{place, class, shape, parameters}}, parameters}, ...}, metrics of one step, seconds it took,
-- problems (a list of lines; empty where all is well)
-- @usage for _, p in ipairs(tryout.run(recipe, recipe.options:resolve()).problems) do print(p) end
function tryout.run(recipe, o)
  local small = {}
  for key, v in pairs(o) do small[key] = v end
  small.batch = math.min(o.batch, IMAGES)
  local report = {networks = {}, problems = {}}
  local function problem(format, ...) report.problems[#report.problems + 1] = format:format(...) end
  local trainer = Trainer.new(recipe, small, tryout.noise(small, recipe.pairs))
  local h, w = options.sides(o.size)

  local labels = recipe.labels and samples.labels(small.batch, small.classes)
  local z = torch.Generator(1)
  z = autograd.value(recipe.pairs and torch.FloatTensor(small.batch, o.channels, h, w):uniform(z, -1, 1) or
    Step.draw_z(torch.FloatTensor(small.batch, o.z_size), o.z, z))
  local lines, out, failed = layers(trainer.G, labels and {z, labels} or z)
  report.networks[1] = {name = 'G', layers = lines, parameters = network.count(trainer.G)}
  local wanted = ('N x %d x %d x %d'):format(o.channels, h, w)
  if failed then
    problem('G: layer after %s: %s', lines[#lines].class, tostring(failed))
  elseif shape_text(out) ~= wanted then
    problem('G: makes images of %s, wanted %s', shape_text(out), wanted)
  end
  if #report.problems > 0 then return report end

  local before = C.gt_seconds()
  local ok, metrics = pcall(trainer.step, trainer)
  if native.is_interrupt(metrics) then error(metrics, 0) end
  report.seconds = C.gt_seconds() - before
  if trainer.D and trainer.state.takes_images.D == false then -- it takes lists that the recipe makes: its parts are not shown
    report.networks[2] = {name = 'D', layers = {}, parameters = network.count(trainer.D)}
  elseif trainer.D then -- after the step: it shows whether D is given classes
    local made = autograd.value(torch.FloatTensor(small.batch, o.channels, h, w):zero())
    local d_lines, _, d_failed = layers(trainer.D, trainer.state.takes_labels.D and labels and {made, labels} or made)
    report.networks[2] = {name = 'D', layers = d_lines, parameters = network.count(trainer.D)}
    if d_failed then
      problem('D: layer after %s: %s', d_lines[#d_lines].class, tostring(d_failed))
      return report
    end
  end
  for i = trainer.D and 3 or 2, #trainer.names do
    report.networks[i] = {name = trainer.names[i], layers = {}, parameters = network.count(trainer.nets[trainer.names[i]])}
  end
  if not ok then error(metrics, 0) end
  report.metrics, report.batch = metrics, small.batch
  for attempt = 1, 2 do
    local missing = 0
    for _, name in ipairs(trainer.names) do
      local none, broken = gradient_problems(trainer.nets[name], name)
      if attempt == 2 then
        for _, place in ipairs(none) do problem('%s: no gradient reaches it; it will not be trained', place) end
        for _, place in ipairs(broken) do problem('%s: its gradient is not finite', place) end
      end
      missing = missing + #none + #broken
    end
    if missing == 0 then break end
    if attempt == 1 then trainer:step() end -- what begins at 0 lets gradients through only once it has moved
  end
  if not metrics.g_loss then problem 'the step never updated G' end
  if trainer.D and not metrics.d_loss then problem 'the step never updated D' end
  return report
end

return tryout
