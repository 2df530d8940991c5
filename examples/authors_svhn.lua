-- Draws house numbers with the generator that the DCGAN paper's authors trained on SVHN and published as .npy files.
--
--   gantry examples/authors_svhn.lua DIR OUT.png                            100 samples in a grid
--   gantry examples/authors_svhn.lua DIR OUT.png --z Z.npy --images X.npy   images of given z, as numbers too
--
-- DIR holds gen_01.npy to gen_10.npy. z.npy is n x 100, the images are n x 3 x 32 x 32 in -1..1.
local gantry = require 'gantry'
local torch, nn, image = gantry.torch, gantry.nn, gantry.image
local npy = require 'gantry.data.npy'

local arguments = {...}
local folder, out, z_file, images_file
do
  local i = 1
  while arguments[i] do
    if arguments[i] == '--z' then
      z_file, i = arguments[i + 1], i + 1
    elseif arguments[i] == '--images' then
      images_file, i = arguments[i + 1], i + 1
    elseif not folder then
      folder = arguments[i]
    else
      out = arguments[i]
    end
    i = i + 1
  end
end
if not out then
  io.stderr:write 'usage: gantry examples/authors_svhn.lua DIR OUT.png [--z Z.npy] [--images X.npy]\n'
  os.exit(2)
end

local function load(name) return npy.load(('%s/%s.npy'):format(folder, name)) end

-- The authors' convolutions turn the kernel round in both directions; nn's do not.
local backwards = torch.LongTensor {5, 4, 3, 2, 1}
local function turned(kernel) return kernel:index(3, backwards):index(4, backwards) end

-- Their batch norm has no running statistics: it always uses those of the batch, with a tiny eps.
local EPS = 1e-8
local function norm(layer, scale, shift)
  layer.weight:copy(load(scale))
  layer.bias:copy(load(shift))
  return layer
end

local function up(from, to, kernel)
  local layer = nn.SpatialFullConvolution(from, to, 5, 5, 2, 2, 2, 2, 1, 1):noBias()
  layer.weight:copy(turned(load(kernel)))
  return layer
end

local project = nn.Linear(100, 4096, false)
project.weight:copy(load('gen_01'):t())

local G = nn.Sequential()
  :add(project):add(norm(nn.BatchNormalization(4096, EPS), 'gen_02', 'gen_03')):add(nn.ReLU())
  :add(nn.View(256, 4, 4):setNumInputDims(1))
  :add(up(256, 128, 'gen_04')):add(norm(nn.SpatialBatchNormalization(128, EPS), 'gen_05', 'gen_06')):add(nn.ReLU())
  :add(up(128, 64, 'gen_07')):add(norm(nn.SpatialBatchNormalization(64, EPS), 'gen_08', 'gen_09')):add(nn.ReLU())
  :add(up(64, 3, 'gen_10')):add(nn.Tanh())
G:training()

torch.manualSeed(1)
local z = z_file and npy.load(z_file):float() or torch.FloatTensor(100, 100):uniform(-1, 1)
local images = G:forward(z)

image.save(out, image.grid(images, {columns = math.ceil(math.sqrt(z:size(1))), range = {-1, 1}}))
print(('%d images: %s'):format(images:size(1), out))
if images_file then
  npy.save(images_file, images)
  print(images_file)
end
