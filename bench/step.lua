-- Whole DCGAN updates, samples, start-up and memory: Gantry beside PyTorch, and beside itself by other means. Live processes take turns,
-- a step each (bench/live.lua). Prints medians and `ratio NAME VALUE` lines: our time over the other's.
-- usage: gantry bench/step.lua [--only NAME,...] [--pairs N] [--seconds N] [--minutes N] [--write FILE] [--list]
--   --only     parts whose names begin so          --list     names of the parts
--   --pairs    turns of each comparison (15)       --seconds  at most so long for each (420)
--   --minutes  at most so long for all (45): from then on, and where --seconds are over, only 3 turns
--   --write    replaces the tables in a Markdown file, between <!-- bench PART --> and <!-- end -->
-- PyTorch is found through /usr/bin/python3, or what PYTHON names; what it is missing for is left out, and said.
local ffi = require 'ffi'
local gantry = require 'gantry'
local native = require 'gantry.native'
local data, npy = require 'gantry.data', require 'gantry.data.npy'
package.path = (arg[0]:match '^(.*/)' or './') .. '?.lua;' .. package.path
local live, settings = require 'live', require 'settings'

local C = native.C
local here = arg[0]:match '^(.*/)' or './'
local began = C.gt_seconds()

-- ---- the command line -------------------------------------------------------------------------------------------------------------

local how = {pairs = '15', seconds = '420', minutes = '45'}
do
  local i = 1
  while arg[i] do
    local key = arg[i]:match '^%-%-(%a+)$'
    if key == 'list' then
      how.list = true
    elseif key == 'only' or key == 'pairs' or key == 'seconds' or key == 'minutes' or key == 'write' then
      i = i + 1
      how[key] = arg[i] or settings.quit('--%s: wanted a value', key)
    else
      settings.quit('there is no option %s; --only, --pairs, --seconds, --minutes, --write, --list', arg[i])
    end
    i = i + 1
  end
  for _, key in ipairs {'pairs', 'seconds', 'minutes'} do
    how[key] = tonumber(how[key]) or settings.quit('--%s is %s, wanted a number', key, how[key])
  end
end

-- ---- what is compared -------------------------------------------------------------------------------------------------------------

local threads = C.gt_threads()
local core = ffi.string(C.gt_blas_name()):match 'SkylakeX' or 'Haswell'
local left_out, tables, temporary = {}, {}, {}
local python = os.getenv 'PYTHON' or '/usr/bin/python3'

local function with(base, more)
  local s = {}
  for key, value in pairs(base) do s[key] = value end
  for key, value in pairs(more) do s[key] = value end
  return s
end

-- PyTorch's best surroundings: the right OpenBLAS kernels, its OpenMP build, and memory that is not given back at every step.
local function peer_command(s, level)
  local avx2 = level == 'avx2'
  return ('%sOPENBLAS_CORETYPE=%s LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu/openblas-openmp MALLOC_MMAP_THRESHOLD_=4294967296 ' ..
    'MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=268435456 GLIBC_TUNABLES=glibc.malloc.hugetlb=1 ' ..
    'exec %s %speers/pytorch_step.py %s'):format(avx2 and 'ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 ' or '',
    avx2 and 'Haswell' or core, python, here, settings.format(s))
end

