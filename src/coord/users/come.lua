-- What the acts share by which a socket becomes a user's.
-- KEYS: none of its own; functions are given those of the act: 1 user, 2 sets of users per node (without the node), 3 counts, 4 arrivals of this minute
-- ARGV: none of its own; functions are given those of the act: 1 user, 2 sid, 3 most sockets a user may have, 4 ttl of the arrivals in ms
-- returns: nothing; defines more of `users`
-- twice: the socket is in the hash once; a user who already has sockets is not counted again
-- The socket is on this node now; false when the user has as many as allowed.
function users.attach(u, keys, args)
  local was_at = u.sockets[args[2]]
  if not was_at and u.count >= tonumber(args[3]) then return false end
  redis.call('HSET', keys[1], '@' .. args[2], node)
  redis.call('SADD', keys[2] .. node, args[1])
  if was_at and was_at ~= node then users.leave_node(u, was_at, keys[2], args[1], 1) end
  if u.count == 0 and not u.stays then
    redis.call('HINCRBY', keys[3], 'online', '1')
    redis.call('HSET', keys[3], 'changed', '1')
    if redis.call('INCR', keys[4]) == 1 then redis.call('PEXPIRE', keys[4], args[4]) end
  end
  return true
end

-- Now, in ms, by the clock that numbers the entries of logs.
function users.time()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The user's last `of_those` sockets on a node are gone from there: so is the user.
function users.leave_node(u, at, base, user, of_those)
  local there = 0
  for _, where in pairs(u.sockets) do if where == at then there = there + 1 end end
  if there == of_those then redis.call('SREM', base .. at, user) end
end

-- A newer socket takes the place of this one; the user stays.
function users.supersede(u, sid, keys, user)
  redis.call('HDEL', keys[1], '@' .. sid, '#' .. sid)
  local at = u.sockets[sid]
  if not at then return end
  u.stays = true
  users.leave_node(u, at, keys[2], user, 1)
  u.sockets[sid], u.count = nil, u.count - 1
end
