--- nn.SelfAttention: images plus what each place makes of all others (Zhang, Goodfellow, Metaxas and Odena 2019, Self-Attention
-- Generative Adversarial Networks, arXiv 1805.08318, section 3).
--
-- keys f = W_f x, queries g = W_g x and values h = W_h x are 1x1 convolutions to a few planes; o_j = W_v sum over i of beta_ji h_i, where
-- beta_j is the softmax over i of f_i . g_j; y = x + gamma o. gamma is learned and starts at 0.
-- @module gantry.nn.self_attention
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.composite'
require 'gantry.nn.spatial_convolution'

local SelfAttention, parent = torch.class('nn.SelfAttention', 'nn.Composite')

local nn = require 'gantry.nn.namespace'

--- @function nn.SelfAttention
-- Input and output N x planes x H x W. Takes memory for (H W)^2 numbers an image.
-- @param planes how many there are; or a list of four layers to use: f, g, h and v, such as spectrally normalised ones
-- @int[opt=planes / 8] inner planes of f, g and h: the paper's C / 8, at least 1
-- @usage nn.SelfAttention(64)
function SelfAttention:__init(planes, inner)
  parent.__init(self)
  self.weight, self.gradWeight = torch.Tensor(1):zero(), torch.Tensor(1):zero() -- gamma
  if type(planes) == 'table' then
    if #planes ~= 4 then native.fail('SelfAttention: got a list of %d layers, wanted 4: f, g, h and v', #planes) end
    for i = 1, 4 do self.modules[i] = self:want_layer(planes[i]) end
    return
  end
  kernel.whole(self, 1, 'planes', planes)
  inner = inner or math.max(1, math.floor(planes / 8))
  kernel.whole(self, 1, 'inner', inner)
  for i = 1, 4 do
    local from, to = i < 4 and planes or inner, i < 4 and inner or planes
    self.modules[i] = nn.SpatialConvolution(from, to, 1, 1):noBias()
  end
end

--- Draws the convolutions again; gamma 0.
function SelfAttention:reset(stdv)
  parent.reset(self, stdv)
  self.weight:zero()
end

function SelfAttention:call(input)
  kernel.want(input.data, self, 4)
  local n, height, width = input:size(1), input:size(3), input:size(4)
  local part = {}
  for i = 1, 3 do
    local y = self:run(i, input)
    part[i] = ops.view(y, n, y:size(2), height * width)
  end
  local o = ops.attention(part[2], part[1], part[3])
  local y = self:run(4, ops.view(o, n, o:size(2), height, width))
  return ops.add(input, ops.mul(y, self:param 'weight'))
end

return SelfAttention
