--- The name somebody probably meant: edit distance over a list of known names.
-- @module gantry.gan.nearest

-- Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours count one each.
local function distance(a, b)
  local before, previous, current = {}, {}, {}
  for j = 0, #b do previous[j] = j end
  for i = 1, #a do
    current[0] = i
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      local best = math.min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        best = math.min(best, before[j - 2] + 1)
      end
      current[j] = best
    end
    before, previous, current = previous, current, before
  end
  return previous[#b]
end

--- The known name nearest to the one given, or nil where none is near (more than 2 edits plus a third of its length), or the list is empty.
-- A name that begins or ends like the given one counts as near.
-- @string name what was typed
-- @tparam table names a list of known names
-- @treturn string|nil
-- @usage nearest('bacth', {'batch', 'size'}) --> 'batch'
return function(name, names)
  local best, best_distance
  local given = name:lower()
  for _, known in ipairs(names) do
    local candidate = known:lower()
    local d = distance(given, candidate)
    if #given >= 3 and (candidate:find(given, 1, true) or given:find(candidate, 1, true)) then d = math.min(d, 2) end
    if d <= 2 + math.floor(#given / 3) and d < math.max(#given, #candidate) and (not best or d < best_distance) then
      best, best_distance = known, d
    end
  end
  return best
end
