--- The only file that loads libgantry.so: finds it, checks its ABI, declares its functions, and turns its error codes into
-- Lua errors that blame the caller. Everything else says `local native = require 'gantry.native'`.
-- @module gantry.native
local ffi = require 'ffi'
local choices = require 'gantry.choices'

local native = {}

-- By default LuaJIT keeps 1000 traces and 512 kB of machine code, and where a program has more it throws all of them away and starts
-- anew. A training step with a penalty has more: every op is compiled for each place that it is called from.
require('jit.opt').start('maxtrace=4000', 'maxmcode=8192', 'sizemcode=256')

local ABI = 10 -- the gantry.h that this Lua code was written for

local here = debug.getinfo(1, 'S').source:match('^@(.*)native%.lua$') or './'

--- Where the library may be: named by GANTRY_LIBRARY, built in this checkout, or installed on package.cpath.
local function library_paths()
  local named = os.getenv 'GANTRY_LIBRARY'
  if named and named ~= '' then return {named} end
  local paths = {(here:match '^(.*)lua/gantry/$' or here .. '../../') .. 'build/libgantry.so'}
  for template in package.cpath:gmatch '[^;]+' do
    if template:find('?', 1, true) then paths[#paths + 1] = (template:gsub('%?', 'libgantry')) end
  end
  return paths
end

local function load_library()
  local tried = {}
  for _, path in ipairs(library_paths()) do
    local file = io.open(path, 'rb')
    if file then
      file:close()
      local ok, lib = pcall(ffi.load, path)
      if ok then return lib, path end
      tried[#tried + 1] = tostring(lib)
    elseif path == os.getenv 'GANTRY_LIBRARY' then
      tried[1] = path .. ', which GANTRY_LIBRARY names, is not there'
    end
  end
  error('gantry: libgantry.so cannot be loaded' ..
    (#tried > 0 and ': ' .. table.concat(tried, '; ') or '; run `make`, or say where it is with GANTRY_LIBRARY'), 0)
end

local C, path = load_library()
ffi.cdef 'int gt_abi(void); const char *gt_cdef(void);'
local abi = C.gt_abi()
if abi ~= ABI then
  error(('gantry: %s has ABI %d, these Lua files want %d; build and install both together'):format(path, abi, ABI), 0)
end
local cap, levels = os.getenv 'GANTRY_CPU', {[''] = true, generic = true, avx2 = true, avx512 = true, amx = true}
if cap and not levels[cap] then
  error(('gantry: GANTRY_CPU is %s, wanted generic, avx2, avx512 or amx'):format(cap), 0)
end
local declarations = ffi.string(C.gt_cdef()):gsub('/%*.-%*/', ''):gsub('int gt_abi%(void%);', ''):gsub('const char %*gt_cdef%(void%);', '')
ffi.cdef(declarations)

--- The file it was loaded from.
native.path = path
--- The tables of choices in use: files, and problem where one could not be read.
native.choices = choices.load(C, here)
--- What names the choices that are made: 16 hexadecimal digits, or "none".
function native.choices_name()
  return C.gt_choices_count() > 0 and bit.tohex(C.gt_choices_hash(), 16) or 'none'
end
--- Gantry's version.
native.version = ffi.string(C.gt_version())

--- The stack level, as seen by the caller's caller, of the first function that is not part of Gantry's own Lua files.
local function blamed_level()
  local level = 3
  while true do
    local info = debug.getinfo(level, 'S')
    if not info then return 0 end
    if info.what ~= 'C' and info.source:sub(1, #here + 1) ~= '@' .. here then return level - 1 end
    level = level + 1
  end
end

--- Raises an error at the line of the user's program that led here.
-- @string message a format, as for string.format
-- @param ... its values
-- @usage native.fail('narrow: index %d is outside 1..%d', i, n)
function native.fail(message, ...)
  if select('#', ...) > 0 then message = message:format(...) end
  error(message, blamed_level())
end

--- Raises the library's message unless code is 0.
-- @int code what a library function returned
function native.check(code)
  if code ~= 0 then
    local message = ffi.string(C.gt_last_error())
    error(message ~= '' and message or ffi.string(C.gt_error_name(code)), blamed_level())
  end
end

--- Whether a message is what LuaJIT raises where nobody catches SIGINT, at whatever line it happens to be; containers add to it where
-- in a network that was.
function native.is_interrupt(problem) return type(problem) == 'string' and problem:find(': interrupted!', 1, true) ~= nil end

--- A message handler for xpcall where an error passes through Gantry: remembers the stack of the first one for the command's
-- report and leaves the error as it is.
function native.keep_trace(problem)
  if native.traced ~= problem then
    native.traced, native.trace = problem, debug.traceback(tostring(problem), 2)
  end
  return problem
end

-- LuaJIT's collector sees a tensor as a few bytes. It is driven by the bytes that the library has handed out instead: when
-- they have grown by a third (and 64 MB) since the last collection, another is due.
local pool = C.gt_pool()
local slack = 64 * 2 ^ 20
local due, gone = slack, 0

local function collect()
  collectgarbage()
  due, gone = pool.live * 4 / 3 + slack, 0
  -- Below a limit, garbage may fill half of what is left of it.
  if pool.limit > 0 then due = math.min(due, (pool.live + pool.limit) / 2) end
end

--- Notes that somebody who held tensors of so many bytes let go of them. The collector frees those that nobody else holds, once they
-- are a quarter of what is live (and 64 MB).
-- @number bytes
function native.let_go(bytes)
  gone = gone + bytes
  if gone > slack and 4 * gone > pool.live then collect() end
end

--- Sets how many bytes the library's memory may take; a tensor beyond that is an error.
-- @number bytes 0: no limit
function native.set_memory_limit(bytes)
  C.gt_pool_set_limit(bytes)
  collect()
end

-- Where a function fails for want of memory, garbage may be all that is in the way: it is collected and the function called
-- once more. `again` does that for all functions that give an error code, which are those that return an int; each gets a Lua
-- function of its own with as many arguments, for varargs would cost on the way of every op.
local NO_MEMORY = 4 -- GT_ENOMEM
local again = [[
local C, collect, NO_MEMORY = ...
return function(%s)
  local code = C.%s(%s)
  if code ~= NO_MEMORY then return code end
  collect()
  return C.%s(%s)
end]]

local functions, source = {}, '@' .. here .. 'native.lua' -- in stack traces they count as Gantry's own
for name, parameters in declarations:gmatch '%f[%w_]int (gt_[%w_]+)(%b());' do
  local list = {}
  for k = 1, parameters == '(void)' and 0 or select(2, parameters:gsub(',', ',')) + 1 do list[k] = 'a' .. k end
  local arguments = table.concat(list, ', ')
  functions[name] = assert(loadstring(again:format(arguments, name, arguments, name, arguments), source))(C, collect, NO_MEMORY)
end

--- The library's functions and constants.
native.C = setmetatable(functions, {__index = C})

--- Gives a tensor sizes, its elements not cleared.
-- @param t tensor
-- @int rank number of dimensions
-- @param shape int64_t array
function native.resize(t, rank, shape) native.check(functions.gt_tensor_resize(t, rank, shape)) end

-- Lua holds the struct itself, not a pointer to it: indexing a pointer with a number, and adding one to it, is pointer
-- arithmetic to LuaJIT, which asks no metatable. C functions that want a pointer take the struct as well.
local tensor_t = ffi.typeof('gt_tensor')

--- A new, empty tensor of an element type; its storage is given back with the last Lua reference.
-- @int dtype C.GT_FLOAT ...
-- @return gt_tensor
function native.new_tensor(dtype)
  if pool.live > due then collect() end
  local t = ffi.new(tensor_t)
  t.dtype = dtype
  return ffi.gc(t, C.gt_tensor_release)
end

--- A new storage of n elements, not cleared.
-- @int dtype C.GT_FLOAT ...
-- @int n elements
-- @return gt_storage, by reference
function native.new_storage(dtype, n)
  if pool.live > due then collect() end
  local s = C.gt_storage_new(dtype, n)
  if s == nil then
    collect()
    s = C.gt_storage_new(dtype, n)
    if s == nil then native.check(NO_MEMORY) end
  end
  return ffi.gc(s[0], C.gt_storage_free)
end

--- Live, peak and cached bytes of the library's memory pool, as numbers.
-- @treturn table with live, peak, cached, limit, mapped, allocations
function native.memory()
  return {
    live = pool.live, peak = pool.peak, cached = pool.cached, limit = pool.limit, mapped = pool.mapped, allocations = pool.allocations,
  }
end

return native
