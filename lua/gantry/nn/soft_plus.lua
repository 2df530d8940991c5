--- nn.SoftPlus: log(1 + e ^ (beta x)) / beta; x itself where beta x > 20.
-- @module gantry.nn.soft_plus
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local SoftPlus, parent = torch.class('nn.SoftPlus', 'nn.Module')

--- @function nn.SoftPlus
-- @number[opt=1] beta the larger, the nearer to ReLU
function SoftPlus:__init(beta)
  parent.__init(self)
  kernel.numbers(self, {beta = beta})
  self.beta, self.threshold = beta or 1, 20
end

function SoftPlus:call(input) return ops.softplus(input, self.beta, self.threshold) end

return SoftPlus
