--- One page about a run: its options, losses and samples, and every record of an experiment that is there, with the paper's figures beside.
-- The page is one HTML file that asks for nothing else: pictures are in it, and it allows itself no other source and no script.
-- What records and options say comes from files that anybody may have written; it is shown as text.
-- @module gantry.lab.report
local cjson = require 'cjson'
local native = require 'gantry.native'
local folder = require 'gantry.gan.folder'
local image = require 'gantry.image'
local options = require 'gantry.gan.options'
local plot = require 'gantry.gan.plot'
local record = require 'gantry.lab.record'

local report = {}

-- ---- text and pictures --------------------------------------------------------------------------------------------------------------

local entities = {['&'] = '&amp;', ['<'] = '&lt;', ['>'] = '&gt;', ['"'] = '&quot;', ["'"] = '&#39;'}

--- Text as HTML shows it; control characters are left out.
-- @param text anything: what is no text is made one
-- @treturn string
function report.escape(text)
  return (tostring(text):gsub('[%z\1-\8\11\12\14-\31\127]', ''):gsub('[&<>"\']', entities))
end

local escape = report.escape

local letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

--- Bytes as base64 (RFC 4648, section 4).
-- @string bytes
-- @treturn string
function report.base64(bytes)
  local parts, n = {}, 0
  for i = 1, #bytes, 3 do
    local a, b, c = bytes:byte(i, i + 2)
    local word = a * 65536 + (b or 0) * 256 + (c or 0)
    local text = ''
    for k = 3, 0, -1 do
      local at = math.floor(word / 64 ^ k) % 64
      text = text .. letters:sub(at + 1, at + 1)
    end
    n = n + 1
    parts[n] = c and text or b and text:sub(1, 3) .. '=' or text:sub(1, 2) .. '=='
  end
  return table.concat(parts)
end

local PNG = '\137PNG\r\n\26\n'

