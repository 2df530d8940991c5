--- nn.Power: x ^ p.
-- @module gantry.nn.power
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
require 'gantry.nn.module'

local Power, parent = torch.class('nn.Power', 'nn.Module')

--- @function nn.Power
-- @number p the exponent
function Power:__init(p)
  parent.__init(self)
  if type(p) ~= 'number' then native.fail('Power: the exponent is a %s, wanted a number', torch.type(p)) end
  self.pow = p
end

function Power:call(input) return ops.pow(input, self.pow) end

function Power:__tostring__() return ('%s(%g)'):format(torch.type(self), self.pow) end

return Power
