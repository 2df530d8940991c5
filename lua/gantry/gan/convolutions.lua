--- The convolutions that networks are made of: their sizes as the library's table of choices has them, found by watching what is computed.
-- @module gantry.gan.convolutions
local ffi = require 'ffi'
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local precision = require 'gantry.autograd.precision'
local bridge = require 'gantry.nn.bridge'

local C = native.C
local case_t = ffi.typeof 'gt_conv_case'

local convolutions = {}

local passes = {[0] = 'forward', 'input', 'weight'}
local precisions = {}
for name, code in pairs(precision.codes) do precisions[code] = name end

--- The sizes of a convolution, from an op and the tensors it was applied to.
-- @tparam table op an entry of the op table
-- @param a its first operand
-- @param b its second
-- @param shape gt_conv_shape
-- @param d the third size after that: rows, of the images or of the kernel, that the op gives
-- @param e and columns
-- @treturn[opt] gt_conv_case nothing where the op is no convolution
function convolutions.case(op, a, b, shape, d, e)
  local s = a.shape
  if op.name == 'conv' then
    return case_t(C.GT_CONV_FORWARD, a.dtype, s[0], s[1], s[2], s[3], b.shape[0], b.shape[2], b.shape[3], shape)
  elseif op.name == 'conv_input' then
    return case_t(C.GT_CONV_INPUT, a.dtype, s[0], b.shape[1] * shape.groups, d, e, b.shape[0], b.shape[2], b.shape[3], shape)
  elseif op.name == 'conv_weight' then
    return case_t(C.GT_CONV_WEIGHT, a.dtype, s[0], s[1], s[2], s[3], b.shape[1], d, e, shape)
  end
end

--- Rows and columns of y.
local function result_sides(c)
  local s = c.shape
  return math.floor((c.h + 2 * s.pad_h - s.dil_h * (c.kh - 1) - 1) / s.stride_h) + 1,
    math.floor((c.w + 2 * s.pad_w - s.dil_w * (c.kw - 1) - 1) / s.stride_w) + 1
end
convolutions.result_sides = result_sides

--- Multiplications and additions of a convolution by its definition, taps outside the image included.
function convolutions.flops(c)
  local oh, ow = result_sides(c)
  return 2 * c.n * c.o * oh * ow * (c.c / c.shape.groups) * c.kh * c.kw
end

--- A convolution as a line of a table, up to the way.
-- @tparam gt_conv_case c
-- @treturn string "avx512 float32 forward 128 64 32x32 128 4x4 2x2 1x1"
function convolutions.text(c)
  local s = c.shape
  local exact = c.dtype == C.GT_DOUBLE and 'double' or precisions[s.precision]
  return ('%s %s %s %d %d %dx%d %d %dx%d %dx%d %dx%d'):format(ffi.string(C.gt_cpu_level()), exact, passes[c.pass], c.n, c.c, c.h, c.w,
    c.o, c.kh, c.kw, s.stride_h, s.stride_w, s.pad_h, s.pad_w)
end

--- A convolution as people read it: "128 x 64 x 32x32 -> 128, 4x4, stride 2"; of the pass, the input first.
function convolutions.sizes(c)
  local s = c.shape
  local stride = s.stride_h == s.stride_w and s.stride_h or ('%dx%d'):format(s.stride_h, s.stride_w)
  return ('%d x %d x %dx%d, %d, %dx%d/%s'):format(c.n, c.c, c.h, c.w, c.o, c.kh, c.kw, stride)
end

--- The pass of a convolution: 'forward', 'input' or 'weight'.
function convolutions.pass(c) return passes[c.pass] end

--- Every way there is that can do a convolution.
-- @treturn {int,...} numbers of ways
function convolutions.ways(c)
  local list, way = {}, 0
  while C.gt_conv_way_name(way) ~= nil do
    if C.gt_conv_can(c, way) ~= 0 then list[#list + 1] = way end
    way = way + 1
  end
  return list
end

--- The name of a way.
function convolutions.way_name(way) return ffi.string(C.gt_conv_way_name(way)) end

--- Calls fn and visit(module, case) for each convolution that is computed meanwhile; module: the layer it belongs to, in the forward pass
-- as in the backward one, or nil.
function convolutions.watch(fn, visit)
  local layers, watcher = {}, {layer = false, begin_op = function() end}
  function watcher:end_op(op, _, a, b, shape, d, e)
    local c = convolutions.case(op, a, b, shape, d, e)
    if c then visit(self.layer or nil, c) end
  end
  function watcher:begin_backward(node)
    layers[#layers + 1] = self.layer
    self.layer = node.layer
  end
  function watcher:end_backward() self.layer = table.remove(layers) end
  local before, outer = autograd.observe(watcher), bridge.watcher
  bridge.watcher = function(module, done)
    if done then
      watcher.layer = table.remove(layers)
    else
      layers[#layers + 1] = watcher.layer
      watcher.layer = module
    end
  end
  local ok, problem = xpcall(fn, native.keep_trace)
  autograd.observe(before)
  bridge.watcher = outer
  if not ok then error(problem, 0) end
end

--- Names of all modules of networks, as checkpoints name their tensors: 'G 4', 'D 2.1'.
-- @tparam table nets {G = net, D = net}
-- @treturn table module -> name
function convolutions.places(nets)
  local places = {}
  for which, net in pairs(nets) do
    local function visit(module, place)
      places[module] = place == '' and which or which .. ' ' .. place
      for i, child in ipairs(module.modules or {}) do visit(child, place == '' and tostring(i) or place .. '.' .. i) end
    end
    visit(net, '')
  end
  return places
end

return convolutions
