-- Lets go of the sockets of a dead node, a batch of users at a time.
-- KEYS: 1 users of the dead node, 2 users (without the name), 3 counts, 4 timers, 5 pasts (without the name)
-- ARGV: 1 dead node, 2 batch, 3 when a seeker without sockets loses the place, ms, 4 how long their clients may take up their sessions again, ms
-- returns: "reaped" number (less than the batch: none are left)
-- twice: users already reaped are no longer in the set
local batch = redis.call('SRANDMEMBER', KEYS[1], ARGV[2])
for _, user in ipairs(batch) do
  local u = users.read(KEYS[2] .. user, ARGV[1])
  for sid, at in pairs(u.sockets) do
    if at == ARGV[1] then
      redis.call('HDEL', u.key, '@' .. sid)
      users.keep_session(u, KEYS[5] .. user, sid, ARGV[4])
    end
  end
  if u.here > 0 and u.here == u.count then
    users.keep_trail(u, KEYS[5] .. user, ARGV[4])
    users.absent(u, user, KEYS[3], KEYS[4], ARGV[3])
  end
  redis.call('SREM', KEYS[1], user)
end
return {'reaped', #batch}
