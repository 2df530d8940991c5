--- The failure that the DCGAN paper left open: "as models are trained longer they sometimes collapse a subset of filters to a single
-- oscillating mode" (Radford, Metz, Chintala 2015, arXiv 1511.06434, section 7). What it looks like is measured here.
--
-- At each logged step G makes images of the same few z, as samples are drawn, and each of its filters (a channel of the maps that come out
-- of an activation) leaves one number: its mean. The last 65 of them are a filter's history. Its moves, from one logged step to the next,
-- are taken apart into frequencies, less their mean. Noise and a filter that wanders spread over all of them; one that swings does
-- not. A filter is *oscillating* where more than 60% of the squares of its moves lie at one frequency (two neighbouring ones of 32, of
-- which each takes at least two periods); the statistic is that of Fisher 1929, "Tests of significance in harmonic analysis". Of 200,000
-- filters that only made noise 2 did, of as many that wandered none.
--
-- Swings are seen that take 2 to 32 logged steps. Nothing here draws from torch's generator or changes a network.
-- @module gantry.gan.filters
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local torch = require 'gantry.torch'
local bridge = require 'gantry.nn.bridge'
local samples = require 'gantry.gan.samples'

local Filters = {}
Filters.__index = Filters

--- Moves of each filter that are looked at; a history is one longer.
Filters.MOVES = 64
local MOVES = Filters.MOVES

local MOST = 0.6      -- of the squares of its moves, above which a filter oscillates
local ROUNDING = 1e-6 -- of what a filter is: moves of so little are none
local SEED = 7919     -- of the z
local SHARE = 32      -- looking runs G on a 32nd of a minibatch,
local MOST_Z = 8      -- on 2 to so many z

local activations = {}
for name in ('ReLU LeakyReLU PReLU ELU SoftPlus Tanh Sigmoid HardTanh Maxout'):gmatch '%a+' do activations['nn.' .. name] = true end
local reshapes = {['nn.View'] = true, ['nn.Reshape'] = true}

-- Rows of cosines and sines of the frequencies 1 to MOVES / 2 that are orthonormal: a series times them gives its parts.
local function waves()
  local rows = torch.DoubleTensor(MOVES - 1, MOVES)
  for t = 1, MOVES do
    for k = 1, MOVES / 2 - 1 do
      rows[2 * k - 1][t] = math.sqrt(2 / MOVES) * math.cos(2 * math.pi * k * t / MOVES)
      rows[2 * k][t] = math.sqrt(2 / MOVES) * math.sin(2 * math.pi * k * t / MOVES)
    end
    rows[MOVES - 1][t] = math.cos(math.pi * t) / math.sqrt(MOVES)
  end
  return rows
end

-- Sums of the squares at two neighbouring frequencies, k and k + 1 for k from 2 on.
local function neighbours()
  local rows = torch.DoubleTensor(MOVES / 2 - 2, MOVES - 1):zero()
  for k = 2, MOVES / 2 - 1 do rows[k - 1]:narrow(1, 2 * k - 1, k == MOVES / 2 - 1 and 3 or 4):fill(1) end
  return rows
end

local wave_rows, neighbour_rows

-- Tensors that are used again, so that looking takes no new memory: name -> tensor.
local function room()
  return setmetatable({}, {__index = function(self, name)
    local t = name == 'where' and torch.LongTensor() or name == 'mask' and torch.ByteTensor() or torch.DoubleTensor()
    rawset(self, name, t)
    return t
  end})
end

--- What histories say.
-- @param history (MOVES + 1) x filters, oldest first
-- @tparam[opt] table own memory of the caller's that is used again: {} at first
-- @treturn number part of the filters that oscillate, 0..1
-- @treturn number the largest part of all filters' movement that lies at one and the same frequency, 0..1: 1 where all swing together.
-- Each filter counts as much as another, however far it moves; those that do not move do not count
-- @usage local oscillating, one_mode = Filters.spectrum(history)
function Filters.spectrum(history, own)
  if not torch.isTensor(history) or history:dim() ~= 2 or history:size(1) ~= MOVES + 1 then
    native.fail('filters: got a %s, wanted histories: %d x filters', torch.isTensor(history) and
      ('tensor of %s'):format(table.concat(history:size():totable(), ' x ')) or torch.type(history), MOVES + 1)
  end
  wave_rows, neighbour_rows = wave_rows or waves(), neighbour_rows or neighbours()
  local r = own or room()
  local n = history:size(2)
  local x = r.x:resize(MOVES + 1, n):copy(history)
  local moves = torch.add(r.moves:resize(MOVES, n), x:narrow(1, 2, MOVES), -1, x:narrow(1, 1, MOVES))
  local squares = torch.mm(r.squares, wave_rows, moves):pow(2)
  local all = torch.sum(r.all, squares, 1)
  local least = torch.sum(r.least, x:pow(2), 1):mul(ROUNDING ^ 2)
  torch.gt(r.mask, all, least)
  local weight = r.weight:resize(1, n):copy(r.mask):cdiv(all:clamp(1e-300, math.huge)) -- 0 for a filter that rests
  local shares = torch.mm(r.shares, neighbour_rows, squares):cmul(weight:expand(neighbour_rows:size(1), n))
  local moving = r.mask:sum()
  torch.max(r.most, r.where, shares, 1)
  torch.gt(r.mask, r.most, MOST)
  return r.mask:sum() / n, torch.sum(r.at, shares, 2):max() / math.max(1, moving)
