--- nn.MinibatchStandardDeviation: one more channel with how much the images of a group differ, for a discriminator that is to see a lack
-- of variety (Karras, Aila, Laine and Lehtinen 2018, arXiv 1710.10196, section 3).
-- @module gantry.nn.minibatch_standard_deviation
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local MinibatchStandardDeviation, parent = torch.class('nn.MinibatchStandardDeviation', 'nn.Module')

--- @function nn.MinibatchStandardDeviation
-- Input N x C (x ...), output N x (C + 1) (x ...).
-- @int[opt=4] group images that are compared; divides N, or is more than N. 0: the whole batch, as in the paper's text
-- @usage nn.MinibatchStandardDeviation():forward(torch.randn(8, 512, 4, 4))   -- 8 x 513 x 4 x 4
function MinibatchStandardDeviation:__init(group)
  parent.__init(self)
  self.group = group or 4
  kernel.whole(self, 0, 'group', self.group)
end

function MinibatchStandardDeviation:call(input)
  local x = input.data
  kernel.want(x, self)
  local n = x.rank >= 2 and x:size(1) or 0
  local group = self.group == 0 and n or math.min(self.group, n)
  if n == 0 or n % group ~= 0 then
    native.fail('%s: the input is %s, wanted N x C x ... with N a multiple of %d', torch.type(self), kernel.sizes(x), self.group)
  end
  return ops.minibatch_stddev(input, group)
end

function MinibatchStandardDeviation:__tostring__() return ('%s(%d)'):format(torch.type(self), self.group) end

return MinibatchStandardDeviation
