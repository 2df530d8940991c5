--- Networks as data: what class each module is, the arguments it was made with, and the names of its tensors. A network is
-- built again from that without executing anything: only classes of the list here are made.
-- @module gantry.gan.network
local native = require 'gantry.native'
local torch = require 'gantry.torch'
local nn = require 'gantry.nn'
local nets = require 'gantry.gan.nets'
local classes = require 'gantry.gan.network_classes'

local network = {}

-- ---- tensors by name ------------------------------------------------------------------------------------------------------

local tensor_fields = {'weight', 'bias', 'running_mean', 'running_var'}

--- Calls visit(name, tensor) for every weight and buffer of a network, in a fixed order: '1.weight', '2.3.running_mean' ...
-- Of a module of an unknown class: what its parameters() returns.
-- @param net any module
-- @string prefix of every name
-- @func visit
function network.tensors(net, prefix, visit)
  if type(net) ~= 'table' then native.fail('network: got %s, wanted a network', net == nil and 'nil' or 'a ' .. torch.type(net)) end
  local known = classes[torch.type(net):match '^nn%.(%w+)$' or '']
  if known then
    for _, fields in ipairs {tensor_fields, known.buffers or {}} do
      for _, field in ipairs(fields) do
        if torch.isTensor(net[field]) then visit(prefix .. '.' .. field, net[field]) end
      end
    end
  elseif not net.modules then
    for i, parameter in ipairs(net:parameters() or {}) do visit(('%s.parameter_%d'):format(prefix, i), parameter) end
  end
  for i, child in ipairs(net.modules or {}) do network.tensors(child, prefix .. '.' .. i, visit) end
end

--- Number of weights that training changes.
function network.count(net)
  local n = 0
  for _, parameter in ipairs((net:parameters())) do n = n + parameter:nElement() end
  return n
end

-- ---- to data and back -----------------------------------------------------------------------------------------------------

--- A network as plain tables, for JSON.
-- @param net any module
-- @treturn table {class =, arguments =, extra =} or {class =, modules = {...}}; {class =, unknown = true} where Gantry does not know it
function network.describe(net)
  local class = torch.type(net)
  local known = classes[class:match '^nn%.(%w+)$' or '']
  if not known then return {class = class, unknown = true} end
  if known.container then
    local modules = {}
    for i, child in ipairs(net.modules) do modules[i] = network.describe(child) end
    return {class = class, arguments = known.arguments and known.arguments(net) or nil, modules = modules}
  end
  return {class = class, arguments = known.arguments(net), extra = known.extra and known.extra(net) or nil}
end

--- The first module of a description that Gantry does not know.
-- @tparam table description
-- @string place the network's name
-- @treturn[opt] string its class
-- @treturn[opt] string where it is: 'G.2'
function network.unknown(description, place)
  if type(description) ~= 'table' or type(description.class) ~= 'string' then return nil end
  local known = classes[description.class:match '^nn%.(%w+)$' or '']
  if not known then return description.class:sub(1, 60), place end
  for i, child in ipairs(known.container and type(description.modules) == 'table' and description.modules or {}) do
    local class, where = network.unknown(child, place .. '.' .. i)
    if class then return class, where end
  end
end

local function broken(what, why, ...) native.fail('%s: its networks cannot be built: ' .. why, what, ...) end

-- Arguments come from a file: plain numbers of a sensible size, true, false, nothing else.
local function check_arguments(what, class, arguments)
  if type(arguments) ~= 'table' then broken(what, '%s has no arguments', class) end
  for i = 1, #arguments do
    local a = arguments[i]
    if type(a) == 'number' and not (a > -2 ^ 30 and a < 2 ^ 30) or type(a) ~= 'number' and type(a) ~= 'boolean' then
      broken(what, 'argument %d of %s is %s', i, class, tostring(a))
    end
  end
end

