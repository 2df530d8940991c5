-- Every recipe that there is: declared as it should be, tried as `gantry check` does, trained for three tiny steps, stopped, resumed and
-- sampled.
local lfs = require 'lfs'
local torch = require 'gantry.torch'
local gan = require 'gantry.gan'
local options = require 'gantry.gan.options'
local recipes = require 'gantry.gan.recipe'
local tryout = require 'gantry.gan.tryout'
local tuning = require 'gantry.gan.tuning'
local command = require 'tests.support.command'

-- Small settings for whatever options a recipe has.
local tiny = {
  size = 16, base = 4, kernel = 4, batch = 6, z_size = 8, samples = 4, sample_every = 0, checkpoint_every = 0, log_every = 1, hidden = 8,
  units = 8, maxout = 4, maps = 4, style = 8,
}

local other = {lapgan = {z_size = 8 * 8 + 16 * 16 + 8}, stylegan = {batch = 4}, cyclegan = {buffer = 8}} -- where those do not fit

local function resolve(recipe, changes)
  local values = {}
  for key, v in pairs(tiny) do
    if recipe.options.declared[key] then values[key] = v end
  end
  for _, more in ipairs {other[recipe.name] or {}, changes or {}} do
    for key, v in pairs(more) do values[key] = v end
  end
  return recipe.options:resolve {from = 'test', values = values}
end

-- Pictures of three classes in a .npy file.
local function labelled(channels)
  local folder = command.folder()
  local npy = require 'gantry.data.npy'
  npy.save(folder .. '/x.npy', torch.ByteTensor(24, channels, 16, 16):random(torch.Generator(1), 0, 255))
  local labels = torch.LongTensor(24)
  for i = 1, 24 do labels[i] = (i - 1) % 3 end
  npy.save(folder .. '/x.labels.npy', labels)
  return folder .. '/x.npy'
end

describe('recipe', function()
  teardown(command.clean)

  for _, entry in ipairs(recipes.list()) do
    local recipe = recipes.load(entry.path)

    it(entry.name .. ' is declared as it should be', function()
      assert.equal(entry.name, recipe.name)
      assert.is_true(#recipe.about <= 90)
      local text = command.read(entry.path)
      local _, lines = text:gsub('\n', '')
      assert.is_true(lines <= 160, lines .. ' lines')
      assert.matches('^%-%- [^\n]*', text)
      assert.is_truthy(text:find 'arXiv %d%d%d%d%.%d' or text:find '%d%d%d%d, "', 'its reference is missing')
    end)

    it(entry.name .. ' has its convolutions found', function()
      for _, found in ipairs(tuning.find(recipe, resolve(recipe))) do assert.not_equal('', found.layers) end
    end)

    it(entry.name .. ' passes gantry check', function()
      local report = tryout.run(recipe, resolve(recipe))
      assert.same({}, report.problems)
      assert.is_true(#report.networks >= 1)
    end)

    it(entry.name .. ' trains, goes on bit by bit and is sampled', function()
      local spec = labelled(recipe.options:default 'channels')
      local function run(folder, steps)
        local o = resolve(recipe, {steps = steps})
        return gan.session.start({recipe = recipe, options = o, data = spec, out = folder, quiet = true}):run()
      end
      local whole = run(command.folder(), 3)
      local folder = command.folder()
      local session = gan.session.start {
        recipe = recipe, options = resolve(recipe, {steps = 3}), data = spec, out = folder, quiet = true,
      }
      session.trainer:step()
      session:save()
      session:leave()
      local resumed = gan.session.resume({path = folder, quiet = true}):run()
      assert.equal(whole.hash, resumed.hash)
      assert.equal('file', lfs.attributes(folder .. '/samples/000003.png', 'mode'))
      local opened = gan.open(folder):reestimate()
      local images = opened:images(opened:z(3))
      local h, w = options.sides(opened.options.size)
      assert.same({3, opened.options.channels, h, w}, images:size():totable())
      assert.is_true(images:min() >= -1 and images:max() <= 1 and images:std() > 0)
      assert.equal(('1x%dx%dx%d'):format(opened.options.channels, h, w), opened.G:summary()[1].output) -- as the prompt shows it
      if opened.checkpoint.networks.D then assert.is_true(#opened.D:summary() >= 1) end
    end)
  end
end)
