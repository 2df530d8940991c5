-- One DCGAN update in Gantry, whole: data, both networks, Adam. Or (what=sample) images made by G in evaluation mode. A step for each
-- line on standard input (bench/live.lua).
-- usage: gantry bench/gantry_step.lua KEY=VALUE ...      keys: see below
local gantry = require 'gantry'
local native = require 'gantry.native'
local gan, data, torch, nn = gantry.gan, gantry.data, gantry.torch, gantry.nn
package.path = (arg[0]:match '^(.*/)' or './') .. '?.lua;' .. package.path
local settings = require 'settings'

local s = settings.parse(arg, {
  size = 64, batch = 128, base = 64, kernel = 4, channels = 3, precision = 'float32', data = 'scenes:faces', what = 'step',
  columns = 0, -- 1: every convolution by im2col and OpenBLAS, images contiguous
})
local recipe = gan.load_recipe 'dcgan'
local values = {size = s.size, batch = s.batch, base = s.base, kernel = s.kernel, channels = s.channels, z = 'normal'}
if s.precision ~= 'float32' then values.precision = s.precision end
local options = recipe.options:resolve {from = 'bench', values = values}
if values.precision then gantry.precision(values.precision) end
local h, w = gan.sides(options.size)
if s.columns == 1 then nn.SpatialConvolution.prefers_inner, nn.SpatialFullConvolution.prefers_inner = false, false end
local trainer = gan.trainer(recipe, options, data.open(s.data, {size = {h, w}, channels = s.channels, seed = 1}))

local function use_columns()
  local convolutions = require 'gantry.gan.convolutions'
  local list = {}
  convolutions.watch(function() trainer:step() end, function(_, c) list[#list + 1] = c end)
  for _, c in ipairs(list) do native.check(native.C.gt_choices_set(c, 0)) end
end

local function peak_memory()
  for line in io.lines '/proc/self/status' do
    local kilobytes = line:match '^VmHWM:%s+(%d+)'
    if kilobytes then return kilobytes / 1024 end
  end
end

local step = function() trainer:step() end
if s.what == 'sample' then
  local z = gan.samples.z(s.batch, options, 1)
  step = function() gan.samples.images(trainer.G, z) end
end
if s.columns == 1 then use_columns() end
for _ = 1, 2 do step() end
print 'ready'
io.stdout:flush()
for line in io.lines() do
  if line == 'memory' then
    print(peak_memory())
  else
    local timer = torch.Timer()
    step()
    print(('%.6f'):format(timer:time().real))
  end
  io.stdout:flush()
end
