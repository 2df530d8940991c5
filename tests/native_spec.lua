-- The seam between Lua and C: structs laid out alike on both sides, libraries that do not fit refused, memory counted and limited.
local ffi = require 'ffi'
local native = require 'gantry.native'
local torch = require 'gantry.torch'

local C = native.C
local cdef = ffi.string(C.gt_cdef())

local here = debug.getinfo(1, 'S').source:match('^@(.*)tests/native_spec%.lua$')
local root = here ~= '' and here or './'

local function run(command)
  local pipe = assert(io.popen(command .. ' 2>&1; echo "status $?"'))
  local output = pipe:read '*a'
  pipe:close()
  local text, status = output:match '^(.*)status (%d+)%s*$'
  return text, tonumber(status)
end

local _, no_compiler = run 'cc --version'

--- Runs fn(directory) with a temporary directory.
local function in_directory(fn)
  local directory = os.tmpname()
  os.remove(directory)
  assert(os.execute('mkdir ' .. directory) == 0)
  local ok, problem = pcall(fn, directory)
  os.execute('rm -rf ' .. directory)
  if not ok then error(problem, 0) end
end

local function write(path, text)
  local file = assert(io.open(path, 'w'))
  file:write(text)
  file:close()
end

--- Runs Lua code in a fresh interpreter that looks for the library at `library`.
local function lua(directory, library, code)
  write(directory .. '/program.lua', code)
  local path = ('%slua/?.lua;%slua/?/init.lua;%s'):format(root, root, package.path)
  return run(("GANTRY_LIBRARY='%s' LUA_PATH='%s' luajit %s/program.lua"):format(library, path, directory))
end

