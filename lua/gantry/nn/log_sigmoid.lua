--- nn.LogSigmoid: log(1 / (1 + e ^ -x)).
-- @module gantry.nn.log_sigmoid
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
require 'gantry.nn.module'

local LogSigmoid = torch.class('nn.LogSigmoid', 'nn.Module')

function LogSigmoid.call(_, input) return ops.neg(ops.softplus(ops.neg(input))) end

return LogSigmoid
