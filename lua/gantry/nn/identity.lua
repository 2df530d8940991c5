--- nn.Identity: gives back what it gets.
-- @module gantry.nn.identity
local torch = require 'gantry.torch'
require 'gantry.nn.module'

local Identity = torch.class('nn.Identity', 'nn.Module')

function Identity.call(_, input) return input end

function Identity:updateOutput(input)
  self.output = input
  return input
end

function Identity:updateGradInput(_, gradOutput)
  self.gradInput = gradOutput
  return gradOutput
end

return Identity
