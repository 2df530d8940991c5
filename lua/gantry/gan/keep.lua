--- Which checkpoints of a run stay: checkpoint.safetensors is always the newest; `keep` more than 1 keeps the newest few in
-- checkpoints/ too, and `keep_best` the one with the best mean of a metric since the checkpoint before, as best.safetensors.
-- @module gantry.gan.keep
local lfs = require 'lfs'
local native = require 'gantry.native'
local folder = require 'gantry.gan.folder'
local nearest = require 'gantry.gan.nearest'

local Keeper = {}
Keeper.__index = Keeper

--- @string path the run's directory
-- @tparam table o the run's options: keep, keep_best
-- @tparam[opt] table saved what :state() gave before the run was stopped
function Keeper.new(path, o, saved)
  saved = type(saved) == 'table' and saved or {}
  local which, name = o.keep_best:match '^(m[ai][xn]):(.+)$'
  return setmetatable({
    path = path, keep = o.keep, metric = o.keep_best ~= 'none' and (name or o.keep_best) or nil, sign = which == 'max' and -1 or 1,
    sum = tonumber(saved.sum) or 0, count = tonumber(saved.count) or 0, best = tonumber(saved.best), best_step = tonumber(saved.best_step),
  }, Keeper)
end

--- Takes a step's metrics into account.
-- @tparam table m
-- @bool all whether all that there are should be among them: some are computed at logged steps only
function Keeper:add(m, all)
  if not self.metric then return end
  local v = m[self.metric]
  if not v and not all then return end
  if not v then
    local names = {}
    for key in pairs(m) do names[#names + 1] = key end
    table.sort(names)
    local near = nearest(self.metric, names)
    native.fail('keep_best: there is no metric %s%s; there are %s', self.metric, near and (' (did you mean %s?)'):format(near) or '',
      table.concat(names, ', '))
  end
  self.sum, self.count = self.sum + v, self.count + 1
end

--- At a checkpoint that is due, before it is written: whether it is the best so far.
function Keeper:judge(step)
  if not self.metric or self.count == 0 then return end
  local mean = self.sum / self.count
  self.sum, self.count = 0, 0
  if mean == mean and (not self.best or self.sign * mean < self.sign * self.best) then self.best, self.best_step = mean, step end
end

--- What a checkpoint stores, so that a resumed run judges as one that never stopped.
function Keeper:state()
  if not self.metric then return nil end
  return {sum = self.sum, count = self.count, best = self.best, best_step = self.best_step}
end

-- A second name for the newest checkpoint; a copy where the file system knows no second names.
local function link(from, to)
  local temporary = to .. '.tmp-0'
  os.remove(temporary)
  if lfs.link(from, temporary) then
    local ok, problem = os.rename(temporary, to)
    os.remove(temporary) -- where `to` was a name of the same file already, renaming does nothing
    if not ok then native.fail('%s', problem) end
    return
  end
  folder.write(to, folder.read(from))
end

local function numbered(path, step) return ('%s/%06d.safetensors'):format(folder.file(path, 'checkpoints'), step) end

--- The steps of the checkpoints in checkpoints/, oldest first.
function Keeper.steps(path)
  local steps = {}
  for _, entry in ipairs(folder.entries(folder.file(path, 'checkpoints'))) do
    steps[#steps + 1] = tonumber(entry:match '^(%d+)%.safetensors$')
  end
  table.sort(steps)
  return steps
end

--- After checkpoint.safetensors was written.
function Keeper:settle(step)
  local newest = folder.file(self.path, 'checkpoint')
  if self.best_step == step then link(newest, folder.file(self.path, 'best')) end
  if self.keep > 1 and step > 0 then
    folder.make(folder.file(self.path, 'checkpoints'))
    link(newest, numbered(self.path, step))
    local steps = Keeper.steps(self.path)
    for i = 1, #steps - self.keep do os.remove(numbered(self.path, steps[i])) end
  end
end

--- Goes back to a step: later checkpoints belong to a future that will not come.
function Keeper:go_back(step)
  for _, later in ipairs(Keeper.steps(self.path)) do
    if later > step then os.remove(numbered(self.path, later)) end
  end
  self:settle(step)
end

--- The file of a checkpoint of a run.
-- @string path the run's directory
-- @param which nil or 'last', 'best', or a step
-- @treturn string
function Keeper.find(path, which)
  if which == nil or which == 'last' then return folder.file(path, 'checkpoint') end
  if which == 'best' then
    local file = folder.file(path, 'best')
    if folder.kind(file) ~= 'file' then
      native.fail('%s: no best checkpoint is kept there; train with --set keep_best=d_loss or another metric', path)
    end
    return file
  end
  local step = tonumber(which)
  if not step or step % 1 ~= 0 or step < 0 then native.fail('checkpoint %s: wanted last, best or a step', tostring(which)) end
  local file = numbered(path, step)
  if folder.kind(file) == 'file' then return file end
  local there = table.concat(Keeper.steps(path), ', ')
  native.fail('%s: the checkpoint of step %d is not kept there; %s', path, step, there ~= '' and 'there are those of ' .. there or
    'train with --set keep=5 to keep the last five')
end

return Keeper
