--- nn.VirtualBatch: a network with nn.VirtualBatchNormalization in it, and the reference batch, chosen once and kept, that it is run on
-- together with every input (Salimans et al. 2016, arXiv 1606.03498, section 3.5).
-- @module gantry.nn.virtual_batch
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local ops = require 'gantry.autograd.ops'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.composite'

local VirtualBatch, parent = torch.class('nn.VirtualBatch', 'nn.Composite')

--- @function nn.VirtualBatch
-- @param net a module
-- @param reference the reference batch, R x ...: copied, and saved with the network. Each forward costs as if R more inputs were given
-- @usage D = nn.VirtualBatch(D, data:batch(1, 64))
function VirtualBatch:__init(net, reference)
  parent.__init(self)
  self.modules[1] = self:want_layer(net)
  if not torch.isTensor(reference) or reference:dim() < 2 then
    native.fail('VirtualBatch: the reference batch is a %s, wanted a tensor R x ...', torch.type(reference))
  end
  self.reference = reference:clone():type(net:type())
  local found = net:findModules 'nn.VirtualBatchNormalization'
  if #found == 0 then native.fail('VirtualBatch: there is no nn.VirtualBatchNormalization in the network') end
  for _, m in ipairs(found) do m.references = reference:size(1) end
end

function VirtualBatch:call(input)
  kernel.want(input.data, self)
  local r, n = self.reference:size(1), input:size(1)
  local y = self:run(1, ops.cat({self.reference, input}, 1))
  if y:size(1) ~= r + n then
    native.fail('%s: the network makes %s of a batch of %d', torch.type(self), kernel.sizes(y.data), r + n)
  end
  return ops.narrow(y, 1, r + 1, n)
end

return VirtualBatch
