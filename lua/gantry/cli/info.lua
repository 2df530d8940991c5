--- gantry info [RUN]: what a run is and where it stands; without one, what Gantry finds on this machine.
-- @module gantry.cli.info
local ffi = require 'ffi'
local argparse = require 'argparse'
local native = require 'gantry.native'
local cli = require 'gantry.cli'
local show = require 'gantry.cli.show'

local C = native.C

local function parser()
  local p = argparse('gantry info', 'Tells about a run, or, without one, about this machine. Executes nothing of the run.')
    :epilog 'Example: gantry info runs/faces'
  p:argument('run', 'directory of the run'):argname 'RUN':args '?'
  p:option('--checkpoint', 'last, best, or a step that was kept', 'last'):argname 'WHICH'
  return p
end

-- What comes out of a run's files is a stranger's text: shown without what could steer a terminal.
local function line(name, format, ...) io.stdout:write(('%-10s %s\n'):format(name, show.printable(format:format(...)))) end

-- Which table chooses how convolutions are computed.
local function choices()
  local state = native.choices
  local parts = {('%s, %d entries for this level'):format(native.choices_name(), C.gt_choices_count())}
  for _, file in ipairs(state.files) do parts[#parts + 1] = file end
  parts[#parts + 1] = state.problem
  return table.concat(parts, '; ')
end

local function machine()
  line('gantry', '%s', native.version)
  line('library', '%s', native.path)
  line('cpu', '%s', ffi.string(C.gt_cpu_name()))
  line('level', '%s', ffi.string(C.gt_cpu_level()))
  line('threads', '%d', C.gt_threads())
  line('blas', '%s', ffi.string(C.gt_blas_name()))
  line('choices', '%s', choices())
  line('lua', '%s', jit.version)
end

local function about_networks(run)
  local network = require 'gantry.gan.network'
  for _, which in ipairs {'G', 'D'} do
    if run.checkpoint.networks[which] then
      local ok, net = pcall(function() return run[which] end)
      line(which, '%s', ok and ('%d parameters in %d modules'):format(network.count(net), #net:listModules()) or
        tostring(net):gsub('^.-: its networks cannot be built: ', ''))
    end
  end
end

local function about_metrics(run)
  local m = require('gantry.gan.metrics').last(run.path)
  if not m then return end
  local parts = {}
  for _, name in ipairs {{'d_loss', 'D'}, {'g_loss', 'G'}, {'d_real', 'D(x)'}, {'d_fake', 'D(G(z))'}, {'images_per_second', 'images/s'}} do
    if m[name[1]] then parts[#parts + 1] = ('%s %.4g'):format(name[2], m[name[1]]) end
  end
  line('metrics', 'step %d: %s', m.step, table.concat(parts, '  '))
end

local function about_checkpoints(run)
  local folder, Keeper = require 'gantry.gan.folder', require 'gantry.gan.keep'
  local steps = Keeper.steps(run.path)
  if #steps > 0 then line('kept', 'checkpoints of steps %s', table.concat(steps, ', ')) end
  local best = run.state.keeper
  if type(best) == 'table' and type(best.best) == 'number' and type(best.best_step) == 'number' then
    line('best', 'step %.0f, %s %.4g: %s', best.best_step, tostring(run.options.keep_best), best.best, folder.file(run.path, 'best'))
  end
end

local function how_to_go_on(run)
  local holder = require('gantry.gan.folder').holder(run.path)
  if holder then
    line('now', 'in training%s; Ctrl-C there, or kill, saves and stops', holder > 0 and (' by process %d'):format(holder) or '')
    return
  end
  local last = tonumber(run.options.steps) or 0
  if run.step < last then
    line('go on', 'gantry resume %s', run.path)
  else
    line('go on', 'gantry resume %s --steps %.0f   or look: gantry sample %s --numbered', run.path, math.max(run.step, 1) * 2, run.path)
  end
end

local function about_run(path, which)
  local run = require('gantry.gan').open(path, {checkpoint = show.checkpoint('info', which)})
  local state, checkpoint = run.state, run.checkpoint
  line('run', '%s', path)
  line('recipe', '%s', tostring(state.recipe))
  line('data', '%s, %s', state.data, state.data_size == 0 and 'endless' or ('%s images'):format(tostring(state.data_size)))
  line('step', '%d of %s', state.step, tostring(run.options.steps))
  line('time', '%s of training', require('gantry.gan.progress').duration(tonumber(state.seconds) or 0))
  about_networks(run)
  line('weights', '%s', tostring(state.hash))
  line('file', '%s, %.1f MB', checkpoint.path, C.gt_file_size(checkpoint.path) / 1e6)
  local m = checkpoint.machine
  line('made with', 'Gantry %s, %s, %s, choices %s', tostring(m.gantry), tostring(m.level), tostring(m.blas), tostring(m.choices or 'none'))
  about_metrics(run)
  about_checkpoints(run)
  how_to_go_on(run)
  io.stdout:write 'options\n'
  for setting in require('gantry.gan.options').to_yaml(run.options):gmatch '[^\n]+' do
    io.stdout:write('  ', show.printable(setting), '\n')
  end
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  if given.run then about_run(given.run, given.checkpoint) else machine() end
  return 0
end
