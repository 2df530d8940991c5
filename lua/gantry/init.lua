--- Gantry: generative adversarial networks on a CPU, in Lua, in the style of Torch.
--
-- The parts are loaded when they are first used: `gantry.torch`, `gantry.nn`, `gantry.optim`, `gantry.image`, `gantry.data`,
-- `gantry.autograd`, `gantry.gan`, `gantry.metrics`, `gantry.lab`. No global is installed.
-- @module gantry
-- @usage local gantry = require 'gantry'
--   local torch, nn = gantry.torch, gantry.nn
local native = require 'gantry.native'

local gantry = {
  version = native.version,
  --- Live, peak and cached bytes of the library's memory pool.
  memory = native.memory,
}

local parts = {torch = true, nn = true, optim = true, image = true, data = true, autograd = true, gan = true, metrics = true, lab = true}

-- Functions that are used often enough to be known by a short name: where they are.
local shortcuts = {
  grad = {'autograd', 'grad'}, value = {'autograd', 'value'}, no_grad = {'autograd', 'no_grad'}, scope = {'autograd', 'scope'},
  open = {'gan', 'open'}, precision = {'autograd', 'precision'},
}

-- What the prompt completes.
local names = {}
for _, list in ipairs {parts, shortcuts} do
  for name in pairs(list) do names[#names + 1] = name end
end

return setmetatable(gantry, {
  __names = names,
  __index = function(_, key)
    local found
    if parts[key] then
      found = require('gantry.' .. key)
    elseif shortcuts[key] then
      found = require('gantry.' .. shortcuts[key][1])[shortcuts[key][2]]
    end
    if found ~= nil then rawset(gantry, key, found) end
    return found
  end,
})
