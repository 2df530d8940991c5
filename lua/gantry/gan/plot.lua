--- metrics.png: how a run went, as plots over the steps: the losses; D's mean outputs on real and generated images; how varied the
-- generated images are, and what G's filters do; the lengths of the gradients. Each curve is the mean over a column's steps; the pale band
-- behind it reaches from their lowest to their highest value. A red line is where the run diverged.
-- @module gantry.gan.plot
local image = require 'gantry.image'
local Canvas = require 'gantry.gan.canvas'
local glyphs = require 'gantry.gan.glyphs'
local metrics = require 'gantry.gan.metrics'

local plot = {}

local WIDTH, PANEL = 900, 210
local LEFT, RIGHT, TOP, BETWEEN, BOTTOM = 70, 20, 34, 48, 44
local FINE = 2 -- curves are drawn so many times larger and scaled down, which smooths them

local grey, light, ink = {0.45, 0.45, 0.45}, {0.9, 0.9, 0.9}, {0.1, 0.1, 0.1}
local blue, orange, green, red = {0.12, 0.42, 0.75}, {0.88, 0.45, 0.1}, {0.2, 0.6, 0.3}, {0.8, 0.1, 0.1}

local function pale(colour) return {0.75 + colour[1] / 4, 0.75 + colour[2] / 4, 0.75 + colour[3] / 4} end

-- ---- numbers ----------------------------------------------------------------------------------------------------------------

