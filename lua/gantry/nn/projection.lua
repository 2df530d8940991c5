--- nn.Projection: a conditional discriminator's last layer, w . phi + b + V_y . phi for features phi and class y (Miyato and Koyama 2018,
-- cGANs with Projection Discriminator, arXiv 1802.05637, equation 3). It takes {phi, labels}.
-- @module gantry.nn.projection
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.composite'
require 'gantry.nn.linear'
require 'gantry.nn.lookup_table'

local Projection, parent = torch.class('nn.Projection', 'nn.Composite')

Projection.conditional = true

local nn = require 'gantry.nn.namespace'

--- @function nn.Projection
-- Input {N x nFeatures, a LongTensor of N labels in 1..nClasses}, output N x 1.
-- @param nFeatures how many there are; or a list of two layers to use, such as spectrally normalised ones: from N x nFeatures to N x 1,
-- and from labels to N x nFeatures
-- @int[opt] nClasses
-- @usage nn.Projection(128, 10):forward {torch.randn(8, 128), torch.LongTensor(8):random(1, 10)}
function Projection:__init(nFeatures, nClasses)
  parent.__init(self)
  if type(nFeatures) == 'table' then
    if #nFeatures ~= 2 then native.fail('Projection: got a list of %d layers, wanted 2', #nFeatures) end
    for i = 1, 2 do self.modules[i] = self:want_layer(nFeatures[i]) end
    return
  end
  kernel.whole(self, 1, 'nFeatures', nFeatures, 'nClasses', nClasses)
  self.modules[1], self.modules[2] = nn.Linear(nFeatures, 1), nn.LookupTable(nClasses, nFeatures)
end

function Projection:call(input)
  local phi, labels = self:pair(input, 'labels')
  kernel.want(phi.data, self, 2)
  local plain, row = self:run(1, phi), self:run(2, labels)
  if native.C.gt_same_shape(row.data, phi.data) == 0 then
    native.fail('%s: features of %s, and of the labels %s', torch.type(self), kernel.sizes(phi.data), kernel.sizes(row.data))
  end
  return ops.add(plain, ops.sum(ops.mul(row, phi), 2, true))
end

return Projection
