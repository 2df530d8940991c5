--- gantry arith RUN EXPRESSION: arithmetic with means of chosen samples, as in figure 7 of the DCGAN paper.
-- @module gantry.cli.arith
local argparse = require 'argparse'
local cli = require 'gantry.cli'
local look = require 'gantry.cli.look'

local function parser()
  local p = argparse('gantry arith', 'Adds and subtracts means of samples, chosen by their numbers on gantry sample --numbered.\n' ..
    'Shows the samples, their means, and the result in the middle of 8 neighbours (+-0.25).')
    :epilog('Example: gantry sample runs/faces --numbered\n         gantry arith runs/faces 3,5,9 - 1,2,4 + 7,8,11 --out smile.png')
  p:argument('run', 'directory of the run'):argname 'RUN'
  p:argument('expression', 'numbers of samples, and signs between them'):argname 'EXPRESSION':args '+'
  look.options(p)
  return p
end

local flags = {['--training-stats'] = true, ['--trust'] = true}

-- The expression's signs look like options to argparse: takes the expression out as one text.
local function take_expression(arguments)
  local rest, expression = {}, nil
  local i = 1
  while i <= #arguments do
    local before = arguments[i - 1]
    local is_value = i == 1 or before:match '^%-%-[^=]+$' and not flags[before]
    if not expression and not is_value and arguments[i]:match '^[%d,%s+-]+$' then
      local parts = {}
      while i <= #arguments and arguments[i]:match '^[%d,%s+-]+$' do
        parts[#parts + 1] = arguments[i]
        i = i + 1
      end
      expression = table.concat(parts, ' ')
    else
      rest[#rest + 1] = arguments[i]
      i = i + 1
    end
  end
  rest[#rest + 1] = expression
  return rest, expression
end

return function(arguments)
  local rest, expression = take_expression(arguments)
  local given = cli.parse(parser(), rest)
  local arithmetic = require 'gantry.gan.arithmetic'
  local ok, terms = pcall(arithmetic.parse, expression or table.concat(given.expression, ' '))
  if not ok then cli.usage('%s', terms) end
  local run, how = look.open('arith', given)
  local out = given.out or run.path .. '/arith.png'
  require('gantry.image').save(out, arithmetic.picture(run, terms, how))
  io.stdout:write(('%s at step %d: %s\n'):format(expression, run.step, out))
  return 0
end