--- Calls visit(struct, fields) for every struct of the cdef; fields: list of names.
local function each_struct(visit)
  for name, body in cdef:gmatch 'typedef struct ([%w_]+) {(.-)}' do
    local fields = {}
    for declaration in (body:gsub('/%*.-%*/', '')):gmatch '[^;]+' do
      local names = declaration:match '^%s*const%s+[%w_]+%s+(.+)$' or declaration:match '^%s*[%w_]+%s+(.+)$'
      for field in (names or ''):gmatch '[^,]+' do fields[#fields + 1] = field:match '([%w_]+)[%[%]%w]*%s*$' end
    end
    visit(name, fields)
  end
end

describe('the library', function()
  it('declares to Lua what it exports', function()
    local count = 0
    for name in (cdef:gsub('/%*.-%*/', '')):gmatch '([%w_]+)%(' do
      if name:find '^gt_' then
        assert(pcall(function() return C[name] end), name .. ' is declared and not there')
        count = count + 1
      end
    end
    assert.is_true(count > 100, count)
  end)

  it('lays out structs as Lua sees them', function()
    if no_compiler ~= 0 then return pending 'there is no C compiler' end
    in_directory(function(directory)
      local header = io.open(root .. 'csrc/gantry.h'):read '*a'
      local program = {'#include <stdio.h>', header, 'int main(void) {'}
      local seen = {}
      each_struct(function(name, fields)
        seen[name] = true
        program[#program + 1] = ('printf("%s . %%zu\\n", sizeof(%s));'):format(name, name)
        for _, field in ipairs(fields) do
          program[#program + 1] = ('printf("%s %s %%zu\\n", offsetof(%s, %s));'):format(name, field, name, field)
        end
      end)
      for _, name in ipairs {'gt_storage', 'gt_tensor', 'gt_generator', 'gt_pool_stats', 'gt_conv_shape', 'gt_pool_shape'} do
        assert.is_true(seen[name], name)
      end
      program[#program + 1] = 'return 0; }'
      write(directory .. '/layout.c', table.concat(program, '\n'))
      local problem, status = run(('cc -o %s/layout %s/layout.c'):format(directory, directory))
      assert(status == 0, problem)
      local output = run(directory .. '/layout')
      local lines = 0
      for name, field, number in output:gmatch '(%S+) (%S+) (%d+)\n' do
        local ours = field == '.' and ffi.sizeof(name) or ffi.offsetof(name, field)
        assert.equal(tonumber(number), tonumber(ours), name .. '.' .. field)
        lines = lines + 1
      end
      assert.is_true(lines > 50)
    end)
  end)

  it("has a generator of the size that Torch7's saved states have", function()
    assert.equal(5048, ffi.sizeof 'gt_generator')
    assert.equal(5048, torch.getRNGState():nElement())
  end)

  it('names its errors', function()
    assert.equal('no error', ffi.string(C.gt_error_name(0)))
    local seen = {}
    for code = 1, 9 do
      local name = ffi.string(C.gt_error_name(code))
      assert.is_true(#name > 0 and not seen[name])
      seen[name] = true
    end
    assert.is_string(ffi.string(C.gt_error_name(12345)))
    assert.is_true(C.gt_tensor_new(99) == nil)
    assert.truthy(ffi.string(C.gt_last_error()):find('99', 1, true))
  end)

  it('refuses a library of another ABI', function()
    if no_compiler ~= 0 then return pending 'there is no C compiler' end
    in_directory(function(directory)
      write(directory .. '/fake.c', 'int gt_abi(void) { return 4711; }\n')
      local problem, status = run(('cc -shared -fPIC -o %s/libgantry.so %s/fake.c'):format(directory, directory))
      assert(status == 0, problem)
      local output
      output, status = lua(directory, directory .. '/libgantry.so', "require 'gantry.native'")
      assert.equal(1, status)
      assert.truthy(output:find('has ABI 4711, these Lua files want', 1, true), output)
    end)
  end)

  it('refuses an instruction set that there is not', function()
    for name, status in pairs {avx3 = 1, avx = 1, generic = 0, avx2 = 0, amx = 0, [''] = 0} do
      local output, got = run(("GANTRY_CPU='%s' %sbin/gantry recipes"):format(name, root))
      assert.equal(status, got, name .. output)
      if got == 1 then
        assert.equal('gantry: GANTRY_CPU is ' .. name .. ', wanted generic, avx2, avx512 or amx\n', output)
      end
    end
  end)

  it('has a new ABI number whenever a declaration changed', function()
    local checksum = 0
    for byte in ffi.string(C.gt_cdef()):gsub('/%*.-%*/', ''):gsub('%s+', ' '):gmatch '.' do
      checksum = (checksum * 31 + byte:byte()) % 2 ^ 32
    end
    -- Another checksum: move GT_ABI in gantry.h and ABI in native.lua by one, and write both numbers down here.
    assert.same({abi = 10, checksum = 2355026774}, {abi = C.gt_abi(), checksum = checksum})
  end)

  it('that is not there, or is no library, is named', function()
    in_directory(function(directory)
      local output, status = lua(directory, directory .. '/nowhere.so', "require 'gantry.native'")
      assert.equal(1, status)
      assert.truthy(output:find('libgantry.so cannot be loaded', 1, true), output)
      assert.truthy(output:find('nowhere.so', 1, true), output)
      write(directory .. '/text.so', 'this is text')
      output, status = lua(directory, directory .. '/text.so', "require 'gantry.native'")
      assert.equal(1, status)
      assert.truthy(output:find('text.so', 1, true), output)
    end)
  end)

  it('is found through package.cpath where none is named', function()
    in_directory(function(directory)
      -- Lua files away from the checkout, so that its build directory is not there to be found
      local copy = ('cp -r %slua %s/lua && ln -s "$(realpath %s)" %s/libgantry.so'):format(root, directory, native.path, directory)
      assert(os.execute(copy) == 0)
      write(directory .. '/program.lua', "io.write(require('gantry.native').path)")
      local output, status = run(("env -u GANTRY_LIBRARY LUA_PATH='%s/lua/?.lua' LUA_CPATH='%s/?.so' luajit %s/program.lua"):format(
        directory, directory, directory))
      assert.equal(0, status, output)
      assert.equal(directory .. '/libgantry.so', output)
    end)
  end)

  it('brings no globals', function()
    in_directory(function(directory)
      local output, status = lua(directory, native.path, [[
        local before = {}
        for name in pairs(_G) do before[name] = true end
        require 'gantry.torch'
        require 'gantry.autograd'
        for name in pairs(_G) do if not before[name] then print(name) end end
      ]])
      assert.equal(0, status, output)
      assert.equal('', output)
    end)
  end)
end)

describe('memory', function()
  local function settled()
    collectgarbage()
    collectgarbage()
    return native.memory()
  end

  it('is counted', function()
    local before = settled()
    local t = torch.FloatTensor(1000, 100)
    local during = native.memory()
    assert.is_true(during.live - before.live >= 400000)
    assert.is_true(during.live - before.live < 400000 * 1.125 + 1024)
    assert.is_true(during.allocations > before.allocations)
    assert.is_true(during.peak >= during.live)
    C.gt_tensor_release(t)
    assert.is_true(native.memory().live - before.live < 1024)
    C.gt_pool_reset_peak()
    local reset = native.memory()
    assert.equal(reset.live, reset.peak)
    assert.equal(t:dim(), 2) -- its sizes can still be asked for
  end)

  it('is used again', function()
    C.gt_tensor_release(torch.FloatTensor(2 ^ 23)) -- what is kept depends on the peak
    for _ = 1, 3 do C.gt_tensor_release(torch.FloatTensor(300000)) end
    local before = native.memory().mapped
    for _ = 1, 100 do C.gt_tensor_release(torch.FloatTensor(300000)) end
    assert.equal(before, native.memory().mapped)
    local cached = native.memory().cached
    C.gt_pool_trim()
    assert.is_true(native.memory().cached <= cached - 1200000)
  end)

  it('comes back with the last reference, views included', function()
    local before = settled().live
    local view
    do
      local t = torch.DoubleTensor(100000):fill(3)
      view = t:narrow(1, 5, 2)
    end
    assert.is_true(settled().live - before > 800000)
    assert.equal(3, view[2])
    view = nil -- luacheck: ignore
    assert.is_true(settled().live - before < 1024)
  end)

  it('makes the collector run by itself', function()
    native.set_memory_limit(0) -- collects, and forgets how much other specs had in use
    C.gt_pool_reset_peak()
    local before = native.memory().live
    for _ = 1, 400 do torch.FloatTensor(2 ^ 18) end -- 1 MB each: 400 MB if nothing were collected
    assert.is_true(native.memory().peak - before < 150 * 2 ^ 20)
  end)

  it('that is limited is made of garbage before there is an error', function()
    local live = settled().live
    native.set_memory_limit(live + 8 * 2 ^ 20)
    local ok, problem = pcall(function()
      local x = torch.FloatTensor(2 ^ 18):zero() -- 1 MB
      for _ = 1, 100 do x = x + 1 end
      for _ = 1, 10 do torch.ones(2 ^ 20) end -- 4 MB each
      for _ = 1, 10 do torch.FloatTensor():resize(2 ^ 20) end
      for _ = 1, 20 do x = x:clone() end
    end)
    native.set_memory_limit(0)
    assert.is_true(ok, problem)
  end)

  it('that is limited is made of garbage inside convolutions, products, sorting and recorded ops too', function()
    local nn, ops, autograd = require 'gantry.nn', require 'gantry.autograd.ops', require 'gantry.autograd'
    local layer = nn.SpatialConvolution(1, 4, 3, 3, 2, 2, 1, 1)
    local image, tall, wide = torch.rand(1, 1, 1024, 1024), torch.rand(1024, 8), torch.rand(8, 1024)
    local recorded = autograd.value(tall, true)
    for name, f in pairs {
      convolution = function() layer:clearState():forward(image) end,
      product = function() torch.mm(tall, wide) end,
      recorded = function() ops.matmul(recorded, wide) end,
      sort = function() torch.sort(image, 3) end,
      cat = function() torch.cat({image, image}, 1) end,
      noise = function() torch.rand(1024, 1024) end,
    } do
      f()
      local live = settled().live
      C.gt_pool_reset_peak()
      f()
      local needs = native.memory().peak - live + 2 ^ 20
      settled()
      native.set_memory_limit(live + needs)
      collectgarbage 'stop' -- nobody collects but whoever finds no memory
      local ok, problem = pcall(function()
        for _ = 1, 3 do
          -- On stacks of their own: a place of this one that nobody uses any more could still hold what a call gave.
          coroutine.wrap(function() torch.FloatTensor(needs / 8 - 2 ^ 15) end)() -- somewhat less than makes new tensors collect garbage
          coroutine.wrap(f)()
        end
      end)
      collectgarbage 'restart'
      native.set_memory_limit(0)
      assert.is_true(ok, name .. ': ' .. tostring(problem))
    end
  end)

  it('that is limited gives an error, and the program goes on', function()
    local live = settled().live
    C.gt_pool_set_limit(live + 4 * 2 ^ 20)
    local ok, message = pcall(torch.FloatTensor, 2 ^ 21)
    local small_ok = pcall(torch.FloatTensor, 1000)
    local result = torch.FloatTensor(2 ^ 10)
    local grown, why = pcall(result.resize, result, 2 ^ 22)
    C.gt_pool_set_limit(0)
    assert.is_false(ok)
    assert.truthy(message:find('out of memory', 1, true), message)
    assert.truthy(message:find('limit', 1, true), message)
    assert.is_true(small_ok)
    assert.is_false(grown)
    assert.truthy(why:find('out of memory', 1, true), why)
    assert.equal(2 ^ 21, torch.FloatTensor(2 ^ 21):nElement())
  end)

  it('that nobody has gives an error', function()
    for _, n in ipairs {2 ^ 50, 2 ^ 60} do
      local ok, message = pcall(torch.DoubleTensor, n)
      assert.is_false(ok)
      assert.is_string(message)
    end
  end)

  it('that was released is never read', function()
    local t = torch.DoubleTensor(5):fill(1)
    C.gt_tensor_release(t)
    for _, use in ipairs {
      function() return t[1] end, function() t[1] = 2 end, function() return t:sum() end, function() t:fill(0) end,
      function() return t:clone() end, function() return t + 1 end, function() t:resize(7) end,
      function() return t:narrow(1, 1, 2):sum() end, function() t:copy(torch.zeros(5)) end,
    } do
      local ok, message = pcall(use)
      assert.is_false(ok)
      assert.truthy(message:find('released', 1, true), message)
    end
  end)
end)

describe('an error', function()
  it('of the library blames the line of the program', function()
    local t = torch.DoubleTensor(3, 2)
    local line = debug.getinfo(1, 'l').currentline + 1
    local ok, message = pcall(function() return t:narrow(1, 3, 2) end)
    assert.is_false(ok)
    assert.truthy(message:find('tests/native_spec.lua:' .. line .. ':', 1, true), message)
    assert.is_nil(message:find('\n', 1, true))
  end)

  it('keeps its message, whatever it contains', function()
    local ok, message = pcall(native.fail, '100% of it')
    assert.is_false(ok)
    assert.truthy(message:find('100% of it', 1, true))
  end)
end)