-- A picture in the page; nothing where there is no PNG of that name.
local function picture(path, caption)
  local ok, bytes = pcall(folder.read, path)
  if not ok or bytes:sub(1, #PNG) ~= PNG then return '' end
  local words = caption and ('<figcaption>%s</figcaption>'):format(escape(caption)) or ''
  return ('<figure><img alt="%s" src="data:image/png;base64,%s">%s</figure>\n'):format(escape(caption or ''), report.base64(bytes), words)
end

-- What JSON left out, or said to be null, is nil.
local function text_of(x)
  if x == nil or x == cjson.null then return nil end
  return type(x) == 'table' and cjson.encode(x) or type(x) == 'number' and options.number_text(x) or tostring(x)
end

local function number(x) return type(x) == 'number' and record.rounded(x) or nil end

local function row(cells, tag)
  local parts = {}
  for i, cell in ipairs(cells) do parts[i] = ('<%s>%s</%s>'):format(tag or 'td', escape(cell), tag or 'td') end
  return '<tr>' .. table.concat(parts) .. '</tr>\n'
end

-- ---- parts of the page ---------------------------------------------------------------------------------------------------------------

local function settings(values)
  local keys, parts = {}, {}
  for key in pairs(values) do keys[#keys + 1] = tostring(key) end
  table.sort(keys)
  for _, key in ipairs(keys) do
    local text = text_of(values[key])
    if text then parts[#parts + 1] = ('%s = %s'):format(key, text) end
  end
  return table.concat(parts, ', ')
end

-- Columns of figures, and what each shows of one.
local columns = {
  {'figure', function(f) return text_of(f.name) end}, {'here', function(f) return number(f.value) end},
  {'95%', function(f) return type(f.low) == 'number' and type(f.high) == 'number' and number(f.low) .. ' to ' .. number(f.high) or nil end},
  {'n', function(f) return number(f.n) end}, {"the paper's", function(f) return text_of(f.paper) end},
  {'expected before', function(f) return text_of(f.expected) end},
}

-- A table of figures, without the columns in which none has anything.
local function figures(list)
  local shown, rows = {}, {}
  for _, f in ipairs(list) do
    if type(f) == 'table' and type(f.value) == 'number' then
      local cells = {}
      for k, column in ipairs(columns) do
        cells[k] = column[2](f) or ''
        shown[k] = shown[k] or cells[k] ~= ''
      end
      rows[#rows + 1] = cells
    end
  end
  if #rows == 0 then return '' end
  local function kept(cells)
    local some = {}
    for k in ipairs(columns) do
      if shown[k] then some[#some + 1] = cells[k] end
    end
    return some
  end
  local heads = {}
  for k, column in ipairs(columns) do heads[k] = column[1] end
  for i, cells in ipairs(rows) do rows[i] = row(kept(cells)) end
  return '<table>' .. row(kept(heads), 'th') .. table.concat(rows) .. '</table>\n'
end

-- One experiment's record.
local function experiment(run, c, about, out)
  local parts = {('<h2 id="%s">%s</h2>\n'):format(escape(c.experiment), escape(c.experiment))}
  local function add(format, ...) parts[#parts + 1] = format:format(...) end
  if about then add('<p>%s</p>\n', escape(about)) end
  local facts = {}
  for _, fact in ipairs {{'seed', text_of(c.seed)}, {'data', text_of(c.data)}, {'step', text_of(c.step)}, {'Gantry', text_of(c.gantry)},
    {'seconds', type(c.seconds) == 'number' and ('%.1f'):format(c.seconds) or nil}} do
    if fact[2] then facts[#facts + 1] = ('%s %s'):format(fact[1], fact[2]) end
  end
  local set = type(c.about) == 'table' and settings(c.about) or ''
  add('<p class="facts">%s%s</p>\n', escape(table.concat(facts, ', ')), set ~= '' and '<br>' .. escape(set) or '')
  if text_of(c.weights) and c.weights ~= run.state.hash then
    add('<p class="note">Made from weights %s, which are not those of this page.</p>\n', escape(c.weights))
  end
  for _, p in ipairs(type(c.pictures) == 'table' and c.pictures or {}) do
    local file = type(p) == 'table' and p.file
    if type(file) == 'string' and file:match '^[%w_-]+%.png$' then parts[#parts + 1] = picture(out .. '/' .. file, text_of(p.caption)) end
  end
  parts[#parts + 1] = figures(c.figures)
  return table.concat(parts)
end

local style = [[
body { font: 15px/1.5 sans-serif; color: #222; max-width: 1100px; margin: 2em auto; padding: 0 1em }
h1, h2 { font-weight: 600; line-height: 1.2 } h2 { margin-top: 2.5em; border-top: 1px solid #ccc; padding-top: .8em }
table { border-collapse: collapse; margin: 1em 0 } td, th { border-bottom: 1px solid #ddd; padding: .25em .8em .25em 0; text-align: left;
vertical-align: top } td:nth-child(2), td:nth-child(3), td:nth-child(4) { white-space: nowrap; font-variant-numeric: tabular-nums }
figure { margin: 1em 0 } img { max-width: 100%; image-rendering: pixelated; border: 1px solid #ddd } figcaption, .facts { color: #666 }
.note { color: #a03000 } code { font-size: 13px }
]]

--- The page.
-- @tparam Run run
-- @tparam table o out (the directory of the records), experiments ({{name, what it asks}, ...}, in their order), left ({{name, why},
-- ...}: what did not apply or failed), samples and losses (PNGs, or nil)
-- @treturn string HTML
function report.page(run, o)
  local asks, place = {}, {}
  for i, e in ipairs(o.experiments) do asks[e[1]], place[e[1]] = e[2], i end
  -- 'svm-400' belongs to svm; what is in no list comes last.
  local function known(name) return place[name] and name or place[name:match '^(%w+)%-' or ''] and name:match '^(%w+)%-' end
  local records = record.read(o.out)
  table.sort(records, function(a, b)
    local x, y = place[known(a.experiment) or ''] or 1e9, place[known(b.experiment) or ''] or 1e9
    return x < y or x == y and a.experiment < b.experiment
  end)

  local parts = {}
  local function add(format, ...) parts[#parts + 1] = select('#', ...) > 0 and format:format(...) or format end
  add('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n')
  add([[<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">]] .. '\n')
  add('<title>%s</title>\n<style>%s</style>\n</head>\n<body>\n', escape(run.path), style)
  add('<h1>%s</h1>\n', escape(run.path))
  add('<p>The experiments of the DCGAN paper (Radford, Metz and Chintala 2015, arXiv 1511.06434) on this run. Intervals are of 95%. ')
  add("The paper's figures stand beside and are never this run's: data, networks and times of training differ.</p>\n")
  local about = {
    {'recipe', run.state.recipe}, {'data', run.state.data}, {'step', run.step}, {'weights', run.state.hash},
    {'hours of training', type(run.state.seconds) == 'number' and ('%.2f'):format(run.state.seconds / 3600) or nil},
    {'Gantry', native.version},
  }
  add '<table>'
  for _, fact in ipairs(about) do
    local text = text_of(fact[2])
    if text then parts[#parts + 1] = row {fact[1], text} end
  end
  parts[#parts + 1] = '</table>\n'
  parts[#parts + 1] = '<p>'
  for _, c in ipairs(records) do
    parts[#parts + 1] = ('<a href="#%s">%s</a> '):format(escape(c.experiment), escape(c.experiment))
  end
  parts[#parts + 1] = '</p>\n<h2>The run</h2>\n'
  if o.samples then parts[#parts + 1] = picture(o.samples, 'samples') end
  if o.losses then parts[#parts + 1] = picture(o.losses, 'losses, and what D says of real and of generated images') end
  parts[#parts + 1] = ('<details><summary>Options</summary><p><code>%s</code></p></details>\n'):format(escape(settings(run.options)))
  for _, c in ipairs(records) do parts[#parts + 1] = experiment(run, c, asks[known(c.experiment) or ''], o.out) end
  if o.left and #o.left > 0 then
    parts[#parts + 1] = '<h2>Not here</h2>\n<table>'
    for _, entry in ipairs(o.left) do parts[#parts + 1] = row(entry) end
    parts[#parts + 1] = '</table>\n'
  end
  parts[#parts + 1] = '</body>\n</html>\n'
  return table.concat(parts)
end

--- Writes the page, with a sheet of samples and the losses, whose PNGs are left beside the records.
-- @tparam Run run usually after run:reestimate()
-- @string path the file
-- @tparam table o as for page
-- @usage report.write(run, 'runs/faces/lab/report.html', {out = 'runs/faces/lab', experiments = {}})
function report.write(run, path, o)
  folder.make(o.out)
  local given = {out = o.out, experiments = o.experiments, left = o.left, samples = o.out .. '/report-samples.png'}
  image.save(given.samples, run:sheet(64))
  given.losses = o.out .. '/report-losses.png'
  if not pcall(plot.draw, run.path, run.state.score, given.losses) then given.losses = nil end -- a run may be opened without its metrics
  folder.write(path, report.page(run, given))
end

return report
