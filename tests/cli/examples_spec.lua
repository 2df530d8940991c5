-- Every example runs.
local lfs = require 'lfs'
local command = require 'tests.support.command'

local gantry = command.gantry

local function data_folder()
  for _, path in ipairs {os.getenv 'GANTRY_DATA' or '', '../shared/data'} do
    if lfs.attributes(path .. '/svhn-dcgan', 'mode') == 'directory' then return path end
  end
end

describe('example', function()
  teardown(command.clean)

  it('torch7_style.lua learns the ring', function()
    local code, out, err = gantry 'examples/torch7_style.lua 1500'
    assert.equal(0, code, err)
    local radius = tonumber(out:match 'step 1500 .-radius ([%d.]+)')
    assert.is_true(radius > 0.7 and radius < 1.3, out)
  end)

  it('gradient_penalty.lua agrees with central differences', function()
    local code, out, err = gantry 'examples/gradient_penalty.lua'
    assert.equal(0, code, err)
    assert.is_true(tonumber(out:match 'differences ([%d.e+-]+)') < 1e-6, out)
  end)

  it('own_recipe.lua trains', function()
    local run = command.folder()
    local code, out, err = gantry(
      'train examples/own_recipe.lua --out ' .. run .. ' --set size=16 base=4 kernel=4 batch=4 samples=1 --steps 2')
    assert.equal(0, code, err)
    assert.matches('finished at step 2', out)
    assert.matches('margin', command.read(run .. '/options.yaml'))
  end)

  it('mmd_gan.lua passes check, is under a page, and moves the discrepancy', function()
    local code, out, err = gantry 'check examples/mmd_gan.lua --config small --set size=16 base=4'
    assert.equal(0, code, err .. out)
    local _, lines = command.read 'examples/mmd_gan.lua':gsub('\n', '')
    assert.is_true(lines < 60)
    local run = command.folder()
    code, _, err = gantry('train examples/mmd_gan.lua --config small --out ' .. run ..
      ' --set size=16 base=4 batch=8 samples=1 lr=1e-3 critic_steps=1 log_every=1 sample_every=0 --steps 8')
    assert.equal(0, code, err)
    local mmd = {}
    for x in command.read(run .. '/metrics.jsonl'):gmatch '"mmd":([%d.e+-]+)' do mmd[#mmd + 1] = tonumber(x) end
    assert.equal(8, #mmd)
    assert.is_true(mmd[8] > mmd[1] and mmd[8] < 10) -- D pulls the two apart; 10: the kernel's largest value, twice
  end)

  it('dense_vae.lua comes nearer to its pictures, which gantry lab nearest measures', function()
    local run = command.folder()
    local code, _, err = gantry('train examples/dense_vae.lua --data scenes:rooms@1..60 --out ' .. run ..
      '/run --set size=8 hidden=16 samples=1 log_every=50 sample_every=0 --steps 150')
    assert.equal(0, code, err)
    local losses = {}
    for x in command.read(run .. '/run/metrics.jsonl'):gmatch '"g_loss":([%d.e+-]+)' do losses[#losses + 1] = tonumber(x) end
    assert.is_true(losses[3] < 0.8 * losses[1], table.concat(losses, " "))
    local out
    code, out, err = gantry(('lab nearest %s/run --test scenes:rooms@61..120 --n 60'):format(run))
    assert.equal(0, code, err)
    assert.matches('generated over held%-out, L2: [%d.]+', out)
    assert.is_nil(out:find("D's features", 1, true))
  end)

  it('own_data.lua is looked at, and trains', function()
    local folder = command.folder()
    local code, out, err = gantry('data examples/own_data.lua --size 16 --n 4 --out ' .. folder .. '/sheet.png')
    assert.equal(0, code, err)
    assert.matches('10000 pictures made by a program', out)
    code, out, err = gantry(
      'train dcgan --data examples/own_data.lua --out ' .. folder .. '/run --set size=16 base=4 kernel=4 batch=4 samples=1 --steps 2')
    assert.equal(0, code, err)
    assert.matches('finished at step 2', out)
  end)

  it('oscillation.lua provokes it where there is momentum and no batch norm', function()
    local code, out, err = gantry 'examples/oscillation.lua 500'
    assert.equal(0, code, err)
    local provoked = tonumber(out:match 'beta1 0.9, no norm%s+filters oscillating:%s+(%d+)%%')
    local settled = tonumber(out:match '\nbeta1 0.5 %s+filters oscillating:%s+(%d+)%%')
    assert.is_true(provoked >= 20 and settled < provoked / 2, out)
    assert.equal(2, (gantry 'examples/oscillation.lua 3'))
  end)

  it("authors_svhn.lua draws the authors' house numbers", function()
    local data = data_folder()
    if not data then pending 'no data/svhn-dcgan here (GANTRY_DATA names the folder)' return end
    local npy = require 'gantry.data.npy'
    local torch = require 'gantry.torch'
    local folder = command.folder()
    torch.manualSeed(2)
    npy.save(folder .. '/z.npy', torch.FloatTensor(9, 100):uniform(-1, 1))
    local code, _, err = gantry((
      'examples/authors_svhn.lua %s/svhn-dcgan %s/out.png --z %s/z.npy --images %s/x.npy'):format(data, folder, folder, folder))
    assert.equal(0, code, err)
    assert.matches('^\137PNG', command.read(folder .. '/out.png'))
    local x = npy.load(folder .. '/x.npy')
    assert.same({9, 3, 32, 32}, {x:size(1), x:size(2), x:size(3), x:size(4)})
    assert.is_true(x:std() > 0.1 and x:max() <= 1 and x:min() >= -1)
    assert.equal(2, (gantry 'examples/authors_svhn.lua'))
  end)
end)
