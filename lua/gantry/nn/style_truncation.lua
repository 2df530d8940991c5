--- nn.StyleTruncation: keeps the mean of the styles that pass, and where it is told to moves styles towards it: the truncation trick in
-- the space of styles, truer to the data and less varied (Karras, Laine and Aila 2018, arXiv 1812.04948, appendix B).
-- @module gantry.nn.style_truncation
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local StyleTruncation, parent = torch.class('nn.StyleTruncation', 'nn.Module')

--- @function nn.StyleTruncation
-- Input and output N x nStyle. In training styles pass as they are and move the running mean (unless track(false)); in evaluation they
-- become mean + psi (style - mean), where psi is 1 until truncate says another.
-- @int nStyle
-- @number[opt=0.005] momentum weight of the new batch in the running mean, as in the authors' program
-- @usage nn.StyleTruncation(512):evaluate():truncate(0.7):forward(torch.randn(8, 512))
function StyleTruncation:__init(nStyle, momentum)
  parent.__init(self)
  kernel.whole(self, 1, 'nStyle', nStyle)
  self.momentum, self.psi = momentum or 0.005, 1
  self.running_mean = torch.Tensor(nStyle):zero()
end

--- How far styles stay from the mean in evaluation.
-- @number psi 0: all are the mean; 1: they stay what they are
-- @treturn table self
function StyleTruncation:truncate(psi)
  if type(psi) ~= 'number' or not (psi >= 0 and psi <= 1) then
    native.fail('truncation: got %s, wanted a number from 0 to 1 for styles', tostring(psi))
  end
  self.psi = psi
  return self
end

function StyleTruncation:reset() self.running_mean:zero() end

function StyleTruncation:call(input)
  local x, mean = input.data, self.running_mean
  kernel.want(x, self, 2)
  if x:size(2) ~= mean:size(1) then
    native.fail('%s: the input is %s, wanted %d in dimension 2', torch.type(self), kernel.sizes(x), mean:size(1))
  end
  if self.train == false then
    return self.psi == 1 and input or ops.add(ops.scale(ops.sub(input, mean), self.psi), mean)
  end
  if self:is_tracking() then mean:mul(1 - self.momentum):add(self.momentum, x:mean(1):view(-1)) end
  return input
end

function StyleTruncation:__tostring__() return ('%s(%d)'):format(torch.type(self), self.running_mean:size(1)) end

return StyleTruncation
