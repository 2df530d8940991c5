--- gantry sample RUN: images of a run's generator, in evaluation mode.
-- @module gantry.cli.sample
local argparse = require 'argparse'
local cli = require 'gantry.cli'
local look = require 'gantry.cli.look'
local show = require 'gantry.cli.show'

local function parser()
  local p = argparse('gantry sample', 'Draws samples of a run. Sample 3 of a seed is the same z however many are drawn.')
    :epilog('Examples:\n   gantry sample runs/faces --numbered                  # with numbers, for walk --from and arith\n' ..
      '   gantry sample runs/faces --n 1000 --each --out faces # single images: faces/0001.png ...\n' ..
      '   gantry sample runs/faces --seed 7 --truncation 0.7 --out calm.png\n   gantry sample runs/faces --only 3,17,42')
  p:argument('run', 'directory of the run'):argname 'RUN'
  p:option('--n', 'how many', '64'):argname 'N'
  p:option('--only', 'the samples with these numbers'):argname 'N,N,...'
  p:flag('--each', 'one PNG for each sample, 0001.png ..., in the folder --out; not enlarged unless --scale says so')
  p:flag('--numbered', "with the samples' numbers on the sheet")
  p:option('--columns', 'images in a row of the sheet'):argname 'N'
  look.options(p)
  return p
end

local PART = 256 -- single images are made and written in parts, however many there are

local function write_each(run, which, how, out)
  local image = require 'gantry.image'
  local sheet = require 'gantry.gan.sheet'
  local folder = out or run.path .. '/each'
  require('gantry.gan.folder').make(folder)
  local z, labels = run:z(which, how.seed, how.truncation), run:labels(which, how.class)
  local n = z:size(1)
  for from = 1, n, PART do
    local count = math.min(PART, n - from + 1)
    local images = sheet.enlarge(run:images(z:narrow(1, from, count), labels and labels:narrow(1, from, count)), how.scale or 1)
    for i = 1, count do
      local number = type(which) == 'table' and which[from + i - 1] or from + i - 1
      image.save(('%s/%04d.png'):format(folder, number), (images[i] + 1) / 2)
    end
  end
  local first = type(which) == 'table' and which[1] or 1
  io.stdout:write(('%d images of step %d: %s/%04d.png ...\n'):format(n, run.step, folder, first))
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  local which = given.only and show.wholes('sample', '--only', given.only, 1, 1e6) or show.whole('sample', '--n', given.n, 1, 1e6)
  local columns = given.columns and show.whole('sample', '--columns', given.columns, 1, 1e4)
  local run, how = look.open('sample', given)
  if given.each then
    write_each(run, which, how, given.out)
    return 0
  end
  local out = given.out or run.path .. '/sample.png'
  how.columns, how.numbers = columns, given.numbered or false
  require('gantry.image').save(out, run:sheet(which, how))
  io.stdout:write(('%d samples of step %d: %s\n'):format(type(which) == 'table' and #which or which, run.step, out))
  return 0
end
