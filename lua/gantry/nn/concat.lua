--- nn.Concat: gives the input to every module, and joins their outputs along a dimension.
-- @module gantry.nn.concat
local ffi = require 'ffi'
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.branches'

local C, check = native.C, native.check
local parts_t = ffi.typeof 'const gt_tensor *[?]'

local Concat, parent = torch.class('nn.Concat', 'nn.Branches')

--- @function nn.Concat
-- @int dimension along which outputs are joined; the batch counts
-- @usage nn.Concat(2):add(nn.Linear(4, 3)):add(nn.Linear(4, 5))   -- N x 4 -> N x 8
function Concat:__init(dimension)
  parent.__init(self)
  if type(dimension) ~= 'number' then native.fail('Concat: the dimension is a %s, wanted a number', torch.type(dimension)) end
  self.dimension = dimension
end

function Concat:combine_values(outputs) return ops.cat(outputs, self.dimension) end

function Concat:combine(outputs)
  local parts = parts_t(#outputs)
  for i, t in ipairs(outputs) do
    kernel.dimension(self, t, self.dimension)
    parts[i - 1] = t
  end
  check(C.gt_cat(self.output, #outputs, parts, self.dimension - 1))
  return self.output
end

function Concat:part(i, gradOutput)
  local start = 1
  for k = 1, i - 1 do start = start + self.modules[k].output:size(self.dimension) end
  return gradOutput:narrow(self.dimension, start, self.modules[i].output:size(self.dimension))
end

return Concat
