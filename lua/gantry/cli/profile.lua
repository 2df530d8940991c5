--- gantry profile RECIPE: where the time of a step goes, by layer and pass, and how much of what the machine can do is used.
-- @module gantry.cli.profile
local ffi = require 'ffi'
local argparse = require 'argparse'
local native = require 'gantry.native'
local cli = require 'gantry.cli'
local show = require 'gantry.cli.show'

local C = native.C

local function parser()
  local p = argparse('gantry profile', 'Trains some steps, keeps nothing, and shows for each layer and pass: milliseconds, GFLOP/s,\n' ..
    "share of the machine's peak, bytes moved, and by which way convolutions are computed.")
    :epilog('Examples:\n   gantry profile dcgan --config torch64\n   gantry profile my-gan.lua --data ~/photos --set batch=32 --steps 20')
  p:argument('recipe', 'name of a recipe (see gantry recipes), or path of a Lua file')
  p:option('--data', 'where the images come from', 'scenes:faces'):argname 'SPEC'
  p:option('--config', 'YAML file with settings, or the name of one beside the recipe'):argname 'FILE'
  p:option('--set', 'single settings'):argname 'KEY=VALUE':args '+':count '*'
  p:option('--steps', 'steps that are timed', '10'):argname 'N'
  p:option('--precision', 'of convolutions: float32, bf16x3, bfloat16 or reference'):argname 'NAME'
  p:option('--threads', 'threads to use'):argname 'N'
  return p
end

local titles = {input = 'input gradient', weight = 'weight gradient', gradient = 'gradient', forward = 'forward', [''] = ''}

local function line(name, class, pass, row, report)
  local flops = row.flops > 0 and ('%.1f'):format(row.flops / row.seconds * 1e-9) or ''
  local share = row.flops > 0 and ('%.0f%%'):format(100 * row.flops / row.seconds / report.peak_flops) or ''
  local moved = row.bytes > 0 and ('%.1f'):format(row.bytes * 1e-6) or ''
  local speed = row.bytes > 0 and ('%.1f'):format(row.bytes / row.seconds * 1e-9) or ''
  local text = ('%-8s %-37s %-15s %9.3f %5.1f%% %9s %6s %9s %7s  %s'):format(name, (class:gsub('^nn%.', '')), titles[pass] or pass,
    row.seconds * 1e3, 100 * row.seconds / report.seconds, flops, share, moved, speed, row.ways or '')
  io.stdout:write((text:gsub('%s+$', '')), '\n')
end

local function print_rows(report)
  io.stdout:write(('%-8s %-37s %-15s %9s %6s %9s %6s %9s %7s  %s\n'):format('layer', 'class', 'pass', 'ms', 'step', 'GFLOP/s', 'peak',
    'MB moved', 'GB/s', 'way'))
  for _, row in ipairs(report.rows) do
    if row.class == '' then line('', row.name, '', row, report) else line(row.name, row.class, row.pass, row, report) end
  end
end

local function print_sums(report)
  local sums, total = {}, 0
  for _, row in ipairs(report.rows) do
    local sum = sums[row.group]
    if not sum then
      sum = {seconds = 0, flops = 0, bytes = 0}
      sums[row.group] = sum
    end
    sum.seconds, sum.flops, sum.bytes = sum.seconds + row.seconds, sum.flops + row.flops, sum.bytes + row.bytes
    total = total + row.seconds
  end
  io.stdout:write 'sums\n'
  for _, group in ipairs {'convolutions', 'matrix products', 'normalization', 'activations', 'layout', 'optimizer', 'data', 'rest'} do
    if sums[group] then line('', group == 'rest' and 'everything else' or group, '', sums[group], report) end
  end
  line('', 'not attributed', '', {seconds = report.rest, flops = 0, bytes = 0}, report)
  io.stdout:write(('a step: %.3f ms observed (medians of the rows: %.3f), %.3f ms when nobody observes\n'):format(report.seconds * 1e3,
    (total + report.rest) * 1e3, report.unobserved * 1e3))
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  local steps = show.whole('profile', '--steps', given.steps, 1, 10000)
  given.steps = nil
  show.set_threads('profile', given.threads)
  local recipe, resolved = show.resolve('profile', given)
  local data, options = require 'gantry.data', require 'gantry.gan.options'
  local dataset = data.open(given.data, options.for_data(resolved, recipe.pairs))
  show.settings(recipe, resolved)
  local live = C.gt_terminal_columns(1) > 0
  native.check(C.gt_catch_signals(1))
  C.gt_clear_interrupt()
  local report = require('gantry.gan.profile').run(recipe, resolved, dataset, steps, function(number)
    if live then
      io.stdout:write(('\rstep %d of %d ...'):format(number, steps))
      io.stdout:flush()
    end
    return number == 1 or C.gt_interrupted() == 0
  end)
  local interrupted = C.gt_interrupted() ~= 0
  C.gt_catch_signals(0)
  if live then io.stdout:write '\r\27[K' end
  io.stdout:write(('%s, %s, %d threads; peak %.1f GFLOP/s of float multiply-adds, copies move %.1f GB/s; medians of %d steps\n'):format(
    ffi.string(C.gt_cpu_name()), ffi.string(C.gt_cpu_level()), C.gt_threads(), report.peak_flops * 1e-9, report.peak_bytes * 1e-9,
    report.steps))
  print_rows(report)
  print_sums(report)
  io.stdout:write(('memory: %.0f MB in use at most\n'):format(report.memory * 1e-6))
  io.stdout:write('GFLOP/s count a convolution by its definition: winograd multiplies less, bf16 on other units; both may pass the peak.\n')
  io.stdout:write('MB moved: operands read once, results written once.\n')
  return interrupted and 130 or 0
end
