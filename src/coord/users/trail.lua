-- What the acts on users share: the trail, the rooms that a user was taken for of late, which says what a client missed.
-- It is a field of the user's hash while there is a socket; without one it is `rooms` of `past`, which has a TTL.
-- KEYS: none of its own; functions are given keys
-- ARGV: none
-- returns: nothing; defines more of `users`
-- twice: a trail that was moved is where it should be
-- While the user has a socket the trail is in the user's own hash; one that outlived the last socket is brought back.
function users.trail(u, past)
  if not u.trail then
    u.trail = redis.call('HGET', past, 'rooms')
    if u.trail then
      redis.call('HSET', u.key, 'trail', u.trail)
      redis.call('HDEL', past, 'rooms')
    end
  end
  -- Who sits in a room for longer than a trail is remembered without a socket, still sits there.
  if u.state == 'seated' and not string.find(u.trail or '', u.room, 1, true) then
    u.trail = u.trail and u.trail .. ' ' .. u.room or u.room
    redis.call('HSET', u.key, 'trail', u.trail)
  end
  return u.trail or ''
end

-- The last socket has gone: the trail is remembered for `ttl` ms (0: not).
function users.keep_trail(u, past, ttl)
  if not u.trail then return end
  redis.call('HDEL', u.key, 'trail')
  if ttl == '0' then return end
  redis.call('HSET', past, 'rooms', u.trail)
  redis.call('PEXPIRE', past, ttl)
end

-- There never was such a room.
function users.forget_room(u, past, room)
  local left = {}
  local trail = u.trail or redis.call('HGET', past, 'rooms') or ''
  for known in string.gmatch(trail, '%S+') do if known ~= room then left[#left + 1] = known end end
  local key, field = past, 'rooms'
  if u.trail then key, field = u.key, 'trail' end
  if #left == 0 then
    redis.call('HDEL', key, field)
  else
    redis.call('HSET', key, field, table.concat(left, ' '))
  end
end
