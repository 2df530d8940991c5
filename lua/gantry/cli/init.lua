--- The `gantry` command: finds what is asked for, runs it, and turns failures into one line and an exit code.
--
-- Exit codes: 0 done; 1 it failed; 2 it was asked for wrongly; 130 stopped by a signal, with everything saved.
-- @module gantry.cli
local native = require 'gantry.native'
local nearest = require 'gantry.gan.nearest'

local cli = {}

local here = debug.getinfo(1, 'S').source:match '^@(.*)cli/init%.lua$' or './'

-- In the order that help lists them.
local commands = {
  'train', 'resume', 'sample', 'walk', 'arith', 'score', 'features', 'lab', 'data', 'info', 'recipes', 'new', 'check', 'profile', 'tune',
  'help',
}

local summaries = {
  train = 'train a recipe on images', resume = 'go on with a run', sample = 'draw samples of a run',
  data = 'show what a data set is and what is wrong with it, or pack it',
  walk = 'draw the images between points of the latent space', info = 'tell about a run, or about this machine',
  score = "score a run's samples beside real images", features = 'train a feature net for score',
  arith = 'add and subtract means of samples', new = 'begin a recipe of your own', check = 'try a recipe: shapes, gradients, one step',
  lab = "the DCGAN paper's experiments: what the networks learned",
  recipes = 'list the recipes', help = 'this help, or that of a command',
  profile = 'show where the time of a step goes', tune = 'find the fastest way to compute each convolution',
}

