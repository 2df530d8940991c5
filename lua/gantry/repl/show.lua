--- show(x): pictures in the terminal, or as a PNG where there is none.
-- @module gantry.repl.show
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local image = require 'gantry.image'
local torch = require 'gantry.torch'
local tensor = require 'gantry.torch.tensor'
local graphics = require 'gantry.repl.graphics'
local terminal = require 'gantry.repl.terminal'

local C = native.C

local CELL = 8     -- pixels that a character is wide, where pixels are drawn
local SEEN = 128   -- sides that smaller pictures are enlarged to, there

-- ---- what to show -----------------------------------------------------------------------------------------------------------

-- Values that become black and white: 0..1 or, with negative ones among them, -1..1; further where they go further.
local function range_of(x, range)
  if range then return range end
  local low, high = x:min(), x:max()
  if low < 0 then
    local most = math.max(-low, high)
    return most <= 1 and {-1, 1} or {-most, most}
  end
  return {0, math.max(1, high)}
end

local function as_float(x)
  if torch.isTensor(x) and x.dtype ~= C.GT_BYTE and x.dtype < C.GT_FLOAT then return x:float() end
  return x
end

local function gather(list)
  local parts = {}
  for i, x in ipairs(list) do
    if autograd.is_value(x) then x = x.data end
    if not torch.isTensor(x) then native.fail('show: entry %d is a %s, wanted images', i, torch.type(x)) end
    parts[i] = as_float(x)
  end
  if #parts == 0 then native.fail('show: got a table without images') end
  return parts
end

-- Channels x height x width in 0..1 out of all that stands for pictures.
local function picture(x, o)
  if type(x) == 'string' then x = image.load(x) end
  if autograd.is_value(x) then x = x.data end
  if type(x) == 'table' and type(x.sheet) == 'function' then x = x:sheet() end
  local low_high
  if type(x) == 'table' then
    x = gather(x)
    local low, high = math.huge, -math.huge
    for _, part in ipairs(x) do low, high = math.min(low, part:min()), math.max(high, part:max()) end
    low_high = x[1].dtype ~= C.GT_BYTE and range_of(torch.FloatTensor {low, high}, o.range) or nil
    return image.grid(x, {columns = o.columns, range = low_high})
  end
  if not torch.isTensor(x) then
    native.fail('show: got %s, wanted images: a tensor, a table of them, a run or the name of a file',
      x == nil and 'nil' or 'a ' .. torch.type(x))
  end
  local dims = x:dim()
  if dims < 2 or dims > 4 or x:nElement() == 0 then
    native.fail('show: got a tensor of %s, wanted H x W, C x H x W or N x C x H x W', tensor.shape_text(x))
  end
  x = as_float(x)
  if x.dtype ~= C.GT_BYTE then low_high = range_of(x, o.range) end
  if dims == 2 then x = x:contiguous():view(1, x:size(1), x:size(2)) end
  local channels = x:size(1)
  local is_one = x:dim() == 3 and (channels == 1 or channels == 3 or channels == 4) or dims == 4 and channels == 1
  if is_one and dims < 4 then x = x:contiguous():view(1, channels, x:size(2), x:size(3)) end
  return image.grid(x, {columns = o.columns, range = low_high, padding = is_one and 0 or 2})
end

-- Three channels, and what is transparent on white.
local function on_white(x)
  local channels = x:size(1)
  if channels == 1 then return torch.cat({x, x, x}, 1) end
  if channels ~= 4 then return x end
  local rgb, alpha = x:narrow(1, 1, 3), x:narrow(1, 4, 1):expand(3, x:size(2), x:size(3))
  return torch.cmul(rgb, alpha):add(1):csub(alpha)
end

local function bytes_of(x)
  local bytes = tensor.new(C.GT_BYTE)
  native.check(C.gt_image_quantize(bytes, x, 0, 1))
  return bytes:contiguous()
end

-- ---- where to show it -------------------------------------------------------------------------------------------------------

local ways = {kitty = true, sixel = true, blocks = true, png = true}
local known

-- What the terminal says it can draw. Asked once.
local function best_way()
  local wish = os.getenv 'GANTRY_GRAPHICS'
  if wish and ways[wish] then return wish end
  local term = os.getenv 'TERM' or ''
  if terminal.columns(1) == 0 or term == 'dumb' then return 'png' end
  if known then return known end
  known = 'blocks'
  if terminal.columns(0) > 0 then
    -- tmux and screen take kitty's question for a title.
    local multiplexed = os.getenv 'TMUX' or term:match '^tmux' or term:match '^screen' or term == 'linux'
    local question = multiplexed and '' or '\27_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\27\\'
    local answer = terminal.ask(question .. '\27[c', '\27%[%?[%d;]*c')
    local features = answer:match '\27%[%?([%d;]*)c' or ''
    if answer:find('_Gi=31;OK', 1, true) then
      known = 'kitty'
    elseif (';' .. features .. ';'):find(';4;', 1, true) then
      known = 'sixel'
    end
  end
  return known
end

local function free_name()
  local n = 1
  while true do
    local name = ('show-%d.png'):format(n)
    local file = io.open(name, 'rb')
    if not file then return name end
    file:close()
    n = n + 1
  end
end

local function save(path, x)
  image.save(path, x)
  io.stdout:write(('%s: %d x %d pixels\n'):format(path, x:size(3), x:size(2)))
end

-- In a size that fits the terminal: whole enlargement where there is room, less where there is none.
local function fit(x, room, enlarge)
  local h, w = x:size(2), x:size(3)
  if w > room then return image.scale(x, room, math.max(1, math.floor(h * room / w + 0.5))) end
  local times = enlarge and math.max(1, math.min(math.floor(SEEN / math.max(w, h)), math.floor(room / w))) or 1
  return times > 1 and image.scale(x, w * times, h * times, 'simple') or x
end

--- Shows pictures: in the terminal by kitty's protocol or sixel where the terminal says that it has them, in half blocks of
-- 24-bit colour elsewhere, and as a PNG, show-1.png and so on, where output goes to no terminal.
-- GANTRY_GRAPHICS=kitty, sixel, blocks or png chooses.
-- @param x images: H x W, C x H x W, N x C x H x W, a table of them, a recorded value, a run (its numbered sheet) or a file's name
-- @param[opt] o a file's name, to write a PNG there instead; or a table: range = {lowest, highest value} (default: 0..1, with negative
--   values -1..1), columns of a sheet, file
-- @usage show(run.G(run:z {3, 17, 42}:mean(1)))
return function(x, o)
  if type(o) == 'string' then o = {file = o} end
  o = o or {}
  if type(o) ~= 'table' then native.fail('show: argument 2 is a %s, wanted a table or the name of a file', type(o)) end
  local made = picture(x, o)
  if o.file then return save(o.file, made) end
  local way = best_way()
  if way == 'png' then return save(free_name(), made) end
  made = on_white(made)
  local columns = terminal.columns(1)
  if columns == 0 then columns = 80 end
  if way == 'blocks' then
    made = fit(made, columns, false)
  else
    made = fit(made, columns * CELL, true)
  end
  io.stdout:write(graphics[way](bytes_of(made)))
end
