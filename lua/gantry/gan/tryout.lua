--- Trying a recipe before training it: what shape each layer makes, how many parameters there are, whether gradients reach all
-- of them, and whether one step works.
-- @module gantry.gan.tryout
local ffi = require 'ffi'
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local torch = require 'gantry.torch'
local network = require 'gantry.gan.network'
local options = require 'gantry.gan.options'
local Step = require 'gantry.gan.step'
local Trainer = require 'gantry.gan.trainer'

local C = native.C
local tryout = {}

local IMAGES = 4 -- in the minibatch that is tried

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
      elseif g:nElement() > 0 and g:max() == 0 and g:min() == 0 then
        none[#none + 1] = name
      end
    end
  end
  look(net, which)
  return none, broken
end

--- Data of random pixels, as a data set.
-- @tparam table o resolved options
function tryout.noise(o)
  local h, w = options.sides(o.size)
  local generator = torch.Generator(1)
  local set = {}
  function set.size() return o.batch end
  function set.batches()
    return {next = function() return torch.FloatTensor(o.batch, o.channels, h, w):uniform(generator, -1, 1) end}
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
  local trainer = Trainer.new(recipe, small, tryout.noise(small))
  local h, w = options.sides(o.size)

  local z = autograd.value(Step.draw_z(torch.FloatTensor(small.batch, o.z_size), o.z, torch.Generator(1)))
  local made = autograd.value(torch.FloatTensor(small.batch, o.channels, h, w):zero())
  for _, part in ipairs {{'G', trainer.G, z}, {'D', trainer.D, made}} do
    local lines, out, failed = layers(part[2], part[3])
    report.networks[#report.networks + 1] = {name = part[1], layers = lines, parameters = network.count(part[2])}
    if failed then
      problem('%s: layer after %s: %s', part[1], lines[#lines].class, tostring(failed))
      return report
    end
    local wanted = ('N x %d x %d x %d'):format(o.channels, h, w)
    if part[1] == 'G' and shape_text(out) ~= wanted then
      problem('G: makes images of %s, wanted %s', shape_text(out), wanted)
      return report
    end
  end

  local before = C.gt_seconds()
  local metrics = trainer:step()
  report.metrics, report.seconds, report.batch = metrics, C.gt_seconds() - before, small.batch
  for _, part in ipairs {{'G', trainer.G}, {'D', trainer.D}} do
    local none, broken = gradient_problems(part[2], part[1])
    for _, name in ipairs(none) do problem('%s: no gradient reaches it; it will not be trained', name) end
    for _, name in ipairs(broken) do problem('%s: its gradient is not finite', name) end
  end
  if not metrics.g_loss then problem 'the step never updated G' end
  if not metrics.d_loss then problem 'the step never updated D' end
  return report
end

return tryout
