--- nn.Log: the natural logarithm.
-- @module gantry.nn.log
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
require 'gantry.nn.module'

local Log = torch.class('nn.Log', 'nn.Module')

function Log.call(_, input) return ops.log(input) end

return Log
