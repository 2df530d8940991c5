--- Which tables say by which way a convolution of a certain shape is computed (gantry.h has their format): the one that is installed
-- with Gantry, then the user's own, whose entries take the place of the other's. They are read once, when the library is loaded.
-- `GANTRY_TUNE=FILE` names the user's table, `GANTRY_TUNE=none` leaves both out.
-- @module gantry.choices
local ffi = require 'ffi'

local choices = {}

--- The installed table.
-- @string folder of Gantry's Lua files, ending in /
function choices.installed(folder) return folder .. 'choices.txt' end

local function variable(name)
  local value = os.getenv(name)
  return value ~= '' and value or nil
end

--- Where the user's table is, or would be: what GANTRY_TUNE names, else $XDG_CONFIG_HOME/gantry/tune.txt or
-- ~/.config/gantry/tune.txt. Nothing where there is no such place.
-- @treturn[opt] string path
-- @treturn[opt] bool whether GANTRY_TUNE names it
function choices.user()
  local named = variable 'GANTRY_TUNE'
  if named and named ~= 'none' then return named, true end
  local config = variable 'XDG_CONFIG_HOME' or variable 'HOME' and variable 'HOME' .. '/.config'
  return config and config .. '/gantry/tune.txt', false
end

local function exists(path)
  local file = io.open(path, 'rb')
  if file then file:close() end
  return file ~= nil
end

--- Fills the library's table.
-- @param C the library
-- @string folder of Gantry's Lua files
-- @treturn table files: the tables in use; problem: why one is not
-- @raise where GANTRY_TUNE names a file that cannot be used
function choices.load(C, folder)
  local state = {files = {}}
  if os.getenv 'GANTRY_TUNE' == 'none' then return state end
  local path, named = choices.user()
  for _, file in ipairs {choices.installed(folder), path} do
    if exists(file) or named and file == path then
      if C.gt_choices_load(file) == 0 then
        state.files[#state.files + 1] = file
      else
        local problem = ffi.string(C.gt_last_error())
        if named and file == path then error(('gantry: GANTRY_TUNE: %s'):format(problem), 0) end
        state.problem = problem .. '; this table is not used'
        io.stderr:write('gantry: warning: ', state.problem, '\n')
      end
    end
  end
  return state
end

return choices
