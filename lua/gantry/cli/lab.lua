--- gantry lab NAME ...: the DCGAN paper's experiments, each a picture and a number. One file for each in cli/lab/.
-- @module gantry.cli.lab
local cli = require 'gantry.cli'
local nearest = require 'gantry.gan.nearest'

-- In the paper's order: name, what it asks.
local experiments = {
  {'features', "all convolutional activations of a network, pooled: numbers for each image, in a .npy file"},
  {'svm', "how well a linear classifier tells the classes by them; pixels, an untrained network, K-means ... beside"},
}

-- Those that are commands of their own as well.
local elsewhere = {walk = 'gantry.cli.walk', arith = 'gantry.cli.arith'}

local function help_text()
  local lines = {
    'Usage: gantry lab EXPERIMENT ...     gantry lab EXPERIMENT --help says more', '',
    'The experiments of the DCGAN paper (Radford, Metz and Chintala 2015): each ends in a picture and a number, in OUT/EXPERIMENT.png and',
    'OUT/EXPERIMENT.json. docs/lab.md tells what they mean and what they gave.', '',
  }
  for _, e in ipairs(experiments) do lines[#lines + 1] = ('  %-9s %s'):format(e[1], e[2]) end
  return table.concat(lines, '\n') .. '\n'
end

return function(arguments)
  local name = arguments[1]
  if name == nil or name == '--help' or name == '-h' then
    io.stdout:write(help_text())
    return name and 0 or 2
  end
  local names = {}
  for i, e in ipairs(experiments) do
    names[i] = e[1]
    if e[1] == name then
      local rest = {}
      for k = 2, #arguments do rest[k - 1] = arguments[k] end
      return require(elsewhere[name] or 'gantry.cli.lab.' .. name)(rest)
    end
  end
  local near = nearest(name, names)
  cli.usage('lab: there is no experiment %s%s; see gantry lab --help', name, near and (' (did you mean %s?)'):format(near) or '')
end
