--- The option reuse_fake: what D says of s.fake in its own update serves G's too, as in dcgan.torch, which saves a pass of D.
--
-- s.D(s.fake) is computed once. G's gradient goes back through the numbers that D's layers had then and the weights that D has since, as
-- Torch7's modules would; through what a layer made of its weights, as nn.SpectralNorm does, it goes as that was. Nothing else can be asked
-- of D in G's loss: an answer of another age would stand beside the old one.
-- @module gantry.gan.reuse
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'

local reuse = {}

-- What D is asked about, a value or a list with values in it, with something else in s.fake's place; where s.fake is not in it, itself.
local function with_instead(s, x, instead)
  if rawequal(x, s.fake) then return instead end
  if type(x) ~= 'table' or autograd.is_value(x) then return x end
  local found, any = {}, false
  for i, part in ipairs(x) do
    if rawequal(part, s.fake) then found[i], any = instead, true else found[i] = part end
  end
  return any and found or x
end

local function is_same(a, b)
  if rawequal(a, b) then return true end
  if type(a) ~= 'table' or type(b) ~= 'table' or autograd.is_value(a) or autograd.is_value(b) or #a ~= #b then return false end
  for i = 1, #a do
    if not rawequal(a[i], b[i]) then return false end
  end
  return true
end

--- Ends the step where nothing can be reused.
-- @tparam Step s
-- @string why
function reuse.refuse(s, why)
  native.fail('step %d: reuse_fake: %s; only what D said of s.fake in its own update can be used again (reuse_fake=false)', s.number, why)
end

--- Whether D's answers have to be old ones: G learns and D does not.
function reuse.is_due(s) return s.learning.G and not s.learning.D end

--- What D is given in its own update in place of x: the same, but s.fake with the history that leads to G.
function reuse.with_history(s, x)
  if not s.learning.D or s.learning.G then return x end
  return with_instead(s, x, s.generated)
end

--- Notes what D said of x.
-- @tparam Step s
-- @param x a value, or a list with values in it; s.fake is among them
-- @param[opt] labels LongTensor
-- @param out a value, or a list of them
function reuse.keep(s, x, labels, out)
  s.said[#s.said + 1] = {asked = with_instead(s, x, 'fake'), labels = labels, out = out}
end

--- What D said of x.
-- @raise where it was not asked, or x has no s.fake in it
function reuse.take(s, x, labels)
  local asked = with_instead(s, x, 'fake')
  if rawequal(asked, x) then reuse.refuse(s, "G's loss asks D about something else than s.fake") end
  for _, entry in ipairs(s.said) do
    if rawequal(entry.labels, labels) and is_same(entry.asked, asked) then return entry.out end
  end
  reuse.refuse(s, "G's loss asks D about what D's loss did not")
end

-- All values that D said.
local function said_values(s)
  local list = {}
  local function add(x)
    if autograd.is_value(x) then
      if x.requires_grad then list[#list + 1] = x end
    elseif type(x) == 'table' then
      for _, part in ipairs(x) do add(part) end
    end
  end
  for _, entry in ipairs(s.said) do add(entry.out) end
  return list
end

--- Options of a backward pass: it goes to the networks that learn and no further, and leaves the history of what D said where that is
-- needed once more.
-- @tparam Step s
-- @tparam {string,...} names of the networks that learn
-- @bool[opt] more whether another term of the loss follows
-- @treturn table for autograd's backward
function reuse.pass(s, names, more)
  local into = {}
  for i, name in ipairs(names) do into[i] = s.players[name].gradients end
  return {into = into, retain_graph = (more or s.learning.D) and said_values(s) or nil, allow_changed = {s.players.D.parameters}}
end

--- Tells whether the option fits the others and the recipe.
-- @raise where it does not
function reuse.check(recipe, o)
  if not o.reuse_fake then return end
  if not recipe.discriminator then native.fail('recipe %s: reuse_fake: it has no D', recipe.name) end
  if o.accumulate > 1 then
    native.fail('recipe %s: reuse_fake: accumulate is %d, wanted 1: D learns from all minibatches before G does',
      recipe.name, o.accumulate)
  end
end

return reuse
