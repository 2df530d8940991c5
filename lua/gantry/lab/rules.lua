--- Rules over the attributes that a judge tells of an image, and arithmetic with them:
--
--     gender=female,smile=1                 a column of a table of labels has this value
--     turn>0.5,glasses<0.5                  an attribute of built-in scenes is above or below a number
--     smiling woman: gender=female,smile=1 - neutral woman: gender=female,smile=0 + neutral man: gender=male,smile=0
--
-- The names before the colons are for the reader. What is expected follows ' -> '; where that is left out it is worked out: in
-- a - b + c an attribute in which b equals a is c's, and one in which b equals c is a's.
-- @module gantry.lab.rules
local native = require 'gantry.native'
local nearest = require 'gantry.gan.nearest'

local rules = {}

local function trimmed(text) return (text:gsub('^%s+', ''):gsub('%s+$', '')) end

--- Reads a rule.
-- @string text as 'gender=female,smile=1'
-- @treturn {{name=,op='=' or '<' or '>',value=},...}
function rules.parse(text)
  local conditions = {}
  for piece in (text .. ','):gmatch '([^,]*),' do
    local name, op, value = trimmed(piece):match '^([%w_]+)%s*([=<>])%s*(.+)$'
    if not name or op ~= '=' and not tonumber(value) then
      native.fail("rule: '%s' is not understood, wanted conditions as gender=female,smile=1 or turn>0.5", trimmed(piece))
    end
    conditions[#conditions + 1] = {name = name, op = op, value = op == '=' and value or tonumber(value)}
  end
  return conditions
end

local function text_of(conditions)
  local parts = {}
  for i, c in ipairs(conditions) do parts[i] = c.name .. c.op .. tostring(c.value) end
  return table.concat(parts, ',')
end

-- 'smiling woman: gender=female,smile=1'
local function named(text)
  local name, rest = text:match '^([^:=<>]+):(.*)$'
  local conditions = rules.parse(rest or text)
  return {name = name and trimmed(name) or text_of(conditions), conditions = conditions}
end

local function same(a, b) return a ~= nil and b ~= nil and a.op == b.op and a.value == b.value end

-- What follows from a - b + c, attribute by attribute.
local function follow(terms, text)
  local function refuse(why) native.fail("rule: what '%s' should give %s; say it after ' -> '", text, why) end
  if #terms ~= 3 or terms[1].sign ~= 1 or terms[2].sign ~= -1 or terms[3].sign ~= 1 then refuse 'is only known of a - b + c' end
  local of, names, seen = {}, {}, {}
  for i, term in ipairs(terms) do
    of[i] = {}
    for _, c in ipairs(term.conditions) do
      of[i][c.name] = c
      if not seen[c.name] then
        seen[c.name] = true
        names[#names + 1] = c.name
      end
    end
  end
  local conditions = {}
  for k, name in ipairs(names) do
    local a, b, c = of[1][name], of[2][name], of[3][name]
    if same(a, b) and c then conditions[k] = c elseif same(b, c) and a then conditions[k] = a else
      refuse(('leaves %s open'):format(name))
    end
  end
  return {name = text_of(conditions), conditions = conditions}
end

--- Reads arithmetic with rules.
-- @string text terms with ' + ' and ' - ' between, and ' -> ' before what is expected
-- @treturn table terms (a list of sign = 1 or -1, name, conditions), target (name, conditions), text
-- @usage local e = rules.expression 'gender=male,glasses=1 - gender=male,glasses=0 + gender=female,glasses=0'
--   print(e.target.name)   -- 'gender=female,glasses=1'
function rules.expression(text)
  local left, right = text:match '^(.-)%s+%->%s+(.*)$'
  local terms, rest, sign = {}, trimmed(left or text), 1
  if rest == '' then native.fail 'rule: it is empty, wanted terms as smile=1,turn<0 - smile=0,turn<0 + smile=0,turn>0' end
  while rest do
    local term, mark, after = rest:match '^(.-)%s+([+-])%s+(.*)$'
    terms[#terms + 1] = named(term or rest)
    terms[#terms].sign = sign
    sign, rest = mark == '-' and -1 or 1, after
  end
  return {terms = terms, target = right and named(right) or follow(terms, text), text = text}
end

--- Raises an error unless a judge tells of every attribute, and every value, of a rule.
-- @tparam Features judge
-- @tparam table conditions from rules.parse
function rules.check(judge, conditions)
  local by_name, names = {}, {}
  for _, a in ipairs(judge.about.attributes or {}) do
    by_name[a.name] = a
    names[#names + 1] = a.name
  end
  local function refuse(what, name, list)
    local near = nearest(name, list)
    native.fail('rule: %s knows no %s %s%s; it knows %s', judge.name, what, name, near and (' (did you mean %s?)'):format(near) or '',
      #list > 0 and table.concat(list, ', ') or 'none')
  end
  for _, c in ipairs(conditions) do
    local a = by_name[c.name]
    if not a then refuse('attribute', c.name, names) end
    if (c.op == '=') ~= (a.values ~= nil) then
      native.fail('rule: %s is %s; wanted %s', c.name, a.values and 'one of ' .. table.concat(a.values, ', ') or 'a number',
        a.values and c.name .. '=' .. a.values[1] or c.name .. '>0.5')
    end
    local known = c.op ~= '='
    for _, value in ipairs(a.values or {}) do known = known or value == c.value end
    if not known then refuse(c.name, c.value, a.values) end
  end
end

--- Whether a rule holds for an image.
-- @tparam table told what the judge's `attributes` gave
-- @tparam table conditions from rules.parse
-- @int i which image
-- @number[opt] sure the least probability of each value; default: that it is the likeliest
-- @treturn boolean
function rules.holds(told, conditions, i, sure)
  for _, c in ipairs(conditions) do
    local t = told[c.name]
    if c.op == '<' then
      if t.numbers[i] >= c.value then return false end
    elseif c.op == '>' then
      if t.numbers[i] <= c.value then return false end
    else
      local p, most = 0, 0
      for v, value in ipairs(t.values) do
        local x = t.probabilities[i][v]
        if value == c.value then p = x end
        if x > most then most = x end
      end
      if p < (sure or most) then return false end
    end
  end
  return true
end

return rules
