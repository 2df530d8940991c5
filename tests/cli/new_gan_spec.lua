-- docs/new-gan.md: its programs are written down as they stand there, and its commands run, with fewer steps and images.
local command = require 'tests.support.command'
local gan = require 'gantry.gan'

describe('docs/new-gan.md', function()
  teardown(command.clean)
  local folder, commands, names = nil, {}, {}

  setup(function()
    folder = command.folder()
    local text = command.read 'docs/new-gan.md'
    for block in text:gmatch '```lua\n(.-)```' do
      local name = block:match '^%-%- ([%w-]+%.lua)\n'
      assert(name, 'a block without a name: ' .. block:sub(1, 60))
      names[#names + 1] = name
      command.write(folder .. '/' .. name, block)
    end
    for block in text:gsub('```lua\n.-```', ''):gmatch '```\n(.-)```' do
      for line in block:gmatch '[^\n]+' do commands[#commands + 1] = line:match '^gantry (.*)$' end
    end
  end)

  it('has recipes that pass gantry check and are under a page', function()
    assert.equal(5, #names)
    for _, name in ipairs(names) do
      local data = name == 'coordinates.lua' and ' --set size=32 channels=3 base=8' or ' --set size=16 base=4'
      local code, out, err = command.gantry(('check ./%s --config small %s'):format(name, data), {cd = folder})
      assert.equal(0, code, name .. ': ' .. err .. out)
      local _, lines = command.read(folder .. '/' .. name):gsub('\n', '')
      assert.is_true(lines < 60)
    end
  end)

  it('has commands that run', function()
    assert.is_true(#commands >= 7)
    for _, line in ipairs(commands) do
      line = line:gsub('%-%-steps %d+', '--steps 3'):gsub('%-%-n %d+', '--n 60'):gsub('%-%-config small', '%0 --set base=8')
        :gsub('^(features .*)%-%-set base=8', '%1')
      local code, _, err = command.gantry(line, {cd = folder})
      assert.equal(0, code, line .. ': ' .. err)
    end
  end)

  it("has a balance that lasts: BEGAN's k goes on where it was", function()
    local recipe = gan.load_recipe(folder .. '/began.lua')
    local o = recipe.options:resolve {from = 'test', values = {
      size = 16, base = 4, kernel = 4, batch = 6, z_size = 8, samples = 1, steps = 4, lambda = 0.5,
    }}
    local function start(out, steps)
      o.steps = steps
      return gan.session.start({recipe = recipe, options = o, data = 'scenes:faces', out = out, quiet = true}):run()
    end
    local whole, out = start(command.folder(), 4), command.folder()
    start(out, 2)
    local resumed = gan.session.resume({path = out, steps = 4, quiet = true}):run()
    assert.equal(whole.hash, resumed.hash)
    local k = whole.trainer.state.kept.k[1]
    assert.is_true(k > 0 and k == resumed.trainer.state.kept.k[1])
  end)
end)
