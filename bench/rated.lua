--- Trains a recipe by the command line and rates what it makes, once: what was found is kept in a file beside the run, with the command,
-- the seed, the commit and the seconds that it took.
local cjson = require 'cjson'
local gantry = require 'gantry'
local gan = gantry.gan
local folder = require 'gantry.gan.folder'
local network = require 'gantry.gan.network'
local score = require 'gantry.metrics.score'
local settings = require 'settings'

local rated = {}

--- Sets of images that each figure is the mean of.
rated.DRAWS = 5
local T975 = 2.776 -- Student's, of four degrees of freedom

--- The gantry command of this checkout.
rated.gantry = (arg[0]:match '^(.*)bench/[^/]*$' or '') .. 'bin/gantry'

local function text_of(command)
  local pipe = io.popen(command)
  local text = pipe:read '*a'
  pipe:close()
  return text
end

--- The commit that is measured; with a + where a file differs from it.
function rated.commit()
  local root = (arg[0]:match '^(.*)bench/[^/]*$' or './')
  local hash = text_of(("git -C '%s' rev-parse --short HEAD 2>/dev/null"):format(root)):match '%x+'
  if not hash then return 'unknown' end
  return hash .. (text_of(("git -C '%s' status --porcelain -uno"):format(root)) ~= '' and '+' or '')
end

--- Runs a command.
-- @string command
-- @string log the file of its output
-- @treturn number the seconds that it kept processors busy for; nil where it failed
function rated.try(command, log)
  io.stdout:write('$ ', command, '\n')
  io.stdout:flush()
  local times = os.tmpname()
  local code = os.execute(("( %s ) >'%s' 2>&1; r=$?; times >'%s'; exit $r"):format(command, log, times))
  local text = folder.read(times)
  os.remove(times)
  if code ~= 0 then return nil end
  local seconds = 0
  for minutes, rest in text:match '\n(.*)':gmatch '(%d+)m([%d.]+)s' do seconds = seconds + 60 * minutes + rest end
  return seconds
end

--- Runs a command as `try` does, or ends the program where it fails.
function rated.run(command, log)
  local seconds = rated.try(command, log)
  if seconds then return seconds end
  io.stderr:write('bench: failed: ', command, '\n', folder.read(log))
  os.exit(1)
end

--- Makes a feature net, unless it is there.
-- @string path
-- @string spec of a labelled set
-- @string rest of the options
-- @treturn Features
function rated.features(path, spec, rest)
  if folder.kind(path) ~= 'file' then
    rated.run(("%s features --data '%s' --out '%s' %s"):format(rated.gantry, spec, path, rest), path:gsub('%.safetensors$', '.log'))
  end
  return require('gantry.metrics.features').load(path)
end

