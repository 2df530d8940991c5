--- gantry score RUN: how near a run's samples are to real images, and how varied.
-- @module gantry.cli.score
local argparse = require 'argparse'
local cjson = require 'cjson'
local cli = require 'gantry.cli'
local look = require 'gantry.cli.look'
local show = require 'gantry.cli.show'

local function parser()
  local p = argparse('gantry score', "Scores a run's samples beside real images. Distances compare what a feature net makes of the " ..
    'images: a figure means nothing without the name of the net and the numbers of images, which stand beside it.')
    :epilog('Below the samples: as many other real images, and images whose pixels are drawn alone. Adds a line to RUN/scores.jsonl.\n\n' ..
      'Examples:\n   gantry features --data scenes:faces --out faces.safetensors\n   gantry score runs/faces --features faces.safetensors')
  p:argument('run', 'directory of the run'):argname 'RUN'
  p:option('--features', 'a file that gantry features made; without it only what needs no net is measured'):argname 'FILE'
  p:option('--n', 'images of each kind', '2000'):argname 'N'
  p:option('--data', "the real images (default: the run's)"):argname 'SPEC'
  p:option('--seed', 'of the samples, and of which real images', '1'):argname 'N'
  look.which_network(p)
  return p
end

local columns = {
  {'frechet', 'Frechet', '%.2f'}, {'kernel', 'kernel x1000', nil}, {'precision', 'precision', '%.3f'}, {'recall', 'recall', '%.3f'},
  {'density', 'density', '%.3f'}, {'coverage', 'coverage', '%.3f'}, {'inception', 'classes', '%.2f'}, {'sliced', 'sliced', '%.1f'},
  {'alikeness', 'alike', '%.3f'}, {'distance', 'from truth', '%.4f'},
}

local function cell(row, column)
  local x = row[column[1]]
  if not x then return '' end
  if column[1] == 'kernel' then return ('%.1f +- %.1f'):format(1000 * x, 1000 * row.kernel_interval) end
  return column[3]:format(x)
end

local function print_table(rows)
  local widths, lines = {}, {}
  local used = {}
  for _, column in ipairs(columns) do
    for _, row in ipairs(rows) do
      if row[column[1]] then used[#used + 1] = column break end
    end
  end
  for r = 0, #rows do
    lines[r] = {r == 0 and '' or rows[r].name}
    for _, column in ipairs(used) do lines[r][#lines[r] + 1] = r == 0 and column[2] or cell(rows[r], column) end
    for c, text in ipairs(lines[r]) do widths[c] = math.max(widths[c] or 0, #text) end
  end
  for r = 0, #rows do
    local parts = {}
    for c, text in ipairs(lines[r]) do
      local space = (' '):rep(widths[c] - #text)
      parts[c] = c == 1 and text .. space or space .. text
    end
    io.stdout:write((table.concat(parts, '  '):gsub('%s+$', '')), '\n')
  end
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  local n, seed = show.whole('score', '--n', given.n, 40, 1e6), show.whole('score', '--seed', given.seed, 0, 2 ^ 31)
  local net = given.features and require('gantry.metrics.features').load(given.features)
  local run = look.open('score', given)
  local s = require('gantry.metrics.score').run(run, {net = net, n = n, seed = seed, data = given.data})
  io.stdout:write(('%s, step %d, weights %s\n'):format(show.printable(s.of), s.step, show.printable(s.weights)))
  io.stdout:write(('%d samples of seed %d beside %d images of %s\n'):format(s.n, s.seed, s.n, show.printable(s.data)))
  if net then
    io.stdout:write(('features: %s (%s), trained on %s\n'):format(show.printable(net.name), net.hash, show.printable(net.about.data)))
  else
    io.stdout:write 'no feature net: --features FILE measures distances, precision and recall; gantry features makes one\n'
  end
  print_table(s.rows)
  local file, problem = io.open(require('gantry.gan.folder').file(run.path, 'scores'), 'ab')
  if not file then require('gantry.native').fail('score: %s', problem) end
  file:write(cjson.encode(s), '\n')
  file:close()
  return 0
end
