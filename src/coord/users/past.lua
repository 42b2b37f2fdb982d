-- What the acts on users share: sessions that a client may take up again.
-- `past` (hash, TTL): "s:<session>" is when its connection ended, which socket it was, and "seeking" if its user sought then;
-- `rooms` see `trail.lua`.
-- KEYS: none of its own; functions are given keys
-- ARGV: none
-- returns: nothing; defines more of `users`
-- twice: a session is kept under its own name
-- Sessions remembered of one user; with more, those too old are looked for and forgotten.
local many = 16

-- The socket is gone; its client may come back for `ttl` ms (0: never).
function users.keep_session(u, past, sid, ttl)
  if not u.session[sid] then return end
  redis.call('HDEL', u.key, '#' .. sid)
  if ttl == '0' then return end
  local doing = u.state == 'seeking' and ' seeking' or ''
  redis.call('HSET', past, 's:' .. u.session[sid], now_text .. ' ' .. sid .. doing)
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
    if string.match(all[i + 1], '^%d+ (%S+)') == sid then
      redis.call('HDEL', past, all[i])
      return string.sub(all[i], 3)
    end
  end
end
