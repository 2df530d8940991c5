--- Torch7's classes: tables with a name, a parent and a constructor, and the answer to "what is this?".
-- A class is its metatable: instances are tables with that metatable, which is its own __index and falls back on its
-- parent's. Nothing is written to the global table: the constructor goes to the table given, or to the table registered
-- for the first part of the name (`class.modules.nn` for 'nn.Linear').
-- @module gantry.torch.class
local native = require 'gantry.native'

local class = {}

--- Tables that receive constructors, by the part of a class name before the last dot; '' for names without a dot.
class.modules = {}

-- A name for a message; for what is no name, its type.
local function shown(name) return type(name) == 'string' and name or 'a ' .. type(name) end

local classes = {}                              -- name -> {name, metatable, constructor, factory, parent, children}
local by_metatable = setmetatable({}, {__mode = 'k'})

-- cdata have one metatable per C type, so those who make them say how to tell their names: {function(x) -> name or nil, ...}.
local cdata_names = {}

-- Metamethods that Torch7's programs define with underscores on both sides, and the Lua event each stands for.
local events = {
  __tostring__ = '__tostring', __call__ = '__call', __len__ = '__len', __concat__ = '__concat', __unm__ = '__unm',
  __add__ = '__add', __sub__ = '__sub', __mul__ = '__mul', __div__ = '__div', __mod__ = '__mod', __pow__ = '__pow',
  __eq__ = '__eq', __lt__ = '__lt', __le__ = '__le',
}
-- What a subclass inherits when its parent defines it; __index is handled apart.
local inherited = {}
for _, event in pairs(events) do inherited[event] = true end

-- The function Lua calls for `event` on instances of mt: looks the underscored method up at each call, on either operand,
-- so that a redefinition and a subclass's version count.
local function dispatcher(name)
  if name == '__call__' or name == '__tostring__' or name == '__len__' or name == '__unm__' then
    return function(self, ...) return self[name](self, ...) end
  end
  return function(a, b)
    local mt = getmetatable(a)
    local method = by_metatable[mt] and mt[name]
    if not method then
      mt = getmetatable(b)
      method = mt[name]
    end
    return method(a, b)
  end
end
local dispatchers = {}
for name in pairs(events) do dispatchers[name] = dispatcher(name) end

-- Torch7's __index__(self, key) returns a value and true, or false to go on with the class; __newindex__ returns true
-- when it stored the value.
local function custom_index(mt)
  return function(self, key)
    local value, found = mt.__index__(self, key)
    if found then return value end
    return mt[key]
  end
end
local function custom_newindex(mt)
  return function(self, key, value)
    if not mt.__newindex__(self, key, value) then rawset(self, key, value) end
  end
end

-- Makes mt and its subclasses answer to a metamethod that was just defined in mt (or in a parent).
local function install(record, name)
  local mt = record.metatable
  if name == '__index__' then
    rawset(mt, '__index', custom_index(mt))
  elseif name == '__newindex__' then
    rawset(mt, '__newindex', custom_newindex(mt))
  else
    rawset(mt, events[name], dispatchers[name])
  end
  for _, child in ipairs(record.children) do install(child, name) end
end

local function inherit(record, event, value)
  for _, child in ipairs(record.children) do
    if rawget(child.metatable, event) == nil then
      rawset(child.metatable, event, value)
      inherit(child, event, value)
    end
  end
end

local function default_tostring(self) return by_metatable[getmetatable(self)].name end

local function define(record)
  return function(mt, key, value)
    rawset(mt, key, value)
    if events[key] or key == '__index__' or key == '__newindex__' then
      install(record, key)
    elseif inherited[key] then
      inherit(record, key, value)
    end
  end
end

local function split(name)
  local module, root = name:match('^(.*)%.([^.]+)$')
  return module or '', root or name
end

-- `false` for a constructor means that instances are not tables (tensors) and are made elsewhere.
local function register(record)
  classes[record.name] = record
  by_metatable[record.metatable] = record
  return record
end

