--- nn.Abs: |x|; its gradient at 0 is 0.
-- @module gantry.nn.abs
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
require 'gantry.nn.module'

local Abs = torch.class('nn.Abs', 'nn.Module')

function Abs.call(_, input) return ops.abs(input) end

return Abs
