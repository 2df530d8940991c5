--- A network in a file of its own, with what it says of itself: feature nets, detectors, networks for duplicates. Reading one executes
-- nothing.
-- @module gantry.gan.network_file
local cjson = require 'cjson'
local native = require 'gantry.native'
local network = require 'gantry.gan.network'
local safetensors = require 'gantry.gan.safetensors'

local network_file = {}

--- Writes a network.
-- @string path
-- @string format a name by which such files are told from others
-- @param net a network of modules that Gantry knows
-- @tparam table about what it says of itself; JSON can hold it
-- @usage network_file.write('judge.safetensors', 'my-judge-1', net, {size = 32})
function network_file.write(path, format, net, about)
  local entries = {}
  network.tensors(net, 'net', function(name, t) entries[#entries + 1] = {name, t} end)
  safetensors.write(path, entries, {format = format, network = cjson.encode(network.describe(net)), about = cjson.encode(about)})
end

--- Reads a network.
-- @string path
-- @string format the name that it was written with
-- @string what said of a file of another format: 'is not a judge'
-- @func[opt] is_whole is_whole(about): whether all that is needed is there, as it should be; called before anything is built
-- @return the network, in evaluation mode
-- @treturn table about
function network_file.read(path, format, what, is_whole)
  local file = safetensors.open(path)
  if file.metadata.format ~= format then native.fail('%s: %s', path, what) end
  local ok, about = pcall(cjson.decode, file.metadata.about or '')
  local readable, description = pcall(cjson.decode, file.metadata.network or '')
  if not ok or not readable or type(about) ~= 'table' or is_whole and not is_whole(about) then
    native.fail('%s: what it says of itself cannot be read', path)
  end
  return network.build(description, 'net', file):evaluate(), about
end

return network_file
