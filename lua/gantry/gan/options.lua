--- Options of a recipe: defaults with one-line help, and the checking of everything that may change them: YAML files,
-- `--set key=value`, flags, and recipes that derive from others.
-- @module gantry.gan.options
local native = require 'gantry.native'
local precision = require 'gantry.autograd.precision'
local nearest = require 'gantry.gan.nearest'

local options = {}

local Options = {}
Options.__index = Options

local fits = {'auto', 'crop', 'stretch', 'pad'}

local MOST_SIDE = 4096

--- Options that the trainer itself reads; every recipe has them.
local common = {
  steps = {25000, 'updates of the generator', min = 0, integer = true},
  batch = {128, 'images in a minibatch', min = 2, integer = true},
  size = {64, 'of the images in pixels: 64, or HEIGHTxWIDTH', sides = true},
  channels = {3, 'channels of the images: 1 gray, 3 RGB, 4 RGBA', one_of = {1, 3, 4}},
  z_size = {100, 'numbers in z', min = 1, integer = true},
  z = {'uniform', 'distribution of z: uniform (-1 to 1) or normal', one_of = {'uniform', 'normal'}},
  optimizer = {'adam', 'how weights are moved: adam, rmsprop or sgd', one_of = {'adam', 'rmsprop', 'sgd'}},
  lr = {2e-4, "the optimizer's step size", min = 0},
  lr_d = {0, "D's, where it is another than lr; 0: the same", min = 0},
  beta1 = {0.5, "Adam's decay of the mean gradient", min = 0, max = 1},
  beta2 = {0.999, "Adam's and RMSprop's decay of the mean squared gradient", min = 0, max = 1},
  momentum = {0, "sgd's: what is kept of the last move", min = 0, max = 1},
  weight_decay = {0, 'times the weights, is added to their gradients', min = 0},
  clip_gradients = {0, "the longest that a network's gradient may be; 0: any", min = 0},
  schedule = {'constant', 'of the step size: constant, linear (to 0 at the end) or exponential (to lr_final)',
    one_of = {'constant', 'linear', 'exponential'}},
  decay_from = {0.5, 'part of the steps after which the schedule begins', min = 0, max = 1},
  lr_final = {0.01, 'what an exponential schedule has multiplied the step size by at the end', min = 1e-9, max = 1},
  precision = {'float32', 'of convolutions: float32, bf16x3, bfloat16, or reference (plain loops)', one_of = precision.names},
  critic_steps = {1, 'updates of D for each of G', min = 1, integer = true},
  accumulate = {1, 'minibatches whose gradients make one update', min = 1, integer = true},
  reuse_fake = {false, "use D's output on generated images in D's update for G's too, as dcgan.torch did: a pass of D less"},
  ema = {0, "decay of the average of G's weights that samples are drawn from, as 0.999; 0: none", min = 0, max = 1},
  seed = {1, 'of weights, z and the order of the data', min = 0, max = 2 ^ 31, integer = true},
  fit = {'auto', "how images of another shape get the size: crop, stretch or pad; auto: the data's own way", one_of = fits},
  background = {'auto', 'the colour #rrggbb under transparent pixels and around padded images', colour = true},
  flip = {false, 'mirror images at random'},
  crop = {0, 'take a random part of images that are larger by this much: 0.1 is a tenth', min = 0, max = 1},
  scale = {0, 'enlarge images at random by up to this much: 0.1 is a tenth', min = 0, max = 1},
  sample_every = {500, 'steps between sample grids; 0: only at the end', min = 0, integer = true},
  samples = {64, 'images in a sample grid', min = 1, integer = true},
  log_every = {10, 'steps between lines of metrics.jsonl', min = 1, integer = true},
  checkpoint_every = {1000, 'steps between checkpoints; 0: only at the end', min = 0, integer = true},
  keep = {1, 'checkpoints to keep, the newest ones', min = 1, integer = true},
  keep_best = {'none', 'also keep the checkpoint with the lowest mean of a metric, as d_loss, or the highest, as max:d_fake'},
}

-- What an option accepts, as the end of a sentence: "wanted ...".
local function wanted(declared)
  if declared.sides then return ('a side or HEIGHTxWIDTH, as 64 or 48x80, with sides of 4 to %d'):format(MOST_SIDE) end
  if declared.colour then return "auto or a colour as '#ff8000'" end
  if declared.one_of then
    local names = {}
    for i, v in ipairs(declared.one_of) do names[i] = tostring(v) end
    return table.concat(names, ' or ')
  end
  local default = declared[1]
  if type(default) == 'boolean' then return 'true or false' end
  if type(default) == 'string' then return 'text' end
  local text = declared.integer and 'a whole number' or 'a number'
  if declared.min and declared.max then return ('%s from %.15g to %.15g'):format(text, declared.min, declared.max) end
  if declared.min then return ('%s of at least %g'):format(text, declared.min) end
  if declared.max then return ('%s of at most %g'):format(text, declared.max) end
  return text
