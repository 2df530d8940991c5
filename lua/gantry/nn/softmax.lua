--- nn.SoftMax: e ^ x over its sum along the classes:
-- dimension 1 of C and C x H x W, dimension 2 of N x C and N x C x H x W.
-- @module gantry.nn.softmax
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
require 'gantry.nn.module'

local SoftMax = torch.class('nn.SoftMax', 'nn.Module')

function SoftMax:call(input)
  local rank = input:dim()
  if rank < 1 or rank > 4 then native.fail('%s: the input has %d dimensions, wanted 1 to 4', torch.type(self), rank) end
  return ops.softmax(input, (rank == 1 or rank == 3) and 1 or 2)
end

return SoftMax
