-- What the acts on rooms share: seats, and where their people are.
-- A seat is "p node/sid node/sid ..." (present), "h until since" (held) or "e" (offered, nobody there yet).
-- KEYS: none of its own; functions are given keys
-- ARGV: none
-- returns: nothing; defines `rooms`
-- twice: holding a held seat moves its end; the rest reads or recomputes
rooms = {}

-- The room's hash as a table, seats under `seat`: opening, open, or what is remembered of one that is
-- over (`ended`, `discarded`); else nil.
function rooms.read(key)
  local flat = redis.call('HGETALL', key)
  if #flat == 0 then return nil end
  local r = {key = key, seat = {}}
  for i = 1, #flat, 2 do
    if string.sub(flat[i], 1, 2) == 's:' then
      r.seat[string.sub(flat[i], 3)] = flat[i + 1]
    else
      r[flat[i]] = flat[i + 1]
    end
  end
  return r
end

-- How many lines were said in `r`, and when the last one was, or when it opened (see say.lua).
function rooms.said(r)
  local lines, active = 0, tonumber(r.opened)
  for user in pairs(r.seat) do
    local lately = r['d:' .. user]
    if lately then
      local said, times = struct.unpack('>I4B', lately)
      lines, active = lines + said, math.max(active, struct.unpack('>I6', lately, 6 * times))
    end
  end
  return lines, active
end

function rooms.hold(r, room, user, timers, until_ms, since)
  r.seat[user] = 'h ' .. until_ms .. ' ' .. since
  redis.call('HSET', r.key, 's:' .. user, r.seat[user])
  redis.call('ZADD', timers, until_ms, 'hold|' .. room .. '|' .. user)
end
