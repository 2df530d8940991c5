--- nn.Exp: e ^ x.
-- @module gantry.nn.exp
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
require 'gantry.nn.module'

local Exp = torch.class('nn.Exp', 'nn.Module')

function Exp.call(_, input) return ops.exp(input) end

return Exp
