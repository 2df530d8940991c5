--- nn.Residual: what a body makes of its input, plus the input, or what a shortcut makes of it (He, Zhang, Ren and Sun 2016, arXiv
-- 1512.03385).
-- @module gantry.nn.residual
local autograd = require 'gantry.autograd'
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.composite'
require 'gantry.nn.identity'

local Residual, parent = torch.class('nn.Residual', 'nn.Composite')

local nn = require 'gantry.nn.namespace'

--- @function nn.Residual
-- Where the body or the shortcut takes a condition (nn.ConditionalSequential), so does this, and gives the other one x alone.
-- @param body a module
-- @param[opt] shortcut a module whose output has the size of the body's; default: the input itself
-- @usage nn.Residual(nn.Sequential():add(nn.ReLU()):add(nn.SpatialConvolution(64, 64, 3, 3, 1, 1, 1, 1)))
function Residual:__init(body, shortcut)
  parent.__init(self)
  self.modules[1], self.modules[2] = self:want_layer(body), shortcut and self:want_layer(shortcut) or nn.Identity()
  self:be_like(body, self.modules[2])
end

function Residual:call(input)
  local x, y = input, nil
  if self.conditional then x, y = self:pair(input, 'condition') end
  local a, b = self:run(1, x, y), self:run(2, x, y)
  for _, part in ipairs {a, b} do
    if not autograd.is_value(part) then native.fail('%s: its parts give a %s, wanted one value', torch.type(self), torch.type(part)) end
  end
  if native.C.gt_same_shape(a.data, b.data) == 0 then
    native.fail('%s: the body gives %s, the shortcut %s', torch.type(self), kernel.sizes(a.data), kernel.sizes(b.data))
  end
  return ops.add(a, b)
end

return Residual
