--- nn.NarrowTable: a stretch of a list.
-- @module gantry.nn.narrow_table
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local nested = require 'gantry.nn.nested'
local kernel = require 'gantry.nn.kernel'
require 'gantry.nn.module'

local NarrowTable, parent = torch.class('nn.NarrowTable', 'nn.Module')

--- @function nn.NarrowTable
-- @int offset its first entry
-- @int[opt=1] length how many
function NarrowTable:__init(offset, length)
  parent.__init(self)
  kernel.whole(self, 1, 'offset', offset, 'length', length or 1)
  self.offset, self.length = offset, length or 1
end

function NarrowTable:call(input)
  nested.want_list(self, input)
  if self.offset < 1 or self.offset + self.length - 1 > #input then
    native.fail('%s: entries %d..%d of a list of %d', torch.type(self), self.offset, self.offset + self.length - 1, #input)
  end
  return {unpack(input, self.offset, self.offset + self.length - 1)}
end

return NarrowTable
