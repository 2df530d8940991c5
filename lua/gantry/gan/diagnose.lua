--- After a loss or gradient that is not finite: where the numbers went wrong first, in plain words. Looks at the images, then
-- at the weights, then at what each layer makes of this step's batches, then at the gradients.
-- @module gantry.gan.diagnose
local ffi = require 'ffi'
local native = require 'gantry.native'
local autograd = require 'gantry.autograd'
local torch = require 'gantry.torch'

local C = native.C

local function bad_count(t)
  local count = ffi.new 'double[1]'
  native.check(C.gt_count_nonfinite(count, t))
  return count[0]
end

-- Calls visit(module, place) for each module without modules in it; place is '3', '2.1' ... as checkpoints name tensors.
local function leaves(net, place, visit)
  if not net.modules then return visit(net, place) end
  for i, child in ipairs(net.modules) do
    local found = leaves(child, place and place .. '.' .. i or tostring(i), visit)
    if found then return found end
  end
end

local function named(which, module, place) return ("%s's layer %s (%s)"):format(which, place or '1', torch.type(module)) end

local fields = {{'weight', 'weights'}, {'bias', 'biases'}}

local function bad_weights(which, net)
  return leaves(net, nil, function(m, place)
    for _, field in ipairs(fields) do
      local t = m[field[1]]
      local n = torch.isTensor(t) and bad_count(t) or 0
      if n > 0 then return ('%d of the %d %s of %s'):format(n, t:nElement(), field[2], named(which, m, place)) end
    end
  end)
end

-- Runs a network layer by layer; containers other than Sequential count as one layer.
local function bad_output(which, net, x, what)
  local found
  local function run(module, place)
    if torch.typename(module) == 'nn.Sequential' then
      for i, child in ipairs(module.modules) do
        run(child, place and place .. '.' .. i or tostring(i))
        if found then return end
      end
      return
    end
    x = module:forward(x)
    if autograd.is_value(x) and bad_count(x.data) > 0 then found = ('the output of %s on %s'):format(named(which, module, place), what) end
  end
  net:track(false)
  local ok = pcall(autograd.no_grad, run, net, nil)
  net:track(true)
  return ok and found or nil, x
end

-- Backward visits the last layer first: the last one that is wrong is where it began.
local function bad_gradient(which, net)
  local last
  leaves(net, nil, function(m, place)
    for _, name in ipairs {'gradWeight', 'gradBias'} do
      if torch.isTensor(m[name]) and m[name]:nElement() > 0 and bad_count(m[name]) > 0 then
        last = ('the gradients of %s'):format(named(which, m, place))
      end
    end
  end)
  return last
end

--- Says where numbers that are not finite came from.
-- @tparam Step s the step in which they were met, before s:clear()
-- @string turn 'D', 'G' ...: whose update it was
-- @treturn string "the output of G's layer 4 (nn.SpatialFullConvolution) on z", ...
return function(s, turn)
  local D, G = s.players.D and s.players.D.net, s.players.G.net
  if s.real and bad_count(s.real.data) > 0 then return 'the images of this batch' end
  local found = D and bad_weights('D', D) or bad_weights('G', G)
  if found then return found end
  local made
  if s.z then
    found, made = bad_output('G', G, s.fake_labels and {s.z, s.fake_labels} or s.z, 'z')
    if found then return found end
  end
  for _, batch in ipairs {{s.real, s.labels, 'real images'}, {made, s.fake_labels, 'generated images'}} do
    local x, labels, what = batch[1], batch[2], batch[3]
    if D and x then
      found = bad_output('D', D, s.takes_labels.D and {x, labels} or x, what)
      if found then return found end
    end
  end
  found = bad_gradient(turn, s.players[turn].net)
  return found or ("%s's loss itself; every layer's output is finite"):format(turn)
end
