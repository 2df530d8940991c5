--- nn.LogSoftMax: the logarithm of nn.SoftMax, in one stable step:
-- dimension 1 of C and C x H x W, dimension 2 of N x C and N x C x H x W.
-- @module gantry.nn.log_softmax
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
require 'gantry.nn.module'

local LogSoftMax = torch.class('nn.LogSoftMax', 'nn.Module')

function LogSoftMax:call(input)
  local rank = input:dim()
  if rank < 1 or rank > 4 then native.fail('%s: the input has %d dimensions, wanted 1 to 4', torch.type(self), rank) end
  return ops.log_softmax(input, (rank == 1 or rank == 3) and 1 or 2)
end

return LogSoftMax