local function help_text()
  local lines = {
    'Gantry ' .. native.version .. ': generative adversarial networks on a CPU, in Lua.', '',
    'Usage: gantry COMMAND ...         see below; gantry COMMAND --help says more',
    '       gantry FILE.lua [args]     run a Lua program',
    '       gantry -e CODE             run a line of Lua',
    '       gantry                     the prompt', '', 'Commands:',
  }
  for _, name in ipairs(commands) do lines[#lines + 1] = ('  %-9s %s'):format(name, summaries[name]) end
  lines[#lines + 1] = ''
  lines[#lines + 1] = 'Example: gantry train dcgan --data scenes:faces --out runs/faces --config demo'
  return table.concat(lines, '\n') .. '\n'
end

-- ---- failures -----------------------------------------------------------------------------------------------------------------

-- A wrong request, as opposed to one that fails.
local Usage = {}
Usage.__index = Usage
Usage.__tostring = function(u) return u.message end

--- Ends the command with exit code 2.
function cli.usage(message, ...)
  if select('#', ...) > 0 then message = message:format(...) end
  error(setmetatable({message = message}, Usage), 0)
end

-- Where Gantry's own code went wrong, a message begins with one of its files and a line; a user's errors do not.
local function is_internal(message)
  local file = message:match '^(.-):%d+: '
  return file ~= nil and file:sub(1, #here) == here
end

local function report(problem, trace)
  io.stdout:flush()
  local message = tostring(problem)
  if native.is_interrupt(problem) then
    io.stderr:write 'gantry: interrupted\n'
  elseif is_internal(message) then
    io.stderr:write('gantry: this should not have happened: ', trace or message, '\n')
  else
    io.stderr:write('gantry: ', (message:gsub('%s*\n%s*', '; ')), '\n')
  end
end

local function with_trace(problem)
  if native.traced == problem and native.trace then return {problem = problem, trace = native.trace} end
  return {problem = problem, trace = debug.traceback(tostring(problem), 2)}
end

-- ---- commands -----------------------------------------------------------------------------------------------------------------

-- `--seed -1` as `--seed=-1`, which argparse does not take for another option.
local function with_negative_numbers(arguments)
  local joined = {}
  for _, argument in ipairs(arguments) do
    local last = joined[#joined]
    if argument:match '^%-[%d.]' and last and last:match '^%-%-[%w-]+$' then
      joined[#joined] = last .. '=' .. argument
    else
      joined[#joined + 1] = argument
    end
  end
  return joined
end

-- `--set key=value ... RUN` with the settings last: argparse would take RUN for one of them.
local function with_settings_last(arguments)
  local first, settings, i = {}, {}, 1
  while arguments[i] and arguments[i] ~= '--' do
    local into = first
    if arguments[i] == '--set' and (arguments[i + 1] or ''):match '^[%w_]+=' then
      into = settings
      while (arguments[i + 1] or ''):match '^[%w_]+=' do
        into[#into + 1] = arguments[i]
        i = i + 1
      end
    end
    into[#into + 1] = arguments[i]
    i = i + 1
  end
  for _, argument in ipairs(settings) do first[#first + 1] = argument end
  for k = i, #arguments do first[#first + 1] = arguments[k] end
  return first
end

--- Parses a command's arguments with argparse; what is wrong with them is one line that names the nearest option.
-- @param parser from argparse
-- @tparam {string,...} arguments
-- @treturn table
function cli.parse(parser, arguments)
  local ok, result = parser:pparse(with_settings_last(with_negative_numbers(arguments)))
  if ok then return result end
  local message = result:match '^[^\n]*'
  local unknown = message:match "^unknown option '(.-)'"
  if unknown then
    local known = {}
    for _, option in ipairs(parser._options) do
      for _, alias in ipairs(option._aliases) do known[#known + 1] = alias end
    end
    local near = nearest(unknown, known)
    message = ('there is no option %s%s'):format(unknown, near and (' (did you mean %s?)'):format(near) or '')
  end
  cli.usage('%s: %s; see %s --help', parser._name:gsub('^gantry ', ''), message, parser._name)
end

local function run_command(name, arguments)
  io.stdout:setvbuf 'line' -- whoever reads a pipe sees a line when it is written
  local command = require('gantry.cli.' .. name)
  return command(arguments) or 0
end

local function help(arguments)
  local topic = arguments[1]
  if topic and topic ~= 'help' then
    if not summaries[topic] then cli.usage('help: there is no command %s', topic) end
    return run_command(topic, {'--help'})
  end
  io.stdout:write(help_text())
  return 0
end

local function is_file(path)
  local file = io.open(path, 'rb')
  if not file then return false end
  local readable = file:read(0) ~= nil or file:seek 'end' == 0
  file:close()
  return readable
end

local function rest(arguments, from)
  local result = {}
  for i = from, #arguments do result[#result + 1] = arguments[i] end
  return result
end

-- A user's own program or line may require files in the working directory; Gantry's commands load nothing from there.
local function with_working_directory() package.path = package.path .. ';./?.lua;./?/init.lua' end

local function dispatch(arguments)
  local first = arguments[1]
  if first == nil then
    with_working_directory()
    return require('gantry.repl').run()
  end
  if first == 'help' then return help(rest(arguments, 2)) end
  if first == '--help' or first == '-h' then return help {} end
  if first == '--version' then
    io.stdout:write('gantry ', native.version, '\n')
    return 0
  end
  if first == '-e' then
    if not arguments[2] then cli.usage '-e: wanted a line of Lua after it' end
    with_working_directory()
    return require('gantry.repl.script').line(arguments[2], rest(arguments, 3))
  end
  if summaries[first] then return run_command(first, rest(arguments, 2)) end
  if first:match '%.lua$' or first:find '/' and is_file(first) then
    with_working_directory()
    return require('gantry.repl.script').file(first, rest(arguments, 2))
  end
  local near = nearest(first, commands)
  cli.usage('there is no %s %s%s; see gantry help', first:match '^%-' and 'option' or 'command', first,
    near and (' (did you mean %s?)'):format(near) or '')
end

--- Runs the command.
-- @tparam {string,...} arguments as on the command line
-- @treturn int exit code
function cli.run(arguments)
  local ok, result = xpcall(function() return dispatch(arguments) end, with_trace)
  if ok then return result end
  report(result.problem, result.trace)
  if native.is_interrupt(result.problem) then return 130 end
  return getmetatable(result.problem) == Usage and 2 or 1
end

--- Runs the command and ends the process.
function cli.main(arguments)
  local code = cli.run(arguments)
  io.stdout:flush()
  os.exit(code)
end

return cli
