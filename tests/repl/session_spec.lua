-- A session at the prompt in a real terminal (tmux): a run that is training, means of z, pictures, Tab, errors, Ctrl-C, history.
local lfs = require 'lfs'
local command = require 'tests.support.command'

local root = lfs.currentdir()

local function capture(line)
  local pipe = io.popen(line)
  local text = pipe:read '*a'
  pipe:close()
  return text
end

local has_tmux = capture 'command -v tmux' ~= ''
local has_readline = pcall(require, 'readline')
local has_terminals = capture 'test -e /dev/pts/ptmx && echo yes' ~= '' -- a bare chroot has none

describe('a session at the prompt', function()
  local folder, server

  local function tmux(arguments) return capture(("tmux -u -L '%s' -f /dev/null %s 2>&1"):format(server, arguments)) end
  local function screen() return (tmux('capture-pane -p -J -S -500 -t prompt'):gsub('%s+$', '\n')) end

  -- Waits until the screen, as it is from here on, has a pattern; the screen.
  local function see(pattern, seconds)
    local text
    for _ = 1, (seconds or 20) * 20 do
      text = screen()
      if text:find(pattern) then return text end
      os.execute 'sleep 0.05'
    end
    error(('not seen: %s; the screen:\n%s'):format(pattern, text), 2)
  end

  local function clear()
    tmux 'send-keys -t prompt -R'
    tmux 'clear-history -t prompt'
  end

  local function keys(text) tmux("send-keys -t prompt -l '" .. text:gsub("'", "'\\''") .. "'") end
  local function press(key) tmux('send-keys -t prompt ' .. key) end
  local function enter(text)
    keys(text)
    press 'Enter'
  end

  local function start()
    local environment = ('env -u TMUX -u COLORTERM HOME=%s XDG_STATE_HOME=%s/state GANTRY_LIBRARY=%s LC_ALL=C.UTF-8'):format(folder, folder,
      require('gantry.native').path:gsub('^[^/]', root .. '/%0'))
    tmux(("new-session -d -s prompt -x 120 -y 50 \"cd %s && %s '%s/bin/gantry'\""):format(folder, environment, root))
    see '\n>\n$'
  end

  local function check(name, f)
    it(name, function()
      if not has_tmux then return pending 'no tmux here' end
      if not has_terminals then return pending 'no pseudo-terminals here' end
      if not has_readline then return pending 'no lua-readline here' end
      f()
    end)
  end

  setup(function()
    folder = command.folder()
    server = 'gantry-test-' .. folder:match '[^/]*$'
  end)
  teardown(function()
    if has_tmux then tmux 'kill-server' end
    os.execute(("test ! -f '%s/pid' || kill -9 $(cat '%s/pid') 2>/dev/null; sleep 0.1"):format(folder, folder))
    command.clean()
  end)

  check('opens a running run, averages z, shows pictures, completes, survives errors and Ctrl-C, and remembers', function()
    os.execute(("cd '%s' && { '%s/bin/gantry' train dcgan --data scenes:faces --out runs/faces --steps 1000000 --threads 1 --set size=16 "
      .. "base=4 kernel=4 batch=4 z_size=8 samples=4 checkpoint_every=20 >/dev/null 2>&1 & echo $! >pid; }"):format(folder, root))
    for _ = 1, 400 do
      if lfs.attributes(folder .. '/runs/faces/checkpoint.safetensors', 'mode') == 'file' then break end
      os.execute 'sleep 0.05'
    end
    start()
    -- The run's name is completed inside the string, a method after the colon.
    keys "run = gantry.open 'ru"
    press 'Tab'
    see "open 'runs/faces'"
    press 'Enter'
    enter 'run.step >= 0'
    see '\ntrue'
    keys 'z = run:sh'
    press 'Tab'
    see 'run:sheet'
    press 'C-c'
    see '%^C'
    enter 'z = run:z {3, 17, 42}'
    enter 'z:mean(1):size(2)'
    see '\n8\n'
    enter 'show(run.G(z:mean(1)))'
    local text = see '▀'
    assert.equal(8, select(2, text:gsub('▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀[ ]*\n', '')))
    os.execute(("kill $(cat '%s/pid')"):format(folder))

    clear()
    keys 'nn.SpatialConv'
    press 'Tab'
    enter '(3, 4, 3, 3)'
    see 'nn.SpatialConvolution%(3 %-> 4, 3x3%)'
    keys 'torch.ran'
    press 'Tab'
    press 'Tab'
    see 'randn'
    press 'C-c'

    clear()
    enter 'function broken() local y = torch.ones(2):narrow(1, 5, 1) return y end'
    enter 'broken() + 1'
    see "prompt:1: narrow: .*stack traceback:%s+prompt:1: in function 'broken'%s+prompt:1: in main chunk"

    for _, loop in ipairs {
      'while true do end', 'local s = 0 for i = 1, 1e15 do s = s + i end', 'while true do pcall(function() for i = 1, 1e9 do end end) end',
      'x = torch.rand(50) while true do x:add(1):sort() end', 'coroutine.wrap(function() while true do end end)()',
    } do
      clear()
      enter(loop)
      os.execute 'sleep 0.3'
      press 'C-c'
      see 'interrupted'
      enter '6 * 7'
      see '\n42\n'
    end

    clear()
    enter 'for i = 1, 2 do'
    enter 'print(i * 11)'
    enter 'end'
    see '>> end\n11\n22\n'
    enter 'for i = 1,'
    press 'C-c'
    enter '1 + 1'
    see '\n2\n'
    press 'C-d'

    for _ = 1, 100 do
      if not tmux('has-session -t prompt'):find '^$' then break end
      os.execute 'sleep 0.05'
    end
    local history = command.read(folder .. '/state/gantry/history')
    assert.matches('z = run:z {3, 17, 42}\n', history)
    start()
    press 'Up'
    see '> 1 %+ 1'
    press 'C-c'
    press 'C-d'
  end)
end)
