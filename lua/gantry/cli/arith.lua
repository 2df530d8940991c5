--- gantry arith RUN EXPRESSION: arithmetic with means of chosen samples, as in figure 7 of the DCGAN paper; or by rule, counted.
-- @module gantry.cli.arith
local argparse = require 'argparse'
local cli = require 'gantry.cli'
local look = require 'gantry.cli.look'
local show = require 'gantry.cli.show'

local function parser()
  local p = argparse('gantry arith', 'Adds and subtracts means of samples, chosen by their numbers on gantry sample --numbered.\n' ..
    'Shows the samples, their means, the result in the middle of 8 neighbours (+-0.25), and the same arithmetic on pixels.\n' ..
    'With --judge and --rule the samples are chosen by what the judge tells of their images, and success is counted over many trials.')
    :epilog('Example: gantry sample runs/faces --numbered\n         gantry arith runs/faces 3,5,9 - 1,2,4 + 7,8,11 --out smile.png\n' ..
      '         gantry arith runs/faces --judge judge.safetensors --rule \\\n' ..
      "             'smiling woman: gender=female,smile=1 - neutral woman: gender=female,smile=0 + neutral man: gender=male,smile=0'\n" ..
      "         What should come out is worked out, or said at the end: ' -> gender=male,smile=1'.\n" ..
      '         With --rule, --out is a directory (default: lab in the run) for arith.png, arith-trials.png and arith.json.')
  p:argument('run', 'directory of the run'):argname 'RUN'
  p:argument('expression', 'numbers of samples, and signs between them'):argname 'EXPRESSION':args '*'
  p:option('--judge', 'a net that tells attributes, made by gantry features'):argname 'FILE'
  p:option('--second', 'another such net, of another seed: how often the two agree about samples'):argname 'FILE'
  p:option('--rule', 'arithmetic with attributes; may stand several times'):argname 'TEXT':count '*'
  p:option('--trials', 'with --rule: how many, each with samples of its own', '200'):argname 'N'
  p:option('--exemplars', 'with --rule: samples for each concept', '3'):argname 'N'
  p:option('--sure', 'with --rule: how probable the judge must call what a sample is chosen for', '0.95'):argname 'P'
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

local function by_rule(given)
  if #given.rule == 0 then cli.usage 'arith: --judge is there, but no --rule' end
  if not given.judge then cli.usage 'arith: --rule wants --judge FILE, a net that tells attributes; gantry features --labels makes one' end
  local sure = show.number('arith', '--sure', given.sure)
  if sure < 0 or sure > 1 then cli.usage('arith: --sure is %s, wanted 0 to 1', given.sure) end
  local o = {
    trials = show.whole('arith', '--trials', given.trials, 2, 100000), sure = sure,
    exemplars = show.whole('arith', '--exemplars', given.exemplars, 1, 100),
  }
  if given.truncation then cli.usage 'arith: --truncation is not for --rule' end
  local parse = require('gantry.lab.rules').expression
  for _, text in ipairs(given.rule) do
    local ok, problem = pcall(parse, text)
    if not ok then cli.usage('%s', problem) end
  end
  local run, how = look.open('arith', given)
  for key, value in pairs(how) do o[key] = value end
  local features = require 'gantry.metrics.features'
  local judge = features.load(given.judge)
  o.second = given.second and features.load(given.second)
  o.out = given.out
  require('gantry.lab.arith').experiment(run, judge, given.rule, o)
  return 0
end

return function(arguments)
  local rest, expression = take_expression(arguments)
  local given = cli.parse(parser(), rest)
  if given.judge or #given.rule > 0 then
    if expression or #given.expression > 0 then cli.usage 'arith: samples are chosen by number or by --rule, not both' end
    return by_rule(given)
  end
  if not expression and #given.expression == 0 then cli.usage 'arith: wanted numbers of samples as in 3,5,9 - 1,2,4 + 7,8,11, or --rule' end
  local arithmetic = require 'gantry.gan.arithmetic'
  local ok, terms = pcall(arithmetic.parse, expression or table.concat(given.expression, ' '))
  if not ok then cli.usage('%s', terms) end
  local run, how = look.open('arith', given)
  local out = given.out or run.path .. '/arith.png'
  require('gantry.image').save(out, arithmetic.picture(run, terms, how))
  io.stdout:write(('%s at step %d: %s\n'):format(expression, run.step, out))
  return 0
end
