--- z with a height and a width: a generator that is convolutional from its first layer on makes larger images of them, as dcgan.torch's
-- does of z of 100 x h x w. Its four ways to fill z are here by its names.
-- @module gantry.gan.spatial
local native = require 'gantry.native'
local nn = require 'gantry.nn'
local torch = require 'gantry.torch'

local spatial = {}

-- What may follow: layers that do the same wherever they are in an image.
local convolutional = {
  ['nn.SpatialFullConvolution'] = true, ['nn.SpatialConvolution'] = true, ['nn.SpatialBatchNormalization'] = true, ['nn.ReLU'] = true,
  ['nn.LeakyReLU'] = true, ['nn.Tanh'] = true, ['nn.Sigmoid'] = true,
}

--- The layers of a generator that take z of N x z_size x h x w.
-- @param G nn.Sequential
-- @treturn nn.Sequential of the same layers, without the first one's view of z as 1 x 1
-- @raise where it is not convolutional throughout: the message names the layer
function spatial.network(G)
  local function refuse(layer)
    native.fail('z of more than 1 x 1 wants a generator that is convolutional throughout, as kernel=4 makes; this one has %s', layer)
  end
  if torch.type(G) ~= 'nn.Sequential' then refuse(torch.type(G)) end
  local net, modules = nn.Sequential(), G.modules
  local view = modules[1]
  local of_z = torch.type(view) == 'nn.View' and #view.size == 3 and view.size[2] == 1 and view.size[3] == 1
  for i = of_z and 2 or 1, #modules do
    local class = torch.type(modules[i])
    if not convolutional[class] then refuse(class) end
    net:add(modules[i])
  end
  return net:evaluate()
end

--- z for one larger image, by dcgan.torch's noise modes.
-- random: every cell is a sample of its own. linefull1d: each column is a point on the line from the first to the second point, from left
-- to right. linefull: the cells of the diagonal are, and every other is a sample of its own.
-- @string mode 'random', 'linefull1d' or 'linefull'
-- @int cells along each side
-- @param points 2 x z_size: the line's ends
-- @param filling (cells * cells) x z_size: samples, row by row
-- @treturn tensor 1 x z_size x cells x cells (linefull1d: x 1 x cells)
function spatial.z(mode, cells, points, filling)
  local size = points:size(2)
  local function on_line(i) return points[1] * ((cells - i) / (cells - 1)) + points[2] * ((i - 1) / (cells - 1)) end
  if mode == 'linefull1d' then
    local z = torch.FloatTensor(1, size, 1, cells)
    for i = 1, cells do z[1]:select(3, i):copy(on_line(i)) end
    return z
  end
  local z = filling:t():contiguous():view(1, size, cells, cells)
  if mode == 'linefull' then
    for i = 1, cells do z[1]:select(3, i):select(2, i):copy(on_line(i)) end
  end
  return z
end

return spatial