-- Mean, lowest and highest of each metric in each of `columns` columns of steps.
local function gather(path, columns)
  local all, most = {}, 0
  metrics.each(path, function(m)
    all[#all + 1] = m
    most = math.max(most, m.step)
  end)
  local curves = {}
  for _, m in ipairs(all) do
    local column = math.min(columns, math.floor(m.step / math.max(most, 1) * (columns - 1)) + 1)
    for key, v in pairs(m) do
      curves[key] = curves[key] or {}
      local at = curves[key][column]
      if not at then
        curves[key][column] = {sum = v, n = 1, low = v, high = v}
      else
        at.sum, at.n, at.low, at.high = at.sum + v, at.n + 1, math.min(at.low, v), math.max(at.high, v)
      end
    end
  end
  return curves, most
end

-- A step of 1, 2 or 5 times a power of ten that cuts a range into about `pieces`.
local function tick_step(range, pieces)
  local rough = range / pieces
  local power = 10 ^ math.floor(math.log10(rough))
  for _, factor in ipairs {1, 2, 5} do
    if factor * power >= rough * 0.999 then return factor * power end
  end
  return 10 * power
end

local function number_text(v)
  if math.abs(v) >= 1e9 then return ('%.0e'):format(v):gsub('%+', '') end
  if v ~= 0 and math.abs(v) >= 1e6 then return ('%gm'):format(v / 1e6) end
  if v ~= 0 and math.abs(v) >= 1e4 then return ('%gk'):format(v / 1e3) end
  return ('%.6g'):format(math.abs(v) < 1e-12 and 0 or v)
end

-- What the axis has to hold: all but the few wildest means, so that one spike does not flatten the rest.
local function range_of(curves, keys)
  local values = {}
  for _, key in ipairs(keys) do
    for _, at in pairs(curves[key] or {}) do values[#values + 1] = at.sum / at.n end
  end
  if #values == 0 then return 0, 1 end
  table.sort(values)
  local low = values[math.max(1, math.floor(#values * 0.01))]
  local high = values[math.ceil(#values * 0.985)]
  if low > 0 and low < 0.6 * high then low = 0 end
  local margin = (high - low) * 0.08
  if margin <= 0 then margin = math.max(math.abs(high) * 0.1, 0.1) end
  return low == 0 and 0 or low - margin, high + margin
end

-- ---- drawing ----------------------------------------------------------------------------------------------------------------

local function draw_curve(fine, box, curve, low, high, colour)
  local function y_of(v) -- wild values leave the picture, but not by far
    return math.max(-0.5, math.min(1.5, 1 - (v - low) / (high - low))) * (box.height * FINE - 1)
  end
  local function inside(y) return math.max(0, math.min(box.height * FINE - 1, y)) end
  local before
  for column = 1, box.width do
    local at = curve[column]
    if at then
      local x, y = (column - 1) * FINE, y_of(at.sum / at.n)
      if before then
        for offset = 0, 5 do
          local right, down = offset % 2, math.floor(offset / 2)
          fine:line(before.x + right, before.y + down, x + right, y + down, colour)
        end
      else
        fine:fill(x, inside(y) - 1, 3, 3, colour)
      end
      before = {x = x, y = y}
    end
  end
end

local function draw_band(fine, box, curve, low, high, colour)
  local scale = (box.height * FINE - 1) / (high - low)
  for column, at in pairs(curve) do
    local top, bottom = (high - at.high) * scale, (high - at.low) * scale
    fine:fill((column - 1) * FINE, top, FINE, math.max(1, math.ceil(bottom - top)), pale(colour))
  end
end

local function draw_panel(canvas, box, curves, most, series, low, high)
  local fine = Canvas.new {3, box.height * FINE, box.width * FINE}
  local y_step = tick_step(high - low, 5)
  local x_step = tick_step(math.max(most, 1), 8)
  local function row_of(v) return math.floor((1 - (v - low) / (high - low)) * (box.height - 1) + 0.5) end
  local function column_of(step) return math.floor(step / math.max(most, 1) * (box.width - 1) + 0.5) end
  for _, s in ipairs(series) do draw_band(fine, box, curves[s.key] or {}, low, high, s.colour) end
  for i = math.ceil(low / y_step - 1e-9), math.floor(high / y_step + 1e-9) do
    fine:fill(0, row_of(i * y_step) * FINE, box.width * FINE, FINE, light)
  end
  for i = 0, math.floor(most / x_step) do fine:fill(column_of(i * x_step) * FINE, 0, FINE, box.height * FINE, light) end
  for _, s in ipairs(series) do draw_curve(fine, box, curves[s.key] or {}, low, high, s.colour) end
  canvas:put(box.x, box.y, image.scale(fine.pixels, box.width, box.height, 'bilinear'))

  for i = math.ceil(low / y_step - 1e-9), math.floor(high / y_step + 1e-9) do
    local text = number_text(i * y_step)
    canvas:text(box.x - 8 - 2 * glyphs.measure(text), box.y + row_of(i * y_step) - 7, text, grey, 2)
  end
  for i = 0, math.floor(most / x_step) do
    local text, x = number_text(i * x_step), box.x + column_of(i * x_step)
    x = math.min(x - glyphs.measure(text), box.x + box.width - 2 * glyphs.measure(text))
    canvas:text(x, box.y + box.height + 6, text, grey, 2)
  end
  canvas:fill(box.x - 1, box.y, 1, box.height + 1, grey)
  canvas:fill(box.x - 1, box.y + box.height, box.width + 1, 1, grey)
  local x = box.x
  for _, s in ipairs(series) do
    canvas:fill(x, box.y - 17, 14, 4, s.colour)
    x = canvas:text(x + 20, box.y - 22, s.label, ink, 2) + 24
  end
end

local LEAST = 1e-6 -- what less is drawn as where powers of ten are

-- Powers of ten in place of numbers: the lengths of gradients go over many.
local function logarithms(curves, keys)
  local function power(v) return math.log10(math.max(v, LEAST)) end
  for _, key in ipairs(keys) do
    for _, at in pairs(curves[key] or {}) do at.low, at.high, at.sum = power(at.low), power(at.high), power(at.sum / at.n) * at.n end
  end
end

local function keys_of(series)
  local keys = {}
  for i, s in ipairs(series) do keys[i] = s.key end
  return keys
end

-- The panels: what is drawn in each, and the axis; nil: what the curves need.
local function panels_of(score)
  return {
    {{key = 'd_loss', label = 'loss of D', colour = blue}, {key = 'g_loss', label = 'loss of G', colour = orange}},
    {{key = 'd_real', label = 'D(x), real', colour = blue}, {key = 'd_fake', label = 'D(G(z)), generated', colour = orange},
      axis = score ~= 'critic' and {0, 1} or nil},
    {{key = 'diversity', label = 'diversity', colour = green},
      {key = 'filters_oscillating', label = 'filters oscillating', colour = orange},
      {key = 'filters_one_mode', label = 'in one mode', colour = blue}, {key = 'filters_dead', label = 'dead', colour = grey},
      axis = {0, 1.25}},
    {{key = 'd_gradient', label = 'gradient of D, power of 10', colour = blue},
      {key = 'g_gradient', label = 'of G', colour = orange}, logarithmic = true},
  }
end

--- Draws a run's metrics into metrics.png beside them.
-- @string path the run's directory
-- @string score 'logit' or 'critic': whether D(x) is a probability
-- @string out the PNG
-- @usage plot.draw('runs/faces', 'logit', 'runs/faces/metrics.png')
function plot.draw(path, score, out)
  local width = WIDTH - LEFT - RIGHT
  local curves, most = gather(path, width)
  local panels = {}
  for i, series in ipairs(panels_of(score)) do
    local there = i <= 2 -- the first two are what every run has
    for _, s in ipairs(series) do there = there or curves[s.key] ~= nil end
    if there then panels[#panels + 1] = series end
  end
  local total = TOP + #panels * (PANEL + BETWEEN) + BOTTOM - BETWEEN
  local canvas = Canvas.new {3, total, WIDTH}
  for i, series in ipairs(panels) do
    local box = {x = LEFT, y = TOP + (i - 1) * (PANEL + BETWEEN), width = width, height = PANEL}
    local keys = keys_of(series)
    if series.logarithmic then logarithms(curves, keys) end
    local low, high = unpack(series.axis or {range_of(curves, keys)})
    draw_panel(canvas, box, curves, most, series, low, high)
    for column in pairs(curves.diverged or {}) do canvas:fill(box.x + column - 2, box.y, 2, box.height, red) end
  end
  canvas:text(LEFT + width - 2 * glyphs.measure 'step', total - 18, 'step', grey, 2)
  canvas:save(out)
end

return plot
