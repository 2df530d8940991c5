-- Seconds of a DCGAN update, Gantry's beside PyTorch's: live processes that take turns, a step each, so that a slow moment
-- of the machine falls on both. Prints medians and `ratio NAME VALUE` lines: our time over theirs.
-- usage: gantry bench/step.lua [PAIRS]      PyTorch is found through /usr/bin/python3; without it only our seconds are printed.
local ffi = require 'ffi'
local gantry = require 'gantry'
local native = require 'gantry.native'

local pairs_wanted = tonumber(arg[1]) or 15
local here = arg[0]:match '^(.*/)' or './'
local threads = native.C.gt_threads()

--- Starts a process that does a step for every line it reads.
local function start(command)
  local fifo = os.tmpname()
  os.remove(fifo)
  assert(os.execute('mkfifo ' .. fifo) == 0)
  local to = io.popen(command .. ' >' .. fifo .. ' 2>/dev/null', 'w')
  local from = io.open(fifo, 'r')
  os.remove(fifo)
  if from:read '*l' ~= 'ready' then return nil end
  return function()
    to:write '\n'
    to:flush()
    return tonumber(from:read '*l')
  end, function()
    to:close()
    from:close()
  end
end

local function median(list)
  table.sort(list)
  local n = #list
  return n % 2 == 1 and list[(n + 1) / 2] or (list[n / 2] + list[n / 2 + 1]) / 2
end

local openblas = '/usr/lib/x86_64-linux-gnu/openblas-openmp'
-- PyTorch's best surroundings: the right OpenBLAS kernels, its OpenMP build, and memory that is not given back at every step.
local surroundings = ('OPENBLAS_CORETYPE=%s LD_LIBRARY_PATH=%s MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184 ' ..
  'MALLOC_TOP_PAD_=268435456'):format(ffi.string(native.C.gt_blas_name()):match 'SkylakeX' or 'Haswell', openblas)
local command = here .. '../bin/gantry'

local function compare(name, size, batch, base, kernel, channels)
  local nets = ('%d %d %d %d %d'):format(size, batch, base, kernel, channels)
  local ours, stop_ours = start(('%s %sgantry_step.lua %s'):format(command, here, nets))
  if not ours then error 'bench: our own step does not start' end
  local peers = {}
  for _, how in ipairs {'plain', 'tuned'} do
    local step, stop = start(('%s /usr/bin/python3 %speers/pytorch_step.py %s %d %s'):format(surroundings, here, nets, threads, how))
    if step then peers[#peers + 1] = {how = how, step = step, stop = stop, times = {}} end
  end
  local times = {}
  for _ = 1, pairs_wanted do
    times[#times + 1] = ours()
    for _, peer in ipairs(peers) do peer.times[#peer.times + 1] = peer.step() end
  end
  stop_ours()
  local mine = median(times)
  print(('%s  %dx%d, batch %d, base %d, %d threads: %.3f s a step'):format(name, size, size, batch, base, threads, mine))
  for _, peer in ipairs(peers) do
    peer.stop()
    local theirs = median(peer.times)
    print(('  PyTorch %s: %.3f s'):format(peer.how, theirs))
    print(('ratio %s_float32_vs_pytorch_%s %.3f'):format(name, peer.how, mine / theirs))
  end
  if #peers == 0 then print '  PyTorch is not installed for /usr/bin/python3: nothing to compare with' end
end

print(('gantry %s, %s'):format(gantry.version, ffi.string(native.C.gt_cpu_name())))
-- name, size, batch, base, kernel, channels
compare('step64_b128', 64, 128, 64, 4, 3)
compare('step64_b64', 64, 64, 64, 4, 3)
compare('step64_b64_base32', 64, 64, 32, 4, 3)
compare('step32_b128', 32, 128, 64, 4, 3)
compare('step32_b64_mnist', 32, 64, 32, 5, 1)
