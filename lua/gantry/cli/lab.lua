--- gantry lab NAME ...: the DCGAN paper's experiments, each a picture and a number. One file for each in cli/lab/.
-- @module gantry.cli.lab
local cli = require 'gantry.cli'
local nearest = require 'gantry.gan.nearest'

-- In the paper's order: name, what it asks; and, so that `report` runs it where it applies, what it needs of a run (D, z, classes; of its
-- data labels, attributes, boxes) and `small`, its arguments for a quick look: RUN, OUT and DATA stand for the run, the records' directory
-- and the spec of the run's data.
local experiments = {
  {'dedup', 'near duplicates by a semantic hash, and how well copies are found (section 4.1.1)'},
  {'nearest', 'training images nearest to generated ones: does the generator repeat them? (sections 4.1, 4.3)', needs = {'z'},
    small = 'RUN --out OUT --n 200'},
  {'features', "all convolutional activations of a network, pooled: numbers for each image, in a .npy file"},
  {'svm', "how well a linear classifier tells the classes by them; pixels, an untrained network, K-means ... beside"},
  {'nnc', 'conditional images judged by the nearest-neighbour classifier that they make (appendix 8.1)'},
  {'walk', 'lines between random z: is every frame plausible, are there jumps? (section 6.1, figure 4)', needs = {'z'},
    small = 'RUN --out OUT'},
  {'guided', "which pixels excite the features of D's last convolution (section 6.2, figure 5)", needs = {'D', 'z'},
    small = 'RUN --out OUT --images 500 --features 32'},
  {'maximise', 'the pictures that the features of D answer to most', needs = {'D', 'z'},
    small = 'RUN --out OUT --images 200 --features 16 --steps 64'},
  {'forget', 'what is drawn without the feature maps of windows (section 6.3.1, figure 6)', needs = {'z', 'boxes'},
    small = 'RUN --out OUT --steps 300 --judged 200 --draws 3'},
  {'arith', 'smiling woman - neutral woman + neutral man: how often is it a smiling man? (section 6.3.2, figure 7)'},
  {'turn', 'does a vector between left-looking and right-looking faces turn others? (section 6.3.2, figure 8)'},
  {'sorted', "samples in the order of D's score", needs = {'D', 'z'}, small = 'RUN --out OUT --n 100'},
  {'film', "the same z over a run's checkpoints", needs = {'z'}, small = 'RUN --out OUT --frames 12'},
  {'report', 'all that apply to a run, in one page'},
}

-- Those that are commands of their own as well; here they leave a record.
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

local function command_of(name) return require(elsewhere[name] or 'gantry.cli.lab.' .. name) end

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
      return command_of(name)(rest, {experiments = experiments, command_of = command_of})
    end
  end
  local near = nearest(name, names)
  cli.usage('lab: there is no experiment %s%s; see gantry lab --help', name, near and (' (did you mean %s?)'):format(near) or '')
end
