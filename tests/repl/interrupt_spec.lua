-- Ctrl-C: a signal to this process ends loops of every kind, the compiler stays on, and a training session saves first.
local ffi = require 'ffi'
local native = require 'gantry.native'
local command = require 'tests.support.command'
local gan = require 'gantry.gan'
local torch = require 'gantry.torch'
local interrupt = require 'gantry.repl.interrupt'

ffi.cdef 'int gantry_test_getpid(void) __asm__("getpid");'

-- Calls f with a Ctrl-C to come; what interrupt.call returned, and seconds.
local function interrupted(f, times)
  local again = ('x '):rep(times or 1)
  os.execute(('{ for i in %s; do sleep 0.2; kill -INT %d; done; } >/dev/null 2>&1 &'):format(again, ffi.C.gantry_test_getpid()))
  local from = native.C.gt_seconds()
  local ok, problem = interrupt.call(f, function(e) return e end)
  return ok, problem, native.C.gt_seconds() - from
end

describe('Ctrl-C', function()
  setup(interrupt.start)
  teardown(function()
    interrupt.stop()
    command.clean()
  end)

  local loops = {
    ['an empty loop'] = function() while true do end end,
    ['a compiled loop'] = function()
      local s = 0
      for i = 1, 1e15 do s = s + i end
      return s
    end,
    ['recursion that never returns'] = function()
      local function f(n) return f(n + 1) end
      return f(1)
    end,
    ['a loop that catches errors'] = function()
      while true do pcall(function() for _ = 1, 1e12 do end end) end
    end,
    ["a loop in library code called from C"] = function()
      while true do
        local t = {}
        for i = 1, 1000 do t[i] = (i * 7919) % 1000 end
        table.sort(t, function(a, b) return a < b end)
      end
    end,
    ['tensors'] = function()
      local x = torch.rand(100)
      while true do x:add(1) end
    end,
    ['a coroutine'] = function()
      local f = coroutine.wrap(function() while true do end end)
      f()
    end,
  }
  for name, loop in pairs(loops) do
    it('ends ' .. name, function()
      local ok, problem, seconds = interrupted(loop)
      assert.is_false(ok)
      assert.matches('interrupted', tostring(problem))
      assert.is_true(seconds < 5)
      assert.is_false(interrupt.pressed())
    end)
  end

  it('leaves what does not loop alone, and passes results and errors on', function()
    assert.same({true, 5}, {interrupt.call(function() return 5 end, function(e) return e end)})
    local ok, problem = interrupt.call(function() error('own', 0) end, function(e) return e .. '!' end)
    assert.same({false, 'own!'}, {ok, problem})
    assert.is_true(jit.status())
  end)

  it('lets a training session finish its step and save; a second one ends it', function()
    local options = {size = '16', base = '4', kernel = '4', batch = '4', z_size = '8', samples = '4', steps = '1000000'}
    local folder = command.folder()
    local dcgan = gan.load_recipe 'dcgan'
    local function start(name, recipe)
      return gan.session.start {recipe = recipe, options = dcgan.options:resolve {from = 'test', values = options}, data = 'scenes:faces',
        out = folder .. '/' .. name, quiet = true}
    end
    local session = start('polite', dcgan)
    local ok, problem = interrupted(function() return session:run().interrupted end)
    assert.same({true, true}, {ok, problem})
    assert.equal(session.trainer.number, gan.open(folder .. '/polite').step)

    local stuck = command.write(folder .. '/stuck.lua', [[
      local gan = require 'gantry.gan'
      local dcgan = gan.load_recipe 'dcgan'
      return gan.recipe {name = 'stuck', options = dcgan.options, generator = dcgan.generator, discriminator = dcgan.discriminator,
        step = function() while true do end end}]])
    local seconds
    session = start('stuck', gan.load_recipe(stuck))
    ok, problem, seconds = interrupted(function() session:run() end, 2)
    assert.is_false(ok)
    assert.matches('interrupted', tostring(problem))
    assert.is_true(seconds > 0.35, seconds)
  end)
end)
