-- A stranger's run: looking at it executes nothing, whatever its files say.
local cjson = require 'cjson'
local lfs = require 'lfs'
local torch = require 'gantry.torch'
local gan = require 'gantry.gan'
local recipes = require 'gantry.gan.recipe'
local safetensors = require 'gantry.gan.safetensors'
local command = require 'tests.support.command'

local gantry = command.gantry

describe("a stranger's run", function()
  local run, proof, file
  setup(function()
    run = command.folder() .. '/run'
    proof = run .. '-executed'
    local o = recipes.load('dcgan').options:resolve {from = 'test', values = {
      size = 16, base = 4, kernel = 4, batch = 6, z_size = 8, steps = 1, samples = 1,
    }}
    gan.session.start({recipe = 'dcgan', options = o, out = run, quiet = true}):run()
    local evil = ("os.execute 'touch %s'\n"):format(proof)
    for _, name in ipairs {'recipe/dcgan.lua', 'recipe/gantry.lua', 'init.lua', 'gantry.lua', 'lyaml.lua', 'cjson.lua'} do
      command.write(run .. '/' .. name, evil .. 'return {}')
    end
    command.write(run .. '/options.yaml', '!!python/object/apply:os.system ["touch ' .. proof .. '"]\n')
    command.write(run .. '/metrics.jsonl', '{"step":1,"d_loss":"os.exit()","\27[2J":3}\n' .. ('['):rep(100000))
    file = run .. '/checkpoint.safetensors'
  end)
  teardown(command.clean)

  -- The checkpoint with some of its texts changed; change(metadata) may also drop tensors by name.
  local function forged(change)
    local opened = safetensors.open(file)
    local names, entries, metadata = {}, {}, {}
    for name in pairs(opened.entries) do names[#names + 1] = name end
    table.sort(names)
    for i, name in ipairs(names) do entries[i] = {name, opened:read(name)} end
    for key, text in pairs(opened.metadata) do metadata[key] = text end
    change(metadata, entries)
    local other = command.folder()
    os.execute(("cp -r '%s/.' '%s'"):format(run, other))
    safetensors.write(other .. '/checkpoint.safetensors', entries, metadata)
    return other
  end

  local function harmless(path, codes)
    local out = command.folder()
    local lines = {
      'info ' .. path, ('sample %s --n 2 --out %s/s.png'):format(path, out),
      ('walk %s --frames 2 --rows 1 --out %s/w.png'):format(path, out),
      ('arith %s 1,2 - 3 --out %s/a.png'):format(path, out),
    }
    for i = 1, math.max(#codes, 2) do
      local line = lines[i]
      local code, stdout, err = gantry(line, {cd = path})
      assert.is_nil(lfs.attributes(proof), line)
      assert.is_nil(stdout:find '[%z\1-\9\11-\31]', line)
      if codes[i] then assert.equal(codes[i], code, line .. ': ' .. err) end
      assert.is_true(code == 0 or code == 1, line)
      assert.is_nil(err:find 'should not have happened', err)
      local _, count = err:gsub('\n', '')
      assert.equal(code, count, err)
    end
  end

  it('is looked at without executing its recipe or anything else in it', function()
    harmless(run, {0, 0, 0, 0})
    assert.is_nil(lfs.attributes(proof))
  end)

  it('executes its recipe when it is resumed', function()
    local code = gantry('resume ' .. run .. ' --steps 2')
    assert.equal(1, code)
    assert.equal('file', lfs.attributes(proof, 'mode'))
    os.remove(proof)
  end)

  it('may have options and a state of any type', function()
    for _, text in ipairs {
      'z_size: [1, 2]\nz: {a: b}\nseed: !!binary aGk=\nsteps: yes\n', 'seed: .nan\nz_size: 8\nz: uniform\nbatch: -5\nsteps: 1e400\n',
      'z_size: 1.0e+9\nz: normal\nseed: 1\n', '"\\e[2J": "\\e]0;x\\a"\n1: 2\n', '&a [*a]\n', 'z_size: 8\nz: uniform\nseed: 1\nbatch: {}\n',
    } do
      harmless(forged(function(m) m.options = text end), {})
    end
    for _, change in ipairs {
      function(s) s.recipe = '../../../etc/passwd' end, function(s) s.recipe = {1} end, function(s) s.seconds = {} end,
      function(s) s.hash = '\27[31m' end, function(s) s.keeper = {best = 'x', best_step = {}} end, function(s) s.step = 1e300 end,
      function(s) s.data = '/dev/zero\27[2J' end, function(s) s.counters = {1, 2} end, function(s) s.step = -0.5 end,
      function(s) s.labels = {1} end, function(s) s.labels, s.classes = 'data', '\27[2J' end, function(s) s.pairs = true end,
    } do
      harmless(forged(function(m)
        local state = cjson.decode(m.state)
        change(state)
        m.state = cjson.encode(state)
      end), {})
    end
    harmless(forged(function(m) m.machine = '{"level":{"a":1}}' end), {0, 0})
    for _, text in ipairs {'[]', '{"G":[]}', '{"G":{"class":{}}}', '{"D":3}', ('{"G":'):rep(500), '0'} do
      harmless(forged(function(m) m.networks = text end), {nil, 1})
    end
  end)

  local function with_module(module)
    return forged(function(m)
      local networks = cjson.decode(m.networks)
      table.insert(networks.G.modules, module)
      m.networks = cjson.encode(networks)
    end)
  end

  it('may claim huge sizes', function()
    local side = 2 ^ 29
    for _, module in ipairs {
      {class = 'nn.View', arguments = {side, side}}, {class = 'nn.Reshape', arguments = {side}},
      {class = 'nn.SpatialMaxPooling', arguments = {side, side, 1, 1, side, side}},
      {class = 'nn.SpatialAveragePooling', arguments = {3, 3, 1, 1, side, side}},
      {class = 'nn.SpatialConvolution', arguments = {3, side, side, side, 1, 1, 0, 0}},
      {class = 'nn.View', arguments = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
      {class = 'nn.JoinTable', arguments = {side, 1}}, {class = 'nn.Dropout', arguments = {side}},
    } do
      harmless(with_module(module), {nil, 1})
    end
    -- A small weight may still make a large image.
    local path = forged(function(m, entries)
      local networks = cjson.decode(m.networks)
      table.insert(networks.G.modules, {
        class = 'nn.SpatialFullConvolution', arguments = {3, 3, 1, 1, 3000, 3000, 0, 0, 0, 0}, extra = {bias = false},
      })
      m.networks = cjson.encode(networks)
      entries[#entries + 1] = {('G.%d.weight'):format(#networks.G.modules), torch.FloatTensor(3, 3, 1, 1):fill(1)}
    end)
    harmless(path, {nil, 1})
  end)

  it('may name modules that Gantry does not know: they are not made unless the run is trusted', function()
    local path = with_module {class = 'os.execute', arguments = {'touch ' .. proof}}
    harmless(path, {0, 1, 1, 1})
    local _, _, err = gantry('sample ' .. path)
    assert.matches('G.10 is a os.execute, which Gantry does not know; if you trust who made this run, %-%-trust', err)
    assert.equal(1, (gantry('sample ' .. path .. ' --trust')))
    assert.equal('file', lfs.attributes(proof, 'mode'), 'trusting executes the recipe')
    os.remove(proof)
  end)

  it('of a friend, with a module of their own, is drawn when it is trusted', function()
    local home = command.folder()
    local recipe = command.write(home .. '/own.lua', [[
      local gantry = require 'gantry'
      local nn, torch, ops, gan = gantry.nn, gantry.torch, require 'gantry.autograd.ops', gantry.gan
      local Sine = torch.class('hostilespec.Sine', 'nn.Module')
      function Sine:call(x) return ops.tanh(x * 3) end
      return gan.recipe {
        name = 'own', options = gan.options('dcgan', {}),
        generator = function(o)
          local G = gan.nets.dcgan_generator(o)
          G:remove()
          return G:add(Sine())
        end,
        discriminator = gan.nets.dcgan_discriminator,
      }]])
    local path = home .. '/run'
    local tiny = '--set size=16 base=4 kernel=4 batch=6 z_size=8 samples=1 --steps 1'
    assert.equal(0, (gantry(('train %s --out %s %s'):format(recipe, path, tiny))))
    local code, _, err = gantry('sample ' .. path .. ' --n 2')
    assert.equal(1, code)
    assert.matches('G.9 is a hostilespec.Sine, which Gantry does not know', err)
    code, _, err = gantry('sample ' .. path .. ' --n 2 --trust')
    assert.equal(0, code, err)
  end)
end)
