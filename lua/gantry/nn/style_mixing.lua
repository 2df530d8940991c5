--- nn.StyleMixing: a style for each of several layers. In training some images have, from a random layer on, the style of another image of
-- the batch, so that layers do not come to rely on each other's styles: mixing regularisation (Karras, Laine and Aila 2018, arXiv
-- 1812.04948, section 3.1).
-- @module gantry.nn.style_mixing
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local autograd = require 'gantry.autograd'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local StyleMixing, parent = torch.class('nn.StyleMixing', 'nn.Module')

--- @function nn.StyleMixing
-- Input N x nStyle, output a list of `layers` such: what nn.ConditionalSequential gives its layers in turn. Images are mixed each by
-- itself, with torch's generator; the first layer's style is always the image's own.
-- @int layers
-- @number[opt=0.9] probability that an image is mixed in training
-- @usage nn.StyleMixing(8, 0.9):forward(torch.randn(16, 512))   -- a list of 8 tensors 16 x 512
function StyleMixing:__init(layers, probability)
  parent.__init(self)
  kernel.whole(self, 1, 'layers', layers)
  self.layers, self.probability = layers, probability or 0.9
  if type(self.probability) ~= 'number' or not (self.probability >= 0 and self.probability <= 1) then
    native.fail('StyleMixing: the probability is %s, wanted a number from 0 to 1', tostring(self.probability))
  end
end

-- For each image the layer from which on it has another's style; one more than there are where it is not mixed.
local function crossings(self, n)
  local from, mixed = torch.LongTensor(n):random(2, self.layers), torch.rand(n)
  for i = 1, n do
    if mixed[i] >= self.probability then from[i] = self.layers + 1 end
  end
  return from
end

function StyleMixing:call(input)
  kernel.want(input.data, self, 2)
  local n, styles = input:size(1), {input}
  if self.train == false or self.probability == 0 or self.layers == 1 then
    for k = 2, self.layers do styles[k] = input end
    return styles
  end
  local from, next_one = crossings(self, n), torch.LongTensor(n)
  for i = 1, n do next_one[i] = i % n + 1 end
  local difference = ops.sub(ops.index_select(input, 1, next_one), input)
  for k = 2, self.layers do
    local others = from:le(k):type(input.data:type()):view(n, 1)
    styles[k] = ops.add(input, ops.mul(difference, autograd.value(others)))
  end
  return styles
end

function StyleMixing:__tostring__() return ('%s(%d layers, %g)'):format(torch.type(self), self.layers, self.probability) end

return StyleMixing
