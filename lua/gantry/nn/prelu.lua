--- nn.PReLU: x where x > 0, else x times a learned slope (He et al. 2015, arXiv 1502.01852).
-- @module gantry.nn.prelu
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local PReLU, parent = torch.class('nn.PReLU', 'nn.Module')

--- @function nn.PReLU
-- @int[opt=0] nOutputPlane one slope for each plane (dimension 2 of a batch, 1 of a single input); 0: one for all
function PReLU:__init(nOutputPlane)
  parent.__init(self)
  self.nOutputPlane = nOutputPlane or 0
  kernel.whole(self, 0, 'nOutputPlane', self.nOutputPlane)
  local n = math.max(self.nOutputPlane, 1)
  self.weight, self.gradWeight = torch.Tensor(n):fill(0.25), torch.Tensor(n):zero()
end

function PReLU:reset() self.weight:fill(0.25) end

--- The slopes in sizes that broadcast against x.
local function slopes(self, x)
  local w, rank = self:param 'weight', x.rank
  if self.nOutputPlane == 0 then return w end
  local channel = (rank == 1 or rank == 3) and 1 or 2
  if tonumber(x.shape[channel - 1]) ~= self.nOutputPlane then
    native.fail('%s: the input is %s, wanted %d planes', torch.type(self), kernel.sizes(x), self.nOutputPlane)
  end
  local sizes = {}
  for d = 1, rank do sizes[d] = d == channel and self.nOutputPlane or 1 end
  return ops.view(w, sizes)
end

function PReLU:call(input)
  kernel.want(input.data, self)
  local above = ops.relu(input)
  return ops.add(above, ops.mul(ops.sub(input, above), slopes(self, input.data)))
end

function PReLU:__tostring__() return ('%s(%d)'):format(torch.type(self), self.nOutputPlane) end

return PReLU