end

--- Watches the generator of a run.
-- @tparam table o the run's options
-- @bool[opt] labelled whether G takes {z, classes}
-- @treturn Filters rows: how long the histories are
function Filters.new(o, labelled)
  local n = math.max(2, math.min(MOST_Z, math.floor(o.batch / SHARE)))
  return setmetatable({
    z = samples.z(n, o, SEED), labels = labelled and samples.labels(n, o.classes) or nil,
    rows = 0, row = torch.FloatTensor(), history = torch.FloatTensor(), spare = torch.FloatTensor(), room = room(),
  }, Filters)
end

-- Calls visit(maps) with what comes out of each of G's activations, N x C x H x W, but not with its images.
local function each_map(self, G, visit)
  local was_training, behind_activation, maps = G.train, false, nil
  local function look(m, output)
    if m.modules then return end
    if maps then visit(maps) end
    local class = torch.type(m)
    local activation = activations[class] or false
    local wanted = (activation or behind_activation and reshapes[class]) and autograd.is_value(output) and output.data:dim() == 4
    maps, behind_activation = wanted and output or nil, activation
  end
  G:evaluate()
  local function run() G:forward(samples.input(self.z, self.labels, 1, self.z:size(1))) end
  local ok, problem = pcall(bridge.observe, look, autograd.scope, autograd.no_grad, run)
  if was_training ~= false then G:training() end
  if not ok then error(problem, 0) end
end

-- Puts what filters do now at the end of their histories; the oldest of what is there goes.
local function append(self, row)
  local n = row:size(1)
  if self.rows > 0 and self.history:size(2) ~= n then self.rows = 0 end
  local kept = math.min(self.rows, MOVES)
  local new = self.spare:resize(MOVES + 1, n)
  if kept > 0 then new:narrow(1, 1, kept):copy(self.history:narrow(1, self.rows - kept + 1, kept)) end
  new[kept + 1]:copy(row)
  self.history, self.spare, self.rows = new, self.history, kept + 1
end

--- Adds what G's filters do now to their histories.
-- @param G the generator; left as it was
-- @treturn table filters_dead: part of the filters that are 0 everywhere; and once the histories are long enough filters_oscillating and
-- filters_one_mode (see Filters.spectrum). Empty where G has no maps
function Filters:look(G)
  local row, n, dead = self.row, 0, 0
  each_map(self, G, function(maps)
    local mean = maps:mean({1, 3, 4}).data
    local channels = mean:nElement()
    if row:nElement() < n + channels then row:resize(n + channels) end
    row:narrow(1, n + 1, channels):copy(mean)
    n = n + channels
  end)
  if n == 0 then return {} end
  append(self, row:narrow(1, 1, n))
  for i = 1, n do
    if row[i] == 0 then dead = dead + 1 end
  end
  local found = {filters_dead = dead / n}
  if self.rows == MOVES + 1 then found.filters_oscillating, found.filters_one_mode = Filters.spectrum(self.history, self.room) end
  return found
end

--- The histories, for a checkpoint.
-- @treturn[opt] tensor rows x filters; nothing where there are none
function Filters:saved() return self.rows > 0 and self.history:narrow(1, 1, self.rows) or nil end

--- Goes on from histories that were saved, or from none.
-- @param[opt] saved what :saved() gave
function Filters:restore(saved)
  self.rows = 0
  if not saved or saved:dim() ~= 2 or saved:size(1) > MOVES + 1 then return end
  self.rows = saved:size(1)
  self.history:resize(MOVES + 1, saved:size(2)):narrow(1, 1, self.rows):copy(saved)
end

return Filters
