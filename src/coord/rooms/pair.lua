-- What the acts share by which pairs are seated: both at once where both people live on the room's shard.
-- KEYS: none of its own; functions are given keys
-- ARGV: none
-- returns: nothing; defines more of `rooms`
-- twice: who was taken for the room is taken for it again
-- Takes both for the room and seats them, or neither; which of the two could be had. `k` is of `rooms.opening`, one of the
-- pair is {user, ticket, what `users.read` gave}.
function rooms.pair(k, r, room, log, one, other)
  local had_one, had_other = users.had(one[3], one[2], room), users.had(other[3], other[2], room)
  local has_one, has_other = had_one == 'free' or had_one == 'taken', had_other == 'free' or had_other == 'taken'
  if not (has_one and has_other) then return has_one, has_other end
  if had_one == 'free' then users.take(one[3], room, k.trail) end
  if had_other == 'free' then users.take(other[3], room, k.trail) end
  k.over[#k.over + 1] = 'seek|' .. one[1]
  k.over[#k.over + 1] = 'seek|' .. other[1]
  rooms.announce(k, r, room, log, one[1], one[3].sockets, other[1], other[3].sockets)
  return true, true
end

-- Writes what `announce` gathered.
function rooms.opened(k)
  if #k.over > 0 then redis.call('ZREM', k.timers, unpack(k.over)) end
  if #k.idle > 0 then redis.call('ZADD', k.timers, unpack(k.idle)) end
  for at, list in pairs(k.on) do redis.call('SADD', k.base .. at, unpack(list)) end
end
