--- A session: a trainer at work in a run directory. Metrics, sample grids, checkpoints, signals, and how it ends.
-- @module gantry.gan.session
local lfs = require 'lfs'
local data = require 'gantry.data'
local native = require 'gantry.native'
local checkpoint = require 'gantry.gan.checkpoint'
local network = require 'gantry.gan.network'
local options = require 'gantry.gan.options'
local Progress = require 'gantry.gan.progress'
local Recipe = require 'gantry.gan.recipe'
local run = require 'gantry.gan.run'
local samples = require 'gantry.gan.samples'
local Trainer = require 'gantry.gan.trainer'

local C = native.C

local session = {}

local Session = {}
Session.__index = Session

local function open_append(path)
  local file, problem = io.open(path, 'ab')
  if not file then native.fail('%s', problem) end
  file:setvbuf 'line'
  return file
end

local function new_session(path, recipe, o, spec, quiet)
  local dataset = data.open(spec, options.for_data(o))
  local self = setmetatable({
    path = path, recipe = recipe, options = o, spec = spec, seconds = 0,
    trainer = Trainer.new(recipe, o, dataset), dataset = dataset,
    fixed_z = samples.z(o.samples, o, o.seed),
  }, Session)
  self.quiet = quiet
  return self
end

function Session:open_files()
  self.metrics = open_append(run.file(self.path, 'metrics'))
  self.log = open_append(run.file(self.path, 'log'))
  self.progress = Progress.new(self.options.steps, {quiet = self.quiet, write = function(line) self.log:write(line, '\n') end})
end

function Session:close_files()
  self.progress:close()
  self.metrics:close()
  self.log:close()
end

-- ---- what a session writes ----------------------------------------------------------------------------------------------------

function Session:save()
  local t = self.trainer
  if not t:is_finite() then
    native.fail("step %d: there are weights that are not finite numbers; nothing was saved after step %d", t.number, self.saved or 0)
  end
  local file = run.file(self.path, 'checkpoint')
  self.hash = checkpoint.save(file, t, {recipe = self.recipe.path:match '[^/]+$', data = self.spec, seconds = self.seconds})
  self.saved = t.number
  return file
end

function Session:draw_samples()
  local path = ('%s/%06d.png'):format(run.file(self.path, 'samples'), self.trainer.number)
  samples.save_grid(path, samples.images(self.trainer.G, self.fixed_z))
  self.drawn = self.trainer.number
  self.last_grid = path
  return path
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
  if due(t.number, o.log_every) or t.number == o.steps then self.metrics:write(run.metrics_line(m)) end
  if due(t.number, o.sample_every) and t.number < o.steps then self:draw_samples() end
  if due(t.number, o.checkpoint_every) and t.number < o.steps then self:save() end
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
  if not self.trainer.diverged then return text end
  return ('%s: training has diverged; the checkpoint of step %d is kept in %s; a smaller step size (--set lr=%g) or another --seed '
    .. 'may help'):format(text, self.saved or 0, run.file(self.path, 'checkpoint'), self.options.lr / 2)
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
      self:save()
      if self.drawn ~= self.trainer.number then self:draw_samples() end
    end)
  end
  C.gt_catch_signals(0)
  local say = function(...) self.progress:say(...) end
  if ok then
    say('%s at step %d after %s: %s', interrupted and 'stopped' or 'finished', self.trainer.number,
      Progress.duration(self.seconds), run.file(self.path, 'checkpoint'))
    say('samples: %s', self.last_grid)
    say('weights: %s', self.hash)
    if interrupted then say('go on with: gantry resume %s', self.path) end
  else
    self.log:write(tostring(problem), '\n')
  end
  self:close_files()
  if not ok then error(problem, 0) end
  return {
    path = self.path, step = self.trainer.number, hash = self.hash, interrupted = interrupted, samples = self.last_grid,
    seconds = self.seconds, trainer = self.trainer,
  }
end

--- One line about the networks, one about the data.
function Session:describe()
  local t = self.trainer
  local h, w = options.sides(self.options.size)
  return {
    ('G: %d parameters, D: %d parameters'):format(network.count(t.G), network.count(t.D)),
    ('data: %s, %d images, trained on at %dx%d'):format(self.spec, self.dataset:size(), h, w),
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
  run.create(given.out, recipe, o, given.force)
  self:save()
  return self
end

--- Goes on with a run from its last checkpoint. Executes the recipe that is stored in the run.
-- @tparam table given path, steps (a new last step), quiet
-- @treturn Session
function session.resume(given)
  local opened = run.open(given.path).checkpoint
  local state = opened.state
  if type(state.recipe) ~= 'string' or state.recipe:find '/' then native.fail('%s: does not name its recipe', opened.path) end
  local recipe = Recipe.load(run.file(given.path, 'recipe') .. '/' .. state.recipe)
  local layers = {{from = opened.path, values = opened.options}}
  if given.steps then layers[2] = {from = '--steps', values = {steps = given.steps}} end
  local o = recipe.options:resolve(unpack(layers))
  local self = new_session(given.path, recipe, o, state.data, given.quiet)
  if state.data_size ~= self.dataset:size() then
    native.fail('%s: has %d images now and had %s when the run began; training would go another way', state.data, self.dataset:size(),
      tostring(state.data_size))
  end
  self.trainer:restore(state, opened.file)
  self.seconds, self.saved, self.hash = state.seconds or 0, state.step, state.hash
  run.cut_metrics(given.path, state.step)
  self.differences = {}
  for key, now in pairs(checkpoint.machine()) do
    if opened.machine[key] ~= now then
      local was = tostring(opened.machine[key])
      self.differences[#self.differences + 1] = ('%s was %s and is %s: the last bits may differ'):format(key, was, now)
    end
  end
  table.sort(self.differences)
  return self
end

--- True if a directory holds a run.
function session.is_run(path) return lfs.attributes(run.file(path, 'checkpoint'), 'mode') == 'file' end

return session
