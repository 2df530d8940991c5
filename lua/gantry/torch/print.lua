--- Tensors and storages as text: Torch7's layout (columns aligned, a common scale factor, the type and size at the end).
-- Tensors of more than a thousand elements are shortened with '...' to about a screen.
-- @module gantry.torch.print
local ffi = require 'ffi'
local native = require 'gantry.native'
local dtypes = require 'gantry.torch.dtypes'

local C = native.C
local floor, abs, huge = math.floor, math.abs, math.huge
local number_at = dtypes.number_at

local printer = {}

jit.off(true, true) -- text is never worth a trace, and takes many

local LINE = 80           -- characters in a line
local FULL = 1000         -- elements up to which everything is shown
local ROWS, SLICES = 12, 2 -- what is shown at each end of something longer

-- How to write these numbers: a format of fixed width, the width, and a factor to print apart (or nil). Rules as in Torch7:
-- whole numbers without a point, others with four decimals, scaled or in e-notation where the range asks for it.
local function format_of(values, count)
  local least, most, whole, finite = huge, 0, true, true
  for i = 1, count do
    local v = abs(values[i])
    if v < huge then
      if v < least then least = v end
      if v > most then most = v end
      if v ~= floor(v) then whole = false end
    else
      finite = false
    end
  end
  if least == huge then least = 0 end
  local exp_most = most == 0 and 1 or floor(math.log10(most)) + 1
  local exp_least = least == 0 and 1 or floor(math.log10(least)) + 1
  if whole then
    if exp_most > 9 then return '%11.4e', 11 end
    local width = math.max(exp_most + 1, finite and 0 or 4)
    return '%' .. width .. '.0f', width
  end
  if exp_most - exp_least > 4 then
    local width = (abs(exp_most) > 99 or abs(exp_least) > 99) and 12 or 11
    return '%' .. width .. '.4e', width
  end
  if exp_most > 5 or exp_most < 0 then return '%7.4f', 7, 10 ^ (exp_most - 1) end
  local width = exp_most == 0 and 7 or exp_most + 6
  return '%' .. width .. '.4f', width
end

