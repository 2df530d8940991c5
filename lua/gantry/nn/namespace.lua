--- The table that holds nn's classes, and where torch.class puts those named 'nn.Something'. Files of gantry.nn (and users'
-- own layers, through gantry.nn) add to it; gantry.nn returns it filled.
local class = require 'gantry.torch.class'

local nn = {}
class.modules.nn = nn

return nn
