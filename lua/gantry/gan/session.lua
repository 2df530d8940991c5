--- A session: a trainer at work in a run directory. Metrics, sample grids, checkpoints, signals, and how it ends.
-- @module gantry.gan.session
local data = require 'gantry.data'
local native = require 'gantry.native'
local precision = require 'gantry.autograd.precision'
local checkpoint = require 'gantry.gan.checkpoint'
local folder = require 'gantry.gan.folder'
local Keeper = require 'gantry.gan.keep'
local metrics = require 'gantry.gan.metrics'
local network = require 'gantry.gan.network'
local options = require 'gantry.gan.options'
local plot = require 'gantry.gan.plot'
local Progress = require 'gantry.gan.progress'
local Recipe = require 'gantry.gan.recipe'
local run = require 'gantry.gan.run'
local samples = require 'gantry.gan.samples'
local sheet = require 'gantry.gan.sheet'
local Trainer = require 'gantry.gan.trainer'

local C = native.C

local session = {}

local Session = {}
Session.__index = Session

local function new_session(path, recipe, o, spec, quiet)
  local dataset = data.open(spec, options.for_data(o, recipe.pairs))
  local self = setmetatable({
    path = path, recipe = recipe, options = o, spec = spec, seconds = 0,
    trainer = Trainer.new(recipe, o, dataset), dataset = dataset,
    keeper = Keeper.new(path, o),
  }, Session)
  if recipe.pairs then
    local n = dataset:size() > 0 and math.min(o.samples, dataset:size()) or o.samples
    self.fixed_z, self.fixed_truth = samples.pairs(dataset, n)
  else
    self.fixed_z = samples.z(o.samples, o, o.seed)
  end
  if recipe.labels then self.fixed_labels = samples.labels(o.samples, o.classes) end
  self.quiet = quiet
  return self
end

function Session:open_files()
  local problem
  self.log, problem = io.open(folder.file(self.path, 'log'), 'ab')
  if not self.log then native.fail('%s', problem) end
  self.log:setvbuf 'no'
  self.unlogged = {}
  self.progress = Progress.new(self.options.steps, {quiet = self.quiet, write = function(line) self:note(line) end})
  self.metrics = metrics.writer(self.path, function(message) self.progress:say('warning: %s', message) end)
end

