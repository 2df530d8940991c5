--- gantry check RECIPE: a recipe tried on a tiny minibatch of random images before it is trained.
-- @module gantry.cli.check
local argparse = require 'argparse'
local cli = require 'gantry.cli'
local show = require 'gantry.cli.show'

local function parser()
  local p = argparse('gantry check', "Tries a recipe on 4 random images: every layer's shape, parameters, gradients, one step.\n" ..
    'Exit code 0 where all is well.')
    :epilog 'Examples:\n   gantry check dcgan --set size=64\n   gantry check my-gan.lua --config dcgan-demo.yaml'
  p:argument('recipe', 'name of a recipe (see gantry recipes), or path of a Lua file')
  p:option('--config', 'YAML file with settings, or the name of one beside the recipe'):argname 'FILE'
  p:option('--set', 'single settings'):argname 'KEY=VALUE':args '+':count '*'
  p:option('--threads', 'threads to use; results do not depend on it'):argname 'N'
  return p
end

local function print_network(net)
  io.stdout:write(('\n%s: %d parameters\n'):format(net.name, net.parameters))
  for _, layer in ipairs(net.layers) do
    local count = layer.parameters > 0 and ('%d parameters'):format(layer.parameters) or ''
    io.stdout:write((('  %-5s %-32s %-22s %s'):format(layer.place, layer.class, layer.shape, count):gsub('%s+$', '')), '\n')
  end
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  show.set_threads('check', given.threads)
  local recipe, resolved = show.resolve('check', given)
  show.settings(recipe, resolved)
  local report = require('gantry.gan.tryout').run(recipe, resolved)
  for _, net in ipairs(report.networks) do print_network(net) end
  if report.metrics then
    local m = report.metrics
    io.stdout:write(('\none step of %d images: %.2f s'):format(report.batch, report.seconds))
    for _, name in ipairs {{'d_loss', 'D'}, {'g_loss', 'G'}, {'d_real', 'D(x)'}, {'d_fake', 'D(G(z))'}} do
      if m[name[1]] then io.stdout:write(('  %s %.4g'):format(name[2], m[name[1]])) end
    end
    io.stdout:write '\n'
  end
  for _, problem in ipairs(report.problems) do io.stdout:write('problem: ', problem, '\n') end
  if #report.problems > 0 then return 1 end
  io.stdout:write 'gradients: finite, and they reach every parameter\n'
  io.stdout:write(('all is well; train it with: gantry train %s --data SPEC --out RUN\n'):format(given.recipe))
  return 0
end