-- What PyTorch is to be run as; nothing where it is not installed, which is found out once and said once.
local absent
local function peer_list(s, names, level)
  if absent == nil then
    absent = os.execute(python .. " -c 'import numpy, torch' >/dev/null 2>&1") ~= 0
    if absent then left_out[#left_out + 1] = 'all comparisons with PyTorch: it is not installed for ' .. python end
  end
  local list = {}
  for i, name in ipairs(absent and {} or names) do
    list[i] = {name = 'pytorch_' .. name, command = peer_command(with(s, {how = name, threads = threads}), level)}
  end
  return list
end

local function our_command(s, environment)
  return ('%s exec %s../bin/gantry %sgantry_step.lua %s'):format(environment or '', here, here, settings.format(s))
end

-- Both read the same pictures: 1024 drawn faces of a size, as bytes.
local pictures = {}
local function pictures_of(size, channels)
  local key = ('%sx%d'):format(size, channels)
  if not pictures[key] then
    local h, w = gantry.gan.sides(size)
    local set, numbers = data.open('scenes:faces', {size = {h, w}, channels = channels, seed = 1}), {}
    for i = 1, 1024 do numbers[i] = i end
    local path = os.tmpname()
    temporary[#temporary + 1] = path
    os.rename(path, path .. '.npy')
    temporary[#temporary] = path .. '.npy'
    npy.save(path .. '.npy', set:batch(numbers, gantry.torch.ByteTensor()))
    pictures[key] = path .. '.npy'
  end
  return pictures[key]
end

--- Seconds that a comparison may take.
local function allowed() return math.max(0, math.min(how.seconds, began + 60 * how.minutes - C.gt_seconds())) end

local function leave_out(what, why)
  left_out[#left_out + 1] = ('%s: %s'):format(what, (why or 'it does not start'):gsub('^gantry: ', ''))
end

local function ratio(name, value) print(('ratio %s %.3f'):format(name, value)) end

-- A row of a Markdown table of the part at hand.
local current
local function row(...) table.insert(tables[current], '| ' .. table.concat({...}, ' | ') .. ' |') end
local function header(...)
  tables[current] = {}
  row(...)
  local line = {}
  for i = 1, select('#', ...) do line[i] = '---' end
  row(unpack(line))
end

local function text(seconds) return seconds and ('%.3f'):format(seconds) or '-' end
local function over(a, b) return a and b and ('%.2f'):format(a / b) or '-' end

local precisions = {'float32', 'bf16x3', 'bfloat16'}
local peers = {'plain', 'tuned', 'bfloat16'}

--- Our precisions beside PyTorch's ways, one step each in turn.
local function compare(name, about, nets, options)
  options = options or {}
  local list, s = {}, with(nets, {data = pictures_of(nets.size, nets.channels or 3)})
  for _, precision in ipairs(options.ours or precisions) do
    local command = our_command(with(s, {precision = precision}), options.level and 'GANTRY_CPU=' .. options.level)
    list[#list + 1] = {name = precision, command = command}
  end
  for _, peer in ipairs(peer_list(s, options.peers or peers, options.level)) do list[#list + 1] = peer end
  local results, problems, rounds = live.turns(list, options.pairs or how.pairs, allowed())
  for _, entry in ipairs(list) do
    if problems[entry.name] then leave_out(('%s %s'):format(name, entry.name), problems[entry.name]) end
  end
  print(('%s: %s, %d threads, %d turns; seconds a step'):format(name, about, threads, rounds))
  for _, entry in ipairs(list) do
    local r = results[entry.name]
    if r then print(('  %-16s %.4f s, %.0f MB at most'):format(entry.name, r.seconds, r.memory)) end
  end
  local function seconds(which) return results[which] and results[which].seconds end
  for _, precision in ipairs(options.ours or precisions) do
    local mine = results[precision]
    for _, peer in ipairs(options.peers or peers) do
      local theirs = results['pytorch_' .. peer]
      if mine and theirs then
        ratio(('%s_%s_vs_pytorch_%s'):format(name, precision, peer), mine.seconds / theirs.seconds)
        if not options.level then ratio(('%s_%s_memory_vs_pytorch_%s'):format(name, precision, peer), mine.memory / theirs.memory) end
      end
    end
    if mine then
      row(about, precision, text(mine.seconds), over(mine.seconds, seconds 'pytorch_plain'), over(mine.seconds, seconds 'pytorch_tuned'),
        over(mine.seconds, seconds 'pytorch_bfloat16'), ('%.0f MB'):format(mine.memory),
        results.pytorch_tuned and over(mine.memory, results.pytorch_tuned.memory) or '-')
    end
  end
end

local function step_header()
  header('networks', 'precision', 'seconds a step', 'over PyTorch plain', 'over tuned', 'over tuned bfloat16', 'peak memory', 'over tuned')
end

--- Our own processes in turn; each of the list: name, settings, environment.
local function ours(title, list, rounds)
  local commands = {}
  for i, entry in ipairs(list) do commands[i] = {name = entry[1], command = our_command(entry[2], entry[3])} end
  local results, problems, done = live.turns(commands, rounds, allowed())
  print(('%s; %d turns'):format(title, done))
  for _, entry in ipairs(list) do
    if problems[entry[1]] then leave_out(entry[1], problems[entry[1]]) end
    if results[entry[1]] then print(('  %-28s %.4f s'):format(entry[1], results[entry[1]].seconds)) end
  end
  return results
end

local function seconds_of(run)
  local before = C.gt_seconds()
  if os.execute(run .. ' >/dev/null 2>&1') ~= 0 then return nil end
  return C.gt_seconds() - before
end

local torch64 = {size = 64, batch = 128, base = 64, kernel = 4}
local paper = {size = 64, batch = 128, base = 128, kernel = 5}

local parts = {}
local function part(name, about, run) parts[#parts + 1] = {name = name, about = about, run = run} end

part('steps', 'whole updates beside PyTorch', function(wanted)
  step_header()
  local list = {
    {'step64_b128', '64x64, batch 128, base 64, 4x4 kernels', torch64},
    {'step64_b64', '64x64, batch 64, base 64, 4x4', with(torch64, {batch = 64}), {peers = {'tuned', 'bfloat16'}}},
    {'step64_b16', '64x64, batch 16, base 64, 4x4', with(torch64, {batch = 16})},
    {'paper_b128', '64x64, batch 128, base 128, 5x5 (the paper)', paper, {peers = {'tuned', 'bfloat16'}}},
    {'paper_b16', '64x64, batch 16, base 128, 5x5 (the paper)', with(paper, {batch = 16}), {peers = {'tuned', 'bfloat16'}}},
    {'step32_b128', '32x32, batch 128, base 64, 4x4', with(torch64, {size = 32}), {peers = {'tuned', 'bfloat16'}}},
    {'mnist_b64', '32x32 gray, batch 64, base 32, 5x5', {size = 32, batch = 64, base = 32, kernel = 5, channels = 1}},
  }
  for _, entry in ipairs(list) do
    if wanted(entry[1]) then compare(unpack(entry)) end
  end
end)

part('avx2', 'both held to AVX2', function()
  step_header()
  compare('avx2_step64_b128', '64x64, batch 128, base 64, 4x4, AVX2', torch64, {level = 'avx2', ours = {'float32'}, peers = {'tuned'}})
end)

part('generic', 'plain C beside im2col and OpenBLAS', function()
  local s = with(torch64, {batch = 32, data = pictures_of(64, 3)})
  local results = ours('generic: 64x64, batch 32, base 64, 4x4; plain C kernels, im2col with OpenBLAS as capped, and uncapped', {
    {'generic', s, 'GANTRY_CPU=generic'}, {'columns_capped', with(s, {columns = 1}), 'GANTRY_CPU=generic'},
    {'columns', with(s, {columns = 1})}, {'fast', s},
  }, how.pairs)
  local mine, capped, columns = results.generic.seconds, results.columns_capped.seconds, results.columns.seconds
  ratio('generic_vs_openblas_generic', mine / capped)
  ratio('generic_vs_openblas', mine / columns)
  ratio('step64_b32_float32_vs_openblas', results.fast.seconds / columns)
  header('64x64, batch 32, base 64', 'seconds a step', 'over im2col + OpenBLAS')
  row('im2col + OpenBLAS', text(columns), '1')
  row('im2col + OpenBLAS, held to plain C', text(capped), over(capped, columns))
  row('our kernels', text(results.fast.seconds), over(results.fast.seconds, columns))
  row('our kernels in plain C', text(mine), over(mine, columns))
end)

part('threads', 'one thread and two', function()
  local s = with(torch64, {data = pictures_of(64, 3)})
  local list = {}
  for _, precision in ipairs {'float32', 'bfloat16'} do
    for n = 1, 2 do list[#list + 1] = {('%s_%d'):format(precision, n), with(s, {precision = precision}), 'GANTRY_THREADS=' .. n} end
  end
  local results = ours('threads: 64x64, batch 128, base 64, 4x4', list, how.pairs)
  header('precision', 'one thread, seconds a step', 'two threads', 'times as fast')
  for _, precision in ipairs {'float32', 'bfloat16'} do
    local one, two = results[precision .. '_1'], results[precision .. '_2']
    if one and two then
      ratio(('step64_b128_%s_2_threads_vs_1'):format(precision), two.seconds / one.seconds)
      row(precision, text(one.seconds), text(two.seconds), over(one.seconds, two.seconds))
    end
  end
end)

part('batch', 'cost of an image by the size of the batch', function()
  local s, list = with(torch64, {data = pictures_of(64, 3)}), {}
  for _, batch in ipairs {16, 32, 64, 128, 256} do list[#list + 1] = {('%d'):format(batch), with(s, {batch = batch})} end
  local results = ours('batch: 64x64, base 64, 4x4, float32', list, math.min(how.pairs, 9))
  header('batch', 'seconds a step', 'milliseconds an image', 'over batch 128')
  local per_image = results['128'].seconds / 128
  for _, batch in ipairs {16, 32, 64, 128, 256} do
    local mine = results[tostring(batch)].seconds
    row(batch, text(mine), ('%.2f'):format(1e3 * mine / batch), over(mine / batch, per_image))
    ratio(('image_b%d_vs_b128'):format(batch), mine / batch / per_image)
  end
end)

part('pixels', 'cost of a pixel by the size of the images', function()
  local sizes, list = {'64', '64x128', '64x192', '64x256'}, {}
  for _, size in ipairs(sizes) do
    list[#list + 1] = {size, {size = size, batch = 32, base = 64, kernel = 4, data = pictures_of(size, 3)}}
  end
  local results = ours('pixels: batch 32, base 64, 4x4, float32, networks of the same depth', list, math.min(how.pairs, 9))
  header('size', 'seconds a step', 'nanoseconds a pixel', 'over 64x64')
  local first
  for _, size in ipairs(sizes) do
    local h, w = gantry.gan.sides(size)
    local each = results[size].seconds / (32 * h * w)
    first = first or each
    row(('%dx%d'):format(h, w), text(results[size].seconds), ('%.1f'):format(1e9 * each), over(each, first))
    ratio(('pixel_%dx%d_vs_64x64'):format(h, w), each / first)
  end
end)

part('sampling', '10,000 samples', function()
  local s, turns = with(torch64, {batch = 500, what = 'sample'}), math.ceil(how.pairs * 4 / 3)
  local list = {}
  for i, precision in ipairs(precisions) do list[i] = {name = precision, command = our_command(with(s, {precision = precision}))} end
  for _, peer in ipairs(peer_list(s, peers)) do list[#list + 1] = peer end
  local results, problems, rounds = live.turns(list, turns, allowed())
  print(('sampling: %d images of 64x64, base 64, 4x4, 64 at once, in turns of 500'):format(500 * rounds))
  header('10,000 images of 64x64', 'seconds', 'over PyTorch tuned')
  local tuned = results.pytorch_tuned and results.pytorch_tuned.seconds
  for _, entry in ipairs(list) do
    local r = results[entry.name]
    if r then
      print(('  %-16s %.2f s for 10,000'):format(entry.name, 20 * r.seconds))
      row(entry.name:gsub('_', ' '):gsub('pytorch', 'PyTorch'), ('%.2f'):format(20 * r.seconds), over(r.seconds, tuned))
    else
      leave_out('sampling ' .. entry.name, problems[entry.name])
    end
  end
  for _, precision in ipairs(precisions) do
    for _, peer in ipairs(peers) do
      local mine, theirs = results[precision], results['pytorch_' .. peer]
      if mine and theirs then ratio(('sampling64_%s_vs_pytorch_%s'):format(precision, peer), mine.seconds / theirs.seconds) end
    end
  end
end)

part('startup', 'until the library is there', function()
  local root = here .. '../'
  local mine = ([[LUA_PATH='%slua/?.lua;%slua/?/init.lua' luajit -e "require 'gantry'"]]):format(root, root)
  local all = ([[%sbin/gantry -e "local g = require 'gantry' return g.gan.trainer"]]):format(root)
  local theirs = python .. " -c 'import torch'"
  local times = {{}, {}, {}}
  if #peer_list({}, {'plain'}) == 0 then theirs = nil end
  for _ = 1, math.min(how.pairs, 11) do
    for i, command in ipairs {mine, all, theirs} do table.insert(times[i], seconds_of(command)) end
  end
  if #times[1] == 0 or #times[2] == 0 then error('bench: start-up: our own command fails', 0) end
  local a, b = live.median(times[1]), live.median(times[2])
  print(("startup: require 'gantry' %.3f s, the command with all that training needs %.3f s"):format(a, b))
  header('until', 'seconds')
  row("`luajit -e \"require 'gantry'\"` is done", text(a))
  row('the command has loaded all that training needs', text(b))
  if #times[3] == 0 then return end
  local c = live.median(times[3])
  print(('  import torch %.3f s'):format(c))
  row('`import torch` is done', text(c))
  ratio('startup_vs_pytorch', a / c)
end)

-- ---- running them -------------------------------------------------------------------------------------------------------------------

local function begins(name, prefix) return name:sub(1, #prefix) == prefix end

-- Whether --only asks for a comparison, by its own name or that of its part.
local function is_wanted(part_name, name)
  if not how.only then return true end
  for prefix in how.only:gmatch '[^,]+' do
    if begins(part_name, prefix) or name and begins(name, prefix) then return true end
  end
  return false
end

local function print_tables()
  print('\n' .. tables.machine[1])
  for _, p in ipairs(parts) do
    if tables[p.name] then print(('\n%s\n\n%s'):format(p.about, table.concat(tables[p.name], '\n'))) end
  end
end

local step_names = {'step64', 'paper', 'step32', 'mnist'}
local function concerns(p)
  if is_wanted(p.name) then return true end
  if p.name ~= 'steps' then return false end
  for prefix in how.only:gmatch '[^,]+' do
    for _, name in ipairs(step_names) do
      if begins(prefix, name) then return true end
    end
  end
  return false
end

local function main()
  local level = ffi.string(C.gt_cpu_level())
  tables.machine = {('Measured on %s: %s, %s, %d threads, %s, Gantry %s, choices %s.'):format(os.date '%Y-%m-%d',
    ffi.string(C.gt_cpu_name()), level, threads, ffi.string(C.gt_blas_name()), gantry.version, native.choices_name())}
  print(('gantry %s, %s, %s, choices %s'):format(gantry.version, ffi.string(C.gt_cpu_name()), level, native.choices_name()))
  local any = false
  for _, p in ipairs(parts) do
    if concerns(p) then
      any, current = true, p.name
      p.run(function(name) return is_wanted(p.name, name) end)
    end
  end
  if not any then settings.quit('there is no part %s; --list names them', how.only) end
  if how.write then settings.write_tables(how.write, tables) else print_tables() end
  for _, line in ipairs(left_out) do print('left out: ' .. line) end
  print(('%d minutes in all'):format(math.floor((C.gt_seconds() - began) / 60 + 0.5)))
end

if how.list then
  for _, p in ipairs(parts) do print(('%-10s %s'):format(p.name, p.about)) end
  return
end
local ok, problem = xpcall(main, native.keep_trace)
for _, path in ipairs(temporary) do os.remove(path) end
if not ok then error(problem, 0) end
