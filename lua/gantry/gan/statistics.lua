--- Statistics of batch normalisation, estimated anew for the generator as it is.
--
-- In training every batch is normalised by its own mean and variance, while running averages of them are kept for later. Those
-- lag behind: they mix the generators of the last steps. Over batches of generated images, normalised as in training, the
-- means of the batches' statistics are what the present generator has.
-- @module gantry.gan.statistics
local autograd = require 'gantry.autograd'
local torch = require 'gantry.torch'
local samples = require 'gantry.gan.samples'

local statistics = {}

local IMAGES = 2048 -- the statistics of so many are steady to about 1%
local SEED = 7919   -- of the z that they are generated from: always the same

--- Moves the running statistics of a network's batch normalisation to the means over batches, each normalised by its own statistics
-- as in training. Leaves everything else, and the mode, as it was.
-- @param net a network
-- @int batches how many
-- @func run run(k) has the network make something of batch k
-- @treturn int layers whose statistics were estimated
function statistics.average(net, batches, run)
  local norms = {}
  for _, m in ipairs(net:listModules()) do
    if torch.isTensor(m.running_mean) then norms[#norms + 1] = {module = m, momentum = m.momentum, train = m.train} end
  end
  if #norms == 0 then return 0 end
  for _, norm in ipairs(norms) do norm.module.train = true end
  local ok, problem = pcall(function()
    for k = 1, batches do
      for _, norm in ipairs(norms) do norm.module.momentum = 1 / k end -- the mean of all so far
      autograd.scope(function() autograd.no_grad(run, k) end)
    end
  end)
  for _, norm in ipairs(norms) do norm.module.momentum, norm.module.train = norm.momentum, norm.train end
  if not ok then error(problem, 0) end
  return #norms
end

--- The same for a generator over generated images. Draws from a generator of its own.
-- @param G a generator
-- @tparam table o z_size, z
-- @int batch images in a batch, as in training
-- @int[opt] classes where G takes {z, classes}: how many there are
-- @treturn int images generated; 0 where there is no batch normalisation
function statistics.reestimate(G, o, batch, classes)
  local batches = math.ceil(IMAGES / batch)
  local z = samples.z(batches * batch, o, SEED)
  local labels = classes and samples.labels(batches * batch, classes)
  local norms = statistics.average(G, batches, function(k) return G:forward(samples.input(z, labels, (k - 1) * batch + 1, batch)) end)
  return norms > 0 and batches * batch or 0
end

return statistics
