-- Memory over a long training: live and peak bytes of the pool, Lua's heap and the process, at steps 10, 20, 50, 100 ...
-- usage: gantry bench/soak.lua [STEPS]      ends with exit code 1 where anything grew by more than 2% and 2 MB after step 20.
local gantry = require 'gantry'
local gan, data = gantry.gan, gantry.data

local steps = tonumber(arg[1]) or 1000
local recipe = gan.load_recipe 'dcgan'
local options = recipe.options:resolve {from = 'soak', values = {size = 32, base = 16, kernel = 4, batch = 32, channels = 3}}
local trainer = gan.trainer(recipe, options, data.open('scenes:faces', {size = 32, channels = 3}))

local function resident()
  for line in io.lines '/proc/self/status' do
    local kb = line:match '^VmHWM:%s*(%d+)'
    if kb then return tonumber(kb) / 1024 end
  end
end

local marks = {}
for _, n in ipairs {10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000} do marks[n] = true end
local before
local grew = false
for step = 1, steps do
  trainer:step()
  if marks[step] or step == steps then
    local m = gantry.memory()
    local now = {peak = m.peak / 2 ^ 20, mapped = m.mapped / 2 ^ 20, resident = resident(), lua = collectgarbage 'count' / 1024}
    print(('step %5d: pool peak %.1f MB, mapped %.1f MB, resident peak %.1f MB, Lua %.1f MB')
      :format(step, now.peak, now.mapped, now.resident, now.lua))
    if step == 20 then before = now end
    if before then
      for _, what in ipairs {'peak', 'mapped', 'resident'} do grew = grew or now[what] > 1.02 * before[what] + 2 end
    end
  end
end
print(grew and 'memory grew after step 20' or 'memory is flat after step 20')
os.exit(grew and 1 or 0)
