--- What an experiment leaves behind: NAME.png, and NAME.json with every figure, its interval, what it was made of and how long it took,
-- side by side in one directory. `gantry lab report` reads these.
-- @module gantry.lab.record
local cjson = require 'cjson'
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local folder = require 'gantry.gan.folder'
local image = require 'gantry.image'

local record = {}

local Record = {}
Record.__index = Record

--- Begins a record; its seconds count from here. Makes the directory, so that one that cannot be made is known before anything is computed.
-- @string name of the experiment, as 'svm': the names of its files
-- @tparam table o out (directory, made where it is not there; default: RUN/lab), seed, run (a Run that is looked at, or nil), data (spec,
-- or nil), about (a table of further settings, or nil)
-- @treturn Record
-- @usage local r = record.new('walk', {out = 'runs/faces/lab', seed = 1, run = run})
--   r:figure('smoothness', {value = 1.7, n = 72})
--   r:picture(pixels)
--   r:finish()
function record.new(name, o)
  if type(name) ~= 'string' or not name:match '^[%w-]+$' then native.fail('record: got %s, wanted a name', tostring(name)) end
  local run = o.run
  local out = o.out or run and run.path .. '/lab' or native.fail('record: %s: out is missing: a directory', name)
  folder.make(out)
  return setmetatable({
    timer = torch.Timer(), out = out, name = name,
    content = {
      experiment = name, seed = o.seed, data = o.data, about = o.about, gantry = native.version,
      run = run and run.path, step = run and run.step, weights = run and run.state.hash, figures = {}, pictures = {},
    },
  }, Record)
end

local function figure_of(s, times, more)
  local value = s.mean or s.share or s.difference or s.ratio
  local f = {value = times * value, low = times * s.low, high = times * s.high, n = s.n}
  for key, x in pairs(more or {}) do f[key] = x end
  return f
end

--- What gantry.lab.statistics told, as a figure with its interval.
-- @tparam table s mean, share, difference or ratio; low, high, n
-- @tparam[opt] table more further fields of the figure, as paper and expected
-- @treturn table for Record:figure
-- @usage r:figure('smoothness', record.number(statistics.mean(list)))
function record.number(s, more) return figure_of(s, 1, more) end

--- The same in per cent, or in points.
-- @usage r:figure('samples with a window, %', record.percent(statistics.wilson(61, 200), {paper = 'by eye: most'}))
function record.percent(s, more) return figure_of(s, 100, more) end

--- Adds a figure.
-- @string name in plain words, with the unit: 'error of 1-NN, %'
-- @tparam table f value; low and high (its 95% interval), n (how many it was made from), paper (the DCGAN paper's own figure or words),
-- expected (what was written down before) where there are any
-- @treturn Record self
function Record:figure(name, f)
  if type(f) ~= 'table' or type(f.value) ~= 'number' then native.fail('record: figure %s has no value', name) end
  local figures = self.content.figures
  figures[#figures + 1] = {
    name = name, value = f.value, low = f.low, high = f.high, n = f.n, paper = f.paper, expected = f.expected,
  }
  return self
end

--- Lists a picture that an experiment wrote into the record's directory itself, as an animated PNG: `gantry lab report` shows it.
-- @string path a PNG in that directory, its name of letters, digits, - and _
-- @string[opt] caption one line that says what is seen
-- @treturn string path
-- @usage animation.save(out .. '/film-animated.png', frames); r:file(out .. '/film-animated.png', 'moving')
function Record:file(path, caption)
  local name = path:sub(#self.out + 2)
  if path ~= self.out .. '/' .. name or not name:match '^[%w_-]+%.png$' then
    native.fail('record: got %s, wanted a PNG in %s', path, self.out)
  end
  if folder.kind(path) ~= 'file' then native.fail('record: %s is not there', path) end
  local pictures = self.content.pictures
  pictures[#pictures + 1] = {file = name, caption = caption}
  return path
end

--- Saves a picture: NAME.png, or NAME-SUFFIX.png.
-- @param pixels channels x height x width, 0..1
-- @string[opt] suffix
-- @string[opt] caption one line that says what is seen
-- @treturn string the path
function Record:picture(pixels, suffix, caption)
  local path = ('%s/%s%s.png'):format(self.out, self.name, suffix and '-' .. suffix or '')
  image.save(path, pixels)
  return self:file(path, caption)
end

--- A number in four digits, a whole one in all of its own.
function record.rounded(x) return (x % 1 == 0 and '%.0f' or '%.4g'):format(x) end

local rounded = record.rounded

--- A figure in a line: '77.3 (75.1 to 79.4), n = 2000'.
function record.text(f)
  local parts = {rounded(f.value)}
  if f.low then parts[1] = ('%s (%s to %s)'):format(parts[1], rounded(f.low), rounded(f.high)) end
  if f.n then parts[#parts + 1] = ('n = %d'):format(f.n) end
  if f.paper then parts[#parts + 1] = "the paper's: " .. f.paper end
  return table.concat(parts, ', ')
end

--- Writes NAME.json and prints the figures and where the pictures are.
-- @treturn table what was written
function Record:finish()
  local c = self.content
  c.seconds = self.timer:time().real
  local path = ('%s/%s.json'):format(self.out, self.name)
  folder.write(path, cjson.encode(c) .. '\n')
  for _, f in ipairs(c.figures) do io.stdout:write(('%s: %s\n'):format(f.name, record.text(f))) end
  for _, p in ipairs(c.pictures) do io.stdout:write(('%s/%s%s\n'):format(self.out, p.file, p.caption and ': ' .. p.caption or '')) end
  io.stdout:write(('%s: %.1f s\n'):format(path, c.seconds))
  return c
end

--- Reads the records in a directory, by name.
-- @string path
-- @treturn {table,...} as they were written, in alphabetical order; a file that cannot be read is left out
function record.read(path)
  local found = {}
  for _, entry in ipairs(folder.entries(path)) do
    if entry:match '%.json$' then
      local ok, content = pcall(function() return cjson.decode(folder.read(path .. '/' .. entry)) end)
      if ok and type(content) == 'table' and type(content.experiment) == 'string' and type(content.figures) == 'table' then
        found[#found + 1] = content
      end
    end
  end
  return found
end

return record