end

local words = {['true'] = true, yes = true, on = true, ['false'] = false, no = false, off = false}

--- Height and width out of the option `size`, which is a number or 'HEIGHTxWIDTH'.
-- @param size as resolved
-- @treturn int height
-- @treturn int width; nothing where it is no size
-- @usage local h, w = gan.sides(o.size)
function options.sides(size)
  local h, w = size, size
  if type(size) == 'string' then
    h, w = size:match '^(%d+)[xX](%d+)$'
    h = tonumber(h or size)
    w = tonumber(w) or h
  end
  if type(h) ~= 'number' or h % 1 ~= 0 or w % 1 ~= 0 or math.min(h, w) < 4 or math.max(h, w) > MOST_SIDE then return nil end
  return h, w
end

-- A square size stays a number, any other is 'HEIGHTxWIDTH'.
local function convert_sides(value)
  local h, w = options.sides(value)
  if not h then return nil end
  return h == w and h or ('%dx%d'):format(h, w)
end

local function convert_colour(value)
  if value == 'auto' then return value end
  local digits = type(value) == 'string' and value:lower():match '^#?(%x%x%x%x%x%x)$'
  return digits and '#' .. digits or nil
end

local function convert(declared, value)
  if declared.sides then return convert_sides(value) end
  if declared.colour then return convert_colour(value) end
  local kind = type(declared[1])
  if kind == 'number' and type(value) == 'string' then
    value = tonumber(value)
  elseif kind == 'boolean' and type(value) == 'string' then
    value = words[value:lower()]
  elseif kind == 'string' and type(value) == 'number' then
    value = tostring(value)
  end
  if type(value) ~= kind then return nil end
  if kind == 'number' then
    if value ~= value or value == math.huge or value == -math.huge then return nil end
    if declared.integer and value % 1 ~= 0 then return nil end
    if declared.min and value < declared.min or declared.max and value > declared.max then return nil end
  end
  if declared.one_of then
    for _, allowed in ipairs(declared.one_of) do
      if allowed == value then return value end
    end
    return nil
  end
  return value
end

local function unknown(self, key, what)
  local near = nearest(tostring(key), self:names())
  native.fail('%s: there is no option %s%s', what, tostring(key), near and (' (did you mean %s?)'):format(near) or '')
end

--- Declares a recipe's options: the common ones, those of a base, and changes or additions to them.
-- @tparam[opt] string|table base a recipe's name, or options declared before
-- @tparam table declared key = default (an option that the base has), or key = {default, 'help'} with, as needed,
--   integer = true, min =, max =, one_of = {...}
-- @tparam[opt] {string,...} without options of the base that the recipe has no use for: setting one is an error then
-- @treturn Options
-- @usage options = gan.options('dcgan', {lr = 1e-4, penalty = {10, 'weight of the gradient penalty'}})
function options.declare(base, declared, without)
  if type(base) == 'table' and getmetatable(base) ~= Options and (declared == nil or declared[1]) then
    base, declared, without = nil, base, declared
  end
  if type(base) == 'string' then base = require('gantry.gan.recipe').load(base).options end
  if base ~= nil and getmetatable(base) ~= Options then
    native.fail("options: the base is a %s, wanted a recipe's name or its options", type(base))
  end
  if declared ~= nil and type(declared) ~= 'table' then
    native.fail('options: the options declared are a %s, wanted a table', type(declared))
  end
  local self = setmetatable({declared = {}}, Options)
  for key, value in pairs(base and base.declared or common) do self.declared[key] = value end
  for key, value in pairs(declared or {}) do
    if type(key) ~= 'string' then native.fail('options: wanted name = default or name = {default, help}, got an entry without a name') end
    local old = self.declared[key]
    if type(value) == 'table' then
      local kind = type(value[1])
      if kind ~= 'number' and kind ~= 'string' and kind ~= 'boolean' or type(value[2]) ~= 'string' then
        native.fail('options: %s is declared as neither a default nor {default, help}', key)
      end
      self.declared[key] = value
    elseif not old then
      unknown(self, key, 'options (a new one is declared as {default, help})')
    else
      local converted = convert(old, value)
      if converted == nil then native.fail('options: %s = %s, wanted %s', key, tostring(value), wanted(old)) end
      local changed = {}
      for k, v in pairs(old) do changed[k] = v end
      changed[1] = converted
      self.declared[key] = changed
    end
  end
  for _, key in ipairs(without or {}) do
    if not self.declared[key] then unknown(self, key, 'options: without') end
    self.declared[key] = nil
  end
  return self
