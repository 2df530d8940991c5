--- A run's metrics: one JSON object a line in metrics.jsonl, written as training goes, cut back on resume, read for plots.
-- @module gantry.gan.metrics
local cjson = require 'cjson'
local native = require 'gantry.native'
local folder = require 'gantry.gan.folder'

local metrics = {}

local order = {'step', 'seconds', 'd_loss', 'g_loss', 'd_real', 'd_fake', 'images_per_second'}
local ordered = {}
for _, key in ipairs(order) do ordered[key] = true end

--- One line of metrics.jsonl: the standard numbers in their order, then those of the recipe by name.
-- @tparam table m numbers by name
function metrics.line(m)
  local keys, parts = {}, {}
  for key in pairs(m) do
    if not ordered[key] then keys[#keys + 1] = key end
  end
  table.sort(keys)
  for i, key in ipairs(order) do table.insert(keys, i, key) end
  for _, key in ipairs(keys) do
    local v = m[key]
    if v and v == v and v ~= math.huge and v ~= -math.huge then parts[#parts + 1] = ('%s:%.7g'):format(cjson.encode(key), v) end
  end
  return '{' .. table.concat(parts, ',') .. '}\n'
end

local Writer = {}
Writer.__index = Writer

--- Opens a run's metrics for adding lines.
-- @string path the run's directory
-- @func warn warn(message) where a line cannot be written; called once until one can
function metrics.writer(path, warn)
  local name = folder.file(path, 'metrics')
  local file, problem = io.open(name, 'ab')
  if not file then native.fail('%s', problem) end
  file:setvbuf 'no'
  return setmetatable({file = file, name = name, warn = warn}, Writer)
end

--- Adds a line. A full disk does not stop training: the line is lost, and said so.
function Writer:add(m)
  local ok, problem = self.file:write(self.broken and '\n' or '', metrics.line(m))
  if not ok and not self.broken then self.warn(('%s: %s; the metrics of these steps are lost'):format(self.name, problem)) end
  self.broken = not ok
end

function Writer:close() self.file:close() end

--- Takes the lines after a step out of metrics.jsonl, and what a killed process had half written: a run that goes on from
-- there writes them again.
function metrics.cut(path, step)
  local name = folder.file(path, 'metrics')
  if folder.kind(name) ~= 'file' then return end
  local kept = {}
  for line in folder.read(name):gmatch '[^\n]+\n' do
    local at = tonumber(line:match '^{"step":(%d+)')
    if at and at <= step and line:match '}\n$' then kept[#kept + 1] = line end
  end
  folder.write(name, table.concat(kept))
end

--- Calls visit(m) for each line that can be read, in order; m holds numbers only, and always a step.
-- @string path the run's directory
-- @func visit
function metrics.each(path, visit)
  local name = folder.file(path, 'metrics')
  if folder.kind(name) ~= 'file' then return end
  for line in folder.read(name):gmatch '[^\n]+' do
    local ok, decoded = pcall(cjson.decode, line)
    if ok and type(decoded) == 'table' and type(decoded.step) == 'number' then
      local m = {}
      for key, v in pairs(decoded) do
        if type(key) == 'string' and type(v) == 'number' and v == v then m[key] = v end
      end
      visit(m)
    end
  end
end

--- The last line's numbers, or nil.
function metrics.last(path)
  local last
  metrics.each(path, function(m) last = m end)
  return last
end

return metrics
