--- gantry lab features RUN: all convolutional activations of a run's network for each image, as a .npy file.
-- @module gantry.cli.lab.features
local argparse = require 'argparse'
local cli = require 'gantry.cli'
local show = require 'gantry.cli.show'
local network = require 'gantry.cli.lab.network'

local SHOWN = 12 -- images in the picture

local function parser()
  local p = argparse('gantry lab features', "Writes what a run's discriminator sees in images: all convolutional activations after " ..
    'their nonlinearity, max-pooled to 4x4 regions each and concatenated (DCGAN paper, section 5.1); n x numbers of float32 in ' ..
    'FILE.npy, and classes, where there are any, in FILE.labels.npy.')
    :epilog('Beside FILE.npy: features.png, what each layer sees in some images, and features.json.\n\nExamples:\n' ..
      '   gantry lab features runs/cifar --data cifar/train --out train.npy\n' ..
      '   gantry lab features runs/cifar --data cifar/test --statistics cifar/train --out test.npy')
  p:argument('run', 'directory of the run'):argname 'RUN'
  p:option('--data', "the images (default: the run's)"):argname 'SPEC'
  p:option('--out', 'the file'):argname 'FILE.npy'
  p:option('--of', "D, the paper's, or G, as one source reads the paper: then of n generated samples, for G takes no images", 'D')
    :argname 'D|G'
  p:option('--n', 'samples, with --of G', '1000'):argname 'N'
  p:option('--statistics', 'the images that batch norm is estimated over (default: those of --data)'):argname 'SPEC'
  network.options(p)
  return p
end

-- Images in the first row; below them what each layer sees, enlarged to the same size.
local function picture(extractor, images, input)
  local torch, Canvas, sheet = require 'gantry.torch', require 'gantry.gan.canvas', require 'gantry.gan.sheet'
  local side, gap = 64, 4
  local layers = extractor:glance(input)
  local n = images:size(1)
  local canvas = Canvas.new {3, (#layers + 1) * (side + gap) + gap, n * (side + gap) + gap}
  local scaled = require('gantry.image').scale(images, side, side, 'simple')
  for i = 1, n do
    local x = gap + (i - 1) * (side + gap)
    local shown = (scaled[i] + 1):mul(0.5)
    canvas:put(x, gap, shown:size(1) == 1 and shown:expand(3, side, side) or shown:narrow(1, 1, 3))
    for k, maps in ipairs(layers) do
      local map = maps[i]
      map = sheet.enlarge(map:view(1, 1, map:size(1), map:size(2)), math.max(1, math.floor(side / map:size(1))))[1]
      local fits = math.min(side, map:size(2))
      map = map:narrow(2, 1, fits):narrow(3, 1, math.min(side, map:size(3)))
      canvas:put(x, gap + k * (side + gap), torch.expand(map, 3, map:size(2), map:size(3)))
    end
  end
  return canvas.pixels
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  if not given.out then cli.usage 'lab features: --out FILE.npy is missing: where the numbers go' end
  if not given.out:match '%.npy$' then cli.usage('lab features: --out is %s, wanted a file that ends in .npy', given.out) end
  local run, how = network.open('lab features', given)
  local features, pictures, record = require 'gantry.lab.features', require 'gantry.lab.pictures', require 'gantry.lab.record'
  local of_samples = how.of == 'G'
  if of_samples and (given.data or given.statistics) then cli.usage 'lab features: --of G looks at samples; there are no --data' end
  local function opened(spec) return (pictures.open(run, spec, 'lab features')) end
  local data = of_samples and features.latent(run, show.whole('lab features', '--n', given.n, 2, 1e7)) or opened(given.data)
  local folder = given.out:match '^(.*)/[^/]*$' or '.'
  require('gantry.gan.folder').make(folder)
  local r = record.new('features', {
    out = folder, run = run, data = not of_samples and (given.data or run.state.data) or nil,
    about = {
      of = how.of, pool = how.pool, windows = how.windows, statistics = given.statistics, training_statistics = given.training_stats,
    },
  })
  local e = features.extractor(run, given.statistics and opened(given.statistics) or data, how)
  for _, layer in ipairs(e.layers) do
    io.stdout:write(('%s: %d maps of %dx%d, %d numbers\n'):format(layer.name, layer.channels, layer.height, layer.width, layer.numbers))
  end
  local rows = e:write(data, given.out)
  r:figure('numbers for an image', {value = e.count, n = rows:size(1), paper = '28,672 (ImageNet), 7,168 (SVHN)'})
  local source = features.source(data)
  local input = source:batch(1, math.min(SHOWN, source.size))
  local images = of_samples and run:images(run:z(math.min(SHOWN, source.size))) or input
  r:picture(picture(e, images, input), nil, 'images, and the mean over the maps of each layer')
  r:finish()
  io.stdout:write(('%s: %d x %d\n'):format(given.out, rows:size(1), rows:size(2)))
  return 0
end
