--- nn.Square: x ^ 2.
-- @module gantry.nn.square
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
require 'gantry.nn.module'

local Square = torch.class('nn.Square', 'nn.Module')

function Square.call(_, input) return ops.mul(input, input) end

return Square