-- The weight that the arguments ask for must be in the file, so that a lie costs no memory.
local function check_shape(what, name, wanted, file)
  local entry = file.entries[name]
  local stored = entry and entry.shape or {}
  local same = #stored == #wanted
  for i = 1, #wanted do same = same and stored[i] == wanted[i] end
  if not same then
    broken(what, '%s is %s in the file, wanted %s', name, entry and table.concat(stored, 'x') or 'missing', table.concat(wanted, 'x'))
  end
end

local function check_weight(what, name, prefix, arguments, file)
  local known = classes[name]
  if not file or not known.shape then return end
  local ok, wanted = pcall(known.shape, arguments)
  if not ok then broken(what, '%s has too few arguments', prefix) end
  if not wanted then return end
  for i = 1, math.max(#wanted, 4) do
    if wanted[i] ~= nil and type(wanted[i]) ~= 'number' then broken(what, '%s has an argument of the wrong kind', prefix) end
  end
  -- Batch norm without scale and shift has no weight; its running mean has the same size.
  local plain_norm = arguments[4] == false and name:find 'BatchNorm'
  check_shape(what, ('%s.%s'):format(prefix, plain_norm and 'running_mean' or known.checked or 'weight'), wanted, file)
end

-- Without a file what is described is believed: it is of a network that is there.
local function make(description, prefix, file, depth)
  local what = file and file.path or prefix
  if type(description) ~= 'table' or type(description.class) ~= 'string' or depth > 50 then
    broken(what, '%s is not a description', prefix)
  end
  local name = description.class:match '^nn%.(%w+)$' or ''
  local known = classes[name]
  if not known then broken(what, '%s is a %s, which Gantry does not know', prefix, description.class:sub(1, 60)) end
  if known.container then
    if type(description.modules) ~= 'table' then broken(what, '%s has no modules', prefix) end
    if known.arguments then check_arguments(what, description.class, description.arguments) end
    local arguments, children = known.arguments and description.arguments or {}, {}
    for i, child in ipairs(description.modules) do children[i] = make(child, prefix .. '.' .. i, file, depth + 1) end
    if known.assemble then
      check_weight(what, name, prefix, arguments, file)
      local ok, net = pcall(known.assemble, children, arguments)
      return ok and net or broken(what, '%s: %s', prefix, tostring(net))
    end
    local net = nn[name](unpack(arguments))
    for _, child in ipairs(children) do net:add(child) end
    return net
  end
  local arguments = description.arguments
  check_arguments(what, description.class, arguments)
  check_weight(what, name, prefix, arguments, file)
  local extra = type(description.extra) == 'table' and description.extra or {}
  local ok, m = pcall(known.make or function(a) return nn[name](unpack(a)) end, arguments, extra)
  if not ok then broken(what, '%s: %s', prefix, tostring(m)) end
  return m
end

--- Fills a network's weights and buffers from a file.
-- @param net the network
-- @string prefix of its tensors' names
-- @tparam File file from safetensors.open
function network.load_tensors(net, prefix, file)
  network.tensors(net, prefix, function(name, t) file:read_into(name, t) end)
end

--- Builds a network from its description and a file with its tensors. Executes nothing and leaves torch's generator alone.
-- @tparam table description from network.describe
-- @string prefix of its tensors' names
-- @tparam File file from safetensors.open
-- @return a module
function network.build(description, prefix, file)
  local state = torch.getRNGState()
  local ok, net = pcall(make, description, prefix, file, 0)
  torch.setRNGState(state)
  if not ok then error(net, 0) end
  network.load_tensors(net, prefix, file)
  return net
end

--- A network of the same modules that was never trained: its weights are drawn as recipes draw theirs (gantry.gan.nets.init), its
-- statistics and buffers are those of new modules. In evaluation mode.
-- @param net any network of modules that Gantry knows; left as it is
-- @int seed of the weights; torch's own generator is left alone
-- @return a module
-- @usage local twin = network.untrained(run.D, 1)
function network.untrained(net, seed)
  local state = torch.getRNGState()
  torch.manualSeed(seed)
  local ok, made = pcall(function() return nets.init(make(network.describe(net), torch.type(net), nil, 0)) end)
  torch.setRNGState(state)
  if not ok then error(made, 0) end
  return made:evaluate()
end

return network