-- The means of several draws' scores and, of each, half of the interval that holds the true mean in 95 of 100 cases.
local function summary(draws)
  local found = {}
  for name in pairs(draws[1]) do
    local x = gantry.torch.DoubleTensor(#draws)
    for k, scores in ipairs(draws) do x[k] = scores[name] end
    found[name] = {mean = x:mean(), interval = T975 * x:std() / math.sqrt(#draws)}
  end
  return found
end

--- Rates images that are drawn several times.
-- @func draw draw(k) gives real images and as many to be rated, and where these have a truth each, true
-- @tparam Features net
-- @treturn table name -> {mean =, interval =}
function rated.images(draw, net)
  local draws = {}
  for k = 1, rated.DRAWS do
    local real, fake, is_truth = draw(k)
    draws[k] = score.images(real, fake, net, false)
    if is_truth then draws[k].distance = (fake - real):abs():mean() end
    collectgarbage()
  end
  return summary(draws)
end

--- Which of some names are asked for.
-- @string only names with commas between; '': all
-- @tparam {string,...} names that there are
-- @treturn function from a name to whether it is asked for
function rated.asked(only, names)
  local there, asked = {}, {}
  for _, name in ipairs(names) do there[name] = true end
  for name in only:gmatch '[^,]+' do
    asked[name] = there[name] or settings.quit("--only: there is no '%s'; there are %s", name, table.concat(names, ', '))
  end
  return function(name) return next(asked) == nil or asked[name] or false end
end

--- Recipes that turn images into images, or those that do not, by name.
-- @bool translate
-- @treturn {string,...} names
-- @treturn table name -> recipe
function rated.recipes(translate)
  local names, by_name = {}, {}
  for _, entry in ipairs(gan.recipes()) do
    local recipe = gan.load_recipe(entry.path)
    if (recipe.pairs or false) == translate then
      names[#names + 1] = entry.name
      by_name[entry.name] = recipe
    end
  end
  return names, by_name
end

--- Writes a table and a sheet: OUT/NAME.md and OUT/NAME.png, and, where asked, into a page and the images/ beside it.
-- @tparam table how out; write: '' or the path of a Markdown file
-- @string name
-- @tparam {string,...} lines
-- @tparam Canvas canvas changed: into 16 shades, which a PNG holds in half the bytes
function rated.publish(how, name, lines, canvas)
  canvas.pixels:mul(15):add(0.5):floor():div(15)
  canvas:save(('%s/%s.png'):format(how.out, name))
  folder.write(('%s/%s.md'):format(how.out, name), table.concat(lines, '\n') .. '\n')
  io.stdout:write('\n', table.concat(lines, '\n'), '\n')
  if how.write == '' then return end
  settings.write_tables(how.write, {[name] = lines})
  canvas:save(('%simages/%s.png'):format(how.write:match '^(.*/)' or '', name))
end

--- Settings as --set takes them: those that a recipe has.
-- @param recipe
-- @tparam table values for all
-- @tparam[opt] table own for this one
function rated.settings(recipe, values, own)
  local list = {}
  for key, value in pairs(values) do
    if recipe.options.declared[key] then list[#list + 1] = ('%s=%s'):format(key, value) end
  end
  for key, value in pairs(own or {}) do list[#list + 1] = ('%s=%s'):format(key, value) end
  table.sort(list)
  return table.concat(list, ' ')
end

-- Millions of weights of a run's networks.
local function parameters(run_)
  local texts = {}
  for _, which in ipairs {'G', 'D'} do
    texts[#texts + 1] = run_.checkpoint.networks[which] and ('%.2f'):format(network.count(run_[which]) / 1e6) or '-'
  end
  return table.concat(texts, ' / ')
end

--- What make() gives, kept in a file: found there the next time, unless it is of another command or feature net.
-- @string path of the file
-- @tparam table key command, net (a hash), n (images in a draw), which stay with what is kept
-- @bool again whether to make it anew
-- @func make gives a table
function rated.kept(path, key, again, make)
  if not again and folder.kind(path) == 'file' then
    local kept = cjson.decode(folder.read(path))
    if kept.command == key.command and kept.net == key.net and kept.n == key.n then return kept end
  end
  local commit = rated.commit() -- before it begins: files may change meanwhile
  local found = make()
  found.command, found.net, found.n, found.commit, found.draws = key.command, key.net, key.n, commit, rated.DRAWS
  folder.write(path, cjson.encode(found))
  return found
end

--- What is kept of a recipe, whatever it was measured with; nil: nothing.
function rated.known(out, name)
  local path = ('%s/%s'):format(out, name)
  if folder.kind(path .. '.json') ~= 'file' or not folder.kind(folder.file(path, 'checkpoint')) then return nil end
  return cjson.decode(folder.read(path .. '.json'))
end

--- Trains and rates, unless that was done.
-- @tparam table o out (a folder), name, recipe, data, steps, set (settings), threads, net (Features), n (images in a draw), again (do it
-- anew); rate(run) gives scores; sheet(run) a picture to look at
-- @treturn table name, command, net, seed, commit, seconds, steps, weights, parameters, scores
function rated.measure(o)
  local path = ('%s/%s'):format(o.out, o.name)
  local command = ("%s train %s --data '%s' --out '%s' --steps %d --threads %d --set %s"):format(rated.gantry, o.recipe, o.data, path,
    o.steps, o.threads, o.set)
  local again = o.again or not folder.kind(folder.file(path, 'checkpoint'))
  return rated.kept(path .. '.json', {command = command, net = o.net.hash, n = o.n}, again, function()
    os.execute(("rm -rf '%s'"):format(path))
    local seconds = rated.run(command, path .. '.log')
    local opened = gan.open(path)
    if opened.step ~= o.steps then
      io.stderr:write(('bench: %s was stopped at step %d\n'):format(path, opened.step))
      os.exit(1)
    end
    opened:reestimate()
    gantry.image.save(path .. '.png', o.sheet(opened))
    return {
      name = o.name, steps = o.steps, seconds = seconds, seed = opened.options.seed, weights = opened.state.hash,
      parameters = parameters(opened), scores = o.rate(opened),
    }
  end)
end

return rated
