-- Takes one from each of several sliding windows that have one left; each counts for itself, whatever the others say.
-- KEYS: 1 window (string: the times of what was taken and is still inside, 6 bytes each), then the other windows
-- ARGV: 1 most, 2 window ms, then those of the other windows
-- returns: "taken" | "refused" (at least one had none left), then for each what is left, -1 where there was none to take,
--       and ms until there is one more
-- twice: takes one more; calls sent twice: see the prelude
local word, told = 'taken', {}
for i, key in ipairs(KEYS) do
  local most, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local times = redis.call('GET', key) or ''
  local from = 1
  while from < #times and struct.unpack('>I6', times, from) + window <= now do from = from + 6 end
  times = string.sub(times, from)
  local left = most - #times / 6
  if left > 0 then
    times, left = times .. struct.pack('>I6', now), left - 1
    redis.call('SET', key, times, 'PX', ARGV[2 * i])
  else
    word, left = 'refused', -1
  end
  -- Where a release allows fewer than the one before, more than one must leave before there is room.
  local first = 1 + 6 * math.max(0, #times / 6 - most)
  told[#told + 1] = left
  told[#told + 1] = struct.unpack('>I6', times, first) + window - now
end
return {word, unpack(told)}
