--- nn.Maxout: a linear layer whose every output is the largest of several linear functions (Goodfellow et al. 2013,
-- arXiv 1302.4389), as in the discriminator of the first GAN.
-- @module gantry.nn.maxout
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local module = require 'gantry.nn.module'
require 'gantry.nn.linear'

local Maxout, parent = torch.class('nn.Maxout', 'nn.Linear')

--- @function nn.Maxout
-- @int inputSize numbers in
-- @int outputSize numbers out
-- @int pieces how many linear functions each output chooses from
-- @usage nn.Maxout(784, 240, 5):forward(torch.randn(16, 784))   -- 16 x 240
function Maxout:__init(inputSize, outputSize, pieces)
  for _, n in ipairs {inputSize or 0, outputSize or 0, pieces or 0} do
    if type(n) ~= 'number' or n < 1 then native.fail('Maxout: wanted three sizes of at least 1: inputs, outputs, pieces') end
  end
  self.outputSize, self.pieces = outputSize, pieces
  parent.__init(self, inputSize, outputSize * pieces)   -- rows of one output's pieces lie together
end

-- Not nn.Linear's: they follow from `call`.
for _, method in ipairs {'updateOutput', 'updateGradInput', 'accGradParameters'} do Maxout[method] = module[method] end

function Maxout:call(input)
  local y = parent.call(self, input)
  local single = y:dim() == 1
  y = ops.max(ops.view(y, -1, self.outputSize, self.pieces), 3)
  return single and ops.view(y, -1) or y
end

function Maxout:__tostring__()
  return ('%s(%d -> %d, %d pieces)'):format(torch.type(self), self.weight:size(2), self.outputSize, self.pieces)
end

return Maxout
