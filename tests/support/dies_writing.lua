--- Goes on with a run and dies inside the writing of a checkpoint: the system kills a process whose file grows beyond a limit,
-- after the bytes below it were written. Run by the specs: gantry tests/support/dies_writing.lua RUN WHICH BYTES
-- WHICH: the how-manieth checkpoint; BYTES: how many of it are written.
local ffi = require 'ffi'
local gan = require('gantry').gan
local checkpoint = require 'gantry.gan.checkpoint'

ffi.cdef [[
struct spec_rlimit { uint64_t soft, hard; };
int setrlimit(int, const struct spec_rlimit *);
]]
local RLIMIT_FSIZE, RLIMIT_CORE = 1, 4

local path, which, bytes = arg[1], tonumber(arg[2]), tonumber(arg[3])
local save, seen = checkpoint.save, 0
function checkpoint.save(...)
  seen = seen + 1
  if seen == which then
    ffi.C.setrlimit(RLIMIT_CORE, ffi.new('struct spec_rlimit', 0, 0))
    ffi.C.setrlimit(RLIMIT_FSIZE, ffi.new('struct spec_rlimit', bytes, bytes))
  end
  return save(...)
end
gan.session.resume({path = path, quiet = true}):run()
