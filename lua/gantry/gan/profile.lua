--- Where the time of a step goes: every op is timed and charged to the layer and pass that it belongs to. Time is counted once: what
-- an op spends in others is theirs. Ops of a backward pass belong to the layer in which what they differentiate was recorded.
-- @module gantry.gan.profile
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local torch = require 'gantry.torch'
local bridge = require 'gantry.nn.bridge'
local convolutions = require 'gantry.gan.convolutions'
local Trainer = require 'gantry.gan.trainer'

local C = native.C
local rawequal, tonumber = rawequal, tonumber

local profile = {}

-- ---- the machine ----------------------------------------------------------------------------------------------------------------

local COPIED = 128 * 2 ^ 20 -- bytes: more than most caches hold

--- What the machine can do at its best, now and with the threads in use.
-- @treturn number floating-point operations a second, on registers
-- @treturn number bytes a second, read and written, of a copy of 128 MB
function profile.peak()
  local flops = C.gt_peak_flops(0.2)
  local a, b = torch.FloatTensor(COPIED / 4):zero(), torch.FloatTensor(COPIED / 4):zero()
  local best = 0
  for _ = 1, 5 do
    local before = C.gt_seconds()
    b:copy(a)
    best = math.max(best, 2 * COPIED / (C.gt_seconds() - before))
  end
  C.gt_tensor_release(a)
  C.gt_tensor_release(b)
  return flops, best
end

-- ---- accounts -------------------------------------------------------------------------------------------------------------------

local Account = {}
Account.__index = Account

local function bytes_of(t)
  if type(t) ~= 'cdata' or not torch.isTensor(t) then return 0 end
  local n = t.rank > 0 and 1 or 0
  for d = 0, t.rank - 1 do n = n * tonumber(t.shape[d]) end
  return n * tonumber(C.gt_dtype_size(t.dtype))
end

