--- The DCGAN paper's experiments as functions: what the networks of a run learned, each question answered by a picture and a number.
-- The parts are loaded when they are first used; `gantry lab NAME` runs the same functions.
-- @module gantry.lab
-- @usage local interval = gantry.lab.statistics.wilson(183, 200)
local lab = {}

local parts = {
  statistics = true, record = true, layers = true, guided = true, pointing = true,
  forget = true, logistic = true, detector = true, maximise = true, report = true,
  rules = true, judges = true, exemplars = true, arith = true, walk = true, turn = true, sorted = true, film = true,
  features = true, svm = true, protocol = true, classify = true, kmeans = true,
  supervised = true, tally = true,
  codes = true, copies = true, dedup = true, nearest = true, neighbours = true, nnc = true, pictures = true,
}

local names = {}
for name in pairs(parts) do names[#names + 1] = name end

return setmetatable(lab, {
  __names = names,
  __index = function(_, key)
    if not parts[key] then return nil end
    local found = require('gantry.lab.' .. key)
    rawset(lab, key, found)
    return found
  end,
})
