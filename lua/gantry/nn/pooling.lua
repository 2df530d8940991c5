--- What the two pooling layers share: the window, and inputs with or without a batch dimension.
local ffi = require 'ffi'
local torch = require 'gantry.torch'

local pool_shape_t = ffi.typeof 'gt_pool_shape'

local pooling = {}

--- The layer's window for the C functions; networks saved long ago lack some of the fields.
function pooling.shape(layer)
  return pool_shape_t(layer.kH, layer.kW, layer.dH, layer.dW, layer.padH or 0, layer.padW or 0, layer.ceil_mode and 1 or 0,
    layer.count_include_pad ~= false and 1 or 0)
end

--- Methods ceil() and floor(): how the output's size is rounded.
function pooling.add_rounding(class)
  --- Windows that reach over the edge count.
  function class:ceil()
    self.ceil_mode = true
    return self
  end
  --- They do not (the default).
  function class:floor()
    self.ceil_mode = false
    return self
  end
  function class:__tostring__()
    local text = ('%s(%dx%d, %d,%d'):format(torch.type(self), self.kW, self.kH, self.dW, self.dH)
    if (self.padW or 0) ~= 0 or (self.padH or 0) ~= 0 then text = ('%s, %d,%d'):format(text, self.padW, self.padH) end
    return text .. ')'
  end
end

return pooling
