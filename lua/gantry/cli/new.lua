--- gantry new NAME: a recipe of one's own, begun as a copy of one that works.
-- @module gantry.cli.new
local argparse = require 'argparse'
local cli = require 'gantry.cli'

local function parser()
  local p = argparse('gantry new', 'Copies a recipe to NAME.lua, to be edited.')
    :epilog 'Example: gantry new my-gan --from dcgan'
  p:argument('name', "the new recipe's name, or the path of its file"):argname 'NAME'
  p:option('--from', 'the recipe to copy: a name (see gantry recipes) or a path', 'dcgan'):argname 'RECIPE'
  return p
end

return function(arguments)
  local given = cli.parse(parser(), arguments)
  local path = given.name:match '%.lua$' and given.name or given.name .. '.lua'
  local name = path:match '([^/]+)%.lua$'
  if not name or not name:match '^[%w_-]+$' then
    cli.usage("new: the name is '%s', wanted letters, digits, - and _", given.name)
  end
  local folder, recipes = require 'gantry.gan.folder', require 'gantry.gan.recipe'
  if folder.kind(path) then cli.usage('new: %s is there already', path) end
  local source = recipes.load(given.from)
  local text, renamed = folder.read(source.path):gsub("(\n%s*name%s*=%s*)(['\"])[%w_-]+%2", function(head, quote)
    return head .. quote .. name .. quote
  end, 1)
  if path:find '/' then folder.make(path:match '^(.*)/') end
  folder.write(path, text)
  local where = path:find '/' and path or './' .. path
  io.stdout:write(('%s: a copy of %s%s\n'):format(path, source.path, renamed == 0 and '; give it a name of its own' or ''))
  for relative in pairs(source.files) do
    if relative ~= source.path:match '[^/]+$' then
      io.stdout:write(('note: it requires %s, which stands beside %s: copy that too\n'):format(relative, source.path))
    end
  end
  io.stdout:write(('edit it, then\n  gantry check %s\n  gantry train %s --data SPEC --out runs/%s\n'):format(where, where, name))
  return 0
end
