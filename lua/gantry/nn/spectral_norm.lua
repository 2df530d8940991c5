--- nn.SpectralNorm: any layer with a weight, with the weight divided by its largest singular value (Miyato, Kataoka, Koyama and Yoshida
-- 2018, Spectral Normalization for Generative Adversarial Networks, arXiv 1802.05957).
--
-- The weight is seen as a matrix with a row for each output: W, of n x k. Its largest singular value is estimated as s = u' W v by
-- power iteration (their algorithm 1), v = W' u / |W' u|, u = W v / |W v|: once in every forward in training that may move statistics
-- (not in evaluation, nor after track(false), so not in G's update nor for penalties). u and v are saved with the layer. In the
-- gradient of W / s they are constants (their equation 9).
-- @module gantry.nn.spectral_norm
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.composite'

local C, check, fail = native.C, native.check, native.fail

local SpectralNorm, parent = torch.class('nn.SpectralNorm', 'nn.Composite')

local tiny = 1e-12 -- added to norms, against division by 0

--- The weight (a tensor or value) as a matrix: outputs are rows.
local function as_matrix(layer, weight)
  if torch.isTypeOf(layer, 'nn.SpatialFullConvolution') then weight = ops.transpose(weight, 1, 2) end
  return ops.flatten(weight, 2)
end

local function normalize(x) x:div(x:norm() + tiny) end

local function iterate(self, matrix)
  check(C.gt_addmv(self.v, 0, nil, 1, matrix:t(), self.u))
  normalize(self.v)
  check(C.gt_addmv(self.u, 0, nil, 1, matrix, self.v))
  normalize(self.u)
end

--- @function nn.SpectralNorm
-- @param layer nn.Linear, nn.SpatialConvolution ...: a layer with a weight of at least two dimensions, written with ops
-- @int[opt=1] iterations power iterations in a forward
-- @usage nn.SpectralNorm(nn.SpatialConvolution(64, 128, 4, 4, 2, 2, 1, 1))
-- @usage D:replace(function(m) return m.weight and m.weight:dim() > 1 and nn.SpectralNorm(m) or m end)   -- every layer of a network
function SpectralNorm:__init(layer, iterations)
  parent.__init(self)
  self:want_layer(layer)
  self.iterations = iterations or 1
  kernel.whole(self, 1, 'iterations', self.iterations)
  if not torch.isTensor(layer.weight) or layer.weight:dim() < 2 then
    fail('SpectralNorm: %s has no weight of two dimensions or more; wrap the layers that have one', torch.type(layer))
  end
  if not layer:has_call() then fail("SpectralNorm: %s has only Torch7's methods, wanted a layer that defines call", torch.type(layer)) end
  self.modules[1] = layer
  self:be_like(layer)
  local matrix = as_matrix(layer, layer.weight)
  self.u, self.v = torch.Tensor(matrix:size(1)):type(layer:type()), torch.Tensor(matrix:size(2)):type(layer:type())
  self:draw()
end

--- Draws u, and 5 iterations: from there on the estimate follows the weight. The paper begins with the draw alone.
function SpectralNorm:draw()
  self.u:normal()
  normalize(self.u)
  local matrix = as_matrix(self.modules[1], self.modules[1].weight)
  for _ = 1, 5 do iterate(self, matrix) end
end

--- Draws the layer's parameters, and u, again.
function SpectralNorm:reset(stdv)
  parent.reset(self, stdv)
  self:draw()
end

function SpectralNorm:call(input)
  local layer = self.modules[1]
  local weight = layer:param 'weight'
  local matrix = as_matrix(layer, weight)
  if self.train ~= false and self:is_tracking() then
    for _ = 1, self.iterations do iterate(self, matrix.data) end
  end
  -- Copies: the next forward moves u and v, and this one's gradient needs them as they are.
  local u, v = ops.scale(ops.view(self.u, 1, -1), 1), ops.scale(ops.view(self.v, -1, 1), 1)
  local sigma = ops.view(ops.matmul(ops.matmul(u, matrix), v), 1)
  return layer:with_values({weight = ops.div(weight, sigma)}, self.run, self, 1, input)
end

--- The estimate of the weight's largest singular value by the u and v there are, a number.
function SpectralNorm:sigma()
  local matrix = as_matrix(self.modules[1], self.modules[1].weight)
  return ops.matmul(ops.matmul(self.u:view(1, -1), matrix), self.v:view(-1, 1))[1][1]
end

function SpectralNorm:__tostring__() return ('%s(%s)'):format(torch.type(self), tostring(self.modules[1])) end

return SpectralNorm
