--- nn.GroupNormalization: the channels of each image in groups, each group normalised by its own mean and variance, then scaled and
-- shifted channel by channel (Wu and He 2018, arXiv 1803.08494). The same in training and evaluation: it looks at no other image.
-- @module gantry.nn.group_normalization
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local GroupNormalization, parent = torch.class('nn.GroupNormalization', 'nn.Module')

GroupNormalization.normalizes = true -- its weight starts at 1, whatever other layers' are drawn from

--- @function nn.GroupNormalization
-- Input N x nChannels, or N x nChannels x ...
-- @int nGroups divides nChannels
-- @int nChannels
-- @number[opt=1e-5] eps added to the variance
-- @bool[opt=true] affine whether the result is scaled by `weight` and shifted by `bias`, nChannels numbers each, which start at 1 and 0
-- @usage nn.GroupNormalization(8, 64)
function GroupNormalization:__init(nGroups, nChannels, eps, affine)
  parent.__init(self)
  kernel.whole(self, 1, 'nGroups', nGroups, 'nChannels', nChannels)
  if nChannels % nGroups ~= 0 then native.fail('%s: %d channels do not make %d groups', torch.type(self), nChannels, nGroups) end
  self.groups, self.channels, self.eps = nGroups, nChannels, eps or 1e-5
  if affine ~= false then
    self.weight, self.gradWeight = torch.Tensor(nChannels), torch.Tensor(nChannels):zero()
    self.bias, self.gradBias = torch.Tensor(nChannels), torch.Tensor(nChannels):zero()
    self:reset()
  end
end

function GroupNormalization:reset()
  if self.weight then
    self.weight:fill(1)
    self.bias:zero()
  end
end

function GroupNormalization:call(input)
  local x = input.data
  kernel.want(x, self)
  if x.rank < 2 or x:size(2) ~= self.channels then
    native.fail('%s: the input is %s, wanted %d in dimension 2', torch.type(self), kernel.sizes(x), self.channels)
  end
  return ops.group_norm(input, self.groups, self:param 'weight', self:param 'bias', self.eps)
end

function GroupNormalization:__tostring__()
  return ('%s(%d groups of %d)'):format(torch.type(self), self.groups, self.channels / self.groups)
end

return GroupNormalization