-- Indices 1..n, or those at both ends with 0 for the gap.
local function picks(n, edge)
  local list = {}
  if n <= 2 * edge + 1 then
    for i = 1, n do list[i] = i end
  else
    for i = 1, edge do list[i] = i end
    list[edge + 1] = 0
    for i = n - edge + 1, n do list[#list + 1] = i end
  end
  return list
end

-- The numbers in some rows and columns, as a list and its length.
local function values_of(at, rows, columns)
  local values, n = {}, 0
  for _, i in ipairs(rows) do
    for _, j in ipairs(columns) do
      if i > 0 and j > 0 then
        n = n + 1
        values[n] = at(i, j)
      end
    end
  end
  return values, n
end

-- Appends a matrix: rows and columns are lists of 1-based indices with 0 for a gap; at(row, column) gives a number.
local function put_matrix(out, at, rows, columns, indent)
  local format, width, scale = format_of(values_of(at, rows, columns))
  local per_line = math.max(1, floor((LINE - #indent) / (width + 1)))
  for first = 1, #columns, per_line do
    local last = math.min(first + per_line - 1, #columns)
    if #columns > per_line then
      if first > 1 then out[#out + 1] = '\n' end
      out[#out + 1] = last > first and ('%sColumns %d to %d\n'):format(indent, first, last) or ('%sColumn %d\n'):format(indent, first)
    end
    if scale then out[#out + 1] = ('%s%g *\n'):format(indent, scale) end
    for _, i in ipairs(rows) do
      local line = {}
      for k = first, last do
        local j = columns[k]
        local text
        if i == 0 or j == 0 then
          text = (' '):rep(width - 3) .. '...'
        else
          text = format:format(at(i, j) / (scale or 1))
        end
        line[#line + 1] = text
      end
      out[#out + 1] = indent .. table.concat(line, ' ') .. '\n'
    end
  end
end

-- The columns to show: all, or as many from both ends as fit in a line with the width that their numbers take.
local function column_picks(at, rows, n, full, indent)
  if full then return picks(n, n) end
  local columns
  for edge = 4, 1, -1 do
    columns = picks(n, edge)
    local _, width = format_of(values_of(at, rows, columns))
    if #indent + #columns * (width + 1) <= LINE then break end
  end
  return columns
end

-- What is said in place of elements that cannot be had: memory that was released, a mapped file that got shorter.
local function gone(s, name)
  if bit.band(s.flags, C.GT_RELEASED) ~= 0 then return ('[%s whose memory was released]\n'):format(name) end
  if C.gt_storage_check(s, name) ~= 0 then return ('[%s]\n'):format(ffi.string(C.gt_last_error())) end
end

--- The text of a tensor.
-- @tparam tensor t any tensor
-- @treturn string
function printer.tensor(t)
  local name = dtypes.tensor_names[t.dtype]
  local missing = t.store ~= nil and gone(t.store, name)
  if missing then return missing end
  if t.rank == 0 then return ('[%s with no dimension]\n'):format(name) end
  local sizes, steps, count = {}, {}, 1
  for d = 1, t.rank do
    sizes[d], steps[d] = tonumber(t.shape[d - 1]), tonumber(t.step[d - 1])
    count = count * sizes[d]
  end
  local out = {}
  if count > 0 then
    local base = ffi.cast(dtypes.pointers[t.dtype], t.store.ptr) + t.offset
    local full, rank = count <= FULL, t.rank
    local edge = full and huge or ROWS
    if rank == 1 then
      local step = steps[1]
      put_matrix(out, function(i) return number_at(t.dtype, base + (i - 1) * step) end, picks(sizes[1], edge), {1}, '')
    elseif rank == 2 then
      local row, column = steps[1], steps[2]
      local function at(i, j) return number_at(t.dtype, base + (i - 1) * row + (j - 1) * column) end
      local rows = picks(sizes[1], edge)
      put_matrix(out, at, rows, column_picks(at, rows, sizes[2], full, ''), '')
    else
      local slices, row, column = 1, steps[rank - 1], steps[rank]
      for d = 1, rank - 2 do slices = slices * sizes[d] end
      local rows = picks(sizes[rank - 1], full and huge or ROWS / 4)
      for k, slice in ipairs(picks(slices, full and huge or SLICES)) do
        if k > 1 then out[#out + 1] = '\n' end
        if slice == 0 then
          out[#out + 1] = '...\n'
        else
          local names, first, left = {}, 0, slice - 1
          for d = rank - 2, 1, -1 do
            local i = left % sizes[d]
            left = floor(left / sizes[d])
            names[d] = ('%d'):format(i + 1)
            first = first + i * steps[d]
          end
          out[#out + 1] = '(' .. table.concat(names, ',') .. ',.,.) = \n'
          local function at(i, j) return number_at(t.dtype, base + first + (i - 1) * row + (j - 1) * column) end
          put_matrix(out, at, rows, column_picks(at, rows, sizes[rank], full, '  '), '  ')
        end
      end
    end
  end
  local text = {}
  for d = 1, t.rank do text[d] = ('%d'):format(sizes[d]) end
  out[#out + 1] = ('[%s of size %s]\n'):format(name, table.concat(text, 'x'))
  return table.concat(out)
end

--- The text of a storage.
-- @tparam storage s any storage
-- @treturn string
function printer.storage(s)
  local name = dtypes.storage_names[s.dtype]
  local missing = gone(s, name)
  if missing then return missing end
  local out, n = {}, tonumber(s.count)
  if n > 0 then
    local base = ffi.cast(dtypes.pointers[s.dtype], s.ptr)
    put_matrix(out, function(i) return number_at(s.dtype, base + i - 1) end, picks(n, n <= FULL and huge or ROWS), {1}, '')
  end
  out[#out + 1] = ('[%s of size %d]\n'):format(name, n)
  return table.concat(out)
end

return printer
