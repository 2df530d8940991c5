--- gantry info [RUN]: what a run is and where it stands; without one, what Gantry finds on this machine.
-- @module gantry.cli.info
local ffi = require 'ffi'
local argparse = require 'argparse'
local native = require 'gantry.native'
local cli = require 'gantry.cli'

local C = native.C

local function parser()
  local p = argparse('gantry info', 'Tells about a run, or, without one, about this machine.')
    :epilog 'Example: gantry info runs/faces'
  p:argument('run', 'directory of the run'):argname 'RUN':args '?'
  return p
end

local function line(name, format, ...) io.stdout:write(('%-10s %s\n'):format(name, format:format(...))) end

local function machine()
  line('gantry', '%s', native.version)
  line('library', '%s', native.path)
  line('cpu', '%s', ffi.string(C.gt_cpu_name()))
  line('level', '%s', ffi.string(C.gt_cpu_level()))
  line('threads', '%d', C.gt_threads())
  line('blas', '%s', ffi.string(C.gt_blas_name()))
  line('lua', '%s', jit.version)
end

local function about_run(path)
  local gan = require 'gantry.gan'
  local network, options = require 'gantry.gan.network', require 'gantry.gan.options'
  local run = gan.open(path)
  local state = run.state
  line('run', '%s', path)
  line('recipe', '%s', tostring(state.recipe))
  line('data', '%s, %s images', state.data, tostring(state.data_size))
  line('step', '%d of %s', state.step, tostring(run.options.steps))
  line('time', '%s of training', require('gantry.gan.progress').duration(tonumber(state.seconds) or 0))
  for _, which in ipairs {'G', 'D'} do
    if run.checkpoint.networks[which] then
      local ok, net = pcall(function() return run[which] end)
      line(which, '%s', ok and ('%d parameters in %d modules'):format(network.count(net), #net:listModules()) or
        tostring(net):gsub('^.-: its networks cannot be built: ', ''))
    end
  end
  line('weights', '%s', tostring(state.hash))
  line('made with', 'Gantry %s, %s, %s', tostring(run.checkpoint.machine.gantry), tostring(run.checkpoint.machine.level),
    tostring(run.checkpoint.machine.blas))
  io.stdout:write 'options\n'
  for setting in options.to_yaml(run.options):gmatch '[^\n]+' do io.stdout:write('  ', setting, '\n') end
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  if given.run then about_run(given.run) else machine() end
  return 0
end
