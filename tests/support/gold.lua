--- Reads the gold tensors in tests/gold: what an independent implementation computed (make_gold.py beside them says how).
local cjson = require 'cjson'
local safetensors = require 'gantry.gan.safetensors'
local numbers = require 'tests.support.numbers'

local folder = debug.getinfo(1, 'S').source:match('^@(.*)support/gold%.lua$') .. 'gold/'

local gold = {}

--- The cases of a file: name -> {options, tensor name -> tensor}.
-- @usage local case = gold.open('conv')['conv dcgan']; case.options.stride; case.x
function gold.open(name)
  local file = safetensors.open(folder .. name .. '.safetensors')
  local cases = {}
  for case, options in pairs(cjson.decode(file.metadata.cases)) do cases[case] = {options = options} end
  for key in pairs(file.entries) do
    local case, tensor = key:match '^(.-)%.(.*)$'
    cases[case][tensor] = file:read(key)
  end
  return cases
end

--- Calls fn(name, case) for the cases whose name matches a pattern, in order of their names.
function gold.each(cases, pattern, fn)
  local names = {}
  for name in pairs(cases) do
    if name:find(pattern) then names[#names + 1] = name end
  end
  table.sort(names)
  assert(#names > 0, 'no case matches ' .. pattern)
  for _, name in ipairs(names) do fn(name, cases[name]) end
end

--- The types to compare in, with the largest difference allowed, over the largest magnitude.
gold.types = {['torch.DoubleTensor'] = 1e-10, ['torch.FloatTensor'] = 1e-5}

--- Runs fn(to, same) in both types: to(t) converts a tensor, same(got, expected, what) compares.
function gold.in_both(fn)
  for _, kind in ipairs {'torch.DoubleTensor', 'torch.FloatTensor'} do
    local function to(t) return t and t:type(kind) end
    local function same(got, expected, what)
      local difference = numbers.difference(got, expected, 1e-3)
      if difference > gold.types[kind] then
        error(('%s: %s differs by %.3g of the largest'):format(kind, what, difference), 2)
      end
    end
    fn(to, same)
  end
end

return gold