--- Creates a class, or raises an error if the name is taken or the parent unknown.
-- @tparam string name the class's full name, 'nn.Linear'
-- @tparam[opt] string parent the name of the class it derives from
-- @tparam[opt] table module where to put the constructor, under the last part of the name
-- @treturn table the class, to define methods on; calling it makes an instance and calls __init
-- @treturn table the parent class, or nil
-- @usage local Scale, parent = torch.class('nn.Scale', 'nn.Module')
--   function Scale:__init(k) parent.__init(self); self.k = k end
function class.create(name, parent, module)
  if type(name) ~= 'string' or name == '' then native.fail('class: the name is a %s, wanted a string', type(name)) end
  if type(parent) == 'table' and module == nil then parent, module = nil, parent end
  if classes[name] then native.fail("class: '%s' is already defined", name) end
  local above
  if parent ~= nil then
    above = type(parent) == 'string' and classes[parent]
    if not above then native.fail("class: the parent of '%s' is %s, wanted the name of a class", name, shown(parent)) end
    if not above.constructor then native.fail("class: '%s' cannot be a parent: its instances are not tables", parent) end
  end
  if module ~= nil and type(module) ~= 'table' then native.fail('class: the module is a %s, wanted a table', type(module)) end

  local mt = {__typename = name, __version = 1}
  mt.__index = mt
  mt.__tostring = default_tostring
  local record = {name = name, metatable = mt, parent = above, children = {}}
  record.factory = function() return setmetatable({}, mt) end
  record.constructor = function(...)
    local self = setmetatable({}, mt)
    if mt.__init then self:__init(...) end
    return self
  end
  setmetatable(mt, {
    __index = above and above.metatable,
    __newindex = define(record),
    __call = function(_, ...) return record.constructor(...) end,
  })
  if above then
    table.insert(above.children, record)
    for event in pairs(inherited) do
      local value = rawget(above.metatable, event)
      if value then rawset(mt, event, value) end
    end
    if mt.__index__ then rawset(mt, '__index', custom_index(mt)) end
    if mt.__newindex__ then rawset(mt, '__newindex', custom_newindex(mt)) end
  end
  register(record)

  local prefix, root = split(name)
  module = module or class.modules[prefix]
  if module then module[root] = mt end
  return mt, above and above.metatable
end

--- Registers a class whose instances are not Lua tables: a type of tensor or storage.
-- @tparam string name its full name
-- @tparam table methods its method table
-- @tparam function factory makes an empty instance
function class.register_native(name, methods, factory)
  methods.__typename = name
  register {name = name, metatable = methods, factory = factory, children = {}}
end

local plain_names = setmetatable({}, {__mode = 'k'}) -- by metatable

--- Names tables that are no objects of a class: those with a metatable.
-- @tparam table metatable
-- @tparam string name 'autograd.value'
function class.register_plain(metatable, name) plain_names[metatable] = name end

--- Tells torch.typename how to name some cdata.
-- @tparam function namer takes a cdata, returns its class name or nil
function class.register_namer(namer) cdata_names[#cdata_names + 1] = namer end

--- The class name of a Torch object; nil for anything else.
-- @param object any value
-- @treturn string|nil 'torch.FloatTensor', 'nn.Linear'; 'autograd.value' for a recorded value
function class.typename(object)
  local kind = type(object)
  if kind == 'cdata' then
    for i = 1, #cdata_names do
      local name = cdata_names[i](object)
      if name then return name end
    end
  elseif kind == 'table' then
    local metatable = getmetatable(object)
    local record = by_metatable[metatable]
    if record then return record.name end
    return plain_names[metatable]
  end
  return nil
end

--- The class name of a Torch object, or Lua's type of anything else.
-- @param object any value
-- @treturn string 'torch.FloatTensor', 'number'
function class.type(object) return class.typename(object) or type(object) end

--- What a message says that an argument is: 'nil', '1.5', 'a table'.
-- @param x any value
-- @treturn string
function class.shown(x)
  if x == nil or type(x) == 'number' then return tostring(x) end
  return 'a ' .. class.type(x)
end

--- Whether an object is of a class or of one derived from it.
-- @param object any value
-- @param spec a class name, a pattern that must match the whole of it ('torch.*Tensor'), or the class itself
-- @treturn boolean
function class.is_type_of(object, spec)
  if type(spec) == 'table' then spec = spec.__typename end
  if type(spec) ~= 'string' then native.fail('isTypeOf: argument 2 is a %s, wanted a class or its name', type(spec)) end
  local record = classes[class.typename(object)]
  while record do
    if record.name == spec then return true end
    local first, last = record.name:find(spec)
    if first == 1 and last == #record.name then return true end
    record = record.parent
  end
  return false
end

--- The metatable (method table) of a class, to add methods to; nil for an unknown name.
-- @tparam string name class name
-- @treturn table|nil
function class.metatable(name)
  local record = classes[name]
  return record and record.metatable
end

--- A function that makes an instance without calling __init; nil for an unknown name.
-- @tparam string name class name
-- @treturn function|nil
function class.factory(name)
  local record = classes[name]
  return record and record.factory
end

--- The function that makes an instance and calls __init; nil for an unknown name and for tensor types.
-- @tparam string name class name
-- @treturn function|nil
function class.constructor(name)
  local record = classes[name]
  return record and record.constructor
end

--- Turns a plain table into an instance of a class, without calling __init.
-- @tparam table object the table
-- @tparam string name class name
-- @treturn table the object
function class.set_metatable(object, name)
  local record = classes[name]
  if not record or not record.constructor then
    native.fail("setmetatable: argument 2 is %s, wanted the name of a class of tables", shown(name))
  end
  if type(object) ~= 'table' then native.fail('setmetatable: argument 1 is a %s, wanted a table', type(object)) end
  return setmetatable(object, record.metatable)
end

return class
