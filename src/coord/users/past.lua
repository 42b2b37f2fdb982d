-- What the acts on users share: sessions that a client may take up again, and the trail of rooms that says what it missed.
-- `past` (hash, TTL): "s:<session>" is when its connection ended and which socket it was; `rooms` is the trail.
-- KEYS: none of its own; functions are given keys
-- ARGV: none
-- returns: nothing; defines more of `users`
-- twice: a session is kept under its own name; a room stands in the trail once
-- Sessions remembered of one user; with more, those too old are looked for and forgotten.
local many = 16

-- The socket is gone; its client may come back for `ttl` ms (0: never).
function users.keep_session(u, past, sid, ttl)
  if not u.session[sid] then return end
  redis.call('HDEL', u.key, '#' .. sid)
  if ttl == '0' then return end
  redis.call('HSET', past, 's:' .. u.session[sid], now_text .. ' ' .. sid)
  redis.call('PEXPIRE', past, ttl)
  if redis.call('HLEN', past) <= many then return end
  local all = redis.call('HGETALL', past)
  for i = 1, #all, 2 do
    local ended = string.sub(all[i], 1, 2) == 's:' and tonumber(string.match(all[i + 1], '^%d+'))
    if ended and ended + tonumber(ttl) < now then redis.call('HDEL', past, all[i]) end
  end
end

-- Takes back the session of a socket that was given up for gone and is not.
function users.past_session(past, sid)
  local all = redis.call('HGETALL', past)
  for i = 1, #all, 2 do
    if string.match(all[i + 1], '^%d+ (.*)$') == sid then
      redis.call('HDEL', past, all[i])
      return string.sub(all[i], 3)
    end
  end
end

function users.trail(past) return redis.call('HGET', past, 'rooms') or '' end

-- The user was claimed for a room; of the rooms the last `most` are remembered, for `ttl` ms after the last (0: none).
function users.note_room(past, room, most, ttl)
  local rooms_of = users.trail(past)
  if ttl == '0' or string.find(rooms_of, room, 1, true) then return end
  local kept = {}
  for known in string.gmatch(rooms_of, '%S+') do kept[#kept + 1] = known end
  kept[#kept + 1] = room
  redis.call('HSET', past, 'rooms', table.concat(kept, ' ', math.max(1, #kept - tonumber(most) + 1)))
  redis.call('PEXPIRE', past, ttl)
end

-- There never was such a room.
function users.forget_room(past, room)
  local left = {}
  for known in string.gmatch(users.trail(past), '%S+') do if known ~= room then left[#left + 1] = known end end
  if #left == 0 then
    redis.call('HDEL', past, 'rooms')
  else
    redis.call('HSET', past, 'rooms', table.concat(left, ' '))
  end
end
