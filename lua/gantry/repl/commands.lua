--- What the prompt understands beside Lua: ?NAME, %time, %run, %help.
-- @module gantry.repl.commands
local native = require 'gantry.native'
local nearest = require 'gantry.gan.nearest'
local describe = require 'gantry.repl.describe'

local commands = {}

local help = [[
Type Lua. An expression is printed, an unfinished statement goes on in the next line, Ctrl-C stops what runs.

  torch nn optim image data autograd gan gantry     Gantry's parts, there by name
  ?nn.SpatialConvolution   what a function, class or module is for
  Tab                      completes names, fields, methods, and files inside strings
  show(x)                  draws images: tensors, tables of them, runs, files; show(x, 'file.png') writes them
  %time EXPRESSION         runs it and says how long it took
  %run FILE [ARGUMENTS]    runs a file; what it assigns stays
  %help                    this
  exit, quit, Ctrl-D       end the prompt

  run = gantry.open 'runs/faces'        a run, finished or still training: its last checkpoint
  show(run:sheet())                     its samples, numbered
  z = run:z {3, 17, 42}                 the z of samples 3, 17 and 42
  show(run.G(z:mean(1)))                the image of their mean]]

local actions = {}

function actions.help()
  return function() io.stdout:write(help, '\n') end
end

local function duration(seconds)
  if seconds < 1e-3 then return ('%.1f us'):format(seconds * 1e6) end
  if seconds < 1 then return ('%.2f ms'):format(seconds * 1e3) end
  return ('%.2f s'):format(seconds)
end

local function compiled(code, environment, repl)
  local chunk, problem = repl.compile(code, '=prompt', environment)
  return chunk or function() error(problem, 0) end
end

function actions.time(rest, environment, repl)
  if not rest:find '%S' then return function() error('%time: wanted an expression or statements after it', 0) end end
  local chunk = compiled(rest, environment, repl)
  local function timed(from, ...)
    local took = native.C.gt_seconds() - from
    repl.print(...)
    io.stdout:write(duration(took), '\n')
  end
  return function() timed(native.C.gt_seconds(), chunk()) end
end

function actions.run(rest, environment)
  local words = {}
  for word in rest:gmatch '%S+' do words[#words + 1] = word end
  local path = table.remove(words, 1)
  if not path then return function() error('%run: wanted the name of a Lua file after it', 0) end end
  return function()
    local chunk, problem = loadfile((path:gsub('^~/', (os.getenv 'HOME' or '~') .. '/')))
    if not chunk then error(problem, 0) end
    words[0] = path
    environment.arg = words
    setfenv(chunk, environment)(unpack(words))
  end
end

--- The words that may follow %.
commands.names = {'help', 'run', 'time'}

--- What to do for a line that is no Lua; nil where it is Lua.
-- @string line
-- @tparam table environment the names that code at the prompt sees
-- @tparam table repl compile and print
-- @treturn function|nil
function commands.find(line, environment, repl)
  local name = line:match '^%s*%?(.*)$' or line:match '^%s*(.-)%?%s*$'
  if name then
    if not name:find '%S' then return actions.help() end
    if not name:match '^[%s%w_.:%[%]\'"()]*$' then return nil end
    return function() io.stdout:write(describe.text(name, environment), '\n') end
  end
  local word, rest = line:match '^%s*%%(%S*)%s*(.*)$'
  if not word then return nil end
  if actions[word] then return actions[word](rest, environment, repl) end
  local near = nearest(word, commands.names)
  return function()
    error(('there is no %%%s%s; %%help says what there is'):format(word, near and (' (did you mean %%%s?)'):format(near) or ''), 0)
  end
end

return commands
