--- nn.SpatialAveragePooling: the mean of each window.
-- @module gantry.nn.spatial_average_pooling
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
local pooling = require 'gantry.nn.pooling'
local spatial = require 'gantry.nn.spatial'
require 'gantry.nn.module'

local C, check = native.C, native.check
local scale_by = kernel.unary 'mul'

local SpatialAveragePooling, parent = torch.class('nn.SpatialAveragePooling', 'nn.Module')

--- @function nn.SpatialAveragePooling
-- @int kW window width
-- @int kH window height
-- @int[opt=1] dW step
-- @int[opt=1] dH step
-- @int[opt=0] padW zeros on either side
-- @int[opt=0] padH zeros above and below
function SpatialAveragePooling:__init(kW, kH, dW, dH, padW, padH)
  parent.__init(self)
  self.kW, self.kH = kW, kH
  self.dW, self.dH = dW or 1, dH or 1
  self.padW, self.padH = padW or 0, padH or 0
  kernel.whole(self, 1, 'kW', kW, 'kH', kH, 'dW', self.dW, 'dH', self.dH)
  kernel.whole(self, 0, 'padW', self.padW, 'padH', self.padH)
  self.ceil_mode = false
  self.count_include_pad = true
  self.divide = true
end
pooling.add_rounding(SpatialAveragePooling)

--- The padding's zeros count in the mean (the default).
function SpatialAveragePooling:setCountIncludePad()
  self.count_include_pad = true
  return self
end

--- They do not.
function SpatialAveragePooling:setCountExcludePad()
  self.count_include_pad = false
  return self
end

--- The factor that makes sums of the means, where `divide` is false.
local function factor(self) return self.divide == false and self.kW * self.kH or 1 end

local function apply(x, self)
  local y = ops.avg_pool(x, pooling.shape(self))
  return factor(self) == 1 and y or ops.mul(y, factor(self))
end

function SpatialAveragePooling:call(input)
  kernel.want(input.data, self, 4, 3)
  return spatial.call(input, apply, self)
end

function SpatialAveragePooling:updateOutput(input)
  kernel.want(input, self, 4, 3)
  check(C.gt_avg_pool(self.output, spatial.batch(input), pooling.shape(self)))
  if factor(self) ~= 1 then scale_by(self.output, self.output, factor(self)) end
  return spatial.unbatch(self.output, input)
end

function SpatialAveragePooling:updateGradInput(input, gradOutput)
  check(C.gt_avg_pool_grad(self.gradInput, spatial.batch(gradOutput), pooling.shape(self), input.shape[input.rank - 2],
    input.shape[input.rank - 1]))
  if factor(self) ~= 1 then scale_by(self.gradInput, self.gradInput, factor(self)) end
  return spatial.unbatch(self.gradInput, input)
end

return SpatialAveragePooling
