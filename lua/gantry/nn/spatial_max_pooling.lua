--- nn.SpatialMaxPooling: the largest number in each window.
-- @module gantry.nn.spatial_max_pooling
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
local pooling = require 'gantry.nn.pooling'
local spatial = require 'gantry.nn.spatial'
require 'gantry.nn.module'

local C, check = native.C, native.check

local SpatialMaxPooling, parent = torch.class('nn.SpatialMaxPooling', 'nn.Module')

--- @function nn.SpatialMaxPooling
-- @int kW window width
-- @int kH window height
-- @int[opt=kW] dW step
-- @int[opt=kH] dH step
-- @int[opt=0] padW columns on either side that count as minus infinity
-- @int[opt=0] padH rows above and below
function SpatialMaxPooling:__init(kW, kH, dW, dH, padW, padH)
  parent.__init(self)
  self.kW, self.kH = kW, kH
  self.dW, self.dH = dW or kW, dH or kH
  self.padW, self.padH = padW or 0, padH or 0
  kernel.whole(self, 1, 'kW', kW, 'kH', kH, 'dW', self.dW, 'dH', self.dH)
  kernel.whole(self, 0, 'padW', self.padW, 'padH', self.padH)
  self.ceil_mode = false
  self.indices = torch.LongTensor()
end
pooling.add_rounding(SpatialMaxPooling)

local function apply(x, self) return (ops.max_pool(x, pooling.shape(self))) end

function SpatialMaxPooling:call(input)
  kernel.want(input.data, self, 4, 3)
  return spatial.call(input, apply, self)
end

function SpatialMaxPooling:updateOutput(input)
  kernel.want(input, self, 4, 3)
  -- Networks saved long ago kept positions as numbers of the layer's type.
  if not self.indices or self.indices.dtype ~= C.GT_LONG then self.indices = torch.LongTensor() end
  check(C.gt_max_pool(self.output, self.indices, spatial.batch(input), pooling.shape(self)))
  spatial.unbatch(self.indices, input)
  return spatial.unbatch(self.output, input)
end

function SpatialMaxPooling:updateGradInput(input, gradOutput)
  check(C.gt_max_pool_grad(self.gradInput, spatial.batch(gradOutput), spatial.batch(self.indices), input.shape[input.rank - 2],
    input.shape[input.rank - 1]))
  return spatial.unbatch(self.gradInput, input)
end

function SpatialMaxPooling:clearState()
  kernel.clear(self, 'indices')
  return parent.clearState(self)
end

return SpatialMaxPooling