-- Adds a line to the log; what a full disk does not take is kept for when there is room again.
function Session:note(line)
  local lines = self.unlogged
  lines[#lines + 1] = line
  while lines[1] and self.log:write(lines[1], '\n') do table.remove(lines, 1) end
end

function Session:close_files()
  self.progress:close()
  self.metrics:close()
  self.log:close()
end

-- ---- what a session writes ----------------------------------------------------------------------------------------------------

--- Writes a checkpoint.
-- @bool[opt] due whether it is one that `keep_best` judges
function Session:save(due)
  local t = self.trainer
  if not t:is_finite() then
    t.diverged = true
    native.fail('step %d: there are weights that are not finite numbers; nothing was saved after step %d', t.number, self.saved or 0)
  end
  if due then self.keeper:judge(t.number) end
  self.hash = checkpoint.save(folder.file(self.path, 'checkpoint'), t, {
    recipe = self.recipe.path:match '[^/]+$', data = data.absolute(self.spec), seconds = self.seconds,
    keeper = self.keeper:state(), score = self.recipe.score,
  })
  self.saved = t.number
  self.keeper:settle(t.number)
end

--- Draws the sample grid and the plot of the metrics.
function Session:draw_samples()
  local path = ('%s/%06d.png'):format(folder.file(self.path, 'samples'), self.trainer.number)
  local images = precision.within(self.options.precision, samples.images, self.trainer:generator(), self.fixed_z,
    self.fixed_labels)
  if self.fixed_truth then
    samples.save_grid(path, samples.triples(self.fixed_z, images, self.fixed_truth), sheet.columns_of_triples(images:size(1)))
  else
    samples.save_grid(path, images, self.fixed_labels and sheet.columns_of_classes(self.options.classes, self.options.samples))
  end
  self.drawn = self.trainer.number
  self.last_grid = path
  plot.draw(self.path, self.recipe.score, folder.file(self.path, 'plot'))
end

-- Does what writes files; where it cannot (a full disk, say), training goes on and tries again when it is due again.
function Session:attempt(method, ...)
  local ok, problem = pcall(method, self, ...)
  if ok then return end
  if self.trainer.diverged then error(problem, 0) end
  self.progress:say('warning: step %d: %s; training goes on, the checkpoint of step %d is good', self.trainer.number, tostring(problem),
    self.saved or 0)
end

-- ---- the loop -------------------------------------------------------------------------------------------------------------------

local function due(number, every) return every > 0 and number % every == 0 end

function Session:one_step()
  local t, o = self.trainer, self.options
  local before = C.gt_seconds()
  local m = t:step()
  local took = C.gt_seconds() - before
  self.seconds = self.seconds + took
  self.pace = self.pace and self.pace + 0.1 * (took - self.pace) or took
  m.seconds, m.images_per_second = self.seconds, o.batch / self.pace
  local logged = t:is_logged(t.number)
  self.keeper:add(m, logged)
  if logged then self.metrics:add(m) end
  if due(t.number, o.sample_every) and t.number < o.steps then self:attempt(self.draw_samples) end
  if due(t.number, o.checkpoint_every) and t.number < o.steps then self:attempt(self.save, true) end
  self.progress:update(m, m.images_per_second, (o.steps - t.number) * self.pace)
end

function Session:loop()
  local t, o = self.trainer, self.options
  while t.number < o.steps do
    self:one_step()
    if C.gt_interrupted() ~= 0 then return true end
  end
  return false
end

local function explain(self, problem)
  local text = tostring(problem)
  if not self.trainer.diverged then
    local full = text:find 'cannot be written'
    if not full and (self.saved or 0) == 0 then return text end
    return ('%s; %sthe checkpoint of step %d is good, and `gantry resume %s` goes on from it'):format(text,
      full and 'make room or choose another place; ' or '', self.saved or 0, self.path)
  end
  return ('%s; training has diverged; the checkpoint of step %d is kept in %s; go on from it with a smaller step size, '
    .. '`gantry resume %s --set lr=%g`, or begin again with another --seed'):format(text, self.saved or 0,
    folder.file(self.path, 'checkpoint'), self.path, self.options.lr / 2)
end

--- Trains until the last step or a signal, then saves, draws and says where.
function Session:run()
  self:open_files()
  native.check(C.gt_catch_signals(1))
  C.gt_clear_interrupt()
  local ok, interrupted = xpcall(self.loop, native.keep_trace, self)
  local problem = not ok and explain(self, interrupted)
  if ok then
    ok, problem = pcall(function()
      self:save(not interrupted)
      if self.drawn ~= self.trainer.number then self:draw_samples() end
    end)
    if not ok then problem = explain(self, problem) end
  end
  C.gt_catch_signals(0)
  local say = function(...) self.progress:say(...) end
  if ok then
    say('%s at step %d after %s: %s', interrupted and 'stopped' or 'finished', self.trainer.number,
      Progress.duration(self.seconds), folder.file(self.path, 'checkpoint'))
    if self.keeper.best then
      say('best: step %d, %s %.4g: %s', self.keeper.best_step, self.options.keep_best, self.keeper.best, folder.file(self.path, 'best'))
    end
    say('samples: %s', self.last_grid)
    say('metrics: %s', folder.file(self.path, 'plot'))
    say('weights: %s', self.hash)
    if interrupted then say('go on with: gantry resume %s', self.path) end
  else
    self:note(tostring(problem))
    if self.trainer.diverged then
      self.metrics:add {step = self.trainer.number + 1, seconds = self.seconds, diverged = 1}
      pcall(plot.draw, self.path, self.recipe.score, folder.file(self.path, 'plot'))
    end
  end
  self:close_files()
  self.lock:release()
  if not ok then error(problem, 0) end
  return {
    path = self.path, step = self.trainer.number, hash = self.hash, interrupted = interrupted, samples = self.last_grid,
    seconds = self.seconds, trainer = self.trainer,
  }
end

--- Lets go of the run without training, so that another process may have it.
function Session:leave() self.lock:release() end

--- One line about the networks, one about the data.
function Session:describe()
  local t = self.trainer
  local h, w = options.sides(self.options.size)
  local images = self.dataset:size()
  local counts = {}
  for i, name in ipairs(t.names) do counts[i] = ('%s: %d parameters'):format(name, network.count(t.nets[name])) end
  return {
    table.concat(counts, ', '),
    ('data: %s, %s, trained on at %dx%d'):format(self.spec, images > 0 and images .. ' images' or 'endless', h, w),
  }
end

-- ---- beginnings -------------------------------------------------------------------------------------------------------------------

--- Begins a run at step 0. Nothing is trained until session:run().
-- @tparam table given recipe (name, path or Recipe), options (resolved), data (spec), out (directory), force, quiet
-- @treturn Session
-- @usage gan.session.start({recipe = 'dcgan', data = 'scenes:faces', out = 'runs/faces', options = o}):run()
function session.start(given)
  local recipe = type(given.recipe) == 'string' and Recipe.load(given.recipe) or given.recipe
  local o = given.options or recipe.options:resolve()
  local self = new_session(given.out, recipe, o, given.data or 'scenes:faces', given.quiet)
  self.lock = folder.create(given.out, recipe, o, given.force)
  local ok, problem = pcall(self.save, self)
  if ok then return self end
  self.lock:release()
  error(problem, 0)
end

local function restore(given)
  local opened = checkpoint.open(Keeper.find(given.path, given.checkpoint))
  local state = opened.state
  if type(state.recipe) ~= 'string' or state.recipe:find '/' then native.fail('%s: does not name its recipe', opened.path) end
  local recipe = Recipe.load(folder.file(given.path, 'recipe') .. '/' .. state.recipe)
  local layers = {{from = opened.path, values = opened.options}, {from = '--set', values = given.set or {}}}
  if given.steps then layers[3] = {from = '--steps', values = {steps = given.steps}} end
  local o = recipe.options:resolve(unpack(layers))
  local opens, self = pcall(new_session, given.path, recipe, o, given.data or state.data, given.quiet)
  if not opens then
    local what = tostring(self):match '^[^;]*'
    local missing = what:find '^data: there is no ' or what:find '^data: %w+: there is no '
    if given.data or not missing then error(self, 0) end
    native.fail('%s; where it was moved: gantry resume %s --data SPEC', what, given.path)
  end
  if state.data_size ~= self.dataset:size() then
    native.fail('%s: has %d images now and had %s when the run began; training would go another way', self.spec, self.dataset:size(),
      tostring(state.data_size))
  end
  self.trainer:restore(state, opened.file)
  self.seconds, self.saved, self.hash = tonumber(state.seconds) or 0, state.step, state.hash
  self.keeper = Keeper.new(given.path, o, state.keeper)
  folder.tidy(given.path)
  metrics.cut(given.path, state.step)
  if given.checkpoint then folder.write(folder.file(given.path, 'checkpoint'), folder.read(opened.path)) end
  self.keeper:go_back(state.step)
  if given.set or given.steps then folder.write_options(given.path, recipe, o) end
  self.differences = {}
  for key, now in pairs(checkpoint.machine()) do
    local was = tostring(opened.machine[key] or 'none')
    if was ~= now then
      self.differences[#self.differences + 1] = ('%s was %s and is %s: the last bits may differ'):format(key, was, now)
    end
  end
  table.sort(self.differences)
  return self
end

--- Goes on with a run from its last checkpoint. Executes the recipe that is stored in the run.
-- @tparam table given path, data (where it was moved), steps (a new last step), set (changed options), checkpoint (nil, 'best' or a
-- step that was kept), quiet
-- @treturn Session
function session.resume(given)
  run.expect(given.path)
  local lock = folder.lock(given.path)
  local ok, result = pcall(restore, given)
  if not ok then
    lock:release()
    error(result, 0)
  end
  result.lock = lock
  return result
end

return session
