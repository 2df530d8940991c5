--- nn.JoinLabels: joins classes, one-hot, to rows or to images as maps that are 1 everywhere for the class and 0 elsewhere: conditioning
-- by concatenation (Mirza and Osindero 2014, arXiv 1411.1784). It takes {x, labels}.
-- @module gantry.nn.join_labels
local torch = require 'gantry.torch'
local autograd = require 'gantry.autograd'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
local composite = require 'gantry.nn.composite'

local JoinLabels, parent = torch.class('nn.JoinLabels', 'nn.Module')

JoinLabels.conditional = true

--- @function nn.JoinLabels
-- Input {N x C (x H x W), a LongTensor of N labels in 1..nClasses}, output N x (C + nClasses) (x H x W).
-- @int nClasses
-- @usage nn.JoinLabels(10):forward {torch.rand(4, 3, 8, 8), torch.LongTensor {1, 10, 3, 3}}   -- 4 x 13 x 8 x 8
function JoinLabels:__init(nClasses)
  parent.__init(self)
  kernel.whole(self, 1, 'nClasses', nClasses)
  self.classes = nClasses
end

function JoinLabels:call(input)
  local x, labels = composite.pair(self, input, 'labels')
  local t = x.data
  kernel.want(t, self, t.rank == 2 and 2 or 4)
  local n = t:size(1)
  labels = kernel.labels(self, labels, n, self.classes)
  local maps = t.new(n, self.classes):zero():scatter(2, labels:view(n, 1), 1)
  if t.rank == 4 then maps = maps:view(n, self.classes, 1, 1):expand(n, self.classes, t:size(3), t:size(4)) end
  return ops.cat({x, autograd.value(maps)}, 2)
end

function JoinLabels:__tostring__() return ('%s(%d)'):format(torch.type(self), self.classes) end

return JoinLabels
