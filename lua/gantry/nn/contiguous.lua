--- nn.Contiguous: the input in memory without gaps.
-- @module gantry.nn.contiguous
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
require 'gantry.nn.module'

local Contiguous = torch.class('nn.Contiguous', 'nn.Module')

function Contiguous.call(_, input)
  if input.data:isContiguous() then return input end
  return ops.reshape_as(input, input)
end

return Contiguous
