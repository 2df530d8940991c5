--- nn.SoftSign: x / (1 + |x|).
-- @module gantry.nn.soft_sign
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
require 'gantry.nn.module'

local SoftSign = torch.class('nn.SoftSign', 'nn.Module')

function SoftSign.call(_, input) return ops.div(input, ops.add(ops.abs(input), 1)) end

return SoftSign
