--- nn.Normalize: each row divided by its p-norm.
-- @module gantry.nn.normalize
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local Normalize, parent = torch.class('nn.Normalize', 'nn.Module')

--- @function nn.Normalize
-- @number p order of the norm; math.huge for the largest magnitude
-- @number[opt=1e-10] eps added to the sum of powers, of which the p-th root is taken
function Normalize:__init(p, eps)
  parent.__init(self)
  if type(p) ~= 'number' or p <= 0 then native.fail('Normalize: the order of the norm is %s, wanted a number above 0', tostring(p)) end
  kernel.numbers(self, {eps = eps})
  self.p, self.eps = p, eps or 1e-10
end

function Normalize:call(input)
  kernel.want(input.data, self, 2, 1)
  local d = input:dim()
  if self.p == math.huge then
    return ops.div(input, ops.add(ops.max(ops.abs(input), d, true), self.eps))
  end
  local powers = self.p == 2 and ops.mul(input, input) or ops.pow(ops.abs(input), self.p)
  local sums = ops.add(ops.sum(powers, d, true), self.eps)
  return ops.div(input, self.p == 2 and ops.sqrt(sums) or ops.pow(sums, 1 / self.p))
end

function Normalize:__tostring__() return ('%s(%g)'):format(torch.type(self), self.p) end

return Normalize
