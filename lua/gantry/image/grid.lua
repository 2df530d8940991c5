--- Sheets of many images, and the scaling of values for display.
-- @module gantry.image.grid
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local tensor = require 'gantry.torch.tensor'
local want = require 'gantry.image.want'

local C, check, fail = native.C, native.check, native.fail
local grid = {}

-- A Float or Double batch N x C x H x W, of its own memory, out of what stands for one: such a batch, N x H x W gray images, or
-- a table of images of one size. Bytes become 0..1.
local function batch_of(images, what)
  if type(images) == 'table' then
    if #images == 0 then fail('%s: got an empty table, wanted images', what) end
    local parts = {}
    for i, x in ipairs(images) do
      want.picture(x, what)
      if x.rank == 2 then x = x:view(1, x:size(1), x:size(2)) end
      if i > 1 and (x:size(1) ~= parts[1]:size(2) or x:size(2) ~= parts[1]:size(3) or x:size(3) ~= parts[1]:size(4)) then
        fail('%s: image %d is %s and the first is %s, wanted one size', what, i, tensor.shape_text(x), tensor.shape_text(parts[1][1]))
      end
      parts[i] = x:contiguous():view(1, x:size(1), x:size(2), x:size(3))
    end
    images = torch.cat(parts, 1)
  else
    want.picture(images, what, 4)
  end
  if images.dtype == C.GT_BYTE then
    local r = tensor.new(C.GT_FLOAT)
    check(C.gt_image_dequantize(r, images, 0, 1))
    images = r
  else
    images = images:clone()
  end
  if images.rank == 2 then return images:view(1, 1, images:size(1), images:size(2)) end
  if images.rank == 3 then
    -- C x H x W is one image, N x H x W are gray ones.
    local n = images:size(1)
    if n == 1 or n == 3 then return images:view(1, n, images:size(2), images:size(3)) end
    return images:view(n, 1, images:size(2), images:size(3))
  end
  return images
end

local function lay_out(batch, columns, padding, background, border)
  local n, channels, h, w = batch:size(1), batch:size(2), batch:size(3), batch:size(4)
  local rows = math.ceil(n / columns)
  local sheet = batch.new(channels, border * 2 + rows * (h + padding) - padding, border * 2 + columns * (w + padding) - padding)
  if type(background) == 'table' then
    for c = 1, channels do sheet[c]:fill(background[c] or 1) end
  else
    sheet:fill(background)
  end
  for i = 1, n do
    local y, x = border + math.floor((i - 1) / columns) * (h + padding), border + (i - 1) % columns * (w + padding)
    sheet:narrow(2, y + 1, h):narrow(3, x + 1, w):copy(batch[i])
  end
  return sheet
end

--- A sheet of images, row by row.
-- @param images N x C x H x W (or N x H x W gray ones, or a table of images of one size); a ByteTensor is 0..255
-- @tparam[opt] table o
-- @int[opt] o.columns images in a row (also: nrow); default: nearly square
-- @int[opt] o.rows rows, instead of columns
-- @int[opt=2] o.padding pixels between images and around them
-- @tparam[opt={0,1}] table o.range the values that become 0 and 1; what lies outside is cut off
-- @param[opt=1] o.background the padding's value, 0..1, or a table of one for each channel
-- @treturn tensor C x H' x W', 0..1
-- @usage image.save('samples.png', image.grid(fakes, {columns = 8, range = {-1, 1}}))
function grid.grid(images, o)
  o = want.options(o, 'image.grid')
  local batch = batch_of(images, 'image.grid')
  local n, padding = batch:size(1), want.whole(o.padding or 2, 'image.grid', 'padding')
  local columns = o.columns or o.nrow or o.rows and math.ceil(n / want.whole(o.rows, 'image.grid', 'rows')) or math.ceil(math.sqrt(n))
  columns = want.whole(columns, 'image.grid', 'columns')
  if columns < 1 or padding < 0 then fail('image.grid: %d columns with a padding of %d, wanted at least 1 and 0', columns, padding) end
  local lo, hi = 0, 1
  if o.range then lo, hi = o.range[1], o.range[2] end
  if type(lo) ~= 'number' or type(hi) ~= 'number' or lo >= hi then
    fail('image.grid: range is {%s, %s}, wanted two numbers, the lower first', tostring(lo), tostring(hi))
  end
  if lo ~= 0 or hi ~= 1 then batch:add(-lo):div(hi - lo) end
  batch:clamp(0, 1)
  return lay_out(batch, math.min(columns, n), padding, o.background or 1, padding)
end

--- Brings values to 0..1 for display, as Torch7's image.minmax did.
-- @tparam table o
-- @tparam tensor o.tensor any size, Float or Double
-- @tparam[opt] number o.min what becomes 0; default: the smallest value
-- @tparam[opt] number o.max what becomes 1; default: the largest value
-- @tparam[opt=false] boolean o.symm choose min and max at equal distances from 0
-- @tparam[opt=true] boolean o.saturate cut off what lies outside
-- @tparam[opt=false] boolean o.inplace change o.tensor itself
-- @treturn tensor
function grid.minmax(o)
  if tensor.is(o) then o = {tensor = o} end
  tensor.want(type(o) == 'table' and o.tensor or nil, 'image.minmax', 'tensor')
  local x = o.inplace and o.tensor or o.tensor:clone()
  local lo, hi = o.min or x:min(), o.max or x:max()
  if o.symm then
    hi = math.max(math.abs(lo), math.abs(hi))
    lo = -hi
  end
  x:add(-lo)
  if hi ~= lo then x:div(hi - lo) end
  if o.saturate ~= false then x:clamp(0, 1) end
  return x
end

--- A sheet of images with values brought to 0..1, as Torch7's image.toDisplayTensor made it.
-- @tparam table o or a tensor, followed by padding and nrow
-- @param o.input N x C x H x W, N x H x W, or a table of images of one size
-- @int[opt=0] o.padding pixels between images
-- @int[opt=6] o.nrow images in a row
-- @tparam[opt=false] boolean o.scaleeach bring each image to 0..1 by itself
-- @tparam[opt] number o.min what becomes 0; default: the smallest value
-- @tparam[opt] number o.max what becomes 1; default: the largest value
-- @tparam[opt=false] boolean o.symmetric choose min and max at equal distances from 0
-- @tparam[opt=true] boolean o.saturate cut off what lies outside
-- @treturn tensor C x H' x W'
-- @usage image.save('filters.png', image.toDisplayTensor{input = weights, padding = 1, nrow = 8})
function grid.to_display_tensor(o, padding, nrow)
  if tensor.is(o) or (type(o) == 'table' and not o.input) then o = {input = o, padding = padding, nrow = nrow} end
  o = want.options(o, 'image.toDisplayTensor')
  local batch = batch_of(o.input, 'image.toDisplayTensor')
  local function scaled(x)
    return grid.minmax {tensor = x, min = o.min, max = o.max, symm = o.symmetric, saturate = o.saturate, inplace = true}
  end
  if o.scaleeach then
    for i = 1, batch:size(1) do scaled(batch[i]) end
  else
    scaled(batch)
  end
  padding = want.whole(o.padding or 0, 'image.toDisplayTensor', 'padding')
  nrow = want.whole(o.nrow or 6, 'image.toDisplayTensor', 'nrow')
  if nrow < 1 or padding < 0 then fail('image.toDisplayTensor: nrow %d and padding %d, wanted at least 1 and 0', nrow, padding) end
  return lay_out(batch, math.min(nrow, batch:size(1)), padding, 1, math.floor(padding / 2))
end

return grid
