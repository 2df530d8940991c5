--- Folders of images: which files there are, and the classes that their sub-folders make.
-- @module gantry.data.folder
local lfs = require 'lfs'
local native = require 'gantry.native'

local folder = {}

local endings = {png = true, jpg = true, jpeg = true, jpe = true, jfif = true}

local function walk(path, files, others, seen)
  local ok, iterate, state = pcall(lfs.dir, path)
  if not ok then native.fail('data: %s', tostring(iterate):gsub('^cannot open ', 'cannot open folder ')) end
  local names = {}
  for name in iterate, state do
    if name:sub(1, 1) ~= '.' then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local full = path .. '/' .. name
    local about = lfs.attributes(full)
    if about and about.mode == 'directory' then
      local id = about.dev .. ':' .. about.ino -- a link may lead back to where we are
      if not seen[id] then
        seen[id] = true
        walk(full, files, others, seen)
      end
    elseif not about or about.mode == 'file' then -- nothing is known of a link that leads nowhere; reading it says why
      local list = endings[(name:match '%.(%w+)$' or ''):lower()] and files or others
      list[#list + 1] = full
    end
  end
end

--- The image files of a folder and its sub-folders by name, in the order of their names. Hidden ones are left out.
-- @string path
-- @treturn table of paths
-- @treturn table paths of the files that are not named as images are
function folder.list(path)
  local files, others = {}, {}
  local about = lfs.attributes(path)
  walk(path == '/' and '' or path, files, others, {[about.dev .. ':' .. about.ino] = true})
  return files, others
end

--- The classes of files: the names of the sub-folders that hold them.
-- @tparam table files from folder.list
-- @string path the folder
-- @treturn table class of each file, 1..n, where it is in a sub-folder
-- @treturn table names of the classes in order, or nil where there are no sub-folders
function folder.classes(files, path)
  local number, names, found = {}, {}, {}
  for i, file in ipairs(files) do
    local name = file:sub(#path + 2):match '([^/]+)/[^/]+$'
    found[i] = name or false
    if name and not number[name] then
      number[name] = true
      names[#names + 1] = name
    end
  end
  if #names == 0 then return {}, nil end
  table.sort(names)
  for k, name in ipairs(names) do number[name] = k end
  local classes = {}
  for i = 1, #files do classes[i] = found[i] and number[found[i]] or nil end
  return classes, names
end

return folder
