--- gantry lab report RUN: the experiments that apply to a run, in one page.
-- @module gantry.cli.lab.report
local argparse = require 'argparse'
local native = require 'gantry.native'
local cli = require 'gantry.cli'
local look = require 'gantry.cli.look'
local nearest = require 'gantry.gan.nearest'
local show = require 'gantry.cli.show'

local function parser()
  local p = argparse('gantry lab report', 'Runs the experiments that apply to a run, with small settings, and writes one HTML page with ' ..
    "all records: figures, intervals, pictures and the paper's figures beside. The page needs no other file and asks for none.")
    :epilog('An experiment of which there is a record of the same weights is not run again; --again runs it.\n\nExamples:\n' ..
      '   gantry lab report runs/rooms\n   gantry lab report runs/rooms --only guided,forget --again\n' ..
      '   gantry lab report runs/rooms --only none')
  p:argument('run', 'directory of the run'):argname 'RUN'
  p:option('--only', 'run these, or none; records that are there are shown all the same'):argname 'NAME,NAME,...'
  p:option('--skip', 'run all that apply but these'):argname 'NAME,NAME,...'
  p:flag('--again', 'run what there is a record of already')
  p:option('--out', 'directory of the records and of report.html (default: RUN/lab)'):argname 'DIR'
  look.any_run(p)
  return p
end

-- What an experiment may need of a run: each gives true, or why not.
local needs = {
  D = function(run) return run.checkpoint.networks.D ~= nil or 'the run has no D' end,
  z = function(run) return not run.makes_pairs or 'the run turns images into images' end,
  classes = function(run) return run.classes ~= nil or 'the run has no classes' end,
  labels = function(_, set) return set ~= nil and set.classes ~= nil or 'the data have no labels' end,
  attributes = function(_, set) return set ~= nil and set.attributes_of ~= nil or 'nothing is known of what is in the data' end,
  boxes = function(_, set)
    return set ~= nil and #require('gantry.lab.pointing').kinds(set) > 0 or 'the data know no boxes of objects'
  end,
}

-- Why an experiment does not apply to a run; nil where it does.
local function why_not(e, run, set)
  if not e.small then return 'is not run by report' end
  for _, need in ipairs(e.needs or {}) do
    local answer = needs[need](run, set)
    if answer ~= true then return answer end
  end
end

local function names(text, flag, experiments)
  local chosen = {}
  if not text or text == 'none' and flag == '--only' then return chosen end
  local known = {}
  for i, e in ipairs(experiments) do
    known[i] = e[1]
    known[e[1]] = true
  end
  for name in (text .. ','):gmatch '([^,]*),' do
    if not known[name] or name == 'report' then
      local near = nearest(name, known)
      cli.usage('report: %s: there is no experiment %s%s', flag, name, near and (' (did you mean %s?)'):format(near) or '')
    end
    chosen[name] = true
  end
  return chosen
end

-- The arguments that an experiment is run with: RUN, OUT and DATA, at the beginning of words, stand for what they say.
local function arguments_of(e, given, run, out)
  local list, stands_for = {}, {RUN = given.run, OUT = out, DATA = run.state.data}
  for word in e.small:gmatch '%S+' do list[#list + 1] = (word:gsub('^%u+', stands_for)) end
  if given.trust then list[#list + 1] = '--trust' end
  return list
end

-- Whether there is a record of an experiment on the run's weights.
local function is_there(records, name, run)
  for _, c in ipairs(records) do
    if c.experiment == name and c.weights == run.state.hash then return true end
  end
  return false
end

-- Runs an experiment; what went wrong, or nil.
local function attempt(name, list, lab)
  io.stdout:write(('-- %s: gantry lab %s %s\n'):format(name, name, table.concat(list, ' ')))
  local done, problem = xpcall(lab.command_of(name), native.keep_trace, list, lab)
  if done then return nil end
  if native.is_interrupt(problem) then error(problem, 0) end
  io.stdout:write(('-- %s failed: %s\n'):format(name, tostring(problem)))
  return 'failed: ' .. tostring(problem)
end

return function(arguments, lab)
  local experiments = lab.experiments
  local given = cli.parse(parser(), arguments)
  local only, skip = names(given.only, '--only', experiments), names(given.skip, '--skip', experiments)
  show.set_threads('report', given.threads)
  local run = require('gantry.gan').open(given.run, {trust = given.trust})
  local out = given.out or run.path .. '/lab'
  local record, pictures = require 'gantry.lab.record', require 'gantry.lab.pictures'
  local opened, set = pcall(pictures.open, run, nil, 'report')
  local records, left, timer = record.read(out), {}, require('gantry.torch').Timer()
  for _, e in ipairs(experiments) do
    local name = e[1]
    if name ~= 'report' then
      local there, why = is_there(records, name, run), why_not(e, run, opened and set or nil)
      if given.only and not only[name] or skip[name] then why = why or 'was not asked for' end
      if not why and (given.again or not there) then
        why = attempt(name, arguments_of(e, given, run, out), lab)
        there = false
      end
      if why and not there then left[#left + 1] = {name, why} end
    end
  end
  if not run.makes_pairs then run:reestimate() end
  local page = out .. '/report.html'
  require('gantry.lab.report').write(run, page, {out = out, experiments = experiments, left = left})
  io.stdout:write(('%d records, %.0f s: %s\n'):format(#record.read(out), timer:time().real, page))
  return 0
end
