--- gantry tune [RECIPE]: times every way to compute each convolution of a recipe, and writes where another than Gantry's own choice is
-- faster into the user's table.
-- @module gantry.cli.tune
local argparse = require 'argparse'
local lfs = require 'lfs'
local native = require 'gantry.native'
local choices = require 'gantry.choices'
local cli = require 'gantry.cli'
local show = require 'gantry.cli.show'

local C = native.C

local function parser()
  local p = argparse('gantry tune', "Times every way to compute each convolution of a recipe's step and of its samples, in turn, and\n" ..
    'writes where another way than the usual one is faster by 5% into a table that Gantry reads from then on.\n' ..
    'Ctrl-C keeps what was found so far. Results may differ in their last bits under another table; runs note which.')
    :epilog('The table is ~/.config/gantry/tune.txt, or what GANTRY_TUNE names; GANTRY_TUNE=none runs without any.\n\n' ..
      'Examples:\n   gantry tune                                # the default recipe, dcgan\n' ..
      '   gantry tune dcgan --config torch64 --set batch=16\n   gantry tune my-gan.lua --out mine.txt      # GANTRY_TUNE=mine.txt uses it')
  p:argument('recipe', 'name of a recipe (see gantry recipes), or path of a Lua file; default dcgan'):args '?'
  p:option('--config', 'YAML file with settings, or the name of one beside the recipe'):argname 'FILE'
  p:option('--set', 'single settings'):argname 'KEY=VALUE':args '+':count '*'
  p:option('--out', 'the table to write; lines in it about other convolutions stay'):argname 'FILE'
  p:option('--rounds', 'how often each way is timed', '9'):argname 'N'
  p:option('--precision', 'of convolutions: float32, bf16x3, bfloat16 or reference'):argname 'NAME'
  p:option('--threads', 'threads to use'):argname 'N'
  return p
end

local function absolute(path) return path:sub(1, 1) == '/' and path or lfs.currentdir() .. '/' .. path end

-- The tables in force besides the one that is to be written, and the user's, which is written in other cases.
local function base(out)
  local files = {}
  for _, file in ipairs(native.choices.files) do
    if absolute(file) ~= absolute(out) and file ~= choices.user() then files[#files + 1] = file end
  end
  return files
end

local function describe(entry)
  local convolutions = require 'gantry.gan.convolutions'
  local parts = {}
  for _, way in ipairs(convolutions.ways(entry.case)) do
    parts[#parts + 1] = ('%s %.3f%s'):format(convolutions.way_name(way), entry.times[way] * 1e3, way == entry.chosen and '*' or '')
  end
  local ratio = entry.times[entry.fastest] / entry.times[entry.chosen]
  return ('%-7s %-30s %4.2f%s %s  (%s)'):format(convolutions.pass(entry.case), convolutions.sizes(entry.case), ratio,
    entry.wins and '!' or ' ', table.concat(parts, '  '), entry.layers)
end

-- Milliseconds of a step's convolutions, as chosen and as found.
local function sums(list)
  local before, after, wins, done = 0, 0, 0, 0
  for _, entry in ipairs(list) do
    if entry.times then
      before, done = before + entry.count * entry.times[entry.chosen], done + 1
      after = after + entry.count * entry.times[entry.wins and entry.fastest or entry.chosen]
      wins = wins + (entry.wins and 1 or 0)
    end
  end
  return before * 1e3, after * 1e3, wins, done
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  local rounds = show.whole('tune', '--rounds', given.rounds, 1, 1000)
  show.set_threads('tune', given.threads)
  local out = given.out or choices.user()
  if not out then cli.usage 'tune: there is no home directory to keep the table in; --out FILE says where' end
  local tuning = require 'gantry.gan.tuning'
  given.recipe = given.recipe or 'dcgan'
  local recipe, resolved = show.resolve('tune', given)
  show.settings(recipe, resolved)
  local before = tuning.open(out)
  native.check(C.gt_catch_signals(1))
  C.gt_clear_interrupt()
  local list = tuning.find(recipe, resolved)
  local live = C.gt_terminal_columns(1) > 0
  local function waiting(number)
    if live and number <= #list then
      io.stdout:write(('timing %d of %d ...'):format(number, #list))
      io.stdout:flush()
    end
  end
  io.stdout:write(('%d convolutions, %d rounds, %d threads; milliseconds, * as chosen now; fastest over that, ! worth an entry\n')
    :format(#list, rounds, C.gt_threads()))
  waiting(1)
  local whole = tuning.run(list, {base = base(out), rounds = rounds, visit = function(entry, number)
    io.stdout:write(live and '\r\27[K' or '', describe(entry), '\n')
    waiting(number + 1)
  end})
  if live and not whole then io.stdout:write '\r\27[K' end
  C.gt_catch_signals(0)
  local as_chosen, as_found, wins, done = sums(list)
  require('gantry.gan.folder').write(out, tuning.merged(before, list))
  if not whole then io.stdout:write(('stopped after %d of %d\n'):format(done, #list)) end
  io.stdout:write(('%d of %d are faster another way; the convolutions of a step: %.1f ms as chosen, %.1f ms with the table\n'):format(
    wins, done, as_chosen, as_found))
  io.stdout:write(('table: %s%s\n'):format(out, out == choices.user() and '' or (' (GANTRY_TUNE=%s uses it)'):format(out)))
  return whole and 0 or 130
end
