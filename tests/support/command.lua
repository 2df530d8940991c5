--- Runs the gantry command in tests, and makes folders that are removed afterwards.
local lfs = require 'lfs'

local command = {}

local root = lfs.currentdir()
local folders = {}

local function read(path)
  local file = assert(io.open(path, 'rb'))
  local text = file:read '*a'
  file:close()
  return text
end
command.read = read

--- A new empty folder.
function command.folder()
  local path = os.tmpname()
  os.remove(path)
  assert(lfs.mkdir(path))
  folders[#folders + 1] = path
  return path
end

--- Removes the folders made so far.
function command.clean()
  for _, path in ipairs(folders) do os.execute("rm -rf '" .. path .. "'") end
  folders = {}
end

--- Writes a file.
function command.write(path, text)
  local file = assert(io.open(path, 'wb'))
  file:write(text)
  file:close()
  return path
end

--- Runs `gantry ARGUMENTS` through the shell.
-- @string arguments as typed
-- @tparam[opt] table how input = text for standard input, env = 'NAME=value ...', cd = directory
-- @treturn int exit code
-- @treturn string standard output
-- @treturn string standard error
function command.gantry(arguments, how)
  how = how or {}
  local out, err, input = os.tmpname(), os.tmpname(), os.tmpname()
  command.write(input, how.input or '')
  local line = ("cd '%s' && %s '%s/bin/gantry' %s <%s >%s 2>%s"):format(
    how.cd or root, how.env or '', root, arguments, input, out, err)
  local status = os.execute(line)
  local code = status >= 256 and math.floor(status / 256) or status
  local stdout, stderr = read(out), read(err)
  for _, path in ipairs {out, err, input} do os.remove(path) end
  return code, stdout, stderr
end

return command