end

--- The options' names in alphabetical order.
function Options:names()
  local names = {}
  for key in pairs(self.declared) do names[#names + 1] = key end
  table.sort(names)
  return names
end

--- Checks one value and gives it in its option's type.
-- @string key the option
-- @param value a value, or the text of one
-- @string what who asks, for the message
function Options:check(key, value, what)
  local declared = self.declared[key]
  if not declared then unknown(self, key, what) end
  local converted = convert(declared, value)
  if converted == nil then native.fail('%s: %s is %s, wanted %s', what, key, tostring(value), wanted(declared)) end
  return converted
end

--- Resolves the options: defaults, then each layer of settings over those before it.
-- @tparam table ... layers {from = 'what to call it in messages', values = {key = value, ...}}
-- @treturn table key = value for every option
function Options:resolve(...)
  local result = {}
  for key, declared in pairs(self.declared) do result[key] = declared[1] end
  for _, layer in ipairs {...} do
    for key, value in pairs(layer.values) do result[key] = self:check(key, value, layer.from) end
  end
  return result
end

--- What data.open is to be given for resolved options.
-- @tparam table o
-- @bool[opt] pairs whether a picture is a pair, side by side
-- @treturn table
function options.for_data(o, pairs)
  local h, w = options.sides(o.size)
  return {
    size = {h, pairs and 2 * w or w}, channels = o.channels, seed = o.seed, flip = o.flip, crop = o.crop, scale = o.scale,
    fit = o.fit ~= 'auto' and o.fit or nil, background = o.background ~= 'auto' and o.background or nil,
  }
end

--- What an option is for.
function Options:help(key) return self.declared[key][2] end

--- An option's default; nil where there is no such option.
function Options:default(key) return self.declared[key] and self.declared[key][1] end

--- Settings of a YAML file: one flat mapping.
-- @string path the file
-- @treturn table key = value
function options.read_yaml(path)
  local file, problem = io.open(path, 'rb')
  if not file then native.fail('%s', problem) end
  local text = file:read '*a'
  file:close()
  if not text then native.fail('%s: cannot be read', path) end
  local ok, parsed = pcall(require('lyaml').load, text)
  if not ok then native.fail('%s: not valid YAML: %s', path, (tostring(parsed):gsub('^.-:%d+: ', ''):gsub('%s+', ' '))) end
  if parsed == nil then return {} end
  if type(parsed) ~= 'table' then native.fail('%s: wanted a mapping of options to values', path) end
  for key, value in pairs(parsed) do
    local kind = type(value)
    if type(key) ~= 'string' or kind ~= 'number' and kind ~= 'string' and kind ~= 'boolean' then
      native.fail('%s: %s is not a single number, text, true or false', path, tostring(key))
    end
  end
  return parsed
end

--- A number as the shortest text that reads back as the same number.
local function number_text(v)
  for digits = 6, 17 do
    local text = ('%.' .. digits .. 'g'):format(v)
    if tonumber(text) == v then return text end
  end
  return '.nan'
end

local yaml_words = {y = true, n = true, null = true}
for word in pairs(words) do yaml_words[word] = true end

--- A key or value as YAML writes it.
local function yaml_value(v)
  if type(v) == 'number' then return number_text(v) end
  if type(v) ~= 'string' then return tostring(v) end
  if v:match '^%a[%w_/-]*$' and not yaml_words[v:lower()] then return v end
  return '"' .. v:gsub('[%c"\\]', function(c) return ('\\x%02x'):format(c:byte()) end) .. '"'
end

--- Resolved options as YAML, one a line in alphabetical order, each with its help as a comment.
-- @tparam table values what resolve returned
-- @tparam[opt] Options declared where the help is
-- @treturn string
function options.to_yaml(values, declared)
  local keys, lines = {}, {}
  for key in pairs(values) do keys[#keys + 1] = key end
  table.sort(keys)
  for i, key in ipairs(keys) do
    local line = ('%s: %s'):format(yaml_value(key), yaml_value(values[key]))
    local about = declared and declared.declared[key]
    lines[i] = about and ('%-28s # %s'):format(line, about[2]) or line
  end
  return table.concat(lines, '\n') .. '\n'
end

--- A number as people and YAML read it.
options.number_text = number_text

return options