--- The row of a layer and a pass; layer: a module, or the name of what belongs to none.
function Account:row(layer, pass)
  local of_layer = self.by_layer[layer]
  if not of_layer then
    of_layer = {}
    self.by_layer[layer] = of_layer
  end
  local row = of_layer[pass]
  if not row then
    row = {layer = layer, pass = pass, seconds = 0, flops = 0, bytes = 0, steps = {}, ways = {}, names = {}}
    of_layer[pass] = row
    self.rows[#self.rows + 1] = row
  end
  return row
end

-- Charges the time since the last call to whoever had it, and hands the clock to another row.
function Account:switch(row)
  local now = C.gt_seconds()
  local current = self.current
  current.seconds = current.seconds + (now - self.since)
  self.since, self.current = now, row
end

function Account:push(row)
  self.stack[#self.stack + 1] = self.current
  self:switch(row)
end

function Account:pop() self:switch(table.remove(self.stack)) end

-- An op inside the backward of a node of two operands that reads the first one finds the gradient of the second: the weight's.
local two_operands = {conv = true, conv_activated = true, conv_input = true, matmul = true}

function Account:pass_of(a, b)
  local node = self.node
  if not node then return 'forward' end
  if node.op.arity == 1 or not two_operands[node.op.name] then return 'gradient' end
  local first = autograd.is_value(node[1]) and node[1].data or node[1]
  return (rawequal(a, first) or rawequal(b, first)) and 'weight' or 'input'
end

local function flops_of(op, out, a, case, ta)
  if case then return convolutions.flops(case) end
  if op.name == 'matmul' then
    local inner = tonumber(a.shape[ta and a.rank - 2 or a.rank - 1])
    return 2 * inner * bytes_of(out) / tonumber(C.gt_dtype_size(out.dtype))
  end
  return 0
end

function Account:begin_op(_, a, b)
  local place = self.layer or 'loss'
  self:push(self:row(place, self:pass_of(a, b)))
end

function Account:end_op(op, out, a, b, c, d, e)
  local row = self.current
  local case = convolutions.case(op, a, b, c, d, e)
  row.flops = row.flops + flops_of(op, out, a, case, c)
  row.bytes = row.bytes + bytes_of(a) + bytes_of(b) + bytes_of(c) + bytes_of(out)
  if case then row.ways[convolutions.way_name(C.gt_conv_way(case))] = true end
  self.inner = true
  self:pop()
end

-- What a backward does by itself, without other ops: a fused kernel, or adding gradients up.
function Account:begin_backward(node, g)
  local nodes = self.nodes
  nodes[#nodes + 1] = self.node or false
  nodes[#nodes + 1] = self.layer
  self.node, self.layer, self.inner = node, node.layer or false, false
  self.moved = bytes_of(g)
  for k = 1, 3 do
    local x = node[k]
    self.moved = self.moved + 2 * bytes_of(autograd.is_value(x) and x.data or x) -- read, and its gradient written
  end
  local pass = two_operands[node.op.name] and 'input' or 'gradient'
  self:push(self:row(self.layer or 'loss', pass))
end

function Account:end_backward()
  if not self.inner then self.current.bytes = self.current.bytes + self.moved end
  self:pop()
  local nodes = self.nodes
  self.layer = table.remove(nodes)
  self.node = table.remove(nodes) or nil
  self.inner = true
end

-- ---- steps ----------------------------------------------------------------------------------------------------------------------

local function new_account()
  local account = setmetatable({
    rows = {}, by_layer = {}, fused = {}, stack = {}, nodes = {}, layers = {}, layer = false, inner = false, moved = 0,
  }, Account)
  account.base = account:row('rest', '')
  account.current, account.since = account.base, C.gt_seconds()
  return account
end

-- Runs fn with everything charged to the account.
local function observed(account, state, fn)
  local before, outer = autograd.observe(account), bridge.watcher
  bridge.watcher = function(module, done, activation)
    if done then
      account.layer = table.remove(account.layers)
      account:pop()
    else
      account.layers[#account.layers + 1] = account.layer
      account.layer = module
      account.fused[module] = activation
      account:push(account:row(module, 'forward'))
    end
  end
  state.on_phase = function(name) account:switch(name and account:row(name, '') or account.base) end
  account.current, account.since = account.base, C.gt_seconds()
  local started = account.since
  local ok, problem = xpcall(fn, native.keep_trace)
  account:switch(account.base)
  state.on_phase, bridge.watcher = nil, outer
  autograd.observe(before)
  if not ok then error(problem, 0) end
  return account.since - started
end

local function median(list)
  table.sort(list)
  local n = #list
  return n == 0 and 0 or n % 2 == 1 and list[(n + 1) / 2] or (list[n / 2] + list[n / 2 + 1]) / 2
end

local WARM = 2 -- steps before any is counted: they find their memory

--- Profiles steps of a recipe. Every other step runs unobserved, so that the price of observing is known.
-- @tparam Recipe recipe
-- @tparam table o resolved options
-- @param dataset from gantry.data
-- @int steps how many are observed
-- @tparam[opt] function progress called before each of them with its number; false ends it
-- @treturn table rows: {name, class, kind, pass, seconds, flops, bytes, ways} of one step, in the order of the networks; seconds: of an
-- observed step; unobserved: of one that nobody observes; rest: seconds that belong to no row; memory: bytes of the library's at most;
-- steps; peak_flops, peak_bytes
-- @usage local report = profile.run(recipe, options, data.open('scenes:faces', {size = 32}), 5)
function profile.run(recipe, o, dataset, steps, progress)
  local trainer = Trainer.new(recipe, o, dataset)
  local report = {rows = {}, steps = 0}
  report.peak_flops, report.peak_bytes = profile.peak()
  C.gt_pool_reset_peak()
  for _ = 1, WARM do trainer:step() end
  local account, observed_times, plain_times = new_account(), {}, {}
  for number = 1, steps do
    if progress and progress(number) == false then break end
    observed_times[number] = observed(account, trainer.state, function() trainer:step() end)
    for _, row in ipairs(account.rows) do
      row.steps[number], row.seconds = row.seconds, 0
    end
    local before = C.gt_seconds()
    trainer:step()
    plain_times[number] = C.gt_seconds() - before
    report.steps = number
  end
  report.memory = C.gt_pool().peak
  profile.summarize(report, account, trainer, observed_times)
  report.seconds, report.unobserved = median(observed_times), median(plain_times)
  return report
end

local groups = {
  data = 'data', z = 'rest', zero = 'rest', sums = 'rest', checks = 'rest', optimizer = 'optimizer', loss = 'rest',
}

local titles = {
  data = 'next images', z = 'drawing z', zero = 'gradients set to zero', sums = 'the tape, and gradients added up',
  checks = 'are gradients finite', optimizer = 'optimizer', loss = 'losses',
}

--- What kind of work a layer does, for the sums.
local function group_of(module)
  if type(module) == 'string' then return groups[module] or 'rest' end
  local class = torch.typename(module) or ''
  if class:match 'Convolution' or class:match 'Linear' then return class:match 'Linear' and 'matrix products' or 'convolutions' end
  if class:match 'Normalization' then return 'normalization' end
  if torch.isTypeOf(module, 'nn.Composite') then return 'rest' end
  if module.modules or class:match 'View' or class:match 'Reshape' then return 'layout' end
  return 'activations'
end

local order = {forward = 1, input = 2, weight = 3, gradient = 4}

--- Rows of one step out of an account.
function profile.summarize(report, account, trainer, observed_times)
  local places, rank = convolutions.places(trainer.nets), {}
  for i, name in ipairs(trainer.names) do rank[name] = ('%04d'):format(i) end
  local function key(row)
    local place = places[row.layer]
    if not place then return 'Z' .. (type(row.layer) == 'string' and row.layer or '') end
    local net, rest = place:match '^(%S+)(.*)$'
    return rank[net] .. rest:gsub('%d+', function(d) return ('%04d'):format(tonumber(d)) end)
  end
  local rest = {}
  for i, seconds in ipairs(observed_times) do rest[i] = account.base.steps[i] or seconds end
  report.rest = median(rest)
  for _, row in ipairs(account.rows) do
    if row ~= account.base then
      for i = 1, report.steps do row.steps[i] = row.steps[i] or 0 end
      local ways = {}
      for way in pairs(row.ways) do ways[#ways + 1] = way end
      table.sort(ways)
      local named, fused = type(row.layer) == 'string', account.fused[row.layer]
      report.rows[#report.rows + 1] = {
        name = named and (titles[row.layer] or row.layer) or places[row.layer] or '?',
        class = named and '' or torch.typename(row.layer) .. (fused and ' + ' .. torch.typename(fused):gsub('^nn%.', '') or ''),
        group = group_of(row.layer), pass = row.pass, seconds = median(row.steps), flops = row.flops / report.steps,
        bytes = row.bytes / report.steps, ways = table.concat(ways, ', '), key = key(row) .. (order[row.pass] or 0),
      }
    end
  end
  table.sort(report.rows, function(p, q) return p.key < q.key end)
end

return profile
