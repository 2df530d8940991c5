--- nn.Clamp: x held within [min_value, max_value].
-- @module gantry.nn.clamp
local torch = require 'gantry.torch'
require 'gantry.nn.hard_tanh'

local Clamp, parent = torch.class('nn.Clamp', 'nn.HardTanh')

--- @function nn.Clamp
-- @number min_value lower bound
-- @number max_value upper bound
function Clamp:__init(min_value, max_value) parent.__init(self, min_value, max_value) end

return Clamp
